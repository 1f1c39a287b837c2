"""A level of a covariate without events: the limit, exactly, with a note; an exposure that separates is an error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import FitError, SpecError

COX = "Surv(entry, exit, e) ~ x + smk + sex"


@pytest.fixture(scope="module")
def none(people: pd.DataFrame) -> pd.DataFrame:
    empty = people["smk"] == "b"
    return people.assign(**{name: people[name].where(~empty, 0) for name in ("e", "y", "count", "case")})


FITS = {
    "cox": lambda data: rk.cox(COX, data),
    "logistic": lambda data: rk.logistic("y ~ x + smk + sex", data),
    "poisson": lambda data: rk.poisson("count ~ x + smk + sex + offset(log(py))", data),
    "clogit": lambda data: rk.clogit("case ~ x + smk + strata(set)", data),
}


@pytest.mark.parametrize("name", FITS)
def test_the_others_are_what_r_goes_towards(none: pd.DataFrame, r: dict, name: str) -> None:
    """R stops where the likelihood no longer rises by 1e-15 of itself, a little before the limit."""
    fit, near = FITS[name](none), r["limit"][name]
    finite = [term != "smk=b" for term in fit.recipe.names]
    assert_allclose(fit.coef[finite], near["coef"], rtol=1e-6)
    assert_allclose(fit.se[finite], near["se"], rtol=1e-6)
    assert_allclose(fit.loglik, near["loglik"], rtol=1e-9)
    row = fit.tidy().set_index("term").loc["smk=b"]
    assert row["estimate"] == -np.inf
    assert row["ratio"] == 0
    assert row[["se", "low", "high", "p"]].isna().all()
    assert fit.params["smk=b"] == -np.inf
    assert any("smk=b: no event, so that the coefficient is minus infinity" in note for note in fit.notes)
    assert "-inf" in fit.summary()


@pytest.mark.parametrize("name", FITS)
def test_it_is_the_fit_without_those_people(none: pd.DataFrame, name: str) -> None:
    fit, without = FITS[name](none), FITS[name](none[none["smk"] != "b"])
    terms = list(without.recipe.names)
    assert_allclose(fit.params[terms], without.params, rtol=1e-9)
    assert_allclose(fit.cov.loc[terms, terms], without.cov, rtol=1e-8, atol=1e-14)
    assert_allclose(fit.loglik, without.loglik, rtol=1e-11)
    if name != "clogit":
        assert fit.n == len(none)


def test_what_is_asked_of_a_cox_model(none: pd.DataFrame, r: dict) -> None:
    fit, near = rk.cox(COX, none), r["limit"]
    assert_allclose(fit.loglik_null, near["cox_null"], rtol=1e-9)
    assert_allclose(fit.score_test.chi2, near["cox_score"], rtol=1e-7)
    assert_allclose(rk.concordance(fit).estimate, near["concordance"], rtol=1e-9)
    assert_allclose(rk.residuals(fit).iloc[:12], near["martingale"], atol=1e-7)
    person = pd.DataFrame({"x": [10], "smk": ["c"], "sex": ["F"]})
    assert_allclose(rk.baseline(fit, person)["cumhaz"].iloc[-1], near["cumhaz"], rtol=1e-7)
    assert (rk.baseline(fit, person.assign(smk="b"))["surv"] == 1).all()
    robust = rk.cox(COX, none, cluster="site")
    assert_allclose(robust.se[[0, 2, 3]], near["cox_robust"], rtol=1e-6)
    others = rk.cox(COX, none[none["smk"] != "b"])
    assert_allclose(rk.ph_test(fit)["chi2"].iloc[[0, 2]], rk.ph_test(others)["chi2"].iloc[[0, 2]], rtol=0.2)
    lr = rk.anova(fit, "lr").set_index("term")
    assert_allclose(lr.loc["smk", "chi2"], 2 * (fit.loglik - near["without"]), rtol=1e-7)
    assert lr.loc["smk", "df"] == 2
    assert_allclose(lr.loc["x", "chi2"], rk.anova(others, "lr").set_index("term").loc["x", "chi2"], rtol=1e-7)


def test_questions_that_touch_it(none: pd.DataFrame) -> None:
    fit = rk.cox("Surv(entry, exit, e) ~ rcs(x, 3) + smk + sex", none)
    wald = rk.anova(fit).set_index(["term", "part"])
    assert wald.loc[("smk", "overall"), "df"] == 1
    assert_allclose(wald.loc[("smk", "overall"), "chi2"], (fit.params["smk=c"] / fit.se[3]) ** 2, rtol=1e-7)
    touching = rk.contrast(fit, {"smk": "b"}, {"smk": "c"})
    assert touching["ratio"].iloc[0] == 0
    assert touching[["se", "low", "high", "p"]].isna().all(axis=None)
    assert np.isfinite(rk.contrast(fit, {"smk": "c"}, {"smk": "a"})).all(axis=None)
    assert np.isfinite(rk.curve(fit, "x")).all(axis=None)
    predicted = fit.predict(none)
    assert (predicted.loc[none["smk"] == "b", "estimate"] == -np.inf).all()
    assert np.isfinite(predicted[none["smk"] != "b"]).all(axis=None)
    for question in (rk.floating, rk.trend):
        with pytest.raises(SpecError, match="a level without events"):
            question(fit, "smk")
    limits = fit.confint(limits="profile").set_index("term")
    assert np.isfinite(limits.drop(index="smk=b").astype(float)).all(axis=None)
    pooled = rk.pool([fit, fit])
    assert pooled.params["smk=b"] == -np.inf
    with pytest.raises(SpecError, match="has events in one and none in the other"):
        rk.pool([fit, rk.cox("Surv(entry, exit, e) ~ rcs(x, [4.4, 8.6, 17.4]) + smk + sex", none.assign(e=1))])


def test_a_level_of_cases_alone_in_a_logistic_model(people: pd.DataFrame) -> None:
    data = people.assign(y=people["y"].where(people["smk"] != "b", 1))
    fit = rk.logistic("y ~ x + smk", data)
    assert fit.params["smk=b"] == np.inf
    assert "nobody without the event" in fit.notes[0]
    without = rk.logistic("y ~ x + smk", data[data["smk"] != "b"])
    assert_allclose(fit.params[["x", "smk=c"]], without.params[["x", "smk=c"]], rtol=1e-9)


def test_an_exposure_or_a_reference_that_separates_is_an_error(none: pd.DataFrame) -> None:
    with pytest.raises(FitError, match="'smk=b' towards minus infinity"):
        rk.cox("Surv(entry, exit, e) ~ smk + x", none)
    with pytest.raises(FitError, match="choose a reference level with events"):
        rk.cox('Surv(entry, exit, e) ~ x + C(smk, ref="b")', none)
    with pytest.raises(FitError, match="separation"):
        rk.cox("Surv(entry, exit, e) ~ x * smk", none)
    with pytest.raises(FitError, match="separation"):  # a number may be a category: C() says so
        rk.cox("Surv(entry, exit, e) ~ x + b", none.assign(b=(none["smk"] == "b").astype(int)))
    assert rk.cox("Surv(entry, exit, e) ~ x + C(b)", none.assign(b=none["smk"] == "b")).params["b=True"] == -np.inf


def test_outcomes_side_by_side(none: pd.DataFrame) -> None:
    outcomes = {"e": "Surv(entry, exit, e)", "all": "Surv(entry, exit, all)"}
    fits = rk.cox_many("x + smk + sex", none.assign(all=1), outcomes)
    assert fits["e"].params["smk=b"] == -np.inf
    assert np.isfinite(fits["all"].params).all()
    assert_allclose(fits["e"].coef, rk.cox(COX, none).coef, rtol=1e-9)
