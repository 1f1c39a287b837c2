"""How long people are seen: ends of the registers by country, loss to follow-up, and deaths by cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskkit.simulate.blood import Blood
from riskkit.simulate.diseases import CARDIOVASCULAR_DEATH, DISEASES, OTHER_DEATH
from riskkit.simulate.onset import NEVER, as_date, event_age, years_survived
from riskkit.simulate.people import COUNTRIES, DAYS_A_YEAR, People, days

# First and last complete day by register and country (England, Scotland, Wales): what the twin's registers hold.
HOSPITAL_START = ("1997-04-01", "1981-01-01", "1999-04-01")
HOSPITAL_END = ("2022-10-31", "2022-08-31", "2022-05-31")
CANCER_START = ("1971-01-01", "1957-01-01", "1971-01-01")
CANCER_END = ("2020-12-31", "2021-11-30", "2016-12-31")
DEATH_END = ("2022-11-30", "2022-11-30", "2022-11-30")

LOST_SHARE = 0.0026
LOST_BY = "2017-05-24"
LOST_REASONS = (1, 2, 3, 4, 5)

# Codes for a cardiovascular death of somebody without earlier heart disease or stroke: none of them is on the lists of
# coronary disease, heart failure or stroke, so that a death never makes a first event the incidence model did not draw.
SUDDEN_VASCULAR = ("I710", "I713", "I718", "I269", "I469", "I429", "I350", "I48", "I119", "I709", "I739", "I802")
OTHER_CAUSES = (
    "J440", "J449", "J189", "J841", "G20", "G309", "G122", "F019", "F03", "K703", "K746", "A419", "N390", "E112",
    "E149", "W199", "X599", "R54",
)  # fmt: skip
COVID = "U071"
COVID_START = "2020-03-01"


@dataclass(frozen=True)
class FollowUp:
    """What the registers can see, arrays of shape (n,), dates in days since 1970 (`NEVER` where there is none).

    Attributes
    ----------
    death : int32
        Date of death, where the death register has it.
    underlying : str
        ICD-10 code of the underlying cause; empty without a death.
    lost : int32
        Date lost to follow-up.
    lost_reason : int
        Encoding 1965, 0 where not lost.
    """

    death: np.ndarray
    underlying: np.ndarray
    lost: np.ndarray
    lost_reason: np.ndarray

    def until(self, ends: tuple[str, ...], people: People) -> np.ndarray:
        """Last day a register can hold of each person: its end in the country, loss to follow-up, or death."""
        return np.minimum(np.minimum(self.death, self.lost), by_country(ends, people))


def by_country(dates: tuple[str, ...], people: People) -> np.ndarray:
    """Days since 1970 of each person's country, from one date for each of `COUNTRIES`."""
    return np.array([days(date) for date, _ in zip(dates, COUNTRIES, strict=True)], np.int32)[people.country]


def follow(
    people: People, blood: Blood, onset: np.ndarray, rng: np.random.Generator
) -> tuple[FollowUp, dict[str, tuple[float, float]]]:
    """Draw deaths (cardiovascular, of a tumour after its diagnosis, other) and losses to follow-up.

    Parameters
    ----------
    people : People
    blood : Blood
    onset : int32 array, shape (diseases, n)
        As `onsets` draws them.
    rng : numpy.random.Generator

    Returns
    -------
    FollowUp
    intercepts : dict
        Log hazard at age 60 of men and women, by cause of death.
    """
    losses, vascular, other, tumours, codes = rng.spawn(5)
    lost, reason = _losses(people, losses)
    vascular_age, vascular_intercepts = event_age(CARDIOVASCULAR_DEATH, people, blood, people.age, vascular)
    other_age, other_intercepts = event_age(OTHER_DEATH, people, blood, people.age, other)
    tumour_death, tumour = _tumour_deaths(people, onset, tumours)
    vascular_death = as_date(vascular_age, people)
    candidates = np.stack([vascular_death, as_date(other_age, people), tumour_death])
    # Somebody who came to the assessment centre was alive that day.
    death = np.maximum(candidates.min(axis=0), people.baseline + 1)
    cause = candidates.argmin(axis=0)
    unseen = (death > by_country(DEATH_END, people)) | (death > lost)
    death[unseen] = NEVER
    underlying = _underlying(death, cause, tumour, onset, codes)
    intercepts = {"cardiovascular_death": vascular_intercepts, "other_death": other_intercepts}
    return FollowUp(death, underlying, lost, reason), intercepts


def _losses(people: People, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    is_lost = rng.random(people.n) < LOST_SHARE
    when = people.baseline + 1 + np.floor(rng.random(people.n) * (days(LOST_BY) - people.baseline)).astype(np.int32)
    reason = rng.choice(LOST_REASONS, people.n, p=(0.05, 0.15, 0.55, 0.05, 0.20))
    return np.where(is_lost, when, NEVER).astype(np.int32), np.where(is_lost, reason, 0)


def _tumour_deaths(people: People, onset: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Date of the first death of a tumour and the row of that tumour, given that everybody was alive at baseline."""
    death = np.full(people.n, NEVER, np.int32)
    tumour = np.full(people.n, -1)
    for row, (disease, stream) in enumerate(zip(DISEASES, rng.spawn(len(DISEASES)), strict=True)):
        if disease.survival == 1:
            continue
        ill = np.flatnonzero(onset[row] != NEVER)
        start = onset[row][ill]
        already = np.maximum(people.baseline[ill] - start, 0) / DAYS_A_YEAR
        years = np.minimum(years_survived(disease.survival, already, stream), 120)
        when = (start + np.floor(years * DAYS_A_YEAR)).astype(np.int32)
        first = when < death[ill]
        death[ill[first]] = when[first]
        tumour[ill[first]] = row
    return death, tumour


def _underlying(
    death: np.ndarray, cause: np.ndarray, tumour: np.ndarray, onset: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    dead = death != NEVER
    code = np.full(len(death), "", dtype="<U5")
    of_vessels, of_other, of_tumour = (np.flatnonzero(dead & (cause == kind)) for kind in range(3))
    code[of_other] = rng.choice(OTHER_CAUSES, len(of_other))
    covid = of_other[(death[of_other] >= days(COVID_START)) & (rng.random(len(of_other)) < 0.12)]
    code[covid] = COVID
    code[of_vessels] = rng.choice(SUDDEN_VASCULAR, len(of_vessels))
    latest = np.full(len(of_vessels), np.iinfo(np.int32).min)
    for row, (disease, stream) in enumerate(zip(DISEASES, rng.spawn(len(DISEASES)), strict=True)):
        if disease.kind == "vascular":
            when = onset[row][of_vessels]
            later = (when <= death[of_vessels]) & (when > latest)
            code[of_vessels[later]] = stream.choice(disease.icd10, int(later.sum()))
            latest[later] = when[later]
        else:
            killed = of_tumour[tumour[of_tumour] == row]
            code[killed] = stream.choice(disease.icd10, len(killed))
    return code
