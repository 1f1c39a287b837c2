from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.fit.cox import cox
from riskkit.infer.calibration import calibrated
from riskkit.infer.curve import curve
from riskkit.infer.dilution import dilution, dilution_in
from riskkit.infer.nadir import nadir
from riskkit.infer.usual import correct

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
SPLINE = "Surv(time, died) ~ rcs(albumin, 4) + age + logbili + strata(female)"


@pytest.fixture(scope="module")
def pbc():
    return pd.read_csv(REFERENCE / "infer_dilution.csv")


def test_a_spline_agrees_with_integrals_in_r(pbc):
    frozen = json.loads((REFERENCE / "infer_dilution.json").read_text())["calibrated"]
    fit = cox(SPLINE, pbc)
    found = calibrated(fit, "albumin", dilution_in(fit, "albumin", pbc["repeated"]))
    assert found.recipe.terms[0].bases[0].knots == pytest.approx(tuple(frozen["knots"]), rel=1e-6)
    # R integrates to 1e-9; quadrature of piecewise cubics is good to about 1e-3 of a standard error.
    assert (np.abs(found.coef - frozen["coef"]) < 0.005 * found.se).all()
    np.testing.assert_allclose(found.se, np.sqrt(np.diag(frozen["vcov"])), rtol=0.005)


def test_a_line_without_covariates_is_divided_by_the_ratio(pbc):
    fit = cox("Surv(time, died) ~ albumin", pbc)
    ratio = dilution(pbc["albumin"], pbc["repeated"])
    found, expected = calibrated(fit, "albumin", ratio), correct(fit.tidy(), ratio).iloc[1]
    assert found.coef[0] == pytest.approx(expected["estimate"], rel=1e-9)
    # The central difference is over one standard error of lambda, so of second order where the formula is of first.
    assert found.se[0] == pytest.approx(expected["se"], rel=0.03)


def test_a_line_with_covariates_is_divided_by_the_ratio_given_them(pbc):
    fit = cox("Surv(time, died) ~ albumin + age + logbili + strata(female)", pbc)
    ratio = dilution_in(fit, "albumin", pbc["repeated"])
    found = calibrated(fit, "albumin", ratio)
    assert found.coef[0] == pytest.approx(fit.coef[0] / ratio.ratio, rel=1e-9)
    # The others are those at equal usual levels: b_z - b (1 - lambda) gamma / lambda, with gamma by least squares.
    z = np.column_stack([pbc["age"], pbc["logbili"], pbc["female"], np.ones(len(pbc))])
    gamma = np.linalg.lstsq(z, pbc["albumin"], rcond=None)[0][:2]
    np.testing.assert_allclose(
        found.coef[1:], fit.coef[1:] - fit.coef[0] * (1 - ratio.ratio) / ratio.ratio * gamma, rtol=1e-8
    )


def test_a_ratio_for_everybody_is_turned_into_the_one_given_the_covariates(pbc):
    fit = cox("Surv(time, died) ~ albumin + age + logbili + strata(female)", pbc)
    marginal = dilution(pbc["albumin"], pbc["repeated"], method="macmahon-peto")
    found = calibrated(fit, "albumin", marginal)
    z = np.column_stack([pbc["age"], pbc["logbili"], pbc["female"], np.ones(len(pbc))])
    _, rss, *_ = np.linalg.lstsq(z, pbc["albumin"], rcond=None)
    given = 1 - marginal.within_sd**2 / (rss[0] / (len(pbc) - 4))
    assert given < marginal.ratio
    assert found.coef[0] == pytest.approx(fit.coef[0] / given, rel=1e-9)


def test_the_fit_says_what_it_is_and_serves_curves(pbc):
    fit = cox(SPLINE, pbc)
    ratio = dilution_in(fit, "albumin", pbc["repeated"])
    found = calibrated(fit, "albumin", ratio)
    assert found.design is None
    assert np.isnan(found.loglik)
    assert "regression calibration" in found.method
    assert f"dilution ratio {ratio.ratio:.3f}" in found.notes[-1]
    assert found.summaries["albumin"].sd < fit.summaries["albumin"].sd
    assert curve(found, "albumin")["ratio"].notna().all()
    certain = calibrated(fit, "albumin", replace(ratio, se=0.0))
    assert (found.se[:3] > certain.se[:3]).all()
    np.testing.assert_array_equal(found.coef, certain.coef)


def cohort(seed: int, n: int) -> pd.DataFrame:
    """A U in the usual level with its nadir at 20, a covariate that explains a fifth of it, and error of SD 2.85."""
    random = np.random.default_rng(seed)
    z, own, error, again = random.standard_normal((4, n))
    usual = 21.4 + 2.4 * z + 4.75 * own
    rate = 0.04 * np.exp(0.004 * (usual - 20) ** 2 + 0.3 * z)
    time = random.exponential(1 / rate)
    repeat = np.where(random.random(n) < 0.05, usual + 2.85 * again, np.nan)
    measured = {"usual": usual, "x": usual + 2.85 * error, "repeat": repeat, "z": z}
    return pd.DataFrame({"time": np.minimum(time, 10), "died": time < 10, **measured})


def test_the_u_of_the_usual_level_is_found_again():
    data = cohort(1, 150_000)
    fit = cox("Surv(time, died) ~ rcs(x, 4) + z", data)
    found = calibrated(fit, "x", dilution_in(fit, "x", data["repeat"]))
    assert nadir(found, "x").x == pytest.approx(20, abs=1)
    grid = np.array([12.0, 16, 24, 28])
    measured, again = (curve(one, "x", reference=20.0, grid=grid)["estimate"] for one in (fit, found))
    # The same spline of the usual level itself is as near to the parabola as a spline comes.
    best = curve(cox("Surv(time, died) ~ rcs(usual, 4) + z", data), "usual", reference=20.0, grid=grid)["estimate"]
    assert again.tolist() == pytest.approx(best.tolist(), abs=0.05)
    assert (best - measured)[[0, 3]].min() > 0.07


def test_intervals_of_the_corrected_slope_cover_the_truth_and_the_measured_ones_do_not():
    # A log hazard ratio of 0.06 per unit of usual level, ratio 0.73 given z, 120 cohorts.
    covered = {"measured": 0, "corrected": 0, "calibrated": 0}
    estimates = []
    for seed in range(120):
        random = np.random.default_rng(seed)
        z, own, error, again = random.standard_normal((4, 2000))
        usual = 2.4 * z + 4.75 * own
        time = random.exponential(np.exp(-0.06 * usual - 0.3 * z) / 0.08)
        repeat = np.where(np.arange(2000) < 400, usual + 2.85 * again, np.nan)
        data = pd.DataFrame({"time": np.minimum(time, 10), "died": time < 10, "x": usual + 2.85 * error, "z": z})
        fit = cox("Surv(time, died) ~ x + z", data)
        ratio = dilution_in(fit, "x", pd.Series(repeat))
        both = np.log(correct(fit.tidy().iloc[:1], ratio)[["low", "high"]])
        again_fitted = np.log(calibrated(fit, "x", ratio).tidy().iloc[0][["low", "high"]].astype(float))
        for name, (low, high) in zip(covered, [*both.to_numpy(), again_fitted], strict=True):
            covered[name] += low < 0.06 < high
        estimates.append(fit.coef[0] / ratio.ratio)
    assert np.mean(estimates) == pytest.approx(0.06, abs=0.002)
    assert covered["measured"] < 0.3 * 120
    # 120 intervals of 95%: fewer than 106 of them, or all, would cover the truth in 3 of 1000 runs.
    assert 106 <= covered["corrected"] <= 119
    assert 106 <= covered["calibrated"] <= 119


def test_what_cannot_be_corrected_is_refused(pbc):
    fit = cox("Surv(time, died) ~ rcs(albumin, 4) + age", pbc)
    ratio = dilution(pbc["albumin"], pbc["repeated"])
    with pytest.raises(DataError, match="there is no dilution to correct"):
        calibrated(fit, "albumin", replace(ratio, ratio=1.02, within_sd=0.0))
    with pytest.raises(DataError, match="no lasting difference between people is left"):
        calibrated(fit, "albumin", replace(ratio, within_sd=3.0))
    with pytest.raises(SpecError, match="light"):
        calibrated(fit.light(), "albumin", ratio)
    with pytest.raises(SpecError, match=r"cannot be corrected.*use rcs"):
        calibrated(cox("Surv(time, died) ~ bs(albumin, 5)", pbc), "albumin", ratio)
    with pytest.raises(SpecError, match="5 levels"):
        calibrated(cox("Surv(time, died) ~ fifths(albumin)", pbc), "albumin", ratio)
