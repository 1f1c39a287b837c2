"""Spline bases as functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskkit.errors import DataError, SpecError

Array = NDArray[np.float64]


def knots(x: ArrayLike, k: int = 5) -> Array:
    """Place the knots of a restricted cubic spline where Harrell does.

    Parameters
    ----------
    x : array, shape (n,)
        Values in the variable's own unit; missing values are ignored.
    k : int
        Number of knots, 3 to 10.

    Returns
    -------
    array, shape (k,)
        Knots in increasing order: evenly spaced type-7 percentiles between the 5th and the 95th (3 knots: 10th and
        90th; 7 or more: 2.5th and 97.5th). When at least 5% of the values are tied at an end (a detection limit, say),
        the outermost knot is the next value. With fewer than 100 values the outer knots are the 5th smallest and
        largest.

    Raises
    ------
    SpecError
        If `k` is outside 3 to 10.
    DataError
        If there are too few distinct values for `k` knots.

    References
    ----------
    Harrell, Regression Modeling Strategies (2nd ed.), 2.4.6; R: Hmisc::rcspline.eval(x, nk = k, knots.only = TRUE).
    """
    if not 3 <= k <= 10:
        raise SpecError(f"a restricted cubic spline takes 3 to 10 knots, not {k}.")
    values = np.asarray(x, dtype=float)
    values = values[~np.isnan(values)]
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size - 2 <= k:
        raise DataError(
            f"{k} knots need more than {k + 2} distinct values; there are {distinct.size}. "
            "Use fewer knots, give the knots yourself, as in rcs(x, [10, 20, 30]), or make it a factor with C(x)."
        )
    share = counts / values.size
    first: list[float] = []
    last: list[float] = []
    if share[1:-1].max() < _TIED:
        if share[0] >= _TIED:
            first, values = [float(distinct[1])], values[values > distinct[1]]
        if share[-1] >= _TIED:
            last, values = [float(distinct[-2])], values[values < distinct[-2]]
    outer = 0.10 if k == 3 else 0.05 if k < 7 else 0.025
    inner = k - len(first) - len(last)
    if inner == 1:
        placed = np.array([np.median(values)])
    else:
        placed = np.quantile(values, np.linspace(0.5 if inner == 2 else outer, 1 - outer, inner))
        if values.size < 100:
            ordered = np.sort(values)
            if not first:
                placed[0] = ordered[4]
            if not last:
                placed[-1] = ordered[-5]
    found = np.unique(np.concatenate([first, placed, last]))
    if found.size < k:
        raise DataError(
            f"the values are too heavily tied for {k} distinct knots: only {found.size} remain. "
            "Use fewer knots or give them yourself, as in rcs(x, [10, 20, 30])."
        )
    return found


_TIED = 0.05  # a share of tied values from which Hmisc moves an outer knot inwards


def checked_knots(values: Sequence[Any] | Array, what: str = "rcs") -> Array:
    """Validate knots a user wrote: at least 3, finite, increasing."""
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise SpecError(f"{what}: knots must be numbers, as in {what}(x, [10, 20, 30]); got {values!r}.") from None
    if found.ndim != 1 or found.size < 3 or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise SpecError(f"{what}: knots must be at least 3 finite numbers in increasing order; got {list(values)!r}.")
    return found


def rcs(x: ArrayLike, knots: ArrayLike) -> Array:
    """Restricted (natural) cubic spline basis: linear beyond the outer knots.

    Parameters
    ----------
    x : array, shape (n,)
        Values in the variable's own unit.
    knots : array, shape (k,)
        Increasing knots in the same unit, k >= 3.

    Returns
    -------
    array, shape (n, k - 1)
        The linear term, then the k - 2 nonlinear terms, each divided by (last knot - first knot)^2 so that all are in
        the unit of `x`.

    Raises
    ------
    SpecError
        If the knots are not at least three finite increasing numbers.

    References
    ----------
    Devlin TF, Weeks BJ (1986); R: Hmisc::rcspline.eval(x, knots, inclx = TRUE, norm = 2), as used by rms::rcs.
    """
    return _rcs(np.asarray(x, dtype=float), checked_knots(np.asarray(knots)), derivative=False)


def rcs_slope(x: ArrayLike, knots: ArrayLike) -> Array:
    """First derivative with respect to `x` of each column of `rcs(x, knots)`; shape (n, k - 1), per unit of x."""
    return _rcs(np.asarray(x, dtype=float), checked_knots(np.asarray(knots)), derivative=True)


def _rcs(x: Array, t: Array, *, derivative: bool) -> Array:
    def beyond(knot: float) -> Array:
        v = np.maximum(x - knot, 0)
        return 3 * v * v if derivative else v * v * v  # numpy's v**3 takes ten times as long

    out = np.empty((x.size, t.size - 1))
    out[:, 0] = 1.0 if derivative else x
    beyond_last, beyond_next = beyond(t[-1]), beyond(t[-2])
    for j, knot in enumerate(t[:-2], start=1):
        tail = ((t[-2] - knot) * beyond_last - (t[-1] - knot) * beyond_next) / (t[-1] - t[-2])
        out[:, j] = (beyond(knot) + tail) / (t[-1] - t[0]) ** 2
    return out
