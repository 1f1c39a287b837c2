"""Trend across groups, departure from it, and heterogeneity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.design.design import Design, Term
from riskkit.design.levels import Groups, GroupsBy
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.hypothesis import Test
from riskkit.infer.floating import grouped, level_rows
from riskkit.infer.linear import critical, estimates

COLUMNS = ["part", "estimate", "se", "ratio", "low", "high", "chi2", "df", "p"]


def trend(
    fit: Fit,
    variable: str,
    scores: Sequence[float] | Literal["order", "median"] = "order",
    level: float = 0.95,
    *,
    data: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Test a trend across groups, departure from it, and heterogeneity.

    Parameters
    ----------
    fit : Fit
        A light one will do.
    variable : str
        A factor or a number in groups.
    scores : sequence of numbers, "order" or "median"
        One per group, in the order of its levels; or 1, 2, 3, ...; or the groups' medians, which take `data`.
    level : float
        Confidence level.
    data : DataFrame, optional
        The frame that the fit was made from, for medians: a grouped number is not kept by the fit.

    Returns
    -------
    DataFrame, three rows
        part ("trend", "departure", "heterogeneity"), estimate, se, ratio, low, high (of the trend, per unit of score),
        chi2, df, p.

    Raises
    ------
    SpecError
        If the variable is not in groups, or the scores do not fit them.

    References
    ----------
    Greenland S, Longnecker MP (1992) Am J Epidemiol 135:1301-1309: generalised least squares on the groups' log ratios,
    which agrees with a refit on the scores to first order.
    """
    term, levels = grouped(fit, variable)
    if not isinstance(scores, str):
        given = np.asarray(scores, dtype=float)
    elif scores == "median":
        given = _medians(fit, term, data)
    elif scores == "order":
        given = np.arange(1.0, len(levels) + 1)
    else:
        raise SpecError(f'trend: scores are numbers, "order" or "median"; got {scores!r}.')
    if given.shape != (len(levels),) or not np.isfinite(given).all() or np.ptp(given) == 0:
        raise SpecError(f"trend: give a score to each of the {len(levels)} levels of '{variable}', not all the same.")
    rows = level_rows(fit, term, levels)
    others = rows.any(axis=1)
    score = (given - given[~others][0])[others]
    each = rows[others]
    weights = np.linalg.solve(each @ fit.vcov @ each.T, score)
    line = (weights / (weights @ score) @ each)[None]
    tests = {"trend": line, "departure": linalg.null_space(score[None]).T @ each, "heterogeneity": each}
    found = [{"part": part, **_tested(fit.wald(about))} for part, about in tests.items()]
    slope = estimates(fit, line, critical(fit, line, level)).assign(part="trend")
    return slope.merge(pd.DataFrame(found), on="part", how="right")[COLUMNS]


def _tested(test: Test) -> dict[str, float]:
    return {"chi2": test.chi2, "df": test.df, "p": test.p}


def _medians(fit: Fit, term: Term, data: pd.DataFrame | None) -> Array:
    """Median of a grouped number in each group, over the rows used (over all rows of `data` for a light fit)."""
    basis = term.bases[0]
    if data is None or not isinstance(basis, Groups | GroupsBy):
        raise SpecError(
            f"trend: medians of '{basis.variable}' take the frame the fit was made from (data=...) and a number in "
            "groups; otherwise give the scores yourself."
        )
    rows = data if fit.design is None else _used(fit.design, data)
    rows = rows[rows[list(basis.inputs)].notna().all(axis=1)]
    values = rows[basis.variable].astype(float)
    people = None if fit.design is None or len(rows) != len(fit.design.x) else fit.design.people.astype(np.int64)
    each = np.arange(len(rows)) if people is None else np.repeat(np.arange(len(rows)), people)
    return np.asarray(values.iloc[each].groupby(basis.encode(rows)[each]).median())


def _used(design: Design, data: pd.DataFrame) -> pd.DataFrame:
    """The rows of the frame that the fit used: by their places where it is the frame, else by their labels."""
    source = design.source
    if source is not None and (data is source or data.index.equals(source.index)):
        return data if design.rows is None else data.iloc[design.rows]
    if not (data.index.is_unique and design.index.is_unique):
        raise DataError(
            "trend: rows of the data share labels, so that those the fit used cannot be told; give the frame the fit "
            "was made from, or data.reset_index(drop=True) to both."
        )
    return data[data.index.isin(design.index)]
