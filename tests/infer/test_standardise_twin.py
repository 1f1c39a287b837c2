"""The simulated twin knows its truth: standardised 10-year risks of its diseases are recovered on the age scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.simulate.blood import Blood
from riskkit.simulate.diseases import DISEASES, NADIR, Hazard
from riskkit.simulate.onset import linear_predictor
from riskkit.simulate.people import DAYS_A_YEAR
from riskkit.simulate.twin import Twin, draw_twin

NAMES = [disease.name for disease in DISEASES]
ILL, OTHER = "breast", "skin_non_melanoma"
LEVELS = [15.0, 22.0, 30.0]
START, UNTIL = 60.0, 70.0


@pytest.fixture(scope="module")
def twin() -> Twin:
    return draw_twin(60_000, seed=29)


def hazard_of(name: str) -> Hazard:
    return DISEASES[NAMES.index(name)].hazard


def of_igf1(hazard: Hazard, igf1: np.ndarray | float) -> np.ndarray:
    distance = (np.asarray(igf1) - NADIR) / 5
    return hazard.log_hazard_ratio * distance + hazard.curvature * distance**2


def women(twin: Twin) -> pd.DataFrame:
    """Women free of both diseases at baseline, followed until the first of them, death or loss."""
    people, blood = twin.people, twin.blood
    onset = {name: twin.onset[NAMES.index(name)] for name in (ILL, OTHER)}
    end = np.minimum(
        np.minimum(twin.follow_up.death, twin.follow_up.lost), int(np.datetime64("2020-12-31").astype(int))
    )
    last = np.minimum(np.minimum(onset[ILL], onset[OTHER]), end)
    data = pd.DataFrame(
        {
            "entry": people.age, "exit": (last - people.birth) / DAYS_A_YEAR, "igf1": blood.igf1_usual,
            ILL: (onset[ILL] == last) & (onset[ILL] < onset[OTHER]),
            OTHER: (onset[OTHER] == last) & (onset[OTHER] < onset[ILL]),
            "rest": rest(twin, blood),
        }
    )  # fmt: skip
    inside = ~people.male & (last > people.baseline) & (onset[ILL] > people.baseline) & (onset[OTHER] > people.baseline)
    return data[inside & (data["exit"] > data["entry"])]


def rest(twin: Twin, blood: Blood) -> np.ndarray:
    """What the other covariates do to the log hazard of breast cancer."""
    return linear_predictor(hazard_of(ILL), twin.people, blood) - of_igf1(hazard_of(ILL), blood.igf1_usual)


def truth(twin: Twin, data: pd.DataFrame, level: float) -> float:
    """Mean over the women of the risk from START to UNTIL had they this IGF-1, both hazards as declared."""
    age = np.linspace(START, UNTIL, 401)
    hazards, total = [], 0.0
    rests = {ILL: np.sort(data["rest"].to_numpy())[50::100], OTHER: np.zeros(1)}
    for name in (ILL, OTHER):
        hazard, (_, intercept) = hazard_of(name), twin.intercepts[name]
        log = intercept + of_igf1(hazard, level) + rests[name][:, None] + hazard.slope * (age - START)
        hazards.append(np.exp(log))
        total = total + (hazards[-1] - hazards[-1][:, :1]) / hazard.slope
    return float(np.trapezoid(hazards[0] * np.exp(-total), age, axis=1).mean())


def test_the_other_disease_has_no_covariates() -> None:
    assert hazard_of(OTHER).hazard_ratio == 1
    assert hazard_of(OTHER).curvature == 0


def test_standardised_risks_and_their_differences_are_the_twin_s(twin: Twin) -> None:
    data = women(twin)
    causes = {
        ILL: rk.cox(f"Surv(entry, exit, {ILL}) ~ rcs(igf1, 3) + rest", data),
        OTHER: rk.cox(f"Surv(entry, exit, {OTHER}) ~ rcs(igf1, 3) + rest", data),
    }
    true = np.array([truth(twin, data, level) for level in LEVELS])
    risk = rk.standardise(causes, "igf1", LEVELS, [UNTIL], start=START).query("cause == @ILL")
    assert (np.abs(risk["estimate"] - true) < 3 * risk["se"]).all()
    assert (risk["se"] < 0.1 * true).all()
    difference = rk.standardise(causes, "igf1", LEVELS, [UNTIL], start=START, effect="difference").query(
        "cause == @ILL"
    )
    assert (np.abs(difference["estimate"] - (true[1:] - true[0])) < 3 * difference["se"]).all()
