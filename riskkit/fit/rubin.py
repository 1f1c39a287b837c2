"""Rubin's rules: what m estimates from m imputed sets say together.

Estimates have shape (m, q), their covariances (m, q, q). `df_complete` is the degrees of freedom that the estimates
would have had with nothing missing.
"""

from __future__ import annotations

import numpy as np

from riskkit.design.bases import Array
from riskkit.fit.hypothesis import Test, wald_chi2

LEAST_SHARE = 1e-4  # of the variance that is between sets: fewer degrees of freedom than this gives are infinite


def between(estimates: Array) -> Array:
    """Covariance of the estimates from set to set, shape (q, q)."""
    away = estimates - estimates.mean(axis=0)
    return np.asarray(away.T @ away / (len(away) - 1))


def total(within: Array, between: Array, m: int) -> Array:
    """Covariance of the mean of m estimates: that within sets and that between them."""
    return np.asarray(within + (1 + 1 / m) * between)


def barnard_rubin(within: Array, between: Array, m: int, df_complete: float) -> Array:
    """Degrees of freedom of scalar estimates, from their variances within and between sets; shape (q,).

    References
    ----------
    Barnard J, Rubin DB (1999) Biometrika 86:948-955. R: mice:::barnard.rubin.
    """
    variance = total(within, between, m)
    share = np.divide((1 + 1 / m) * between, variance, out=np.zeros_like(variance), where=variance > 0)
    share = np.maximum(share, LEAST_SHARE)
    of_sets = (m - 1) / share**2
    if np.isinf(df_complete):
        return of_sets
    of_people = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    return of_sets * of_people / (of_sets + of_people)


def d1(estimates: Array, covariances: Array, df_complete: float) -> Test:
    """Wald test that q estimates are all zero, the share of missing information taken to be the same for all.

    With q = 1 it is the square of the t test with Barnard and Rubin's degrees of freedom.

    Raises
    ------
    FitError
        If the covariance within sets is singular.

    References
    ----------
    Li KH, Raghunathan TE, Rubin DB (1991) JASA 86:1065-1073; Reiter JP (2007) Biometrika 94:502-508. R: mice::D1.
    """
    m, q = estimates.shape
    mean, within, spread = estimates.mean(axis=0), covariances.mean(axis=0), between(estimates)
    chi2 = wald_chi2(mean, within)
    increase = (1 + 1 / m) * float(np.trace(np.linalg.solve(within, spread))) / q
    if q == 1:
        df = float(barnard_rubin(within[0], spread[0], m, df_complete)[0])
    else:
        df = (
            _df_of_sets(increase, q, m)
            if np.isinf(df_complete) or q * (m - 1) <= 4
            else _reiter(increase, q, m, df_complete)
        )
    return Test(chi2 / (1 + increase), q, df)


def d2(chi2: Array, q: float) -> Test:
    """Pool chi-squared statistics on q degrees of freedom, shape (m,); less accurate than the others.

    References
    ----------
    Li KH, Meng XL, Raghunathan TE, Rubin DB (1991) Stat Sinica 1:65-92. R: mice::D2.
    """
    m = chi2.size
    increase = (1 + 1 / m) * float(np.sqrt(chi2).var(ddof=1))
    f = (chi2.mean() / q - (m + 1) / (m - 1) * increase) / (1 + increase)
    df = (m - 1) * (1 + 1 / increase) ** 2 / q ** (3 / m) if increase else float("inf")
    return Test(max(float(f), 0.0) * q, q, df)


def d4(chi2: Array, stacked: float, q: int) -> Test:
    """Likelihood-ratio test of q restrictions from the chi-squared of each set and that of all sets as one.

    Parameters
    ----------
    chi2 : array, shape (m,)
        Likelihood-ratio statistic in each set.
    stacked : float
        That of the stacked sets, divided by m: both models with the same coefficients in every set.
    q : int

    References
    ----------
    Chan KW, Meng XL (2022) Stat Sinica 32:1489-1514. R: mitml::testModels(method = "D4", ariv = "positive").
    """
    m = chi2.size
    increase = max(0.0, (m + 1) / (q * (m - 1)) * float(chi2.mean() - stacked))
    df = q * (m - 1) * (1 + 1 / increase) ** 2 if increase else float("inf")
    return Test(stacked / (1 + increase), q, df)


def _df_of_sets(increase: float, q: int, m: int) -> float:
    """Denominator degrees of freedom of D1 with people without end (Li, Raghunathan and Rubin)."""
    t = q * (m - 1)
    if increase == 0:
        return float("inf")
    if t > 4:
        return 4 + (t - 4) * (1 + (1 - 2 / t) / increase) ** 2
    return t * (1 + 1 / q) * (1 + 1 / increase) ** 2 / 2


def _reiter(increase: float, q: int, m: int, df_complete: float) -> float:
    """Denominator degrees of freedom of D1 with as many people as there are; 4, the limit, where they are few."""
    t = q * (m - 1)
    a = increase * t / (t - 2)
    people = (df_complete + 1) / (df_complete + 3) * df_complete
    c0, c1, c2 = 1 / (t - 4), people - 2 * (1 + a), people - 4 * (1 + a)
    if c2 <= 0:
        return 4.0
    z = 1 / c2 + c0 * (
        a**2 * c1 / ((1 + a) ** 2 * c2)
        + 8 * a**2 * c1 / ((1 + a) * c2**2)
        + 4 * a**2 / ((1 + a) * c2)
        + 4 * a**2 / (c1 * c2)
        + 16 * a**2 * c1 / c2**3
        + 8 * a**2 / c2**2
    )
    return 4 + 1 / z
