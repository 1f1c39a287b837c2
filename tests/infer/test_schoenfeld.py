from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import FitError, SpecError

R = json.loads((REFERENCE / "incidence.json").read_text())["smooths"]
DATA = pd.read_csv(REFERENCE / "incidence.csv").assign(group=[1, 2] * 150)


@pytest.mark.parametrize(
    ("model", "formula"),
    [("plain", "Surv(exit, event) ~ x + entry"), ("strata", "Surv(entry, exit, event) ~ x + strata(group)")],
)
def test_it_is_what_r_draws(model: str, formula: str) -> None:
    fit = rk.cox(formula, DATA)
    found = rk.schoenfeld_smooth(fit, "x", level=0.9)
    for column in ("time", "estimate", "se"):
        assert_allclose(found[column], R[model][column], rtol=1e-7)
    assert_allclose(np.log(found["high"] / found["low"]), 2 * fit.critical(0.9) * found["se"])
    assert_allclose(found["ratio"], np.exp(found["estimate"]))


def test_a_coefficient_that_changes_is_followed() -> None:
    """The log hazard ratio falls from 0.4 to -0.4 in a straight line between times 0 and 2."""
    random = np.random.default_rng(3)
    x, target = random.choice([-1.0, 1.0], 6000), random.exponential(size=6000)
    grid = np.linspace(0, 2, 2001)
    hazard = {sign: np.cumsum(np.exp(0.4 * sign * (1 - grid))) * (grid[1] - grid[0]) for sign in (-1.0, 1.0)}
    time = np.where(x > 0, np.interp(target, hazard[1.0], grid), np.interp(target, hazard[-1.0], grid))
    data = pd.DataFrame({"time": np.minimum(time, 1.99), "event": time < 1.99, "x": x})
    found = rk.schoenfeld_smooth(rk.cox("Surv(time, event) ~ x", data), "x", points=20)
    assert (abs(found["estimate"] - 0.4 * (1 - found["time"])) < 3.5 * found["se"]).all()
    assert found["estimate"].iloc[0] > 0.25 > -0.25 > found["estimate"].iloc[-1]


def test_what_cannot_be_smoothed() -> None:
    fit = rk.cox("Surv(exit, event) ~ x", DATA)
    with pytest.raises(SpecError, match="no coefficient 'y'"):
        rk.schoenfeld_smooth(fit, "y")
    one = DATA.assign(exit=DATA["exit"].where(DATA.index % 10 == 0, DATA["exit"].median()))
    with pytest.raises(FitError, match="knots of a smooth over time coincide"):
        rk.schoenfeld_smooth(rk.cox("Surv(exit, event) ~ x", one), "x")
    few = DATA.assign(exit=DATA["exit"].round(-1).clip(60, 80), event=DATA["event"])
    with pytest.raises(FitError, match="3 event times are too few"):
        rk.schoenfeld_smooth(rk.cox("Surv(exit, event) ~ x", few), "x")
