"""Dose-response meta-analysis: what dosresmeta's documentation prints, to its digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published_doses import NAMES, published

import riskkit as rk
from riskkit.evidence.covariance import Counts, covariance, greenland_longnecker, hamling, pseudo_counts
from riskkit.evidence.levels import studies

TO_DOSE = np.array([[1.0, 2.0], [0.0, 1.0]])  # from (dose + 1) and (dose + 1)^2 to dose and dose^2
QUADRATIC = "fp(dose, [1, 2], shift=1, scale=1)"


@pytest.fixture(scope="module")
def alcohol() -> pd.DataFrame:
    return published("alcohol_cvd").rename(columns=NAMES)


# Of the six studies of alcohol_cvd, by Greenland and Longnecker (documentation of covar.logrr), lower triangles.
PRINTED = {
    "1": [
        0.04987985,
        0.01875906,
        0.05463996,
        0.01678737,
        0.01736485,
        0.14176254,
        0.01780975,
        0.01842239,
        0.01648609,
        0.19714011,
    ],
    "2": [0.04897601, 0.02669775, 0.08854517, 0.02510026, 0.02425041, 0.14983031],
    "3": [0.10058223, 0.03667789, 0.17523766, 0.04203026, 0.03757552, 0.82646389],
    "4": [0.11104463, 0.03566026, 0.11449601, 0.03466437, 0.03293283, 0.22216648],
    "5": [0.02079807, 0.01122058, 0.05681004, 0.01347285, 0.01269044, 0.07501320],
    "6": [0.024519546, 0.004898219, 0.123263570, 0.004718234, 0.004371731, 0.173481760],
}


def square(lower: list[float]) -> np.ndarray:
    n = int((2 * len(lower)) ** 0.5)
    out = np.zeros((n, n))
    out[np.tril_indices(n)] = lower
    return out + out.T - np.diag(np.diag(out))


COVARIANCES = {name: square(lower) for name, lower in PRINTED.items()}


@pytest.fixture(scope="module")
def theirs(alcohol) -> dict[str, np.ndarray]:
    """dosresmeta's covariances of cumulative-incidence studies: counts as if their risk ratios were odds ratios."""
    found = {}
    for one in studies(alcohol, dose="dose")[0]:
        if one.counts.design == "cumulative-incidence":
            counts = pseudo_counts(one.log_ratio, Counts(one.counts.cases, one.counts.others, "case-control"))
            part = 1 / counts.cases - 1 / counts.others
            crude = part[1:] + part[0]
            found[one.name] = part[0] * np.sqrt(np.outer(one.variance, one.variance) / np.outer(crude, crude))
            np.fill_diagonal(found[one.name], one.variance)
    return found


def rounded(values, digits=4):
    return np.round(np.asarray(values, dtype=float), digits).tolist()


def test_one_case_control_study():
    """Greenland and Longnecker's example: slope 0.0454 (0.0207), chi2 4.8333, log-likelihood 0.7835."""
    table = published("cc_ex").rename(columns=NAMES).assign(study="Rohan 1988")
    fit = rk.dose_response(table, "dose", design="case-control", method="common")
    assert rounded([fit.coef[0], fit.se[0], fit.wald_test.chi2, fit.loglik]) == [0.0454, 0.0207, 4.8333, 0.7835]
    assert rounded(fit.tidy()[["ratio", "low", "high"]], 6) == [[1.046477, 1.004941, 1.089729]]
    assert fit.ratio_name == "odds ratio"


def test_linear_two_stage(alcohol):
    """-0.0044 (0.0059), between-study SD 0.0100, Q 14.1464 on 5 df, I2 64.7%, log-likelihood 14.0341."""
    fit = rk.dose_response(alcohol, "dose", stages=2, covariances=COVARIANCES)
    q = rk.dose_heterogeneity(fit)
    found = [fit.coef[0], fit.se[0], np.sqrt(fit.between[0, 0]), q["q"], q["p"], fit.loglik, fit.wald_test.chi2]
    assert rounded(found) == [-0.0044, 0.0059, 0.0100, 14.1464, 0.0147, 14.0341, 0.5495]
    assert (q["df"], round(q["i2"], 1)) == (5, 64.7)
    assert rounded(fit.tidy()[["ratio", "low", "high"]], 6) == [[0.995644, 0.984218, 1.007203]]


def test_quadratic_two_stage(alcohol):
    """-0.0302 (0.0132), 0.0008 (0.0005), SDs 0.0209 and 0.0008, correlation -0.9063; Q 35.1177, I2 71.5%."""
    fit = rk.dose_response(alcohol, QUADRATIC, stages=2, covariances=COVARIANCES)
    psi = TO_DOSE @ fit.between @ TO_DOSE.T
    sd = np.sqrt(np.diag(psi))
    assert rounded(TO_DOSE @ fit.coef) == [-0.0302, 0.0008]
    assert rounded(np.sqrt(np.diag(TO_DOSE @ fit.vcov @ TO_DOSE.T))) == [0.0132, 0.0005]
    assert rounded(sd) == [0.0209, 0.0008]
    assert rounded(psi[0, 1] / np.prod(sd)) == -0.9063
    q = rk.dose_heterogeneity(fit)
    assert rounded([q["q"], fit.loglik, fit.wald_test.chi2]) == [35.1177, 34.6967, 6.3694]
    assert (q["df"], round(q["i2"], 1)) == (10, 71.5)


def test_pseudo_counts_of_greenland_and_longnecker(alcohol):
    """Four of the five cells to their digits; the first of theirs lags a step behind: they add up to 296.99984."""
    first = studies(alcohol, dose="dose")[0][0]
    found = pseudo_counts(first.log_ratio, first.counts)
    assert rounded(found.cases[1:], 5) == [67.12135, 68.86106, 18.64972, 17.32196]
    assert found.cases[0] == pytest.approx(125.04575, abs=2e-4)
    assert found.cases.sum() == pytest.approx(297, abs=1e-9)


def test_covariances_of_greenland_and_longnecker(alcohol, theirs):
    """To the step at which their search for counts stops; two are of counts as theirs are."""
    for one in studies(alcohol, dose="dose")[0]:
        found = theirs.get(one.name, greenland_longnecker(one.log_ratio, one.variance, one.counts))
        assert found == pytest.approx(COVARIANCES[one.name], abs=5e-8)


def test_counts_of_hamling(alcohol):
    """The search of theirs stops at about four digits; ours gives the ratios and limits back to twelve."""
    printed = {
        "1": [77.22402, 42.86376, 39.59588, 14.04864, 11.37916],
        "2": [52.936594, 57.793169, 18.561968, 9.998022],
        "3": [41.767484, 22.346167, 10.101682, 2.800649],
        "4": [41.049928, 19.560563, 25.512473, 7.685215],
    }
    for one in studies(alcohol, dose="dose")[0]:
        found = hamling(one.log_ratio, one.variance, one.counts)
        assert found.log_ratios == pytest.approx(one.log_ratio, abs=1e-12)
        assert found.parts[1:] + found.parts[0] == pytest.approx(one.variance, rel=1e-12)
        if one.name in printed:
            assert found.cases == pytest.approx(printed[one.name], rel=1e-4)
        matrix = covariance(one.log_ratio, one.variance, one.counts, "hamling")
        assert np.linalg.eigvalsh(matrix).min() > 0


def test_counts_of_a_cumulative_incidence_study_give_its_risk_ratios(alcohol):
    """Here dosresmeta differs: its counts give odds ratios. The slope moves by a fiftieth of its standard error."""
    for one in studies(alcohol, dose="dose")[0][4:]:
        found = pseudo_counts(one.log_ratio, one.counts)
        risk = found.cases / found.others
        assert np.log(risk[1:] / risk[0]) == pytest.approx(one.log_ratio, abs=1e-12)
    fit = rk.dose_response(alcohol, "dose", stages=2)
    assert abs(fit.coef[0] + 0.0044) < 0.05 * fit.se[0]


def test_coffee_and_death_has_a_lowest_point_with_an_interval():
    """22 studies: the published curve is lowest near 4 cups a day (Crippa and others 2014)."""
    table = published("coffee_mort").rename(columns=NAMES)
    fit = rk.dose_response(table, "rcs(dose, 3)")
    assert len(fit.study) == 22
    lowest = rk.nadir(fit, "dose")
    assert 3 < lowest.low < lowest.x < 5
    at = rk.curve(fit, "dose", reference=0, grid=[4])
    assert at["high"][0] < 0.9
    assert rk.anova(fit).iloc[1]["p"] < 0.001
    assert rk.dose_fit(fit).p > 0.05
    new = rk.dose_prediction(fit, [4], 0)
    assert new["low"][0] < at["low"][0]
    assert new["high"][0] > at["high"][0]
