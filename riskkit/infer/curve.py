"""The shape of an association: ratio by level of a number, its slope, and the difference between groups."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.band import Band, critical_value
from riskkit.infer.linear import coded, estimates, number, place, slopes
from riskkit.infer.nadir import nadir

POINTS = 200
At = Mapping[str, Any] | None


def curve(
    fit: Fit,
    variable: str,
    at: At = None,
    reference: float | str = "median",
    level: float = 0.95,
    band: Band = "pointwise",
    *,
    grid: ArrayLike | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Ratio by level of a number, relative to a reference value.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do.
    variable : str
        A number coded by a smooth function.
    at : mapping of variable to value, optional
        Where variables that interact with it stand; by default at their median or reference level.
    reference : number, "mean", "median", a percentile such as "p10", or "nadir"
        Where the ratio is exactly 1; one outside the data is warned of. At the nadir, the limits do not include the
        uncertainty of where it is.
    level : float
        Confidence level.
    band : {"pointwise", "simultaneous"}
        Limits that hold at each point, or over the whole grid at once.
    grid : array, shape (m,), optional
        Values to evaluate; by default 200 from the 1st to the 99th percentile, the reference among them.
    seed : int
        Of the simulation behind a simultaneous band.

    Returns
    -------
    DataFrame, m rows
        x, estimate and se (log ratio), ratio, low, high, reference (the value).

    Raises
    ------
    SpecError
        If the variable is not a number in the model, or an argument makes no sense.

    References
    ----------
    R: rms::Predict(fit, igf1, ref.zero = TRUE). Simultaneous: sup-t, see `riskkit.infer.band`.
    """
    zero = nadir(fit, variable, at=at).x if reference == "nadir" else place(fit, variable, reference)
    _say_where(fit, variable, zero)
    x = _grid(fit, variable, grid, zero)
    rows = _relative(fit, variable, x, zero, at)
    out = estimates(fit, rows, critical_value(fit, rows, level, band, seed))
    return out.assign(reference=zero).pipe(_with_x, x)


def curve_difference(
    fit: Fit,
    variable: str,
    group: Mapping[str, Any],
    other: Mapping[str, Any],
    reference: float | str = "median",
    level: float = 0.95,
    band: Band = "pointwise",
    *,
    at: At = None,
    grid: ArrayLike | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Ratio of one group's curve to another's, both relative to the same reference value.

    Parameters
    ----------
    group, other : mapping of variable to value
        Settings of an effect modifier, as in `{"sex": "Women"}` and `{"sex": "Men"}`.
    fit, variable, reference, level, band, at, grid, seed
        As in `curve`.

    Returns
    -------
    DataFrame, m rows
        As `curve`; `ratio` is the ratio of the two groups' ratios.
    """
    if set(group) != set(other) or not group:
        raise SpecError(f"name the same effect modifiers for both groups; got {sorted(group)} and {sorted(other)}.")
    zero = place(fit, variable, reference)
    x = _grid(fit, variable, grid, zero)
    common = dict(at or {})
    rows = _relative(fit, variable, x, zero, {**common, **group}) - _relative(
        fit, variable, x, zero, {**common, **other}
    )
    out = estimates(fit, rows, critical_value(fit, rows, level, band, seed))
    return out.assign(reference=zero).pipe(_with_x, x)


def slope(
    fit: Fit,
    variable: str,
    at: At = None,
    per: float = 1.0,
    level: float = 0.95,
    band: Band = "pointwise",
    *,
    grid: ArrayLike | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Slope of the curve: change of the log ratio per `per` units, at each level of a number.

    Parameters
    ----------
    per : float
        Units of the variable that `estimate` and `ratio` are per.
    fit, variable, at, level, band, grid, seed
        As in `curve`.

    Returns
    -------
    DataFrame, m rows
        x, estimate and se (log ratio per `per` units), ratio, low, high.
    """
    if not per > 0:
        raise SpecError(f"slope: `per` must be a positive number of units; got {per!r}.")
    x = _grid(fit, variable, grid)
    rows = per * slopes(fit, variable, x, at)
    return estimates(fit, rows, critical_value(fit, rows, level, band, seed)).pipe(_with_x, x)


def _say_where(fit: Fit, variable: str, reference: float) -> None:
    """Warn of a reference where nobody is: every ratio then rests on the curve beyond the data."""
    percentiles = number(fit, variable).percentiles
    if not percentiles[0] <= reference <= percentiles[-1]:
        warnings.warn(
            f"the reference {reference:g} of '{variable}' lies outside the data, {percentiles[0]:g} to "
            f"{percentiles[-1]:g}: every ratio rests on the curve beyond them.",
            UserWarning,
            stacklevel=3,
        )


def _grid(fit: Fit, variable: str, grid: ArrayLike | None, reference: float | None = None) -> Array:
    percentiles = number(fit, variable).percentiles
    if grid is None:
        return _even(percentiles[1], percentiles[99], reference)
    x = np.atleast_1d(np.asarray(grid, dtype=float))
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise SpecError(f"grid: give one or more finite values of '{variable}'.")
    return x


def _even(low: float, high: float, reference: float | None) -> Array:
    if reference is None:
        return np.linspace(low, high, POINTS)
    return np.union1d(np.linspace(low, high, POINTS - 1), [reference])


def _relative(fit: Fit, variable: str, x: Array, reference: float, at: At) -> Array:
    rows = coded(fit, {variable: np.append(x, reference)}, at)
    return rows[:-1] - rows[-1]


def _with_x(frame: pd.DataFrame, x: Array) -> pd.DataFrame:
    frame.insert(0, "x", x)
    return frame
