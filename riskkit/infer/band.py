"""Critical values of intervals that hold at one point, or over many points at once."""

from __future__ import annotations

from typing import Literal

import numpy as np

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.linear import critical, standard_errors

Band = Literal["pointwise", "simultaneous"]

DRAWS = 20_000
_BLOCK = 500  # draws at a time, so that their values over the grid stay in cache


def critical_value(fit: Fit, rows: Array, level: float, band: Band, seed: int = 1) -> Array:
    """Critical values of a band over m linear combinations, shape (m, p); shape (m,).

    Pointwise: the two-sided normal (or t) quantile. Simultaneous: the quantile of the largest |z| over the rows, from
    20,000 draws of the estimates' normal distribution (its Monte Carlo error is about 0.01), or of their t distribution
    with the degrees of freedom of the row that has fewest.

    Raises
    ------
    SpecError
        If the band or the level is unknown.

    References
    ----------
    Montiel Olea JL, Plagborg-Moller M (2019) J Appl Econometrics 34:1-17.
    """
    pointwise = critical(fit, rows, level)
    if band == "pointwise":
        return pointwise
    if band != "simultaneous":
        raise SpecError(f'band is "pointwise" or "simultaneous"; got {band!r}.')
    se = standard_errors(fit, rows)
    varying = se > 0
    if not varying.any():
        return pointwise
    used = rows[varying].any(axis=0)
    scaled = rows[np.ix_(varying, used)] / se[varying, None]
    directions = scaled @ root(fit.vcov[np.ix_(used, used)])
    random = np.random.default_rng(seed)
    normal = random.standard_normal((directions.shape[1], DRAWS))
    largest = np.empty(DRAWS)
    for start in range(0, DRAWS, _BLOCK):
        block = slice(start, start + _BLOCK)
        z = directions @ normal[:, block]
        largest[block] = np.maximum(z.max(axis=0), -z.min(axis=0))
    df = fit.t_df(rows[varying]).min()
    if np.isfinite(df):
        largest /= np.sqrt(random.chisquare(df, DRAWS) / df)
    return np.maximum(pointwise, np.quantile(largest, level))


def root(covariance: Array) -> Array:
    """A matrix R with R R' = covariance, shape (q, q), also when it is singular."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
