"""Logistic regression against R's glm and sandwich, statsmodels, closed forms, and data that cannot be fitted."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.logistic import logistic

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "glm.json").read_text())
INFERT = pd.read_csv(REFERENCE / "glm_infert.csv")
SEPARATED = pd.DataFrame(R["firth"]["data"])
FORMULAS = {
    "plain": ("case ~ age + parity + education + spontaneous + induced", None),
    "weighted": ("case ~ age + education * spontaneous", "w"),
    "offset": ("case ~ ns(age, 3) + spontaneous + offset(o)", None),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_coefficients_covariance_and_tests_are_glm_s(name):
    formula, weights = FORMULAS[name]
    fit, expected = logistic(formula, INFERT, weights=weights), R["logistic"][name]
    np.testing.assert_allclose(fit.coef, expected["coef"], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(fit.vcov, expected["cov"], rtol=1e-8, atol=1e-12)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-12)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], rel=1e-12)
    assert fit.score_test.chi2 == pytest.approx(expected["score"], rel=1e-8)
    assert fit.score_test.df == len(expected["coef"]) - 1
    assert fit.ratio_name == "odds ratio"


@pytest.mark.parametrize("name", FORMULAS)
def test_robust_and_cluster_robust_covariance_are_sandwich_s(name):
    formula, weights = FORMULAS[name]
    expected = R["logistic"][name]
    fit = logistic(formula, INFERT, weights=weights, robust=True)
    np.testing.assert_allclose(fit.vcov, expected["robust"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(fit.vcov_model, expected["cov"], rtol=1e-8, atol=1e-12)
    if expected.get("cluster"):
        fit = logistic(formula, INFERT, weights=weights, cluster="stratum")
        np.testing.assert_allclose(fit.vcov, expected["cluster"], rtol=1e-8, atol=1e-12)
        assert fit.covariance == "cluster-robust"


def test_statsmodels_agrees_on_simulated_data():
    random = np.random.default_rng(5)
    x = random.normal(size=(3000, 4))
    data = pd.DataFrame(x, columns=list("abcd"))
    data["y"] = random.random(3000) < special.expit(x @ [0.5, -1, 0, 2] - 1)
    fit = logistic("y ~ a + b + c + d", data)
    other = sm.Logit(data["y"].astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(fit.coef, other.params, rtol=1e-8)
    np.testing.assert_allclose(fit.se, other.bse, rtol=1e-8)
    assert fit.loglik == pytest.approx(other.llf)


def test_one_factor_has_the_odds_ratio_of_its_table():
    table = pd.DataFrame({"y": [1, 0, 1, 0], "x": ["no", "no", "yes", "yes"], "n": [12, 88, 30, 70]})
    fit = logistic("y ~ x", table, weights="n")
    assert np.exp(fit.params["x=yes"]) == pytest.approx((30 / 70) / (12 / 88))
    assert fit.se[1] ** 2 == pytest.approx(1 / 12 + 1 / 88 + 1 / 30 + 1 / 70)


def test_case_weights_are_copies_of_rows():
    copies = INFERT.assign(k=1 + INFERT.index % 3)
    repeated = copies.loc[copies.index.repeat(copies["k"])]
    once, often = (logistic("case ~ age + induced", d, weights=w) for d, w in ((copies, "k"), (repeated, None)))
    np.testing.assert_allclose(once.coef, often.coef, rtol=1e-9)
    np.testing.assert_allclose(once.vcov, often.vcov, rtol=1e-9)


def test_a_fit_knows_how_to_be_fitted_again():
    fit = logistic("case ~ age + induced", INFERT, robust=True)
    again = fit.refit(fit.design)
    np.testing.assert_array_equal(again.vcov, fit.vcov)
    assert again.covariance == "robust"


def test_a_model_without_terms_is_the_overall_odds():
    fit = logistic("case ~ 1", INFERT)
    assert fit.params["Intercept"] == pytest.approx(special.logit(INFERT["case"].mean()))
    assert fit.loglik == fit.loglik_null


def test_a_column_far_from_zero_keeps_its_digits():
    near, far = (logistic("case ~ age + induced", INFERT.assign(age=INFERT["age"] + shift)) for shift in (0, 2e5))
    np.testing.assert_allclose(far.coef[1:], near.coef[1:], rtol=1e-6)
    np.testing.assert_allclose(far.se[1:], near.se[1:], rtol=1e-6)


@pytest.mark.parametrize("direction", [1, -1])
def test_separation_is_named_with_its_term_and_direction(direction):
    data = INFERT.assign(marker=np.where((INFERT["case"] == 1) & (INFERT["age"] > 30), direction, 0))
    side = "plus" if direction > 0 else "minus"
    with pytest.raises(FitError, match=rf"separation.*'marker' towards {side} infinity.*penalty=\"firth\""):
        logistic("case ~ age + marker", data)


def test_complete_separation_by_a_number_is_found():
    with pytest.raises(FitError, match=r"separation.*'x' towards plus infinity"):
        logistic("y ~ x", pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40) > 17}))


def test_a_strong_effect_is_not_taken_for_separation():
    x = np.linspace(-4, 4, 2001)
    data = pd.DataFrame({"x": x, "y": np.random.default_rng(0).random(2001) < special.expit(12 * x)})
    assert logistic("y ~ x", data).coef[1] == pytest.approx(12, rel=0.25)


def test_firth_s_estimates_are_the_optimum_of_their_definition():
    expected = R["firth"]["logistic"]
    fit = logistic("y ~ x + g", SEPARATED, penalty="firth")
    assert fit.loglik == pytest.approx(expected["loglik"], abs=1e-9)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], abs=1e-9)
    np.testing.assert_allclose(fit.coef, expected["coef"], atol=2e-4)  # a general optimiser stops that far off
    np.testing.assert_allclose(fit.vcov, expected["cov"], rtol=2e-3)
    assert fit.method == "Firth's penalised likelihood"


def test_firth_s_odds_ratio_of_a_table_adds_a_half_to_each_cell():
    table = pd.DataFrame({"y": [0] * 40 + [1] * 3 + [0] * 25, "x": ["a"] * 43 + ["b"] * 25})  # no case in b
    fit = logistic("y ~ x", table, penalty="firth")
    np.testing.assert_allclose(fit.coef, [np.log(3.5 / 40.5), np.log(0.5 / 25.5) - np.log(3.5 / 40.5)], rtol=1e-7)


def test_firth_s_penalty_shrinks_with_the_data():
    big = pd.concat([INFERT] * 400, ignore_index=True)
    plain, penalised = (logistic("case ~ age + induced", big, penalty=p) for p in (None, "firth"))
    np.testing.assert_allclose(penalised.coef, plain.coef, rtol=1e-2, atol=1e-4)
    assert not np.allclose(penalised.coef, plain.coef, rtol=1e-8)


@pytest.mark.parametrize(
    ("formula", "options", "error", "said"),
    [
        ("education ~ age", {}, DataError, "outcome 'education' is object, not numbers; recode it"),
        ("parity ~ age", {}, DataError, "outcome 'parity' must be 0 or 1; it also holds 2, 3"),
        ("Surv(age, case) ~ induced", {}, SpecError, "one column, not Surv"),
        ("case ~ age + strata(stratum)", {}, SpecError, "has no strata.*riskkit.clogit"),
        ("case ~ age", {"penalty": "lasso"}, SpecError, "penalty='lasso' is not one of None, firth"),
        ("case ~ age", {"penalty": "firth", "robust": True}, SpecError, "leave out robust"),
        ("one ~ age", {}, FitError, "'one' is 1 in every row used"),
        ("case ~ age + one", {}, FitError, "column 'one' has the same value for every row"),
        ("case ~ age + parity + sum", {}, FitError, "'sum' is a linear combination of 'age', 'parity'"),
    ],
)
def test_faults_are_named(formula, options, error, said):
    with pytest.raises(error, match=said):
        logistic(formula, INFERT.assign(one=1, sum=INFERT["age"] + 2 * INFERT["parity"]), **options)
