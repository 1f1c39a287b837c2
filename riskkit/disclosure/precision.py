"""How many digits may be shown: no more than leave the numbers of people and events behind an estimate open.

A person moves an estimate by about its standard error over the root of the number of events, and a standard error by
half of one part in as many as there are events. Estimates are shown in steps of the first, standard errors in steps of
what `round_to` events make of the second, and whatever follows from both (ratio, limits, p) is made of the two that are
shown. The steps are 1, 2 or 5 times a power of ten, so that numbers stay short. Rounding of this size adds to the mean
squared error of an estimate at most half of one part in as many as there are events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2 as chi_square
from scipy.stats import norm
from scipy.stats import t as student

from riskkit.disclosure.policy import Policy

Array = NDArray[np.float64]
NICE = np.array([1.0, 2.0, 5.0, 10.0])


def step(size: ArrayLike) -> Array:
    """The smallest of 1, 2 and 5 times a power of ten that is not below `size`, same shape; NaN of what is not > 0."""
    sizes = np.asarray(size, dtype=float)
    known = np.where(np.isfinite(sizes) & (sizes > 0), sizes, np.nan)
    decade = 10.0 ** np.floor(np.log10(known))
    above = np.searchsorted(NICE, np.round(np.where(np.isnan(known), 1.0, known / decade), 9))
    return np.asarray(np.where(np.isnan(known), np.nan, NICE[np.minimum(above, 3)] * decade))


def to_step(values: ArrayLike, steps: ArrayLike) -> Array:
    """Values to the nearest multiple of their steps; as they are where the step is NaN."""
    known, by = np.asarray(values, dtype=float), np.asarray(steps, dtype=float)
    by = np.broadcast_to(by, known.shape)
    shown = np.where(np.isnan(by), known, np.round(known / by) * by)
    digits = np.where(np.isnan(by), 15, np.clip(1 - np.floor(np.log10(by)), 0, 15)).astype(int)
    flat = [round(float(one), int(places)) for one, places in zip(shown.ravel(), digits.ravel(), strict=True)]
    return np.array(flat, dtype=float).reshape(known.shape) + 0.0  # no negative zero


def standard_errors(se: ArrayLike, events: ArrayLike, policy: Policy) -> Array:
    """Standard errors as `round_to` events more or fewer would not change them, shape of `se`; never 0."""
    known = np.asarray(se, dtype=float)
    by = step(known * policy.round_to / (2 * np.asarray(events, dtype=float)))
    return np.where(known > 0, np.maximum(to_step(known, by), by), known)


def estimates(estimate: ArrayLike, se: ArrayLike, events: ArrayLike) -> Array:
    """Estimates in steps of what a person can move them by, shape of `estimate`; `se` are those that are shown."""
    return to_step(estimate, step(np.asarray(se, dtype=float) / np.sqrt(np.asarray(events, dtype=float))))


def p_values(p: ArrayLike, events: ArrayLike) -> Array:
    """P values of statistics that a person can move by 1 / sqrt(events) of a standard error, shape of `p`."""
    known = np.asarray(p, dtype=float)
    z = norm.isf(np.clip(known, 1e-300, 1) / 2)
    return np.where(np.isnan(known), np.nan, 2 * norm.sf(to_step(z, _of_one(events))))


def two_sided(z: ArrayLike, df: ArrayLike) -> Array:
    """P values of estimates over their standard errors, with these degrees of freedom (NaN: infinite)."""
    degrees = np.asarray(df, dtype=float)
    return np.asarray(2 * student.sf(np.abs(np.asarray(z, dtype=float)), np.where(np.isnan(degrees), np.inf, degrees)))


def statistics(chi2: ArrayLike, df: ArrayLike, events: ArrayLike) -> tuple[Array, Array]:
    """Test statistics and their p values, in steps of the root of the statistic."""
    shown = to_step(np.sqrt(np.asarray(chi2, dtype=float)), _of_one(events)) ** 2
    return shown, np.asarray(chi_square.sf(shown, np.asarray(df, dtype=float)))


def amounts(values: ArrayLike, n: ArrayLike, policy: Policy) -> Array:
    """Sums over `n` people, such as person-years, in steps of what `round_to` people have on average."""
    known = np.asarray(values, dtype=float)
    three = 10.0 ** (np.floor(np.log10(np.abs(np.where(known == 0, np.nan, known)))) - 2)
    share = step(np.abs(known) * policy.round_to / np.asarray(n, dtype=float))
    return to_step(known, np.fmax(three, share))


def between(values: ArrayLike, low: ArrayLike, high: ArrayLike, events: ArrayLike) -> Array:
    """Values on any scale in steps of 1 / sqrt(events) of a quarter of the interval around them."""
    width = np.abs(np.asarray(high, dtype=float) - np.asarray(low, dtype=float)) / 4
    return to_step(values, step(width / np.sqrt(np.asarray(events, dtype=float))))


def _of_one(events: ArrayLike) -> Array:
    return step(1 / np.sqrt(np.asarray(events, dtype=float)))
