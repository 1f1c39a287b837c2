"""The table of robustness: every check of the linear estimates of one exposure, under the estimate it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from riskkit.measure import Measure
from riskkit.numbers import MINUS, NOTHING, count, p_value, per_cent, ratio, ratio_interval
from riskkit.tables.table import Column, Row, Table

NOTES = {
    "E-value": (
        "E-value: by which risk ratio an unmeasured confounder would have to be associated with both the exposure and "
        "the outcome, beyond the covariates, to explain the estimate away; then the limit of its interval nearer 1 "
        "(1.00 where the interval holds 1). Hazard and odds ratios of outcomes that more than 15% have are first "
        "brought to the scale of risk ratios."
    ),
    "tipping point": (
        "Tipping point: the ratio of the outcome with a binary confounder to that without it, at which a confounder of "
        "these prevalences would explain the estimate away; then the limit nearer 1. The confounder is taken to be "
        "more common where the risk is higher."
    ),
    "jackknife": "Jackknife: the interval from the spread of the estimates without each group.",
    "bootstrap": "Bootstrap: percentiles of the estimates on samples of the people, drawn with replacement.",
    "influence": (
        "People are named by their row in the cohort's table. Beside each: the ratio without that person, nearly, and "
        "the change in standard errors."
    ),
}


def robustness_table(
    checks: pd.DataFrame, outcomes: Mapping[str, str], caption: str, head: str, measured: Measure
) -> Table:
    """Lay out the checks of one exposure.

    Parameters
    ----------
    checks : DataFrame
        Rows of the frame `robustness` of one exposure: outcome check item n events ratio low high p value limit ...
    outcomes : mapping of str to str
        The outcomes and negative controls to show, in order, with their labels.
    caption, head : str
        Of the table, and over the column of ratios.
    measured : Measure
        What the ratios are.
    """
    heads = (f"{measured.events} / people", head, "p", "Estimate; limit")
    columns = (Column("Check", numeric=False), *(Column(text) for text in heads))
    rows: list[Row] = []
    for outcome, label in outcomes.items():
        own = checks[checks["outcome"] == outcome].to_dict("records")
        rows += [Row((label,), kind="heading")] if own else []
        rows += [row for each in own for row in _row(each)]
    made = set(checks["check"])
    return Table(caption, columns, tuple(rows), tuple(note for check, note in NOTES.items() if check in made))


def label_of(row: Mapping[str, Any]) -> str:
    """What a check is called."""
    match row["check"]:
        case "main":
            return "Main analysis"
        case "negative control":
            return "Negative control"
        case "left out":
            return f"Without {row['item']}"
        case "without influential":
            return f"Without the {count(row['value'])} most influential people"
        case "influence":
            return f"Person in row {row['item']}"
        case "jackknife":
            return f"Jackknife over {count(row['value'])} groups"
        case "bootstrap":
            return f"Bootstrap of {count(row['value'])} samples"
        case "tipping point":
            fewer, more = sorted((row["exposed"], row["unexposed"]))
            return f"Tipping point: {row['item']}, {per_cent(100 * fewer)}% and {per_cent(100 * more)}%"
    return f"{row['check']} ({row['note']})"


def strength(value: float) -> str:
    """A strength of confounding: 1.23; none suffices where it is infinite."""
    return "none suffices" if value == np.inf else ratio(value)


def _row(row: Mapping[str, Any]) -> Iterator[Row]:
    people = f"{count(row['events'])} / {count(row['n'])}" if np.isfinite(row["n"]) else ""
    estimate, p, value = "", "", ""
    if row["check"] in ("E-value", "tipping point"):
        people, value = "", f"{strength(row['value'])}; {strength(row['limit'])}"
    elif row["check"] == "influence":
        estimate, value = ratio(row["ratio"]), f"{row['value']:+.2f} SE".replace("-", MINUS)
    elif np.isfinite(row["ratio"]):
        estimate, p = ratio_interval(row["ratio"], row["low"], row["high"]), p_value(row["p"])
    else:
        estimate, p = "not estimated", NOTHING
    if row["check"] in ("main", "negative control"):
        people += f"\n{count(row['n_missing'])} missing"
    yield Row((label_of(row), people, estimate, p, value), kind="indented", strong=row["check"] == "main")
    if row["check"] == "left out" and row["note"]:
        yield Row((f"{row['note'][:1].upper()}{row['note'][1:]}", "", "", "", ""), kind="indented")
