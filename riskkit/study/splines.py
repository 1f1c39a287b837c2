"""What the results keep of a spline: its shape in numbers, and all that its curve can be drawn again from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.splines import rcs
from riskkit.fit.fit import Fit
from riskkit.infer.contrast import contrast, differences
from riskkit.infer.curve import POINTS, curve
from riskkit.infer.ends import ends
from riskkit.infer.linear import number
from riskkit.infer.nadir import Nadir
from riskkit.infer.ushape import UShape
from riskkit.study.coding import ExposureCoding

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)


def told_between(fit: Fit, exposure: str, coding: ExposureCoding) -> tuple[float, float]:
    """The levels between which a shape is told: those of the report, or, of people who do not reach them, their own.

    A subgroup's own are its 1st and 99th percentile, so that nothing is said of levels that hardly any of them has.
    """
    percentiles = number(fit, exposure).percentiles
    low, high = max(coding.low, percentiles[1]), min(coding.high, percentiles[99])
    return (low, high) if low < high else (percentiles[5], percentiles[95])


def curve_over(fit: Fit, exposure: str, coding: ExposureCoding, level: float) -> pd.DataFrame:
    """The curve from the 1st to the 99th percentile, with the report's low, high and reference among its points."""
    percentiles = number(fit, exposure).percentiles
    places = [x for x in (coding.low, coding.high) if percentiles[1] <= x <= percentiles[99]]
    grid = np.union1d(np.linspace(percentiles[1], percentiles[99], POINTS - 1), [*places, coding.reference])
    return curve(fit, exposure, reference=coding.reference, level=level, grid=grid)


def end_rows(fit: Fit, exposure: str, coding: ExposureCoding, level: float) -> pd.DataFrame:
    """The report's low and high against its reference, with their covariance; no rows of who do not reach them."""
    percentiles = number(fit, exposure).percentiles
    if not percentiles[0] <= coding.low < coding.reference < coding.high <= percentiles[100]:
        return pd.DataFrame()
    found = ends(fit, exposure, limits=(coding.low, coding.high), reference=coding.reference, level=level)
    across = contrast(fit, {exposure: coding.high}, {exposure: coding.low}, level=level)["se"].iloc[0]
    covariance = ((found["se"] ** 2).sum() - across**2) / 2
    return found.assign(covariance=covariance, n=fit.n, events=fit.events)


def spline_row(fit: Fit, exposure: str, lowest: Nadir) -> pd.DataFrame:
    """One row: percentiles of the exposure among the people used (p1 ... p99), the lowest point, degrees of freedom."""
    percentiles = number(fit, exposure).percentiles
    row = {f"p{percent}": percentiles[percent] for percent in PERCENTILES}
    row |= {"nadir": lowest.x, "nadir_low": lowest.low, "nadir_high": lowest.high, "interior": lowest.interior}
    return pd.DataFrame([row | {"df_resid": fit.df_resid}])


def group_spline(
    fit: Fit,
    exposure: str,
    coding: ExposureCoding,
    percentiles: Array,
    about: Mapping[str, Any],
    at: Mapping[str, Any] | None = None,
) -> dict[str, pd.DataFrame]:
    """The curve of some of the people, or of all by other weights: rows of group_splines and group_covariances.

    A curve at a level of a modifier is a spline with the same knots, whose coefficients are sums of the model's.

    Parameters
    ----------
    fit : Fit
    exposure : str
    coding : ExposureCoding
    percentiles : array, shape (9,)
        Of the exposure among these people, at `PERCENTILES`.
    about : mapping
        Of the curve: kind, by, group, n, events, person_years.
    at : mapping of variable to value, optional
        Where the modifier stands.
    """
    knots = np.array(coding.knots)
    basis = rcs(knots, knots)
    heights = differences(fit, {exposure: knots[1:]}, {exposure: knots[:1]}, at)
    rows = np.linalg.solve(basis[1:] - basis[0], heights)  # from the model's coefficients to those of this curve
    coef, cov = rows @ fit.coef, rows @ fit.vcov @ rows.T
    names = np.array([exposure + "'" * i for i in range(len(coef))])
    row, column = np.tril_indices(len(coef))
    key = {name: about[name] for name in ("kind", "by", "group")}
    pairs = {"term": names[row], "other": names[column], "covariance": cov[row, column]}
    pairs["estimate"] = np.where(row == column, coef[row], np.nan)
    own = {f"p{percent}": value for percent, value in zip(PERCENTILES, percentiles, strict=True)}
    return {
        "group_splines": pd.DataFrame([{**about, **own, "df_resid": fit.df_resid}]),
        "group_covariances": pd.DataFrame({**pairs, **key}),
    }


def percentiles_of(values: Array) -> Array:
    """The percentiles of values, shape (n,), that are kept of a spline's people; shape (9,)."""
    return np.asarray(np.percentile(values, PERCENTILES))


def covariances(fit: Fit) -> pd.DataFrame:
    """Covariances of the exposure's coefficients: term, other, covariance; each pair once, the variances among them."""
    own = fit.recipe.terms[0].columns
    names, matrix = np.array(fit.recipe.names[own]), fit.vcov[own, own]
    row, column = np.tril_indices(len(names))
    return pd.DataFrame({"term": names[row], "other": names[column], "covariance": matrix[row, column]})


def shape_row(u: UShape) -> pd.DataFrame:
    """One row: the verdict on a shape, from which `ShapeVerdict.from_row` makes it again, and the slopes beside it.

    Words are made where they are told.
    """
    row = u.heights.row()
    for name, end in (("lower", u.lower), ("upper", u.upper)):
        row |= {f"{name}_x": end.x, f"{name}_slope": end.estimate, f"{name}_slope_low": end.low}
        row |= {f"{name}_slope_high": end.high, f"{name}_p": end.p}
    return pd.DataFrame([row | {"slopes_p": u.slopes_p}])
