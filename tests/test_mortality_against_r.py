"""Every model of the mortality analysis on real data, against R's survival, Hmisc and rms on the same table.

Frozen numbers: tests/reference/igf1_mortality.json, made by igf1_mortality.R beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.cohort.build import build
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.fetch import fetch, raw_folder
from riskkit.fit.cox import cox
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.results import Results
from riskkit.runner.run import run
from riskkit.spec.cohort import load_cohort_spec

KEY = ("exposure", "outcome", "time_scale", "coding", "model")
ROOT = Path(__file__).parent.parent
R = json.loads((ROOT / "tests" / "reference" / "igf1_mortality.json").read_text())


@pytest.fixture(scope="module")
def cohort(mirror, tmp_path_factory) -> Cohort:
    project = tmp_path_factory.mktemp("project")
    (project / "cohorts").mkdir()
    toml = project / "cohorts" / "nhanes3.toml"
    toml.write_bytes((ROOT / "cohorts" / "nhanes3.toml").read_bytes())
    spec = load_cohort_spec(toml)
    fetch(spec, project, mirror=mirror)
    return build(spec, raw_folder(spec, project))


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
        reference = results.manifest["exposures"][expected["exposure"]]["reference"]
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
