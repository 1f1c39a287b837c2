"""Draws that the analysis accepts or rejects know of its bends and interactions, which matching does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from benchmarks.missing import CODED, FORMULAS, Scenario
from riskkit.errors import DataError, SpecError


def test_a_bent_covariate_is_not_flattened():
    scenario, random = Scenario("cox", "bent", "MAR"), np.random.default_rng(4)
    whole = scenario.people(random, 3000)
    data = scenario.lost(whole, random)
    formula = FORMULAS["cox"].format(c=CODED["bent"])
    common = {"predictors": "x + z", "m": 5, "iterations": 5, "seed": 1, "jobs": 1}
    accepted = rk.impute(data, ["c"], analysis=(rk.cox, formula), **common).fit(rk.cox, formula)
    matched = rk.impute(data, ["c"], outcomes=["Surv(time, event)"], **common).fit(rk.cox, formula)
    ours, theirs = (rk.contrast(fit, {"c": 1.5}, {"c": 0.0}).iloc[0] for fit in (accepted, matched))
    assert ours["estimate"] == pytest.approx(scenario.truth("c"), abs=2.5 * ours["se"])
    assert theirs["estimate"] < scenario.truth("c") - 2.5 * theirs["se"]


def test_an_interaction_of_an_imputed_category_is_kept():
    random = np.random.default_rng(6)
    n = 6000
    x, b = random.standard_normal(n), random.integers(2, size=n)
    y = (random.random(n) < 1 / (1 + np.exp(0.5 - x * (2.0 * b - 1.0)))).astype(float)
    whole = pd.DataFrame({"x": x, "b": np.array(["no", "yes"])[b], "y": y})
    data = whole.assign(b=whole["b"].where(random.random(n) > 0.4))
    found = rk.impute(
        data, ["b"], predictors="x", m=5, iterations=4, seed=1, jobs=1, analysis=(rk.logistic, "y ~ x * b")
    )
    fit = found.fit(rk.logistic, "y ~ x * b").tidy().set_index("term").loc["x:b=yes"]
    assert fit["estimate"] == pytest.approx(2.0, abs=3 * fit["se"])
    assert set(found.sets[0]["b"]) == {"no", "yes"}


def test_bounds_hold_and_the_seed_decides():
    random = np.random.default_rng(7)
    x = random.uniform(0, 1, 400)
    data = pd.DataFrame(
        {"x": np.where(random.random(400) < 0.3, np.nan, x), "y": (random.random(400) < x).astype(float)}
    )
    arguments = {"m": 2, "iterations": 3, "seed": 1, "jobs": 1, "bounds": {"x": (0.0, 1.0)}}
    one, two = (rk.impute(data, ["x"], analysis=(rk.logistic, "y ~ x"), **arguments) for _ in range(2))
    assert one.sets[0]["x"].between(0, 1).all()
    pd.testing.assert_frame_equal(one.sets[1], two.sets[1])
    with pytest.raises(SpecError, match="must be a Cox or a logistic model"):
        rk.impute(data, ["x"], analysis=(rk.linear, "y ~ x"), **arguments)
    weighted = data.assign(w=1.5)
    with pytest.raises(SpecError, match="has weights or a survey design"):
        rk.impute(weighted, ["x"], analysis=(lambda f, d: rk.logistic(f, d, weights="w"), "y ~ x"), **arguments)
    lost = data.assign(z=np.where(random.random(400) < 0.1, np.nan, random.standard_normal(400)))
    with pytest.raises(DataError, match="lack something else"):
        rk.impute(lost, ["x"], analysis=(rk.logistic, "y ~ x + z"), **arguments)
