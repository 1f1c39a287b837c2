"""The association with the usual level, from models that were fitted to one measurement of it.

Slopes are divided by the dilution ratio; groups keep their ratios and move to their mean usual level; a fitted curve is
stretched along the axis. `riskkit.infer.calibration` fits a curve again where that is too plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.levels import groups as cut
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.curve import POINTS
from riskkit.infer.dilution import Dilution
from riskkit.infer.linear import coded, critical, number, place, slopes, standard_errors

ESTIMATES = ("estimate", "se", "ratio", "low", "high")


def correct(estimates: pd.DataFrame, dilution: Dilution) -> pd.DataFrame:
    """Correct log ratios per unit of the measured level to log ratios per unit of the usual level.

    The log ratio and its limits are those of b / lambda, with variance Var(b) / lambda^2 + b^2 Var(lambda) / lambda^4.
    The p value stays: that there is no association with the usual level is the hypothesis already tested.

    Parameters
    ----------
    estimates : DataFrame
        Slopes of the variable measured with error, and nothing else: estimate se ratio low high, and any other columns,
        as the rows of `fit.tidy()` that are its own. Missing estimates stay missing.
    dilution : Dilution

    Returns
    -------
    DataFrame, twice as many rows
        The same columns and `correction` ("none", or the method of the dilution ratio), `dilution_ratio`,
        `dilution_se`, `dilution_low`, `dilution_high`, `dilution_n`; each corrected row follows its uncorrected one.

    Raises
    ------
    SpecError
        If a column is missing, or rows are of groups or curves, which are moved along the axis and not divided.

    References
    ----------
    Rosner B, Willett WC, Spiegelman D (1989) Stat Med 8:1051-1069.
    """
    absent = [name for name in ESTIMATES if name not in estimates.columns]
    if absent:
        raise SpecError(f"correct: the estimates have no column {', '.join(absent)}.")
    for column, instead in (("level", "relocate"), ("x", "usual_curve")):
        if column in estimates and estimates[column].notna().any():
            raise SpecError(
                f"correct: rows with a value in '{column}' are no slopes, and only slopes may be divided by the "
                f"dilution ratio; use {instead}."
            )
    b, se = (estimates[name].to_numpy(dtype=float) for name in ("estimate", "se"))
    width = np.log(estimates["high"].to_numpy(dtype=float) / estimates["low"].to_numpy(dtype=float)) / 2
    critical = np.divide(width, se, out=np.full_like(se, np.nan), where=se > 0)
    estimate = b / dilution.ratio
    corrected_se = np.hypot(se, b * dilution.se / dilution.ratio) / dilution.ratio
    corrected = estimates.assign(
        estimate=estimate,
        se=corrected_se,
        ratio=np.exp(estimate),
        low=np.exp(estimate - critical * corrected_se),
        high=np.exp(estimate + critical * corrected_se),
        correction=dilution.method,
        **ratio_columns(dilution),
    )
    uncorrected = estimates.assign(correction="none", **dict.fromkeys(ratio_columns(dilution), np.nan))
    both = pd.concat([uncorrected.reset_index(drop=True), corrected.reset_index(drop=True)])
    return both.sort_index(kind="stable").reset_index(drop=True)


def ratio_columns(dilution: Dilution) -> dict[str, float]:
    """The dilution ratio as the columns that stand beside what it corrected."""
    return {f"dilution_{name}": float(getattr(dilution, name)) for name in ("ratio", "se", "low", "high", "n")}


def group_means(first: pd.Series, second: pd.Series, groups: int = 5) -> pd.DataFrame:
    """Means of both measurements in groups of the first: what MacMahon and Peto plotted.

    Parameters
    ----------
    first : Series, shape (n,)
        First measurement, of everybody: the cut points are theirs.
    second : Series, shape (n,)
        Second measurement of the same people; missing in those who were measured once.
    groups : int

    Returns
    -------
    DataFrame, one row per group
        level ("Q1", ...), n, measured (mean first measurement of the n), n_repeat, usual (mean second measurement of
        those measured twice), usual_se.

    Raises
    ------
    DataError
        If the columns are not of the same people, or ties leave a group empty.
    """
    if not second.index.equals(first.index):
        raise DataError(f"'{second.name}' and '{first.name}' are not of the same people in the same order.")
    known = first.notna()
    basis = cut(first[known], groups)
    level = np.array(basis.levels)[basis.group_of(first[known].to_numpy(dtype=float)) - 1]
    grouped = pd.DataFrame({"first": first[known], "second": second[known]}).groupby(level)
    frame = grouped.agg(
        n=("first", "size"),
        measured=("first", "mean"),
        n_repeat=("second", "count"),
        usual=("second", "mean"),
        usual_se=("second", "sem"),
    )
    return frame.loc[list(basis.levels)].rename_axis("level").reset_index()


def relocate(estimates: pd.DataFrame, measured: pd.Series, dilution: Dilution) -> pd.DataFrame:
    """Place groups at their mean usual level; their ratios stay as they are.

    Parameters
    ----------
    estimates : DataFrame
        With a column `level`, as `riskkit.infer.floating.floating` gives.
    measured : Series
        Mean first measurement of each group, by level, in the variable's unit.
    dilution : Dilution

    Returns
    -------
    DataFrame, the same rows
        With `x_measured`, `x` (the usual level: the mean plus the dilution ratio times the group's distance from it)
        and `x_se` (from the uncertainty of the dilution ratio).

    Raises
    ------
    SpecError
        If there is no column `level`, or a level has no mean.

    References
    ----------
    Clarke R, Shipley M, Lewington S, et al. (1999) Am J Epidemiol 150:341-353.
    """
    if "level" not in estimates:
        raise SpecError("relocate: the estimates have no column 'level'; it takes those of groups.")
    absent = [str(level) for level in estimates["level"] if level not in measured.index]
    if absent:
        raise SpecError(f"relocate: no mean was given for the group {absent[0]}; there are {list(measured.index)}.")
    x = measured.loc[estimates["level"]].to_numpy(dtype=float)
    away = x - dilution.mean
    return estimates.assign(x_measured=x, x=dilution.mean + dilution.ratio * away, x_se=np.abs(away) * dilution.se)


def usual_curve(
    fit: Fit,
    variable: str,
    dilution: Dilution,
    at: Mapping[str, Any] | None = None,
    reference: float | str = "median",
    level: float = 0.95,
    *,
    grid: ArrayLike | None = None,
) -> pd.DataFrame:
    """Ratio by usual level: the fitted curve, every point at the usual level expected of those measured there.

    Where people measured at x are expected to be at u = mean + lambda (x - mean), the log ratio of u is the fitted one
    of x. Lines and parabolas are so corrected exactly when levels and error are normal and no covariate predicts the
    level; where one does, lambda given the covariates is exact for the slope and lambda of everybody for the bend.
    Sharper bends stay as blurred as the measurement left them: see `riskkit.infer.calibration` and docs/dilution.md.
    The limits carry the uncertainty of lambda by the delta method.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do.
    variable : str
        A number coded by a smooth function.
    dilution : Dilution
    at : mapping of variable to value, optional
        Where variables that interact with it stand; by default at their median or reference level.
    reference : number, "mean", "median" or a percentile such as "p10"
        The usual level at which the ratio is exactly 1; a percentile is of the expected usual levels.
    level : float
        Confidence level, at each point.
    grid : array, shape (m,), optional
        Usual levels; by default 200 from the 1st to the 99th percentile of the expected ones, and the reference.

    Returns
    -------
    DataFrame, m rows
        x (usual level), x_measured, estimate and se (log ratio), ratio, low, high, reference (a usual level).

    Raises
    ------
    SpecError
        If the variable is not a number in the model, or an argument makes no sense.

    References
    ----------
    Carroll RJ, Ruppert D, Stefanski LA, Crainiceanu CM (2006) Measurement Error in Nonlinear Models, chapter 4.
    """
    mean, ratio = dilution.mean, dilution.ratio
    zero = place(fit, variable, reference)
    if not isinstance(reference, str):
        zero = mean + (zero - mean) / ratio
    if grid is None:
        percentiles = number(fit, variable).percentiles
        x = np.union1d(np.linspace(percentiles[1], percentiles[99], POINTS - 1), [zero])
    else:
        x = mean + (np.atleast_1d(np.asarray(grid, dtype=float)) - mean) / ratio
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise SpecError(f"grid: give one or more finite usual levels of '{variable}'.")
    everywhere = np.append(x, zero)
    rows = coded(fit, {variable: everywhere}, at)
    # At a fixed usual level, a larger lambda moves the measured level that stands for it towards the mean.
    drift = -(slopes(fit, variable, everywhere, at) @ fit.coef) * (everywhere - mean) / ratio
    relative = rows[:-1] - rows[-1]
    estimate = relative @ fit.coef
    se = np.hypot(standard_errors(fit, relative), (drift[:-1] - drift[-1]) * dilution.se)
    half = critical(fit, relative, level) * se
    return pd.DataFrame(
        {
            "x": mean + ratio * (x - mean),
            "x_measured": x,
            "estimate": estimate,
            "se": se,
            "ratio": np.exp(estimate),
            "low": np.exp(estimate - half),
            "high": np.exp(estimate + half),
            "reference": mean + ratio * (zero - mean),
        }
    )
