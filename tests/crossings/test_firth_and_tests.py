"""Firth's penalty and tests: nothing may depend on the unit of the exposure. And the limits that go with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import riskkit as rk
from riskkit.errors import SpecError
from riskkit.infer.likelihood import likelihood_ratio

MODELS = {
    "logistic": lambda data: rk.logistic("y ~ z + sex + per(x, 10)", data, penalty="firth"),
    "poisson": lambda data: rk.poisson("count ~ z + sex + per(x, 10)", data, time="py", penalty="firth"),
    "cox": lambda data: rk.cox("Surv(entry, exit, e) ~ z + sex + per(x, 10)", data, penalty="firth"),
}


@pytest.fixture(scope="module")
def few(people: pd.DataFrame) -> pd.DataFrame:
    return people[people["site"] <= 3]


def test_as_reported() -> None:
    r = np.random.default_rng(4)
    n = 200
    d = pd.DataFrame({"x": r.gamma(4, 2, n), "z": r.normal(size=n)})
    d["case"] = (r.random(n) < 1 / (1 + np.exp(2 - 0.12 * d["x"] - 0.4 * d["z"]))).astype(int)
    for k in (1, 1000, 0.001):
        tests = rk.anova(rk.logistic("case ~ x + z", d.assign(x=d["x"] * k), penalty="firth"), "lr").set_index("term")
        assert_allclose(tests.loc[["x", "z"], "chi2"], [3.99, 6.91], atol=0.005)


@pytest.mark.parametrize("name", ["logistic", "poisson"])
def test_the_penalised_likelihood_of_the_full_design_as_optim_finds_it(
    people: pd.DataFrame, few: pd.DataFrame, r: dict, name: str
) -> None:
    fit, expected = MODELS[name](few if name == "logistic" else people), r["firth"]
    assert_allclose(fit.loglik, expected[name]["loglik"], rtol=1e-9)
    assert_allclose(fit.coef, expected[name]["coef"], rtol=1e-5, atol=1e-6)
    found = likelihood_ratio(fit, np.eye(4)[[1]])
    assert_allclose(found.chi2, 2 * (expected[name]["loglik"] - expected[f"{name}_without_z"]["loglik"]), rtol=1e-7)
    limits = fit.confint(limits="profile").set_index("term").loc["z"]
    assert_allclose(limits[["low", "high"]].astype(float), expected[f"{name}_limits"], rtol=1e-5)
    assert_allclose(fit.tidy(limits="profile").set_index("term").loc["z", "p"], found.p, rtol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_no_answer_depends_on_units(few: pd.DataFrame, name: str) -> None:
    plain, scaled = MODELS[name](few), MODELS[name](few.assign(z=few["z"] * 1000, x=few["x"] / 1000))
    columns = ["chi2", "df", "p"]
    assert_allclose(rk.anova(scaled, "lr")[columns], rk.anova(plain, "lr")[columns], rtol=1e-6)
    assert_allclose(scaled.lr_test.chi2, plain.lr_test.chi2, rtol=1e-7)
    assert np.isnan(plain.aic)
    assert "AIC" not in plain.summary()
    ours, theirs = (
        fit.confint(limits="profile").set_index("term").loc["z", ["low", "high"]] for fit in (scaled, plain)
    )
    assert_allclose(ours.astype(float) * 1000, theirs.astype(float), rtol=1e-6)
    with pytest.raises(SpecError, match="Firth's penalty changes with the coding"):
        rk.select(plain, "z")


def test_of_a_cox_model_by_a_grid_over_the_profile(few: pd.DataFrame) -> None:
    """The maximum with z fixed, of l + log det I / 2 with the information of all columns, by brute force."""
    fit = rk.cox("Surv(entry, exit, e) ~ z + sex", few, penalty="firth")
    from scipy import optimize

    from riskkit.fit.partial import partial_likelihood

    likelihood = partial_likelihood(fit.design, "efron")

    def penalised(b: np.ndarray) -> float:
        at = likelihood.evaluate(b)
        return at.loglik + np.linalg.slogdet(likelihood.information(at))[1] / 2

    best = optimize.minimize_scalar(lambda b: -penalised(np.array([0.0, b])), bounds=(-5, 5), method="bounded")
    assert_allclose(rk.anova(fit, "lr")["chi2"].iloc[0], 2 * (fit.loglik + best.fun), rtol=1e-6)
    high = fit.confint(limits="profile")["high"].iloc[0]
    at_limit = optimize.minimize_scalar(lambda b: -penalised(np.array([high, b])), bounds=(-5, 5), method="bounded")
    assert_allclose(2 * (fit.loglik + at_limit.fun), stats.chi2.ppf(0.95, 1), rtol=1e-5)


def test_profile_limits_of_the_likelihood_itself(people: pd.DataFrame, r: dict) -> None:
    for name, fit in (
        ("logistic", rk.logistic("y ~ x + z", people)),
        ("cox", rk.cox("Surv(entry, exit, e) ~ x + z", people)),
    ):
        limits = fit.confint(limits="profile").set_index("term").loc["z"]
        assert_allclose(limits[["low", "high"]].astype(float), r["profile"][name], rtol=1e-6)
    matched = rk.clogit("case ~ x + z + strata(set)", people)
    wald, profile = (matched.confint(limits=kind) for kind in ("wald", "profile"))
    assert_allclose(profile[["low", "high"]], wald[["low", "high"]], atol=0.05)


def test_profile_limits_need_a_likelihood(people: pd.DataFrame) -> None:
    formula = "Surv(entry, exit, e) ~ x + z"
    for fit in (
        rk.cox(formula, people, cluster="site"),
        rk.cox("Surv(entry, exit, e) ~ ps(x, 3)", people),
        rk.linear("z ~ x", people),
        rk.pool([rk.cox(formula, people), rk.cox(formula, people)]),
    ):
        with pytest.raises(SpecError, match='use limits="wald"'):
            fit.confint(limits="profile")
    with pytest.raises(SpecError, match="fit again"):
        rk.cox(formula, people).light().confint(limits="profile")
    with pytest.raises(SpecError, match="limits='profil' is not one of wald, profile"):
        rk.cox(formula, people).confint(limits="profil")


def test_limits_of_separated_data_are_finite_where_the_estimate_is() -> None:
    """One arm without events: Firth's upper limit is finite, and its lower one goes as far as the data allow."""
    table = pd.DataFrame({"g": [0, 0, 1, 1], "y": [0, 1, 0, 1], "n": [20, 10, 30, 0]})
    data = table.loc[table.index.repeat(table["n"]), ["g", "y"]].reset_index(drop=True)
    row = rk.logistic("y ~ g", data, penalty="firth").confint(limits="profile").iloc[1]
    assert -10 < row["low"] < row["estimate"] < row["high"] < -0.5
