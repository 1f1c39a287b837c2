"""The main model weighted by a survey's design, beside the same model unweighted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from riskkit.numbers import NOTHING, count, measure, p_value, ratio_interval
from riskkit.tables.estimates import nearest
from riskkit.tables.table import Column, Row, Table

WEIGHTINGS = {"unweighted": "Unweighted: those examined", "weighted": "Weighted: the population"}


def weighted_table(
    linear: pd.DataFrame,
    tests: pd.DataFrame,
    curves: pd.DataFrame,
    at: tuple[float, ...],
    outcomes: Mapping[str, str],
    unit: str | None,
    events: str,
    caption: str,
    head: str,
) -> Table:
    """Both estimates of one exposure with every outcome: ratios per increment, the spline's tests, points of the curve.

    Parameters
    ----------
    linear : DataFrame
        Columns weighting outcome n events ratio low high; a row for each of `WEIGHTINGS`.
    tests : DataFrame
        Of the spline: columns weighting outcome part p, and df_resid of the weighted.
    curves : DataFrame
        Columns weighting outcome x ratio low high.
    at : tuple of float
        Levels of the exposure at which to read the curves.
    outcomes : mapping of str to str
        Outcomes to show, in order, with their labels.
    unit : str or None
        Of the exposure.
    events, caption, head : str
        What is counted ("Events"), and the head of the column of ratios per increment.
    """
    parts = (("overall", "Any association, p"), ("nonlinear", "Non-linearity, p"))
    read = [Column(f"Curve at\n{measure(x, unit)}") for x in at]
    columns = (
        Column("", numeric=False),
        Column(f"{events} / people"),
        Column(head),
        *(Column(label) for _, label in parts),
        *read,
    )
    p = {(r.weighting, r.outcome, r.part): r.p for r in tests.itertuples()}
    rows: list[Row] = []
    for outcome, label in outcomes.items():
        rows.append(Row((label,), "heading"))
        for weighting in WEIGHTINGS:
            found = linear[(linear["weighting"] == weighting) & (linear["outcome"] == outcome)]
            curve = curves[(curves["weighting"] == weighting) & (curves["outcome"] == outcome)]
            tested = [p_value(p[key]) if (key := (weighting, outcome, part)) in p else NOTHING for part, _ in parts]
            points = [_ratio(nearest(curve, x)) if len(curve) else NOTHING for x in at]
            rows.append(Row((weighting.capitalize(), *_estimate(found), *tested, *points), "indented"))
    df = sorted(tests["df_resid"].dropna().unique())
    note = f"Weighted intervals are of t and tests of F, with {' to '.join(map(count, df))} degrees of freedom."
    return Table(caption, columns, tuple(rows), (note,))


def _estimate(rows: pd.DataFrame) -> tuple[str, str]:
    if rows.empty:
        return NOTHING, "not estimated"
    row = rows.iloc[0]
    return f"{count(row['events'])} / {count(row['n'])}", _ratio(row)


def _ratio(row: Any) -> str:
    return ratio_interval(row["ratio"], row["low"], row["high"])
