"""What truth.json says: the effects the twin was drawn with, to judge an analysis by."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from riskkit.simulate.blood import RESIDUAL_SD, WITHIN_PERSON_SD, YEARLY_CHANGE, Blood
from riskkit.simulate.diseases import (
    CANCERS,
    CARDIOVASCULAR_DEATH,
    DISEASES,
    NADIR,
    OTHER_DEATH,
    Disease,
    Hazard,
)
from riskkit.simulate.follow_up import (
    CANCER_END,
    CANCER_START,
    DEATH_END,
    HOSPITAL_END,
    HOSPITAL_START,
    FollowUp,
)
from riskkit.simulate.onset import NEVER
from riskkit.simulate.people import COUNTRIES, People

GRID = np.arange(8.0, 40.5, 0.5)

# Outcomes that share one curve: every component has the same effect of IGF-1, so theirs is exact too.
SHARED = {
    "myocardial_infarction": ("myocardial_infarction",),
    "coronary_heart_disease": ("myocardial_infarction", "other_ischaemic_heart_disease"),
    "heart_failure": ("heart_failure",),
    "ischaemic_stroke": ("ischaemic_stroke",),
    "haemorrhagic_stroke": ("subarachnoid_haemorrhage", "intracerebral_haemorrhage"),
    "stroke": ("ischaemic_stroke", "unspecified_stroke", "subarachnoid_haemorrhage", "intracerebral_haemorrhage"),
}

# What IGF-1 depends on; diseases depend on nothing else that IGF-1 is correlated with.
ADJUST_FOR = {
    "p31": "sex (stratum)", "p21001_i0": "body mass index", "p50_i0": "height", "p20116_i0": "smoking status",
    "p1558_i0": "alcohol: daily or almost daily against less", "p189": "Townsend index", "p2443_i0": "diabetes",
}  # fmt: skip


def curve(hazard: Hazard, igf1: np.ndarray) -> np.ndarray:
    """Log hazard ratio of usual IGF-1 (nmol/L, any shape) against the nadir, as `linear_predictor` uses it."""
    distance = (igf1 - NADIR) / 5
    return hazard.log_hazard_ratio * distance + hazard.curvature * distance**2


def mixture(parts: list[tuple[Hazard, int]], usual: np.ndarray) -> np.ndarray:
    """Log hazard ratio on `GRID`, against its least value, of an event that is whichever of its parts comes first.

    Parameters
    ----------
    parts : list of (Hazard, int)
        The parts' hazards and numbers of events.
    usual : array, shape (n,)
        Usual IGF-1 of everybody.

    Notes
    -----
    Each part's share of the hazard at the nadir is its number of events over the mean of its hazard ratio, which
    holds while events are rare and the parts' other covariates alike: an approximation, unlike the other truths.
    """
    total = np.zeros(len(GRID))
    for hazard, events in parts:
        total += events / np.exp(curve(hazard, usual)).mean() * np.exp(curve(hazard, GRID))
    return np.log(total / total.min())


def describe_truth(
    people: People,
    blood: Blood,
    follow_up: FollowUp,
    onset: np.ndarray,
    intercepts: dict[str, tuple[float, float]],
    seed: int,
) -> dict[str, Any]:
    """Gather the truth of one twin, ready for JSON; the fields are listed in docs/simulated-ukb.md."""
    hazards = {disease.name: disease.hazard for disease in DISEASES}
    hazards |= {"cardiovascular_death": CARDIOVASCULAR_DEATH, "other_death": OTHER_DEATH}
    error = WITHIN_PERSON_SD**2
    spread = float(blood.igf1_usual.var(ddof=1))
    return {
        "simulated": True,
        "n": people.n,
        "seed": seed,
        "igf1": {
            "field": "p30770",
            "unit": "nmol/L",
            "usual_mean": float(blood.igf1_usual.mean()),
            "usual_sd": spread**0.5,
            "residual_sd": RESIDUAL_SD,
            "within_person_sd": WITHIN_PERSON_SD,
            "yearly_change": YEARLY_CHANGE,
            "dilution_ratio": {
                "given_covariates": RESIDUAL_SD**2 / (RESIDUAL_SD**2 + error),
                "marginal": spread / (spread + error),
            },
            "adjust_for": ADJUST_FOR,
        },
        "outcomes": _outcomes(people, blood, follow_up, onset),
        "hazards": {
            name: {
                "log_hazard_at_60": {"men": _finite(intercepts[name][0]), "women": _finite(intercepts[name][1])},
                "slope_per_year": hazard.slope,
                "covariates": {effect: value for effect, value in asdict(hazard.effects).items() if value},
            }
            for name, hazard in hazards.items()
        },
        "registers": {
            "hospital": _span(HOSPITAL_START, HOSPITAL_END),
            "cancer": _span(CANCER_START, CANCER_END),
            "death": {country: {"end": end} for country, end in zip(COUNTRIES, DEATH_END, strict=True)},
        },
    }


def _outcomes(people: People, blood: Blood, follow_up: FollowUp, onset: np.ndarray) -> dict[str, Any]:
    by_name = {disease.name: disease for disease in DISEASES}
    outcomes: dict[str, Any] = {cancer.name: _linear(cancer) for cancer in CANCERS}
    outcomes |= {name: _u(by_name[parts[0]].hazard, list(parts)) for name, parts in SHARED.items()}
    outcomes["cardiovascular_death"] = _u(CARDIOVASCULAR_DEATH, ["cardiovascular_death"])

    incident = ((onset > people.baseline) & (onset <= follow_up.until(CANCER_END, people))).sum(axis=1)
    counted = {
        disease.name: (disease.hazard, int(cases))
        for disease, cases in zip(DISEASES, incident, strict=True)
        if disease.kind == "cancer" or disease.name in ("unknown_primary", "eye")
    }
    outcomes["all_cancer"] = _mixed(counted, blood.igf1_usual)
    killed_by = np.char.startswith(follow_up.underlying, "C")
    deaths = {"other_death": (OTHER_DEATH, int(((follow_up.death != NEVER) & ~killed_by).sum()))}
    for disease in DISEASES:
        of_it = int(np.isin(follow_up.underlying, disease.icd10).sum())
        if disease.kind != "vascular" and of_it:
            deaths[disease.name] = (disease.hazard, of_it)
    outcomes["all_deaths"] = _mixed(deaths, blood.igf1_usual)
    return outcomes


def _linear(cancer: Disease) -> dict[str, Any]:
    hazard = cancer.hazard
    sex = "women" if hazard.men == 0 else "men" if hazard.women == 0 else "both"
    return {
        "shape": "linear",
        "exact": True,
        "sex": sex,
        "log_hazard_ratio_per_5": hazard.log_hazard_ratio,
        "hazard_ratio_per_5": hazard.hazard_ratio,
        "null": hazard.hazard_ratio == 1,
    }


def _u(hazard: Hazard, parts: list[str]) -> dict[str, Any]:
    return {
        "shape": "u",
        "exact": True,
        "sex": "both",
        "nadir": NADIR,
        "curvature_per_5_squared": hazard.curvature,
        "parts": parts,
    }


def _mixed(parts: dict[str, tuple[Hazard, int]], usual: np.ndarray) -> dict[str, Any]:
    log_ratio = mixture(list(parts.values()), usual)
    return {
        "shape": "mixture",
        "exact": False,
        "sex": "both",
        "nadir": float(GRID[log_ratio.argmin()]),
        "curve": {"igf1": GRID.tolist(), "log_hazard_ratio": log_ratio.round(5).tolist()},
        "parts": {name: events for name, (_, events) in parts.items()},
    }


def _span(start: tuple[str, ...], end: tuple[str, ...]) -> dict[str, dict[str, str]]:
    return {country: {"start": first, "end": last} for country, first, last in zip(COUNTRIES, start, end, strict=True)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
