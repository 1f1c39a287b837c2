"""The shape of every curve: where it is lowest, and whether it is a U."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskkit.numbers import NOTHING, measure, measures, p_value
from riskkit.tables.table import Column, Row, Table


def shapes_table(
    shapes: pd.DataFrame,
    outcomes: Mapping[str, str],
    unit: str | None,
    level: str,
    caption: str,
    anchors: Mapping[str, str],
    lines: pd.DataFrame | None = None,
) -> Table:
    """The lowest point of the curve with every outcome, its U test and its two-lines test.

    Parameters
    ----------
    shapes : DataFrame
        One row per outcome, of one exposure, time scale and model: outcome nadir nadir_low nadir_high interior u_p
        verdict.
    outcomes : mapping of str to str
        Outcomes to show, in order, with their labels.
    unit : str or None
        Of the exposure.
    level : str
        Confidence level, as in "95%".
    caption : str
    anchors : mapping of str to str
        The place of each outcome's row, which sentences point to.
    lines : DataFrame, optional
        The two-lines tests, of the outcomes that have one: outcome breakpoint p.
    """
    columns = (
        Column("Outcome", numeric=False),
        Column(f"Lowest at ({unit})" if unit else "Lowest at"),
        Column(f"{level} CI"),
        Column("Probability\nthat it is inside"),
        Column("U test: p"),
        Column("Two lines: p,\nwhere they meet"),
        Column("Verdict", numeric=False),
    )
    found, tested = shapes.set_index("outcome"), (shapes.iloc[:0] if lines is None else lines).set_index("outcome")
    rows = []
    for outcome, label in outcomes.items():
        if outcome not in found.index:
            rows.append(Row((label, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, "not estimated")))
            continue
        r = found.loc[outcome]
        ends = " to ".join(measures((r["nadir_low"], r["nadir_high"])))
        met = NOTHING
        if outcome in tested.index:
            met = f"{p_value(tested.at[outcome, 'p'])}\n{measure(tested.at[outcome, 'breakpoint'])}"
        cells = (measure(r["nadir"]), ends, f"{r['interior']:.2f}", p_value(r["u_p"]), met, r["verdict"])
        rows.append(Row((label, *cells), anchor=anchors.get(outcome, "")))
    notes = (
        "Probability that the lowest point lies inside the range examined (1st to 99th percentile), not at one of its "
        "ends. An interval that reaches an end of the range is not bounded there by the data.",
        "U test: the slope is negative at the 5th percentile and positive at the 95th; the larger of the two one-sided "
        "p values.",
        "Two lines: the curve is replaced by a straight line below and one above a break point that the data choose, "
        "free to jump at it; p is the larger of their two-sided p values, 1 where they do not fall and then rise. It "
        "averages each side, where the U test reads the slope at each end: a curve that rises only late, or is flat at "
        "an end, can pass the one and not the other.",
    )
    return Table(caption, columns, tuple(rows), notes)
