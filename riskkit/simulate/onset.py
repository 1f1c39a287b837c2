"""When people fall ill: Gompertz hazards with age as time scale, inverted in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from riskkit.simulate.blood import Blood
from riskkit.simulate.diseases import NADIR, Disease, Effects, Hazard
from riskkit.simulate.people import DAYS_A_YEAR, People

NEVER = np.iinfo(np.int32).max
REFERENCE_AGE = 60.0
FIRST_AGE = 30.0
SURVIVAL_SHAPE = 0.6


def linear_predictor(hazard: Hazard, people: People, blood: Blood) -> np.ndarray:
    """Log hazard relative to a person with IGF-1 at the nadir and every covariate at its reference, shape (n,)."""
    distance = (blood.igf1_usual - NADIR) / 5
    covariates = {
        "bmi": (people.bmi - 27.5) / 5,
        "height": (people.height - np.where(people.male, 175.6, 162.4)) / 10,
        "previous": people.smoking == 1,
        "current": people.smoking == 2,
        "alcohol": people.alcohol == 1,
        "townsend": people.townsend / 3,
        "diabetes": people.diabetes,
        "pressure": (blood.systolic_usual - 138) / 20,
        "ldl": blood.ldl - 3.5,
    }
    total = hazard.log_hazard_ratio * distance + hazard.curvature * distance**2
    for field in fields(Effects):
        effect = getattr(hazard.effects, field.name)
        if effect:
            total = total + effect * covariates[field.name]
    return total


def intercepts(hazard: Hazard, predictor: np.ndarray, male: np.ndarray) -> tuple[float, float]:
    """Log hazard at age 60 of men and of women whose predictor is 0, so that the whole sex has the declared rate.

    ``-inf`` for a sex in which the event cannot occur.
    """
    found = []
    for rate, of_sex in ((hazard.men, male), (hazard.women, ~male)):
        possible = rate > 0 and of_sex.any()
        found.append(float(np.log(rate / 1e5) - np.log(np.exp(predictor[of_sex]).mean())) if possible else -np.inf)
    return found[0], found[1]


def gompertz_age(exponential: np.ndarray, log_hazard: np.ndarray, slope: float, entry: np.ndarray) -> np.ndarray:
    """Age at the event of people free of it at entry, by inverting the cumulative hazard.

    Parameters
    ----------
    exponential : array, shape (n,)
        Standard exponential draws.
    log_hazard : array, shape (n,)
        Log hazard per year at age 60.
    slope : float
        Rise of the log hazard per year of age; negative for a disease of the young, who may then never have it.
    entry : array, shape (n,)
        Age, years.

    Returns
    -------
    array, shape (n,)
        Years, ``inf`` for never.

    Notes
    -----
    Bender, Augustin & Blettner 2005, Stat Med 24:1713, with delayed entry.
    """
    with np.errstate(over="ignore"):
        grown = np.exp(slope * (entry - REFERENCE_AGE)) + slope * exponential * np.exp(-log_hazard)
    age = np.full(exponential.shape, np.inf)
    reached = (grown > 0) & np.isfinite(grown)
    age[reached] = REFERENCE_AGE + np.log(grown[reached]) / slope
    return age


def event_age(
    hazard: Hazard,
    people: People,
    blood: Blood,
    entry: np.ndarray,
    rng: np.random.Generator,
    more: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[float, float]]:
    """Draw ages at an event, shape (n,), and the intercepts (men, women) they were drawn with.

    `more`, shape (n,), is what else adds to the log hazard.
    """
    predictor = linear_predictor(hazard, people, blood)
    if more is not None:
        predictor = predictor + more
    men, women = intercepts(hazard, predictor, people.male)
    log_hazard = predictor + np.where(people.male, men, women)
    return gompertz_age(rng.standard_exponential(people.n), log_hazard, hazard.slope, entry), (men, women)


def as_date(age: np.ndarray, people: People) -> np.ndarray:
    """Turn ages (years) into days since 1970 (int32); `NEVER` past age 110."""
    known = age < 110
    days = people.birth + np.floor(np.where(known, age, 0) * DAYS_A_YEAR).astype(np.int32)
    return np.where(known, days, NEVER).astype(np.int32)


def years_survived(survival: float, already: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw years from diagnosis to death of the disease, of people who have lived `already` years with it.

    A Weibull distribution with a decreasing hazard, through the five-year survival; ``inf`` where nobody dies.
    """
    exponential = rng.standard_exponential(len(already))
    if survival == 1:
        return np.full(len(already), np.inf)
    scale = 5 / (-np.log(survival)) ** (1 / SURVIVAL_SHAPE)
    return scale * (exponential + (already / scale) ** SURVIVAL_SHAPE) ** (1 / SURVIVAL_SHAPE)


def onsets(
    diseases: tuple[Disease, ...],
    people: People,
    blood: Blood,
    rng: np.random.Generator,
    more: Mapping[str, np.ndarray] | None = None,
) -> tuple[np.ndarray, dict[str, tuple[float, float]]]:
    """Draw the date at which each person falls ill of each disease, were there no death.

    Hazards run from age 30, so that those who are ill before baseline are there too, as prevalent cases. Who would have
    died of the disease before baseline could not have come: such a person is drawn again, free of it at baseline.
    `more` is what else adds to the log hazard of some diseases, by their names.

    Returns
    -------
    dates : int32 array, shape (diseases, n)
        Days since 1970, `NEVER` for never.
    intercepts : dict
        Log hazard at age 60 of men and women, by disease.
    """
    dates = np.empty((len(diseases), people.n), np.int32)
    drawn_with = {}
    for row, (disease, stream) in enumerate(zip(diseases, rng.spawn(len(diseases)), strict=True)):
        first, again, dying = stream.spawn(3)
        else_ = (more or {}).get(disease.name)
        start = np.full(people.n, FIRST_AGE)
        age, drawn_with[disease.name] = event_age(disease.hazard, people, blood, start, first, else_)
        later, _ = event_age(disease.hazard, people, blood, people.age, again, else_)
        lived = years_survived(disease.survival, np.zeros(people.n), dying)
        dates[row] = as_date(np.where(age + lived < people.age, later, age), people)
    return dates, drawn_with
