"""Models without an intercept, and the offset of new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import SpecError

NEW = pd.DataFrame({"x": [4, 9, 20], "z": [0, 1, -1], "off": [0.5, -0.2, 0], "py": [1, 2, 3]})


@pytest.mark.parametrize(
    ("formula", "case"),
    [
        ("y ~ 0 + x", "number"),
        ("y ~ smk - 1", "factor"),
        ("count ~ 0 + x + smk + sex", "two"),
        ("y ~ 0 + smk:sex", "crossed"),
    ],
)
def test_without_an_intercept(people: pd.DataFrame, r: dict, formula: str, case: str) -> None:
    model = rk.poisson if formula.startswith("count") else rk.logistic
    fit, expected = model(formula, people), r["intercept"][case]
    assert_allclose(fit.coef, np.atleast_1d(expected["coef"]), rtol=1e-7)
    assert_allclose(fit.se, np.atleast_1d(expected["se"]), rtol=1e-7)
    assert_allclose(fit.loglik, expected["loglik"], rtol=1e-10)


def test_of_a_linear_model(people: pd.DataFrame, r: dict) -> None:
    assert_allclose(rk.linear("z ~ 0 + smk + x", people).coef, r["intercept"]["linear"]["coef"], rtol=1e-7)


def test_one_is_allowed_and_cox_models_have_none_to_take_away(people: pd.DataFrame) -> None:
    assert rk.logistic("y ~ 1 + x", people).params.index.tolist() == ["Intercept", "x"]
    plain = rk.cox("Surv(entry, exit, e) ~ smk + x", people)
    for start in ("0 + ", "1 + ", "-1 + "):
        same = rk.cox(f"Surv(entry, exit, e) ~ {start}smk + x", people)
        assert_allclose(same.coef, plain.coef, rtol=1e-12)


def test_differences_of_levels_are_the_same_without_an_intercept(people: pd.DataFrame) -> None:
    plain, without = rk.logistic("y ~ smk + x", people), rk.logistic("y ~ 0 + smk + x", people)
    assert_allclose(without.loglik, plain.loglik, rtol=1e-10)
    asked = ({"smk": "c"}, {"smk": "a"})
    assert_allclose(rk.contrast(without, *asked), rk.contrast(plain, *asked), rtol=1e-6)
    columns = ["estimate", "se", "low", "high"]
    assert_allclose(rk.floating(without, "smk")[columns], rk.floating(plain, "smk")[columns], rtol=1e-5, atol=1e-9)
    ours, theirs = (rk.trend(fit, "smk")[["estimate", "chi2", "df"]] for fit in (without, plain))
    assert_allclose(ours, theirs, rtol=1e-6)


def test_firth_without_an_intercept_is_one_half_on_each_side(people: pd.DataFrame) -> None:
    """With one indicator a level, Jeffreys' prior adds half a case and half a control to each."""
    fit = rk.logistic("y ~ 0 + smk", people, penalty="firth")
    table = people.groupby("smk")["y"].agg(["sum", "size"])
    expected = np.log((table["sum"] + 0.5) / (table["size"] - table["sum"] + 0.5))
    assert_allclose(fit.coef, expected, rtol=1e-7)


def test_predictions_have_the_offset_of_the_new_rows(people: pd.DataFrame, r: dict) -> None:
    fits = {
        "cox": rk.cox("Surv(entry, exit, e) ~ x + z + offset(off)", people),
        "logistic": rk.logistic("y ~ x + z + offset(off)", people),
        "poisson": rk.poisson("count ~ x + z + offset(log(py))", people),
    }
    for name, fit in fits.items():
        found = fit.predict(NEW)
        centre = people["off"].mean() if name == "cox" else 0.0  # coxph takes the mean of its offset off
        assert_allclose(found["estimate"] - centre, r["offset"][name]["fit"], rtol=1e-7)
        assert_allclose(found["se"], r["offset"][name]["se"], rtol=1e-7)
    with pytest.raises(SpecError, match="no column 'off'"):
        fits["cox"].predict(NEW.drop(columns="off"))
    assert np.isnan(fits["cox"].predict(NEW.assign(off=[np.nan, 0, 0]))["estimate"].iloc[0])


def test_so_has_the_baseline(people: pd.DataFrame, r: dict) -> None:
    fit = rk.cox("Surv(entry, exit, e) ~ x + z + offset(off)", people)
    last = rk.baseline(fit, NEW).groupby("row").last()
    assert_allclose(last["cumhaz"], r["offset"]["cumhaz"], rtol=1e-7)
    assert_allclose(last["se"], r["offset"]["cumhaz_se"], rtol=1e-7)
    assert_allclose(rk.baseline(fit)["cumhaz"].iloc[-1], r["offset"]["cumhaz_mean"], rtol=1e-7)
    with pytest.raises(SpecError, match="no column 'off'"):
        rk.baseline(fit, NEW.drop(columns="off"))


def test_validation_counts_the_offset_once(people: pd.DataFrame) -> None:
    fit = rk.logistic("y ~ x + z + offset(off)", people)
    own, again = rk.c_statistic(fit), rk.c_statistic(fit, people)
    assert_allclose(again.estimate, own.estimate, rtol=1e-12)


def test_the_logarithm_of_an_offset_is_that_of_person_time(people: pd.DataFrame) -> None:
    fit = rk.poisson("count ~ x + smk + offset(log(py))", people)
    assert_allclose(fit.coef, rk.poisson("count ~ x + smk", people, time="py").coef, rtol=1e-9)
