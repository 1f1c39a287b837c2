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
) -> Table:
    """The lowest point of the curve with every outcome, and its U test.

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
    """
    columns = (
        Column("Outcome", numeric=False),
        Column(f"Lowest at ({unit})" if unit else "Lowest at"),
        Column(f"{level} CI"),
        Column("Probability\nthat it is inside"),
        Column("U test: p"),
        Column("Verdict", numeric=False),
    )
    found = shapes.set_index("outcome")
    rows = []
    for outcome, label in outcomes.items():
        if outcome not in found.index:
            rows.append(Row((label, NOTHING, NOTHING, NOTHING, NOTHING, "not estimated")))
            continue
        r = found.loc[outcome]
        ends = " to ".join(measures((r["nadir_low"], r["nadir_high"])))
        cells = (measure(r["nadir"]), ends, f"{r['interior']:.2f}", p_value(r["u_p"]), r["verdict"])
        rows.append(Row((label, *cells), anchor=anchors.get(outcome, "")))
    notes = (
        "Probability that the lowest point lies inside the range examined (1st to 99th percentile), not at one of its "
        "ends. An interval that reaches an end of the range is not bounded there by the data.",
        "U test: the slope is negative at the 5th percentile and positive at the 95th; the larger of the two one-sided "
        "p values.",
    )
    return Table(caption, columns, tuple(rows), notes)
