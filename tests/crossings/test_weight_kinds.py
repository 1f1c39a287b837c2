"""Weights that are counts of people, and weights of a sample: everything follows from which they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError

FORMULA = "Surv(entry, exit, e) ~ rcs(x, 4) + smk + strata(sex)"


@pytest.fixture(scope="module")
def long(people: pd.DataFrame) -> pd.DataFrame:
    """Each person as often as the frequency says, and those of frequency zero not at all."""
    return people.loc[people.index.repeat(people["f"])].reset_index(drop=True)


def test_a_table_of_four_rows_is_its_two_hundred_people() -> None:
    table = pd.DataFrame({"x": [1, 1, 0, 0], "y": [1, 0, 1, 0], "n": [30, 70, 12, 88]})
    fit = rk.poisson("y ~ x", table, weights="n", weight_kind="frequency", robust=True)
    row = fit.tidy().set_index("term").loc["x"]
    assert_allclose(row[["ratio", "low", "high"]].astype(float), [2.5, 1.36, 4.60], atol=0.005)
    assert (fit.n, fit.events, fit.ratio_name) == (200, 42, "risk ratio")
    with pytest.raises(SpecError, match='say weight_kind="frequency"'):
        rk.poisson("y ~ x", table, weights="n", robust=True)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("how", [{}, {"robust": True}, {"cluster": "site"}, {"penalty": "firth"}])
def test_a_cox_model_of_frequencies_is_that_of_the_people(
    people: pd.DataFrame, long: pd.DataFrame, ties: str, how: dict
) -> None:
    fit = rk.cox(FORMULA, people, weights="f", weight_kind="frequency", ties=ties, **how)
    every = rk.cox(FORMULA, long, ties=ties, **how)
    assert_allclose(fit.coef, every.coef, rtol=1e-6)
    assert_allclose(fit.vcov, every.vcov, rtol=1e-5, atol=1e-9)
    assert_allclose([fit.loglik, fit.loglik_null], [every.loglik, every.loglik_null], rtol=1e-9)
    assert (fit.n, fit.events) == (every.n, every.events)
    assert_allclose(fit.person_years, every.person_years)
    if how:
        return
    for transform in ("km", "rank"):
        assert_allclose(rk.ph_test(fit, transform)["chi2"], rk.ph_test(every, transform)["chi2"], rtol=1e-6)
    ours, theirs = rk.concordance(fit), rk.concordance(every)
    assert_allclose([ours.estimate, ours.se, ours.tied_time], [theirs.estimate, theirs.se, theirs.tied_time], rtol=1e-9)
    columns = ["n_risk", "n_event", "cumhaz", "se"]
    person = pd.DataFrame({"x": [8.0], "smk": ["a"], "sex": ["F"]})
    assert_allclose(rk.baseline(fit, person)[columns], rk.baseline(every, person)[columns], rtol=1e-6)
    counted = ["estimate", "se", "n", "events", "person_years"]
    assert_allclose(rk.floating(fit, "smk")[counted], rk.floating(every, "smk")[counted], rtol=1e-6, atol=1e-9)
    assert_allclose(rk.curve(fit, "x"), rk.curve(every, "x"), rtol=1e-5, atol=1e-8)
    assert_allclose(rk.anova(fit, "lr")["chi2"], rk.anova(every, "lr")["chi2"], rtol=1e-6)
    assert_allclose(rk.nadir(fit, "x").x, rk.nadir(every, "x").x, rtol=1e-6)


@pytest.mark.parametrize("how", [{}, {"robust": True}, {"cluster": "site"}, {"penalty": "firth"}])
def test_so_are_logistic_and_poisson_models(people: pd.DataFrame, long: pd.DataFrame, how: dict) -> None:
    for model, formula in (
        (rk.logistic, "y ~ fifths(x) + z"),
        (rk.poisson, "count ~ per(x, 'sd') + smk + offset(off)"),
    ):
        fit = model(formula, people, weights="f", weight_kind="frequency", **how)
        every = model(formula, long, **how)
        assert_allclose(fit.coef, every.coef, rtol=1e-6)
        assert_allclose(fit.vcov, every.vcov, rtol=1e-6, atol=1e-12)
        assert (fit.n, fit.events) == (every.n, every.events)
        assert fit.summaries["x"].percentiles == pytest.approx(every.summaries["x"].percentiles)
    medians = [
        rk.trend(rk.logistic("y ~ fifths(x)", d, **w), "x", "median", data=d)
        for d, w in ((people, {"weights": "f", "weight_kind": "frequency"}), (long, {}))
    ]
    assert_allclose(medians[0].iloc[:, 1:], medians[1].iloc[:, 1:], rtol=1e-6)
    rates = [
        rk.poisson("count ~ x", d, time="py", **w).person_years
        for d, w in ((people, {"weights": "f", "weight_kind": "frequency"}), (long, {}))
    ]
    assert_allclose(*rates)


def test_as_r_has_it(people: pd.DataFrame, r: dict) -> None:
    fit = rk.cox("Surv(entry, exit, e) ~ x + smk", people, weights="f", weight_kind="frequency", robust=True)
    assert_allclose(fit.coef, r["weights"]["cox"]["coef"], rtol=1e-6)
    assert_allclose(fit.se, r["weights"]["cox"]["se"], rtol=1e-6)
    fit = rk.cox("Surv(entry, exit, e) ~ x + smk", people, weights="sw", weight_kind="sampling")
    assert fit.covariance == "robust"
    assert_allclose(fit.coef, r["weights"]["sampling"]["coef"], rtol=1e-6)
    assert_allclose(fit.se, r["weights"]["sampling"]["se"], rtol=1e-6)
    fit = rk.logistic("y ~ x + smk", people, weights="f", weight_kind="frequency", robust=True)
    assert_allclose(fit.se, r["weights"]["logistic"]["se"], rtol=1e-6)


def test_nobody_weighs_nothing(people: pd.DataFrame) -> None:
    some = people[people["f"] > 0]
    for kind in (None, "frequency", "sampling"):
        fit, same = (rk.cox(FORMULA, d, weights="f", weight_kind=kind) for d in (people, some))
        assert fit.design.index.equals(same.design.index)
        assert_allclose(fit.vcov, same.vcov)
    gap = people.assign(z=people["z"].where(people.index > 9))
    fit = rk.logistic("y ~ z", gap, weights="f", weight_kind="frequency")
    assert fit.n_missing == people["f"][:10].sum()
    with pytest.raises(DataError, match="zero in every row"):
        rk.logistic("y ~ x", people.assign(f=0), weights="f")


def test_what_makes_no_sense_is_said(people: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="must be whole numbers"):
        rk.logistic("y ~ x", people, weights="sw", weight_kind="frequency")
    with pytest.raises(SpecError, match="weight_kind='counts' is not one of frequency, sampling"):
        rk.cox(FORMULA, people, weights="f", weight_kind="counts")
    with pytest.raises(SpecError, match="says what weights are, and there are none"):
        rk.poisson("count ~ x", people, weight_kind="sampling")
    with pytest.raises(SpecError, match="sampling weights"):
        rk.logistic("y ~ x", people, weights="sw", weight_kind="sampling", penalty="firth")
    fit = rk.cox("Surv(entry, exit, e) ~ rcs(x, 4)", people, weights="f", weight_kind="frequency")
    for question in (lambda: rk.bootstrap(fit, 10, progress=False), lambda: rk.select(fit, "x")):
        with pytest.raises(SpecError, match="repeat the rows"):
            question()
    again = rk.cox(FORMULA, people, weights="f", weight_kind="frequency", cluster="site")
    assert len(rk.bootstrap(again, 5, progress=False).coef) >= 4


def test_many_outcomes_take_weights_alike(people: pd.DataFrame) -> None:
    one = rk.cox_many("x + smk", people, {"e": "Surv(entry, exit, e)"}, weights="f", weight_kind="frequency")["e"]
    assert_allclose(
        one.coef, rk.cox("Surv(entry, exit, e) ~ x + smk", people, weights="f", weight_kind="frequency").coef
    )
    assert np.isfinite(one.se).all()
