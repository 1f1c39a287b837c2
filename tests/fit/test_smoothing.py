"""Penalised splines against survival's pspline, and what must hold as the smoothing grows or shrinks."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from riskkit.design.design import build
from riskkit.errors import DataError, SpecError
from riskkit.fit.clogit import clogit
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.fit.poisson import poisson
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve

R = json.loads((Path(__file__).parent.parent / "reference" / "codings.json").read_text())
LUNG = pd.DataFrame(R["lung"]).rename(columns={"ph.ecog": "ecog"})
LUNG["died"] = (LUNG["status"] == 2).astype(int)
RANDOM = np.random.default_rng(7)
X = RANDOM.uniform(10, 90, 4000)
TRUTH = np.sin(X / 12) - 1
SIMULATED = pd.DataFrame({"x": X, "z": RANDOM.normal(size=4000), "y": RANDOM.random(4000) < special.expit(TRUTH)})


@pytest.mark.parametrize("case", R["penalised"].values(), ids=R["penalised"])
def test_a_penalised_cox_model_is_survival_s(case):
    fit = cox(f"Surv(time, died) ~ ecog + ps(age, {case['df']})", LUNG)
    # R stops when the degrees of freedom are within 1e-9 of those asked for, which moves the last digits
    np.testing.assert_allclose(fit.coef, case["coef"], rtol=1e-7)
    np.testing.assert_allclose(fit.vcov, case["var"], rtol=1e-6)
    assert fit.loglik == pytest.approx(case["loglik"][1], rel=1e-10)
    assert fit.loglik_null == pytest.approx(case["loglik"][0], rel=1e-12)
    age = fit.recipe.terms_with("age")[0].columns
    assert fit.edf[age].sum() == pytest.approx(case["df"], abs=1e-6)
    assert fit.lr_test.df == pytest.approx(1 + case["df"], abs=1e-6)
    found = curve(fit, "age", reference=62, grid=case["at"])
    np.testing.assert_allclose(found["estimate"], case["estimate"], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found["se"], case["se"], rtol=1e-6)


def test_wald_tests_have_the_effective_degrees_of_freedom():
    case = R["penalised"]["four"]
    tests = anova(cox("Surv(time, died) ~ ecog + ps(age)", LUNG)).set_index(["term", "part"])
    b, v = np.array(case["coef"])[1:], np.array(case["var"])[1:, 1:]
    assert tests.loc[("age", "overall"), "chi2"] == pytest.approx(b @ np.linalg.solve(v, b), rel=1e-6)
    assert tests.loc[("age", "overall"), "df"] == pytest.approx(4)
    assert tests.loc[("age", "nonlinear"), "df"] == pytest.approx(3)
    assert tests.loc[("ecog", "overall"), "df"] == 1


def test_one_degree_of_freedom_is_a_straight_line_and_many_follow_the_curve():
    line, smooth = logistic("y ~ x", SIMULATED), logistic("y ~ ps(x, 1.001)", SIMULATED)
    grid = np.array([20.0, 40, 60, 80])
    straight, nearly = (curve(fit, "x", reference=50, grid=grid)["estimate"] for fit in (line, smooth))
    np.testing.assert_allclose(nearly, straight, atol=0.02)
    wiggly = logistic("y ~ ps(x, 9)", SIMULATED)
    found = curve(wiggly, "x", reference=50, grid=grid)
    truth = np.sin(grid / 12) - np.sin(50 / 12)
    assert (np.abs(found["estimate"] - truth) < 3.5 * found["se"]).all()
    assert wiggly.loglik > smooth.loglik
    assert wiggly.aic < smooth.aic


def test_a_penalised_fit_is_the_maximum_of_its_penalised_likelihood():
    fit = logistic("y ~ ps(x, 5) + z", SIMULATED)
    basis, columns = fit.recipe.terms[0].bases[0], fit.recipe.terms[0].columns
    probability = special.expit(fit.design.x @ fit.coef)
    gradient = (fit.design.response - probability) @ fit.design.x
    pull = basis.penalty @ fit.coef[columns]
    weight = gradient[columns] @ pull / (pull @ pull)
    np.testing.assert_allclose(gradient[columns], weight * pull, atol=1e-6)
    assert weight > 0
    np.testing.assert_allclose(np.delete(gradient, np.r_[columns]), 0, atol=1e-6)


def test_two_splines_both_have_their_degrees_of_freedom():
    fit = poisson("y ~ ps(x, 5) + ps(z, 3)", SIMULATED.assign(y=SIMULATED["y"].astype(int)))
    found = [fit.edf[term.columns].sum() for term in fit.recipe.terms]
    np.testing.assert_allclose(found, [5, 3], atol=1e-6)


def test_matched_sets_take_a_penalised_spline():
    data = SIMULATED.assign(set=np.arange(4000) // 20)
    fit = clogit("y ~ ps(x, 4) + strata(set)", data)
    plain = logistic("y ~ ps(x, 4)", data)
    both = [curve(f, "x", reference=50, grid=[20, 80]) for f in (fit, plain)]
    np.testing.assert_allclose(both[0]["estimate"], both[1]["estimate"], atol=3 * both[1]["se"].max())


def test_the_penalty_is_the_sum_of_squared_second_differences():
    basis = build("y ~ ps(x, 4)", SIMULATED).recipe.terms[0].bases[0]
    b = RANDOM.normal(size=12)
    assert b @ basis.penalty @ b == pytest.approx((np.diff(np.r_[0, b], n=2) ** 2).sum())


def test_percentiles_are_recovered_and_new_rows_are_coded_as_the_fit_did():
    design = build("y ~ ps(x, 4)", SIMULATED)
    np.testing.assert_allclose(design.summaries["x"].percentiles, np.percentile(X, np.arange(101)), rtol=1e-9)
    np.testing.assert_allclose(design.recipe.matrix(SIMULATED[:5]), design.x[:5], atol=1e-14)


@pytest.mark.parametrize(
    ("formula", "options", "error", "said"),
    [
        ("y ~ ps(x, 1)", {}, SpecError, "df must be more than 1"),
        ('y ~ ps(x, "4")', {}, SpecError, "df must be more than 1"),
        ("y ~ ps(x) * z", {}, SpecError, "cannot stand in an interaction"),
        ("y ~ ps(x)", {"robust": True}, SpecError, "model-based covariance only.*rcs\\(x, 5\\)"),
        ("y ~ ps(x)", {"penalty": "firth"}, SpecError, "leave out robust, cluster and penalty"),
        ("y ~ ps(few, 12)", {}, DataError, "'few' has 4 distinct values, too few for 12 df"),
    ],
)
def test_faults_are_named(formula, options, error, said):
    with pytest.raises(error, match=said):
        logistic(formula, SIMULATED.assign(few=np.arange(4000) % 4), **options)


def test_likelihood_ratio_tests_are_refused():
    with pytest.raises(SpecError, match="without penalised splines"):
        anova(logistic("y ~ ps(x) + z", SIMULATED), test="lr")
