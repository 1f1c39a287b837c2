"""Linear combinations of coefficients: what every question about a fit is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.bases import Array, Summary
from riskkit.errors import SpecError, did_you_mean
from riskkit.fit.fit import Fit, exponentiated
from riskkit.fit.hypothesis import t_critical, t_p_value

_STEP = 1e-5  # of the range: halves of the 16 digits go to truncation and to rounding, each about 1e-10


def coded(fit: Fit, settings: Mapping[str, ArrayLike], at: Mapping[str, Any] | None = None) -> Array:
    """Code settings of some variables as rows of the design; columns of terms without those variables are zero.

    Parameters
    ----------
    fit : Fit
    settings : mapping of variable to m values
    at : mapping of variable to one value, optional
        Where the variables that interact with them stand; by default at their median or reference level.

    Returns
    -------
    array, shape (m, p)
        Only differences of rows mean anything.

    Raises
    ------
    SpecError
        If a variable is not in the model, a value is missing, or `at` names a variable that changes nothing.
    """
    for name in settings:
        fit.recipe.terms_with(name)
    terms = tuple(term for term in fit.recipe.terms if not settings.keys().isdisjoint(term.variables))
    inputs = (name for term in terms for basis in term.bases for name in basis.inputs)
    modifiers = dict.fromkeys(name for name in inputs if name not in settings)
    at = dict(at or {})
    for name in at:
        if name in settings:
            raise SpecError(f"at: '{name}' is the variable that is asked about; leave it out of `at`.")
        if name not in modifiers:
            known = name in fit.recipe.variables
            raise SpecError(
                f"at: '{name}' "
                + (
                    f"does not interact with {', '.join(settings)} in this model, so"
                    if known
                    else "is not in the model;"
                )
                + (" setting it would change nothing; leave it out." if known else did_you_mean(name, modifiers))
            )
    frame = pd.DataFrame(dict(settings))
    for name in modifiers:
        frame[name] = at[name] if name in at else _typical(fit, name)
    for name in frame.columns:
        if frame[name].isna().any():
            raise SpecError(f"'{name}': a setting is missing; give a value or a level.")
    return fit.recipe.matrix(frame, terms)


def slopes(fit: Fit, variable: str, x: Array, at: Mapping[str, Any] | None = None) -> Array:
    """Code the derivative of the linear predictor with respect to a number, per unit of it; shape (m, p).

    A central difference of the design: one function for every coding and every interaction, and for the piecewise
    cubics used here right to about 1e-9 of the largest slope.

    Raises
    ------
    SpecError
        If the variable is not a number coded by a smooth function.
    """
    percentiles = number(fit, variable).percentiles
    x = np.asarray(x, dtype=float)
    step = np.full(x.size, _STEP * (percentiles[100] - percentiles[0]))
    if percentiles[0] > 0:  # logarithms and powers of a skewed number must not be asked below zero
        step = np.where(x > 0, np.minimum(step, 10 * _STEP * x), step)
    both = coded(fit, {variable: np.concatenate([x + step, x - step])}, at)
    return (both[: x.size] - both[x.size :]) / (2 * step[:, None])


def summary(fit: Fit, variable: str) -> Summary:
    """What the fit remembers of a variable over the rows used.

    Raises
    ------
    SpecError
        If the variable is not in the model, or only in interactions, where its values were not kept.
    """
    fit.recipe.terms_with(variable)
    if variable not in fit.summaries:
        raise SpecError(f"'{variable}' stands only in interactions; add its main effect to the formula.")
    return fit.summaries[variable]


def _typical(fit: Fit, modifier: str) -> Any:
    if modifier not in fit.summaries:
        raise SpecError(
            f"the answer depends on '{modifier}', which has no main effect; set it: at={{'{modifier}': ...}}."
        )
    return fit.summaries[modifier].typical


def number(fit: Fit, variable: str) -> Summary:
    """Summarise a variable that must be a number with a smooth coding.

    Raises
    ------
    SpecError
        If it is a factor or cut into groups.
    """
    return smooth(summary(fit, variable), variable)


def smooth(found: Summary, variable: str) -> Summary:
    """The summary of a variable, which must be a number.

    Raises
    ------
    SpecError
        If it is a factor or cut into groups.
    """
    if found.levels:
        raise SpecError(
            f"'{variable}' is in the model as {len(found.levels)} levels, which have no curve; use rk.floating or "
            f"rk.contrast, or code it as a number, as in rcs({variable}, 5)."
        )
    return found


def place(fit: Fit, variable: str, where: float | str) -> float:
    """Turn a number, "mean", "median" or a percentile such as "p10" into a value of the variable.

    Raises
    ------
    SpecError
        If `where` is none of these.
    """
    return placed(number(fit, variable), variable, where)


def placed(found: Summary, variable: str, where: float | str) -> float:
    """The same from the summary of a number.

    Raises
    ------
    SpecError
        If `where` is no place.
    """
    if not isinstance(where, str):
        if not np.isfinite(where):
            raise SpecError(f"'{variable}': a value must be a finite number; got {where!r}.")
        return float(where)
    if where == "mean":
        return found.mean
    percent = "50" if where == "median" else where.removeprefix("p")
    if not percent.replace(".", "", 1).isdigit() or not 0 <= float(percent) <= 100:
        raise SpecError(
            f'\'{variable}\': {where!r} is not a place; write a number, "mean", "median" or a percentile as in "p10".'
        )
    if percent == where:
        raise SpecError(
            f"'{variable}': {where!r} may be a value or a percentile; write {where} for the value, or "
            f"'p{where}' for the percentile."
        )
    return float(np.interp(float(percent), np.arange(101), found.percentiles))


def estimates(fit: Fit, rows: Array, critical: Array | float) -> pd.DataFrame:
    """Estimate m linear combinations, shape (m, p); a frame of estimate se ratio low high.

    `critical` is one critical value, or one for each. A row of zeros gives exactly 0, with limits of exactly 1. Of a
    linear model the limits of the difference stand besides (`riskkit.fit.fit.exponentiated`).
    """
    estimate, se, beyond = rows @ fit.coef, standard_errors(fit, rows), fit.beyond(rows)
    if beyond.any():
        estimate, se = np.where(beyond, np.copysign(np.inf, beyond), estimate), np.where(beyond, np.nan, se)
    half = critical * se
    table = pd.DataFrame({"estimate": estimate, "se": se, "low": estimate - half, "high": estimate + half})
    return exponentiated(fit, table)


def standard_errors(fit: Fit, rows: Array) -> Array:
    """Standard errors of m linear combinations, shape (m, p)."""
    # Rounding may leave the variance of a combination that is all but zero a little below it.
    return np.sqrt(np.maximum(np.einsum("ij,ij->i", rows @ fit.vcov, rows), 0.0))


def critical(fit: Fit, rows: Array, level: float) -> Array:
    """Two-sided critical values of m linear combinations, shape (m, p), each with its own degrees of freedom."""
    return t_critical(fit.t_df(rows), level)


def p_values(fit: Fit, rows: Array) -> Array:
    """Two-sided p values of m linear combinations being zero, shape (m, p); NaN for a row of zeros."""
    se = standard_errors(fit, rows)
    z = np.divide(rows @ fit.coef, se, out=np.full(len(rows), np.nan), where=(se > 0) & (fit.beyond(rows) == 0))
    return t_p_value(z, fit.t_df(rows))
