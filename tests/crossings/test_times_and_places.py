"""Times below zero or equal up to rounding, percentiles that look like values, labels that stand for several rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.imputation.hazard import hazard_lived


@pytest.mark.parametrize("shift", [-1000.0, -3.0, 0.0, 1000.0])
def test_incidence_knows_no_origin(people: pd.DataFrame, shift: float) -> None:
    arguments = {"event": people["e"], "competing": (people["e"] == 0) & (people["y"] == 1)}
    plain = rk.incidence(people["exit"], entry=people["entry"], **arguments)
    moved = rk.incidence(people["exit"] + shift, entry=people["entry"] + shift, **arguments)
    assert_allclose(moved.drop(columns="time"), plain.drop(columns="time"), rtol=1e-8)


def test_so_do_cox_models_their_tests_and_baselines(people: pd.DataFrame) -> None:
    formula = "Surv(entry, exit, e) ~ rcs(x, 4) + smk"
    moved = people.assign(entry=people["entry"] - 50, exit=people["exit"] - 50)
    plain, again = (rk.cox(formula, data) for data in (people, moved))
    assert_allclose(again.coef, plain.coef, rtol=1e-8)
    for transform in ("km", "rank", "identity"):
        assert_allclose(rk.ph_test(again, transform)["chi2"], rk.ph_test(plain, transform)["chi2"], rtol=1e-7)
    assert_allclose(rk.baseline(again)["cumhaz"], rk.baseline(plain)["cumhaz"], rtol=1e-8)
    assert_allclose(rk.concordance(again).estimate, rk.concordance(plain).estimate, rtol=1e-12)


@pytest.mark.parametrize("entry", [True, False])
def test_times_are_tied_alike_in_the_model_and_in_the_hazard(people: pd.DataFrame, entry: bool) -> None:
    random = np.random.default_rng(2)
    jittered = people.copy()
    for name in ("entry", "exit"):
        jittered[name] *= 1 + random.uniform(-1, 1, len(people)) * 1e-13
    response = "Surv(entry, exit, e)" if entry else "Surv(exit, e)"
    hazards = []
    for data in (people, jittered):
        fit = rk.cox(f"{response} ~ x", data, ties="breslow")
        lived = hazard_lived(fit.design.response, np.exp(fit.coef[0] * data["x"].to_numpy()))
        assert_allclose(data["e"] - lived * np.exp(fit.coef[0] * data["x"]), rk.residuals(fit), atol=1e-9)
        hazards.append(hazard_lived(fit.design.response))
    assert_allclose(hazards[1], hazards[0], rtol=1e-9)


def test_a_percentile_is_written_as_one(people: pd.DataFrame) -> None:
    fit = rk.logistic("y ~ rcs(x, 3)", people)
    with pytest.raises(SpecError, match="'8' may be a value or a percentile; write 8 for the value, or 'p8'"):
        rk.curve(fit, "x", reference="8")
    assert rk.curve(fit, "x", reference="p8")["reference"].iloc[0] == pytest.approx(np.percentile(people["x"], 8))


def test_medians_of_groups_are_those_of_the_rows_used_whatever_their_labels(people: pd.DataFrame) -> None:
    data = people.assign(z=people["z"].where(people["z"] < 0.8))
    doubled = pd.concat([data[:120], data[120:].set_index(pd.RangeIndex(120))])
    fit, again = (rk.logistic("y ~ fifths(x) + z", frame) for frame in (data, doubled))
    assert fit.n_missing
    expected = rk.trend(fit, "x", "median", data=data)
    assert_allclose(rk.trend(again, "x", "median", data=doubled).iloc[:, 1:], expected.iloc[:, 1:], rtol=1e-12)
    assert_allclose(rk.trend(fit, "x", "median", data=data[::-1]).iloc[:, 1:], expected.iloc[:, 1:], rtol=1e-12)
    with pytest.raises(DataError, match="rows of the data share labels"):
        rk.trend(again, "x", "median", data=doubled[::-1])


def test_matching_fixes_the_prevalence_that_reri_would_warn_of(people: pd.DataFrame) -> None:
    matched = rk.clogit("case ~ smk * sex + strata(set)", people)
    asked = ({"smk": "c", "sex": "M"}, {"smk": "a", "sex": "F"})
    assert not any("have the outcome" in note for note in rk.additive_interaction(matched, *asked).notes)
    free = rk.logistic("case ~ smk * sex", people)
    assert any("have the outcome" in note for note in rk.additive_interaction(free, *asked).notes)


def test_contrasts_by_the_dozen(people: pd.DataFrame) -> None:
    fit = rk.logistic("y ~ rcs(x, 4) * sex", people)
    several = rk.contrast(fit, {"x": np.array([5.0, 10.0, 15.0])}, {"x": 8.0}, at={"sex": "M"})
    for row, x in zip(several.itertuples(index=False), (5, 10, 15), strict=True):
        assert_allclose(row, rk.contrast(fit, {"x": x}, {"x": 8}, at={"sex": "M"}).iloc[0])
    with pytest.raises(SpecError, match="one value or as many as the others"):
        rk.contrast(fit, {"x": [1, 2, 3]}, {"x": [1, 2]})
