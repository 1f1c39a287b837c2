"""The frame of standardised ratios, and how they follow from their counts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.disclosure import precision
from riskkit.disclosure.small_cells import Small
from riskkit.frames import Frame, frame
from riskkit.infer.rates import smr

RATIOS = ("ratio", "low", "high", "mid_low", "mid_high", "p")
TESTS = ("heterogeneity", "heterogeneity_df", "heterogeneity_p", "trend", "trend_p")


def with_ratios(cells: pd.DataFrame, level: float) -> pd.DataFrame:
    """Ratios of one outcome by the levels of one variable, with their limits and the tests between them.

    Parameters
    ----------
    cells : DataFrame
        Columns events and expected, a row a level in their order; events are NaN where they are withheld.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        `cells` with `RATIOS` and `TESTS`; NaN of levels without expected or known events, and tests of one level.
    """
    cells = cells.assign(**dict.fromkeys((*RATIOS, *TESTS), np.nan))
    known = (cells["events"].notna() & (cells["expected"] > 0)).to_numpy()
    rows = cells.index[known]
    if not len(rows):
        return cells
    groups = np.arange(len(rows))
    exact, mid = (
        smr(cells.loc[rows, "events"], cells.loc[rows, "expected"], by=groups, method=method, level=level)
        for method in ("exact", "mid-p")
    )
    for name in ("ratio", "low", "high", "p"):
        cells.loc[rows, name] = exact.table[name].to_numpy()[: len(rows)]
    for name in ("low", "high"):
        cells.loc[rows, f"mid_{name}"] = mid.table[name].to_numpy()[: len(rows)]
    if exact.heterogeneity is not None and exact.trend is not None and known.all():
        tests = (exact.heterogeneity.chi2, exact.heterogeneity.df, exact.heterogeneity.p)
        cells[list(TESTS)] = (*tests, exact.trend.chi2, exact.trend.p)
    return cells


def rule(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Counts are rounded or withheld, and ratios, limits and tests made again from those that are shown.

    A ratio times the expected events is the observed number, so that it must not say more than this. The levels of a
    variable add up to everybody: where one is withheld, so is the next smallest.
    """
    if rows.empty:
        return rows
    variables = rows.groupby(["outcome", "by"], sort=False).ngroup()
    parts = variables.where(rows["by"] != "", -1 - np.arange(len(rows)))
    shown = {name: small.policy.counts(rows[name], parts) for name in ("n", "events")}
    shown["n_missing"] = small.policy.counts(rows["n_missing"])
    unseen = np.isnan(shown["n"]) | np.isnan(shown["events"])
    shown["events"] = np.where(unseen, np.nan, shown["events"])
    amounts = {
        name: np.where(unseen, np.nan, precision.amounts(rows[name], shown["n"], small.policy))
        for name in ("person_years", "expected")
    }
    safe = rows.assign(**shown, **amounts)
    made = [with_ratios(own, float(own["level_of_confidence"].iloc[0])) for _, own in safe.groupby(variables)]
    return pd.concat(made)[list(rows)]


FRAMES: tuple[Frame, ...] = (
    frame(
        "smr",
        "The standardised ratio of one outcome, in everybody or in one level of a variable or group of an exposure.",
        "outcome by level position n events person_years expected ratio low high mid_low mid_high p n_missing "
        "heterogeneity heterogeneity_df heterogeneity_p trend trend_p level_of_confidence",
        "outcome by level",
        rule,
        {
            "by": ("text", "variable or exposure that the ratios are by; empty for everybody"),
            "level": ("text", "its level, or group counted from the lowest (Q1); empty for everybody"),
            "position": ("whole", "the place of the level among those of its variable, from 0"),
            "expected": ("number", "events expected at the reference rates"),
            "ratio": ("number", "events by events expected"),
            "low": ("number", "lower exact confidence limit of `ratio`"),
            "high": ("number", "upper exact confidence limit of `ratio`"),
            "mid_low": ("number", "lower mid-P confidence limit of `ratio`"),
            "mid_high": ("number", "upper mid-P confidence limit of `ratio`"),
            "p": ("number", "exact two-sided p value of a ratio of 1"),
            "n_missing": (
                "whole",
                "people at risk left out: their age, year, a variable of the rates, or `by` is missing",
            ),
            "heterogeneity": ("number", "score test of one ratio in all levels: chi2, the same in each row of `by`"),
            "heterogeneity_df": ("number", "its degrees of freedom"),
            "heterogeneity_p": ("number", "its p value"),
            "trend": ("number", "score test of a trend over the levels: chi2 on 1 degree of freedom"),
            "trend_p": ("number", "its p value"),
            "level_of_confidence": ("number", "confidence level of the limits"),
        },
    ),
)
