"""Cumulative incidence by group, read at a few times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from riskkit.numbers import NOTHING, count
from riskkit.tables.table import Column, Row, Table


def incidence_table(
    curves: pd.DataFrame, outcomes: Mapping[str, str], at: Sequence[float], time: str, caption: str
) -> Table:
    """People, events, and at each time the share of people who have had the outcome, with its interval.

    Parameters
    ----------
    curves : DataFrame
        Columns outcome level n events time estimate low high, of one exposure.
    outcomes : mapping of str to str
        Outcomes to show, in order, with their labels.
    at : sequence of float
        Times at which the curves are read; a curve that has not begun or has ended by then has a dash.
    time : str
        What stands before a time in a head: "Age".
    caption : str
    """
    heads = [f"{time} {t:g}" for t in at]
    columns = (Column("Group", numeric=False), Column("People"), Column("Events"), *(Column(head) for head in heads))
    rows = []
    for outcome, label in outcomes.items():
        rows.append(Row((label,), kind="heading"))
        for level, own in curves[curves["outcome"] == outcome].groupby("level", sort=False):
            read = own.set_index("time").reindex(list(at)).to_dict("records")
            shares = [percent(r["estimate"], r["low"], r["high"]) for r in read]
            first = own.iloc[0]
            rows.append(Row((str(level), count(first["n"]), count(first["events"]), *shares), kind="indented"))
    return Table(caption, columns, tuple(rows))


def percent(share: float, low: float, high: float) -> str:
    """A share with its interval: 12.3% (10.1 to 14.9); without one where it has none, and a dash for no share."""
    if np.isnan(share):
        return NOTHING
    interval = f" ({100 * low:.1f} to {100 * high:.1f})" if np.isfinite([low, high]).all() else ""
    return f"{100 * share:.1f}%{interval}"
