"""Both ends of a curve against a reference: contrasts, Cochran's Q against a model of all subgroups, E-values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import SpecError


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Two groups: risk has a U in one of them and rises in the other."""
    random = np.random.default_rng(4)
    x, group = random.normal(150, 30, 3000), random.choice(["a", "b"], 3000)
    z = (x - 150) / 30
    linear = np.where(group == "a", 0.3 * z**2, 0.2 * z)
    time = random.exponential(1, 3000) / np.exp(linear)
    return pd.DataFrame({"x": x, "group": group, "time": time.clip(max=0.4), "event": time <= 0.4})


def test_ends_are_contrasts(people):
    fit = rk.cox("Surv(time, event) ~ rcs(x, 5)", people)
    found = rk.ends(fit, "x", limits=(100, 200), reference=150)
    assert found["end"].tolist() == ["low", "high"]
    for row in found.itertuples():
        expected = rk.contrast(fit, {"x": row.x}, {"x": 150}).iloc[0]
        for name in ("estimate", "se", "ratio", "low", "high", "p"):
            assert getattr(row, name) == pytest.approx(expected[name], rel=1e-12)
    assert rk.ends(fit.light(), "x").loc[0, "x"] == pytest.approx(np.percentile(people["x"], 5))
    with pytest.raises(SpecError, match="must lie between the limits"):
        rk.ends(fit, "x", limits=(100, 200), reference=220)


KNOTS = [100, 130, 150, 170, 200]


def test_subgroups_are_compared_as_an_interaction_in_one_stratified_model(people):
    # One model with a product and a stratum for each group has the same likelihood as a model of each group alone.
    fits = {name: rk.cox(f"Surv(time, event) ~ rcs(x, {KNOTS})", rows) for name, rows in people.groupby("group")}
    found = rk.ends_by_subgroup(fits, "x", limits=(100, 200), reference=150)
    whole = rk.cox(f"Surv(time, event) ~ rcs(x, {KNOTS}) + rcs(x, {KNOTS}):C(group) + strata(group)", people)
    for end, at in (("low", 100), ("high", 200)):
        difference = rk.curve_difference(whole, "x", {"group": "b"}, {"group": "a"}, reference=150, grid=[at]).iloc[0]
        row = found.tests.set_index("end").loc[end]
        assert row["q"] == pytest.approx((difference["estimate"] / difference["se"]) ** 2, rel=1e-5)
        assert row["df"] == 1
    both = found.tests.set_index("end").loc["both"]
    assert both["df"] == 2
    assert both["q"] > found.tests["q"].iloc[:2].max()
    assert both["p"] < 0.001
    assert found.ends["subgroup"].tolist() == ["a", "a", "b", "b"]


def test_average_slopes_miss_what_both_ends_show(people):
    # In one group a U, in the other the U upside down: no slope on average in either.
    random = np.random.default_rng(9)
    z = (people["x"] - 150) / 30
    time = random.exponential(1, len(people)) / np.exp(np.where(people["group"] == "a", 0.3, -0.3) * z**2)
    data = people.assign(time=time.clip(upper=0.4), event=time <= 0.4)
    lines = {name: rk.cox("Surv(time, event) ~ x", rows) for name, rows in data.groupby("group")}
    slopes = pd.DataFrame([fit.tidy().iloc[0] for fit in lines.values()])
    line = np.diff(slopes["estimate"]) ** 2 / (slopes["se"] ** 2).sum()
    curves = {name: rk.cox(f"Surv(time, event) ~ rcs(x, {KNOTS})", rows) for name, rows in data.groupby("group")}
    tests = rk.ends_by_subgroup(curves, "x", limits=(100, 200), reference=150).tests.set_index("end")
    assert line.item() < 10 < tests.loc["both", "q"]


def test_subgroups_that_cannot_be_compared_are_refused(people):
    fit = rk.cox("Surv(time, event) ~ rcs(x, 5)", people)
    with pytest.raises(SpecError, match="two or more subgroups; got 1"):
        rk.ends_by_subgroup({"a": fit}, "x", limits=(100, 200), reference=150)
    with pytest.raises(SpecError, match="give limits and reference as numbers"):
        rk.ends_by_subgroup({"a": fit, "b": fit}, "x", limits=("p5", "p95"), reference=150)
    design = rk.SurveyDesign(weights="w")
    survey = rk.cox("Surv(time, event) ~ rcs(x, 5)", people.assign(w=1.0), survey=design)
    with pytest.raises(SpecError, match="'b' is of a survey"):
        rk.ends_by_subgroup({"a": fit, "b": survey}, "x", limits=(100, 200), reference=150)


def test_evalues_are_those_of_the_contrasts(people):
    fit = rk.logistic("event ~ rcs(x, 5)", people)
    found = rk.end_evalues(fit, "x", rare=False)
    for row in found.itertuples():
        expected = rk.evalue(row.ratio, row.low, row.high, measure="odds ratio", rare=False)
        assert (row.evalue, row.evalue_limit, row.evalue_scale) == (expected.estimate, expected.limit, expected.scale)
    with pytest.raises(SpecError, match="whether the outcome is rare"):
        rk.end_evalues(fit, "x")
    line = rk.linear("x ~ time", people)
    with pytest.raises(SpecError, match="exponentiated difference"):
        rk.end_evalues(line, "time", limits=(0.0, 0.4), reference=0.2)
