"""Conditional logistic regression against survival::clogit, brute force over subsets, and McNemar's closed form."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.clogit import clogit, matched_sets
from riskkit.fit.cox import cox

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "glm.json").read_text())["clogit"]
INFERT = pd.read_csv(REFERENCE / "glm_infert.csv")
PAIRS = pd.read_csv(REFERENCE / "glm_retinopathy.csv")
MODELS = {
    "infert": ("case ~ spontaneous + induced + strata(stratum)", INFERT),
    "factor": ("case ~ C(spontaneous) + induced + strata(stratum)", INFERT),
    "education": ("case ~ spontaneous + induced + age + strata(education)", INFERT),
    "pairs": ("status ~ treated + risk + strata(id)", PAIRS),
}


@pytest.mark.parametrize("name", MODELS)
def test_estimates_covariance_and_tests_are_survival_s(name):
    fit, expected = clogit(*MODELS[name]), R[name]
    np.testing.assert_allclose(fit.coef, expected["coef"], rtol=1e-7)
    np.testing.assert_allclose(fit.vcov, expected["cov"], rtol=1e-7, atol=1e-12)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-11)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], rel=1e-11)
    assert fit.score_test.chi2 == pytest.approx(expected["score"], rel=1e-8)
    assert fit.ratio_name == "odds ratio"


def test_the_recursion_is_the_sum_over_subsets():
    random = np.random.default_rng(8)
    x, case = random.normal(size=(9, 2)), np.array([1, 0, 0, 1, 1, 0, 0, 1, 0])
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "case": case, "set": 1})
    beta = np.array([0.7, -1.3])
    at = matched_sets(clogit("case ~ a + b + strata(set)", data).design).evaluate(beta)
    totals = np.array([x[list(chosen)].sum(axis=0) for chosen in itertools.combinations(range(9), 4)])
    share = np.exp(totals @ beta)
    assert at.loglik == pytest.approx(x[case == 1].sum(axis=0) @ beta - np.log(share.sum()))
    share /= share.sum()
    mean = share @ totals
    np.testing.assert_allclose(at.gradient, x[case == 1].sum(axis=0) - mean)
    np.testing.assert_allclose(at.spread, (totals - mean).T @ ((totals - mean) * share[:, None]))


def test_pairs_with_one_factor_are_mcnemar_s():
    discordant = [(1, 0)] * 21 + [(0, 1)] * 8 + [(1, 1)] * 30 + [(0, 0)] * 41  # exposure of the case, of the control
    data = pd.DataFrame(
        [
            {"set": s, "case": c, "exposed": e}
            for s, pair in enumerate(discordant)
            for c, e in zip((1, 0), pair, strict=True)
        ]
    )
    fit = clogit("case ~ exposed + strata(set)", data)
    assert np.exp(fit.coef[0]) == pytest.approx(21 / 8)
    assert fit.se[0] ** 2 == pytest.approx(1 / 21 + 1 / 8)
    assert fit.score_test.chi2 == pytest.approx((21 - 8) ** 2 / (21 + 8))


def test_large_sets_with_many_cases_neither_overflow_nor_lose_digits():
    random = np.random.default_rng(1)
    data = pd.DataFrame({"x": random.normal(size=1500), "case": random.binomial(1, 0.4, 1500), "set": 0})
    shifted = data.assign(x=data["x"] * 40 + 1e4)  # exp(x'b) of a subset of 600 is far beyond the largest float
    plain, far = (clogit("case ~ x + strata(set)", d) for d in (data, shifted))
    assert far.coef[0] * 40 == pytest.approx(plain.coef[0], rel=1e-8)
    assert far.loglik == pytest.approx(plain.loglik, rel=1e-10)


def test_sets_that_tell_nothing_are_left_out_and_noted():
    extra = pd.DataFrame(
        {"case": [0, 0, 1], "induced": [1, 2, 0], "spontaneous": [0, 1, 1], "stratum": [900, 900, 901]}
    )
    fit = clogit(MODELS["infert"][0], pd.concat([INFERT, extra], ignore_index=True))
    np.testing.assert_allclose(fit.coef, R["infert"]["coef"], rtol=1e-7)
    assert fit.n == R["infert"]["n"]
    assert fit.notes == ("2 of 85 matched sets have no case or no control and are not counted.",)


def test_order_of_rows_does_not_matter():
    shuffled = INFERT.sample(frac=1, random_state=3)
    np.testing.assert_allclose(clogit(MODELS["infert"][0], shuffled).coef, R["infert"]["coef"], rtol=1e-7)


def test_robust_covariance_is_the_sandwich_of_the_sets():
    fit = clogit(MODELS["infert"][0], INFERT, robust=True)
    meat = np.zeros((2, 2))
    for _, people in INFERT.groupby("stratum"):
        score = matched_sets(build(MODELS["infert"][0], people)).evaluate(fit.coef).gradient
        meat += np.outer(score, score)
    np.testing.assert_allclose(fit.vcov, fit.vcov_model @ meat @ fit.vcov_model, rtol=1e-9)
    whole_sets = INFERT.assign(half=INFERT["stratum"] % 12)
    assert clogit(MODELS["infert"][0], whole_sets, cluster="half").covariance == "cluster-robust"


@pytest.mark.parametrize(
    ("formula", "error", "said"),
    [
        ("case ~ induced", SpecError, "name the column of matched sets"),
        ("Surv(age, case) ~ induced + strata(stratum)", SpecError, "one column, not Surv"),
        ("parity ~ induced + strata(stratum)", DataError, "outcome 'parity' must be 0 or 1"),
        ("none ~ induced + strata(stratum)", FitError, "none of the 83 matched sets has both"),
        (
            "case ~ age + induced + strata(stratum)",
            FitError,
            "column 'age' has the same value for everyone within each",
        ),
        ("case ~ sure + strata(stratum)", FitError, "separation.*'sure' towards plus infinity"),
        ("case ~ induced + twice + strata(stratum)", FitError, "'twice' is a linear combination of 'induced'"),
    ],
)
def test_faults_are_named(formula, error, said):
    with pytest.raises(error, match=said):
        clogit(formula, INFERT.assign(none=0, sure=INFERT["case"] * 2.0, twice=2 * INFERT["induced"]))


def test_clusters_must_keep_sets_whole():
    with pytest.raises(SpecError, match="split between clusters"):
        clogit(MODELS["infert"][0], INFERT, cluster="case")


def test_with_one_case_a_set_it_is_a_stratified_cox_model():
    one = INFERT[~INFERT["stratum"].isin(INFERT.groupby("stratum")["case"].sum().loc[lambda n: n != 1].index)]
    matched = clogit(MODELS["infert"][0], one)
    stratified = cox("Surv(time, case) ~ spontaneous + induced + strata(stratum)", one.assign(time=1.0))
    np.testing.assert_allclose(matched.coef, stratified.coef, rtol=1e-8)
    np.testing.assert_allclose(matched.vcov, stratified.vcov, rtol=1e-7)
    assert matched.loglik == pytest.approx(stratified.loglik, rel=1e-12)
