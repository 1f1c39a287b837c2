"""How much true effects differ between studies: estimators of the variance between them, and its intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from riskkit.design.bases import Array
from riskkit.errors import FitError

Estimator = Literal["common", "DL", "PM", "REML", "ML"]
ESTIMATORS = ("common", "DL", "PM", "REML", "ML")
GRID = 60  # values of tau2 looked at before the score is solved between two of them: a likelihood may have two maxima


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weighted least squares of k estimates on p columns.

    Attributes
    ----------
    coef : array, shape (p,)
    cov : array, shape (p, p)
        Inverse of X'WX.
    residual : array, shape (k,)
    q : float
        Weighted sum of squared residuals.
    """

    coef: Array
    cov: Array
    residual: Array
    q: float


def weighted(y: Array, v: Array, x: Array, tau2: float = 0.0) -> Weighted:
    """Regress estimates y, shape (k,), on x, shape (k, p), with weights 1 / (v + tau2)."""
    w = 1 / (v + tau2)
    cov = np.asarray(np.linalg.inv((x * w[:, None]).T @ x), dtype=np.float64)
    coef = cov @ (x.T @ (w * y))
    residual = y - x @ coef
    return Weighted(coef, cov, residual, float(w @ residual**2))


def between(y: Array, v: Array, x: Array, method: Estimator) -> float:
    """Estimate tau2, the variance of true effects between studies, never below 0.

    Parameters
    ----------
    y, v : array, shape (k,)
        Estimates on the model's scale, and their variances within studies.
    x : array, shape (k, p)
    method : {"common", "DL", "PM", "REML", "ML"}
        "common" is 0; DerSimonian and Laird; Paule and Mandel; (restricted) maximum likelihood, exact to rounding.

    Raises
    ------
    FitError
        If the likelihood has no maximum within reach.

    References
    ----------
    Viechtbauer W (2005) J Educ Behav Stat 30:261; DerSimonian R, Kacker R (2007) Contemp Clin Trials 28:105. R:
    metafor::rma.
    """
    df = len(y) - x.shape[1]
    if method == "common" or df < 1:
        return 0.0
    if method == "DL":
        w = 1 / v
        trace = w.sum() - np.trace(np.linalg.solve((x * w[:, None]).T @ x, (x * w[:, None] ** 2).T @ x))
        return max(0.0, (weighted(y, v, x).q - df) / float(trace))
    if method == "PM":
        return solve_q(y, v, x, df)
    return _likeliest(y, v, x, restricted=method == "REML")


def solve_q(y: Array, v: Array, x: Array, target: float) -> float:
    """Find the tau2 at which the weighted sum of squared residuals is `target`; 0 where it is less at 0."""
    if weighted(y, v, x).q <= target:
        return 0.0
    return _root(lambda t: weighted(y, v, x, t).q - target, 0.0, _upper(y, v))


def log_likelihood(y: Array, v: Array, x: Array, tau2: float, *, restricted: bool) -> float:
    """Log-likelihood at its maximum in the coefficients, with metafor's constant where it is restricted."""
    k, p = x.shape
    at = weighted(y, v, x, tau2)
    full = -0.5 * (k * np.log(2 * np.pi) + np.log(v + tau2).sum() + at.q)
    if not restricted:
        return float(full)
    return float(full + 0.5 * (p * np.log(2 * np.pi) + np.linalg.slogdet(x.T @ x)[1] + np.linalg.slogdet(at.cov)[1]))


def tau2_error(v: Array, x: Array, tau2: float, method: Estimator) -> float:
    """Standard error of tau2 by REML or ML from the expected information; NaN for other estimators."""
    if method not in ("REML", "ML"):
        return float("nan")
    w = 1 / (v + tau2)
    squares = float((w**2).sum())
    if method == "REML":
        cov = np.linalg.inv((x * w[:, None]).T @ x)
        second = cov @ ((x * w[:, None] ** 2).T @ x)
        squares += float(np.trace(second @ second) - 2 * np.trace(cov @ ((x * w[:, None] ** 3).T @ x)))
    return float(np.sqrt(2 / squares))


def q_profile(y: Array, v: Array, x: Array, level: float) -> tuple[float, float]:
    """Interval for tau2 by inversion of the generalised Q statistic.

    Its ends are 0 where Q is small at 0 already; both are 0 where estimates differ less than chance makes them.

    References
    ----------
    Viechtbauer W (2007) Stat Med 26:37. R: metafor::confint.rma.uni.
    """
    df = len(y) - x.shape[1]
    if df < 1:
        return float("nan"), float("nan")
    upper, lower = (float(special.chdtri(df, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return solve_q(y, v, x, upper), solve_q(y, v, x, lower)


def typical_variance(v: Array, x: Array) -> float:
    """The 'typical' variance within studies, against which I2 sets tau2 (Higgins and Thompson 2002, equation 9)."""
    w = 1 / v
    cov = np.linalg.inv((x * w[:, None]).T @ x)
    trace = w.sum() - np.trace(cov @ ((x * w[:, None] ** 2).T @ x))
    return float((len(v) - x.shape[1]) / trace)


def _likeliest(y: Array, v: Array, x: Array, *, restricted: bool) -> float:
    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        at = weighted(y, v, x, tau2)
        trace = w.sum()
        if restricted:
            trace -= np.trace(at.cov @ ((x * w[:, None] ** 2).T @ x))
        return float((w**2) @ at.residual**2 - trace)

    upper = _upper(y, v)
    grid = np.concatenate([[0.0], np.geomspace(1e-6 * upper, upper, GRID)])
    heights = [log_likelihood(y, v, x, t, restricted=restricted) for t in grid]
    best = int(np.argmax(heights))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, GRID)]
    if best == 0 and score(0.0) <= 0:
        return 0.0
    return _root(score, low, high)


def _upper(y: Array, v: Array) -> float:
    """A tau2 far above any that the estimates could ask for."""
    return float(10 * (np.ptp(y) ** 2 + v.max()))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(200):
        if function(high) <= 0:
            break
        high *= 10
    else:
        raise FitError("the variance between studies has no finite estimate; look for an estimate far from all others.")
    return float(optimize.brentq(function, low, high, xtol=1e-300, rtol=1e-14, maxiter=500))
