"""B-spline bases as functions on arrays: R's `bs` and `ns`, and the even grid of penalised splines.

`knots` is a full knot vector: the boundary knots, repeated or continued outside, and the interior knots between them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskkit.errors import DataError

Array = NDArray[np.float64]
Boundary = tuple[float, float]


def interior_knots(x: Array, count: int, boundary: Boundary, what: str) -> Array:
    """Place `count` knots at evenly spaced type-7 quantiles of the values within the boundary, as R does.

    Raises
    ------
    DataError
        If ties make knots coincide with each other or with a boundary knot. `what` names the term.
    """
    inside = x[(x >= boundary[0]) & (x <= boundary[1])]
    placed = np.quantile(inside, np.linspace(0, 1, count + 2)[1:-1])
    if (np.diff(np.concatenate([boundary[:1], placed, boundary[1:]])) <= 0).any():
        raise DataError(
            f"{what}: the values are too heavily tied for {count} distinct knots inside {boundary[0]:g} to "
            f"{boundary[1]:g}. Use fewer degrees of freedom, or give the knots."
        )
    return placed


def bspline(x: ArrayLike, interior: ArrayLike, boundary: Boundary, degree: int = 3) -> Array:
    """B-spline basis without its first column, so that an intercept can stand beside it.

    Parameters
    ----------
    x : array, shape (n,)
        Values in the variable's own unit; beyond the boundary the outermost polynomials go on.
    interior : array, shape (k,)
        Interior knots, increasing.
    boundary : (float, float)
    degree : int
        Of the polynomials: 3 is cubic.

    Returns
    -------
    array, shape (n, k + degree)

    References
    ----------
    R: splines::bs(x, knots = interior, Boundary.knots = boundary, degree = degree).
    """
    return _all_columns(np.asarray(x, dtype=float), _clamped(interior, boundary, degree), degree)[:, 1:]


def natural(x: ArrayLike, interior: ArrayLike, boundary: Boundary) -> Array:
    """Natural cubic spline basis: linear beyond the boundary knots, without an intercept.

    Parameters
    ----------
    x : array, shape (n,)
    interior : array, shape (k,)
    boundary : (float, float)

    Returns
    -------
    array, shape (n, k + 1)

    References
    ----------
    R: splines::ns(x, knots = interior, Boundary.knots = boundary).
    """
    knots = _clamped(interior, boundary, 3)
    ends = np.array(boundary)
    bends = _all_columns(ends, knots, 3, derivative=2)[:, 1:]
    # The trailing columns of Q span the coefficients whose curves have no second derivative at either end.
    straight_ends = np.linalg.qr(bends.T, mode="complete")[0][:, 2:]
    return _with_tangents(np.asarray(x, dtype=float), knots, boundary)[:, 1:] @ straight_ends


def even_grid(boundary: Boundary, terms: int) -> Array:
    """Knots of a cubic spline in `terms` even pieces, continued three pieces beyond both ends; shape (terms + 7,)."""
    width = (boundary[1] - boundary[0]) / terms
    return np.asarray(boundary[0] + width * np.arange(-3, terms + 4), dtype=float)


def on_even_grid(x: ArrayLike, boundary: Boundary, terms: int) -> Array:
    """Cubic B-splines on an even grid without the first, linear beyond the boundary; shape (n, terms + 2).

    References
    ----------
    R: survival::pspline(x, nterm = terms, Boundary.knots = boundary, penalty = FALSE).
    """
    return _with_tangents(np.asarray(x, dtype=float), even_grid(boundary, terms), boundary)[:, 1:]


def _clamped(interior: ArrayLike, boundary: Boundary, degree: int) -> Array:
    low, high = boundary
    return np.concatenate([np.full(degree + 1, low), np.asarray(interior, dtype=float), np.full(degree + 1, high)])


def _all_columns(x: Array, knots: Array, degree: int, derivative: int = 0) -> Array:
    from scipy.interpolate import BSpline  # half a second and 50 MB that only these splines need

    return np.asarray(BSpline(knots, np.eye(knots.size - degree - 1), degree)(x, nu=derivative))


def _with_tangents(x: Array, knots: Array, boundary: Boundary) -> Array:
    """Cubic B-splines within the boundary, their tangents beyond it."""
    inside = np.clip(x, *boundary)
    out = _all_columns(inside, knots, 3)
    beyond = x != inside
    if beyond.any():
        ends = inside[beyond]
        out[beyond] += (x[beyond] - ends)[:, None] * _all_columns(ends, knots, 3, derivative=1)
    return out
