"""A bent curve in two numbers: its low and its high end against a reference, by subgroup, and as E-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.hypothesis import Test
from riskkit.infer.confounding import MEASURES, Measure, evalue
from riskkit.infer.heights import LIMITS, Limit
from riskkit.infer.linear import coded, critical, estimates, p_values, place

ENDS = ("low", "high")


def ends(
    fit: Fit,
    variable: str,
    *,
    limits: tuple[Limit, Limit] = LIMITS,
    reference: float | str = "median",
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare both ends of a range with a reference: what stands for a curve where a line does not.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do.
    variable : str
        A number coded by a smooth function.
    limits : pair of numbers or percentiles such as "p5"
        The ends; by default those of everything said of a shape.
    reference : number, "mean", "median" or a percentile
        Strictly between them.
    at : mapping of variable to value, optional
        Where variables that interact with it stand; by default at their median or reference level.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame, two rows
        end ("low", "high"), x, reference, estimate and se (log ratio), ratio, low, high, p.

    Raises
    ------
    SpecError
        If the variable is not a number in the model, or the reference does not lie between the limits.
    """
    x, zero = _places(fit, variable, limits, reference)
    rows = _rows(fit, variable, x, zero, at)
    frame = estimates(fit, rows, critical(fit, rows, level)).assign(p=p_values(fit, rows))
    return pd.concat([pd.DataFrame({"end": ENDS, "x": x, "reference": zero}), frame], axis=1)


@dataclass(frozen=True, eq=False)
class EndsBySubgroup:
    """Both ends of the curve in subgroups, and whether they differ.

    Attributes
    ----------
    ends : DataFrame
        As `ends` gives them, with `subgroup` first.
    tests : DataFrame, three rows
        end ("low", "high", "both"), q, df, df_resid, p.
    """

    ends: pd.DataFrame
    tests: pd.DataFrame


def ends_by_subgroup(
    fits: Mapping[str, Fit],
    variable: str,
    *,
    limits: tuple[float, float],
    reference: float,
    level: float = 0.95,
) -> EndsBySubgroup:
    """Test whether both ends of a curve, against one reference, are the same in subgroups without people in common.

    The test of both at once is Cochran's Q of two correlated estimates: where curves are bent, that of their average
    slopes can miss what differs, or find what does not.

    Parameters
    ----------
    fits : mapping of subgroup to Fit
        Two or more, each of the people of one subgroup alone; light ones will do. No one may be in two of them.
    variable : str
        A number coded by a smooth function in each of them.
    limits : pair of numbers
        The same ends for all: percentiles would be other levels in each subgroup.
    reference : number
        Strictly between them.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    EndsBySubgroup
        Ratio of each end by subgroup with limits, and the test that they are the same in all.

    Raises
    ------
    SpecError
        If there are fewer than two fits, or limits and reference are not numbers in order, or a fit is of a survey: its
        subgroups share sampling units, and are compared by an interaction in one model.

    References
    ----------
    Cochran WG (1954) Biometrics 10:101-129; Becker BJ, Wu MJ (2007) Stat Sci 22:414-429. R: mixmeta (method "fixed").
    """
    if len(fits) < 2:
        raise SpecError(f"ends_by_subgroup: give the fits of two or more subgroups; got {len(fits)}.")
    if any(isinstance(value, str) for value in (*limits, reference)):
        raise SpecError(
            "ends_by_subgroup: percentiles are other levels in each subgroup; give limits and reference as numbers, as "
            "x and reference of rk.ends for everyone."
        )
    for name, fit in fits.items():
        if fit.covariance == "design-based":
            raise SpecError(
                f"ends_by_subgroup: '{name}' is of a survey, whose subgroups share sampling units; fit one model with "
                "an interaction, and ask rk.anova."
            )
    frames, means, covariances = [], [], []
    for name, fit in fits.items():
        x, zero = _places(fit, variable, limits, reference)
        rows = _rows(fit, variable, x, zero, None)
        frame = ends(fit, variable, limits=limits, reference=reference, level=level)
        frame.insert(0, "subgroup", name)
        frames.append(frame)
        means.append(rows @ fit.coef)
        covariances.append(rows @ fit.vcov @ rows.T)
    df_resid = min(fit.df_resid for fit in fits.values())
    estimate, covariance = np.array(means), np.array(covariances)
    tested = []
    for end, columns in (("low", [0]), ("high", [1]), ("both", [0, 1])):
        q = cochran(estimate[:, columns], covariance[:, columns][:, :, columns])
        test = Test(q, len(columns) * (len(fits) - 1), df_resid)
        tested.append({"end": end, "q": test.chi2, "df": test.df, "df_resid": test.df_resid, "p": test.p})
    return EndsBySubgroup(pd.concat(frames, ignore_index=True), pd.DataFrame(tested))


def end_evalues(
    fit: Fit,
    variable: str,
    *,
    rare: bool | None = None,
    limits: tuple[Limit, Limit] = LIMITS,
    reference: float | str = "median",
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """E-values of both ends of a curve: of a bent curve the E-value of its average slope says nothing.

    Parameters
    ----------
    rare : bool
        Whether the outcome is rare, needed for hazard and odds ratios; see `rk.evalue`.
    fit, variable, limits, reference, at, level
        As in `ends`.

    Returns
    -------
    DataFrame, two rows
        As `ends`, with evalue, evalue_limit and evalue_scale.

    Raises
    ------
    SpecError
        As `ends` and `rk.evalue` do; or if the model's ratio is none that E-values are known for.
    """
    check_choice("the model's ratio", fit.ratio_name, MEASURES)
    measure = cast(Measure, fit.ratio_name)
    frame = ends(fit, variable, limits=limits, reference=reference, at=at, level=level)
    limits_of = frame[["ratio", "low", "high"]].to_numpy(dtype=float)
    found = [evalue(*(float(value) for value in row), measure=measure, rare=rare) for row in limits_of]
    return frame.assign(
        evalue=[e.estimate for e in found],
        evalue_limit=[e.limit for e in found],
        evalue_scale=[e.scale for e in found],
    )


def _places(fit: Fit, variable: str, limits: tuple[Limit, Limit], reference: float | str) -> tuple[Array, float]:
    x, zero = np.array([place(fit, variable, limit) for limit in limits]), place(fit, variable, reference)
    if not x[0] < zero < x[1]:
        raise SpecError(
            f"'{variable}': the reference, {reference!r}, must lie between the limits {limits[0]!r} and {limits[1]!r}; "
            f"they are {x[0]:g}, {zero:g} and {x[1]:g}."
        )
    return x, zero


def _rows(fit: Fit, variable: str, x: Array, reference: float, at: Mapping[str, Any] | None) -> Array:
    rows = coded(fit, {variable: np.append(x, reference)}, at)
    return rows[:-1] - rows[-1]


def cochran(estimates: Array, covariances: Array) -> float:
    """Cochran's Q of k independent estimates, shape (k, q), with their covariances, shape (k, q, q)."""
    weights = np.linalg.inv(covariances)
    mean = np.linalg.solve(weights.sum(axis=0), np.einsum("kij,kj->i", weights, estimates))
    away = estimates - mean
    return float(np.einsum("ki,kij,kj->", away, weights, away))
