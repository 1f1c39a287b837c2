"""Therneau's hand-worked examples: every number follows from the closed form of the likelihood beside it.

The data are those of the validation vignette of R's survival package (test data 1, 2 and the weighted set 3).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq

import riskkit as rk
from riskkit.fit.baseline import baseline
from riskkit.fit.residuals import residuals

ONE = pd.DataFrame({"time": [9, 1, 1, 6, 6, 8], "status": [1, 1, 0, 1, 1, 0], "x": [0, 1, 1, 1, 0, 0]})
TWO = pd.DataFrame(
    {
        "start": [1, 2, 5, 2, 1, 7, 3, 4, 8, 8],
        "stop": [2, 3, 6, 7, 8, 9, 9, 9, 14, 17],
        "event": [1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        "x": [1, 0, 0, 1, 0, 1, 1, 1, 0, 0],
    }
)
THREE = pd.DataFrame(
    {
        "time": [1, 1, 2, 2, 2, 2, 3, 4, 5],
        "status": [1, 0, 1, 1, 1, 0, 0, 1, 0],
        "x": [2, 0, 1, 1, 0, 1, 0, 1, 0],
        "w": [1, 2, 3, 4, 3, 2, 1, 2, 1],
    }
)


def test_one_breslow() -> None:
    """l(b) = 2b - log(3r + 3) - 2 log(r + 3), r = exp(b), whose maximum is at r = (3 + sqrt 33) / 2."""
    fit = rk.cox("Surv(time, status) ~ x", ONE, ties="breslow")
    r = (3 + np.sqrt(33)) / 2
    assert_allclose(fit.coef, np.log(r), rtol=1e-10)
    assert_allclose(fit.coef, 1.475285, atol=5e-7)
    assert_allclose(fit.loglik, 2 * np.log(r) - np.log(3 * r + 3) - 2 * np.log(r + 3), rtol=1e-12)
    assert_allclose(fit.loglik_null, -np.log(6) - 2 * np.log(4), rtol=1e-12)
    assert_allclose(1 / fit.vcov, r / (r + 1) ** 2 + 6 * r / (r + 3) ** 2, rtol=1e-9)
    assert_allclose(fit.score_test.chi2, (2 - 1 / 2 - 2 / 4) ** 2 / (1 / 4 + 6 / 16), rtol=1e-12)

    first, second = 1 / (3 * r + 3), 2 / (r + 3)  # hazard at 1 and 6; at 9 it is 1
    at_nine = first + second + 1
    assert_allclose(
        residuals(fit, "martingale"),
        [1 - at_nine, 1 - r * first, -r * first, 1 - r * (first + second), 1 - (first + second), -(first + second)],
        rtol=1e-9,
    )
    means = np.array([r / (r + 1), r / (r + 3), r / (r + 3), 0])
    got = residuals(fit, "schoenfeld")
    assert_allclose(got["time"], [1, 6, 6, 9])
    assert_allclose(got["x"], np.array([1, 1, 0, 0]) - means, rtol=1e-9, atol=1e-9)
    score = [
        first * means[0] + second * means[1],  # at 9 the mean is the row's own x
        (1 - means[0]) * (1 - r * first),
        (1 - means[0]) * (-r * first),
        (1 - means[1]) * (1 - r * second) - r * first * (1 - means[0]),
        -means[1] * (1 - second) + first * means[0],
        second * means[1] + first * means[0],
    ]
    assert_allclose(residuals(fit, "score")["x"], score, rtol=1e-8, atol=1e-9)
    curve = baseline(fit, pd.DataFrame({"x": [0]}))
    assert_allclose(curve["cumhaz"], np.cumsum([first, second, 1]), rtol=1e-9)
    drift = np.cumsum(np.array([first, second, 1]) * means[[0, 1, 3]])
    variance = np.cumsum([first**2, second**2 / 2, 1]) + drift**2 * fit.vcov[0, 0]
    assert_allclose(curve["se"], np.sqrt(variance), rtol=1e-9)


def test_one_efron() -> None:
    """l(b) = 2b - log(3r + 3) - log(r + 3) - log((r + 5) / 2)."""
    fit = rk.cox("Surv(time, status) ~ x", ONE, ties="efron")
    beta = brentq(lambda b: 2 - sum(1 / (1 + k * np.exp(-b)) for k in (1, 3, 5)), 0, 3, xtol=1e-14)
    r = np.exp(beta)
    assert_allclose(fit.coef, beta, rtol=1e-10)
    assert_allclose(fit.coef, 1.676857, atol=5e-7)
    assert_allclose(fit.loglik, 2 * beta - np.log(3 * r + 3) - np.log(r + 3) - np.log((r + 5) / 2), rtol=1e-12)
    assert_allclose(1 / fit.vcov, r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2, rtol=1e-9)
    hazard = [1 / (3 * r + 3), 1 / (r + 3) + 2 / (r + 5), 1]
    assert_allclose(baseline(fit, pd.DataFrame({"x": [0]}))["hazard"], hazard, rtol=1e-9)
    tied = hazard[0] + 1 / (r + 3) + 1 / (r + 5)  # a tied event is spared half of the second step
    assert_allclose(residuals(fit, "martingale").iloc[[3, 4]], [1 - r * tied, 1 - tied], rtol=1e-9)
    assert_allclose(residuals(fit, "schoenfeld")["x"].iloc[1], 1 - (r / (r + 3) + r / (r + 5)) / 2, rtol=1e-9)


@pytest.mark.parametrize(("ties", "published"), [("efron", -0.02110521), ("breslow", -0.08452608)])
def test_two_with_entry(ties: str, published: float) -> None:
    """Risk sets (x = 1, x = 0) at 2, 3, 6, 7, 8, 9, and two events with x = 1 tied at 9."""
    events = TWO[TWO["event"] == 1].sort_values("stop")
    at_risk = np.array(
        [[((TWO["start"] < t) & (t <= TWO["stop"]) & (TWO["x"] == x)).sum() for x in (1, 0)] for t in events["stop"]],
        dtype=float,
    )
    if ties == "efron":
        at_risk[-1, 0] -= 1  # the second of the two events tied at 9, both with x = 1, meets half of each

    def share(b: float) -> np.ndarray:
        return at_risk[:, 0] / (at_risk[:, 0] + at_risk[:, 1] * np.exp(-b))

    beta = brentq(lambda b: float((events["x"] - share(b)).sum()), -3, 3, xtol=1e-14)
    fit = rk.cox("Surv(start, stop, event) ~ x", TWO, ties=ties)
    assert_allclose(fit.coef, beta, rtol=1e-9)
    assert_allclose(fit.coef, published, atol=5e-8)
    assert_allclose(1 / fit.vcov[0, 0], (share(beta) * (1 - share(beta))).sum(), rtol=1e-9)


@pytest.mark.parametrize(("ties", "published"), [("breslow", 0.85955744), ("efron", 0.8726)])
def test_three_weighted(ties: str, published: float) -> None:
    """l(b) = 11b - log(r^2 + 11r + 7) - 10 log(11r + 5) - 2 log(2r + 1), Breslow.

    Efron's three steps at time 2 have weight 10/3 each and meet 11r + 5 less 0, 1/3 and 2/3 of 7r + 3.
    """
    shares = [0, 1 / 3, 2 / 3] if ties == "efron" else [0, 0, 0]

    def gradient(b: float) -> float:
        r = np.exp(b)
        steps = [(11 - 7 * f) * r / ((11 - 7 * f) * r + 5 - 3 * f) for f in shares]
        return 11 - (2 * r**2 + 11 * r) / (r**2 + 11 * r + 7) - 10 / 3 * sum(steps) - 2 * 2 * r / (2 * r + 1)

    fit = rk.cox("Surv(time, status) ~ x", THREE, ties=ties, weights="w")
    beta = brentq(gradient, 0, 3, xtol=1e-14)
    assert_allclose(fit.coef, beta, rtol=1e-9)
    assert_allclose(fit.coef, published, atol=5e-5)
    r = np.exp(beta)
    loglik = 11 * beta - np.log(r**2 + 11 * r + 7) - 2 * np.log(2 * r + 1)
    loglik -= 10 / 3 * sum(np.log((11 - 7 * f) * r + 5 - 3 * f) for f in shares)
    assert_allclose(fit.loglik, loglik, rtol=1e-12)


def test_a_pair_is_decided_by_firths_penalty() -> None:
    """One pair, the exposed one ill first: l + log I / 2 = 1.5 log p + 0.5 log(1 - p), highest at p = 3/4."""
    pair = pd.DataFrame({"time": [1, 2], "status": [1, 0], "x": [1, 0]})
    fit = rk.cox("Surv(time, status) ~ x", pair, penalty="firth")
    assert_allclose(fit.coef, np.log(3), rtol=1e-8)
    assert_allclose(fit.loglik, 1.5 * np.log(0.75) + 0.5 * np.log(0.25), rtol=1e-10)
    assert_allclose(fit.vcov, 1 / (0.75 * 0.25), rtol=1e-8)


def test_one_binary_factor_has_the_log_rank_test_as_its_score_test() -> None:
    """Without ties: sum(O - E)^2 / sum of hypergeometric variances."""
    generator = np.random.default_rng(5)
    data = pd.DataFrame({"time": generator.permutation(60) + 1.0, "event": generator.random(60) < 0.6})
    data["x"] = generator.integers(0, 2, 60)
    observed = expected = variance = 0.0
    for time, x in data.loc[data["event"], ["time", "x"]].itertuples(index=False):
        share = data.loc[data["time"] >= time, "x"].mean()
        observed, expected, variance = observed + x, expected + share, variance + share * (1 - share)
    fit = rk.cox("Surv(time, event) ~ x", data)
    assert_allclose(fit.score_test.chi2, (observed - expected) ** 2 / variance, rtol=1e-10)
