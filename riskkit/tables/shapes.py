"""The shape of every curve: both ends against the lowest point, where that is, the answer, and evidence beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from riskkit.infer.heights import Height
from riskkit.infer.verdict import ShapeVerdict
from riskkit.numbers import NOTHING, measure, measures, p_value, ratio_interval
from riskkit.tables.table import Column, Row, Table


def shapes_table(
    shapes: pd.DataFrame,
    outcomes: Mapping[str, str],
    unit: str | None,
    level: str,
    ratio: str,
    caption: str,
    anchors: Mapping[str, str],
    lines: pd.DataFrame | None = None,
    overall: Mapping[str, float] | None = None,
    answers: Mapping[str, str] | None = None,
) -> Table:
    """The three parts of the verdict on the curve with every outcome, the answer, and the evidence beside it.

    Parameters
    ----------
    shapes : DataFrame
        One row per outcome, of one exposure, time scale and model: outcome, the verdict's columns
        (`ShapeVerdict.row`), and the slopes: lower_slope lower_slope_low lower_slope_high, the same of the upper, and
        slopes_p.
    outcomes : mapping of str to str
        Outcomes to show, in order, with their labels.
    unit : str or None
        Of the exposure.
    level, ratio : str
        Confidence level, as in "95%"; the ratio's short name with it, as in "HR (95% CI)".
    caption : str
    anchors : mapping of str to str
        The place of each outcome's row, which sentences point to.
    lines : DataFrame, optional
        The two-lines tests: outcome breakpoint p. Their column is there where there are any.
    overall : mapping of str to float, optional
        P value of the test of any association, by outcome.
    answers : mapping of str to str, optional
        What the report says of each shape; by default the verdict's own answer.
    """
    per = f" per {unit}" if unit else ""
    columns = [
        Column("Outcome", numeric=False),
        Column("Answer", numeric=False),
        Column(f"Low end:\n{ratio}"),
        Column(f"High end:\n{ratio}"),
        Column(f"Lowest at{f' ({unit})' if unit else ''}\n({level} CI)"),
        Column("U: p"),
    ]
    if overall is not None:
        columns.append(Column("Any\nassociation: p"))
    columns.append(Column(f"Slopes at the ends{per}\n({level} CI), p"))
    tested = {} if lines is None else {str(r["outcome"]): r for r in lines.to_dict("records")}
    if tested:
        columns.append(Column("Two lines: p,\nwhere they meet"))
    found = {str(r["outcome"]): r for r in shapes.to_dict("records")}
    rows = []
    for outcome, label in outcomes.items():
        if outcome not in found:
            rows.append(Row((label, "not estimated", *(NOTHING,) * (len(columns) - 2))))
            continue
        row = found[outcome]
        verdict = ShapeVerdict.from_row(row)
        cells = [label, answers[outcome] if answers else verdict.answer, _end(verdict.lower), _end(verdict.upper)]
        cells += [f"{measure(verdict.x)}\n({verdict.bounds()})", p_value(verdict.p)]
        if overall is not None:
            cells.append(p_value(overall.get(outcome, math.nan)))
        cells.append("\n".join([_slope(row, "lower"), _slope(row, "upper"), p_value(row["slopes_p"])]))
        if outcome in tested:
            cells.append(f"{p_value(tested[outcome]['p'])}\n{measure(tested[outcome]['breakpoint'])}")
        rows.append(Row((*cells, *(NOTHING,) * (len(columns) - len(cells))), anchor=anchors.get(outcome, "")))
    return Table(caption, tuple(columns), tuple(rows), _notes(bool(tested), answers is not None))


def _end(end: Height) -> str:
    """One end of the range against the lowest point; the end may be that point itself."""
    if end.low == end.high == 0:
        return f"lowest itself\nat {measure(end.x)}"
    return f"{ratio_interval(*(math.exp(value) for value in (end.estimate, end.low, end.high)))}\nat {measure(end.x)}"


def _slope(row: Mapping[Any, Any], side: str) -> str:
    values = [row[f"{side}_slope{part}"] for part in ("", "_low", "_high")]
    slope, low, high = measures(values)
    return f"{slope} ({low} to {high})"


def _notes(lines: bool, told: bool) -> tuple[str, ...]:
    notes = [
        "All of it is about one range, the 5th to the 95th percentile: both ends against the lowest point between "
        "them, with an interval that allows for that point being wherever it is, and where that point is. "
        "An interval of the lowest point that reaches an end of the range is not bounded there by the data.",
        "Answer: it follows from these numbers. U-shaped is a curve whose two ends are both clearly above the lowest "
        "point; “falls then levels off” is one of which only the low end is, without clearly falling over the upper "
        "half of the range: a plateau that may turn. p is the larger of the two ends’.",
        "Slopes: change of the log ratio at the low and the high end, and the larger of the one-sided p values that it "
        "falls there and rises. They are what a spline knows least, and evidence beside the answer, which does not "
        "rest on them.",
    ]
    if lines:
        notes.append(
            "Two lines: the curve is replaced by a straight line below and one above a break point that the data "
            "choose, free to jump at it; p is the larger of their two-sided p values, 1 where they do not fall and "
            "then rise. It averages each side, and is evidence beside the answer as well."
        )
    notes.append(
        "A curve without evidence against a straight line that is clear by itself is told as that line; where the "
        "primary test gives no evidence, nothing is told of its shape, unless it is flat within stated limits."
        if told
        else "Answers here are of each verdict alone, whether or not a straight line would do."
    )
    return tuple(notes)
