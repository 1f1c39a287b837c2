"""Every model of the mortality analysis on real data, against R's survival, Hmisc, rms and survey on the same table.

Frozen numbers: tests/reference/igf1_mortality.json and survey_nhanes3.json, made by the scripts of those names.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.cohort.cohort import Cohort
from riskkit.fit.cox import cox
from riskkit.fit.linear import linear
from riskkit.fit.logistic import logistic
from riskkit.fit.poisson import poisson
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.questions.survey.run import survey_design
from riskkit.results import Results
from riskkit.runner.run import run

KEY = ("exposure", "outcome", "time_scale", "coding", "model")
ROOT = Path(__file__).parent.parent
R = json.loads((ROOT / "tests" / "reference" / "igf1_mortality.json").read_text())
SURVEY = json.loads((ROOT / "tests" / "reference" / "survey_nhanes3.json").read_text())
SUBPOPULATIONS = {
    "cox": partial(cox, "Surv(age_entry, age_exit, all_causes) ~ igf1 + bmi + strata(smoking)"),
    "logistic": partial(logistic, "raised_hba1c ~ igf1 + bmi + smoking"),
    "poisson": partial(poisson, "all_causes ~ igf1 + age + smoking", time="follow_up"),
    "linear": partial(linear, "sbp ~ igf1 + age + smoking"),
}


@pytest.fixture(scope="module")
def cohort(nhanes3: Cohort) -> Cohort:
    return nhanes3


@pytest.fixture(scope="module")
def results(cohort) -> Results:
    return run(ROOT / "analyses" / "igf1-mortality.toml", cohort)


@pytest.fixture(scope="module")
def coefficients(results) -> dict[tuple[str, ...], pd.DataFrame]:
    return dict(iter(results.coefficients.groupby(list(KEY), sort=False)))


def key(fit: dict) -> tuple[str, ...]:
    return tuple(fit[name] for name in KEY)


def test_every_model_was_fitted_and_is_in_the_reference(results):
    assert results.failures.empty
    assert {key(fit) for fit in R["fits"]} == set(results.fits[list(KEY)].itertuples(index=False, name=None))
    assert len(R["fits"]) == 270


@pytest.mark.parametrize("fit", R["fits"], ids=lambda fit: "-".join(key(fit)))
def test_estimates_and_standard_errors(coefficients, fit):
    ours = coefficients[key(fit)]
    np.testing.assert_allclose(ours["estimate"], fit["estimate"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(ours["se"], fit["se"], rtol=1e-7)


def test_likelihoods_people_and_events(results):
    ours = results.fits.set_index(list(KEY))
    for fit in R["fits"]:
        row = ours.loc[key(fit)]
        np.testing.assert_allclose(row["loglik"], fit["loglik"], rtol=1e-8)
        np.testing.assert_allclose(row["loglik_null"], fit["loglik_null"], rtol=1e-8)
        np.testing.assert_allclose(row["score_chi2"], fit["score"], rtol=1e-7)
        assert (row["n"], row["events"]) == (fit["n"], fit["events"])


def test_tests_of_the_exposure(results):
    ours = results.tests.set_index([*KEY, "part", "term"])["chi2"]
    for fit in R["fits"]:
        place = key(fit)
        np.testing.assert_allclose(ours.loc[(*place, "overall", fit["exposure"])], fit["overall"], rtol=1e-6)
        if fit["coding"] == "spline":
            np.testing.assert_allclose(ours.loc[(*place, "nonlinear", fit["exposure"])], fit["nonlinear"], rtol=1e-6)
        if "zph_global" in fit:
            ph = ours.loc[(*place, "proportional hazards", "GLOBAL")]
            np.testing.assert_allclose(ph, fit["zph_global"], rtol=1e-6)


def test_curves(cohort, results):
    formulas = results.fits.set_index(list(KEY))["formula"]
    for expected in R["curves"]:
        place = (expected["exposure"], expected["outcome"], "age", "spline", "lifestyle")
        fit = cox(formulas[place], cohort.data, time_unit="months")
        reference = results.manifest.exposures[expected["exposure"]].reference
        ours = curve(fit, expected["exposure"], reference=reference, grid=expected["x"])
        np.testing.assert_allclose(ours["estimate"], expected["estimate"], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(ours["se"], expected["se"], rtol=1e-6)


def test_rms_itself(results, cohort):
    formulas = results.fits.set_index(list(KEY))["formula"]
    fit = cox(formulas["igf1", "all_causes", "age", "spline", "lifestyle"], cohort.data)
    np.testing.assert_allclose(fit.coef, R["rms"]["estimate"], rtol=1e-7)
    np.testing.assert_allclose([fit.loglik_null, fit.loglik], R["rms"]["loglik"], rtol=1e-8)
    tests = anova(fit).set_index(["term", "part"])["chi2"]
    np.testing.assert_allclose(tests["igf1", "overall"], R["rms"]["anova_chi2"], rtol=1e-6)
    np.testing.assert_allclose(tests["igf1", "nonlinear"], R["rms"]["nonlinear_chi2"], rtol=1e-6)


def test_the_table_is_the_one_r_read(cohort):
    assert len(cohort.data) == R["flow"]["n"]
    assert int(cohort.data["all_causes"].sum()) == R["flow"]["deaths"]


def test_weighted_models_are_those_of_svycoxph(results):
    place = ["exposure", "outcome", "coding"]
    estimates = dict(iter(results.weighted.groupby(place)))
    tests = results.weighted_tests[results.weighted_tests["part"] == "overall"].set_index(place)
    assert len(SURVEY["fits"]) == len(tests) == 45
    for fit in SURVEY["fits"]:
        test = tests.loc[tuple(fit[name] for name in place)]
        assert test["df_resid"] == fit["df"] == 49
        np.testing.assert_allclose([test["chi2"] / test["df"], test["p"]], [fit["f"], fit["p"]], rtol=1e-7)
        if fit["coding"] != "spline":
            ours = estimates[tuple(fit[name] for name in place)]
            np.testing.assert_allclose(ours["estimate"], fit["estimate"], rtol=1e-7)
            np.testing.assert_allclose(ours["se"], fit["se"], rtol=1e-7)
            np.testing.assert_allclose(ours["population"], fit["population"], rtol=1e-9)
            assert set(ours["n"]) == {fit["n"]}


def test_weighted_curves_are_those_of_svycoxph(cohort, results):
    formulas = results.fits.set_index(list(KEY))["formula"]
    for expected in SURVEY["curves"][::3]:
        exposure = expected["exposure"]
        formula = formulas[exposure, expected["outcome"], "age", "spline", "lifestyle"]
        fit = cox(formula, cohort.data, survey=survey_design(cohort.design))
        reference = results.manifest.exposures[exposure].reference
        ours = curve(fit, exposure, reference=reference, grid=expected["x"])
        np.testing.assert_allclose(ours["estimate"], expected["estimate"], rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(ours["se"], expected["se"], rtol=1e-7)
        drawn = results.weighted_curves.query("exposure == @exposure and outcome == @expected['outcome']")
        refitted = curve(fit, exposure, reference=reference, grid=drawn["x"])
        np.testing.assert_allclose(drawn["high"], refitted["high"], rtol=1e-9)


@pytest.mark.parametrize("expected", SURVEY["subpopulations"], ids=lambda r: f"{r['model']}-{r['condition'][:3]}")
def test_subpopulations_are_those_of_subset_in_survey(cohort, expected):
    survey = replace(survey_design(cohort.design), subpopulation=expected["condition"])
    fit = SUBPOPULATIONS[expected["model"]](data=cohort.data, survey=survey)
    np.testing.assert_allclose(fit.coef, expected["estimate"], rtol=1e-7)
    np.testing.assert_allclose(fit.se, expected["se"], rtol=1e-7)
    assert fit.df_resid == expected["df"]
