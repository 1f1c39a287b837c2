"""Estimates by levels over visits."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskkit.design.visits import lag_of
from riskkit.measure import Measure
from riskkit.numbers import count, p_value, ratio_interval
from riskkit.tables.table import Column, Row, Table

WORDS = {
    "baseline": "at the start of follow-up",
    "current": "last value",
    "mean": "mean of the values so far",
    "area": "area under the values so far",
    "change": "change since the start",
}


def words(level: str) -> str:
    """What a level is called in a sentence."""
    years = lag_of(level)
    return WORDS[level] if years is None else f"last value at least {years:g} year{'' if years == 1 else 's'} before"


def levels_table(
    rows: pd.DataFrame, outcomes: Mapping[str, str], measured: Measure, head: str, caption: str, note: str
) -> Table:
    """Ratios by level of each outcome, with what they rest on.

    Parameters
    ----------
    rows : DataFrame
        Of the frame `repeats`, one exposure.
    outcomes : mapping of str to str
        Those to show, in order, with their labels.
    measured : Measure
    head, caption, note : str
        Over the ratios, of the table, and under it.
    """
    heads = ("Per", f"{measured.events.capitalize()} / people", "Person-years", head, "p")
    columns = (Column("Level", numeric=False), Column(heads[0], numeric=False), *map(Column, heads[1:]))
    made: list[Row] = []
    for outcome, label in outcomes.items():
        own = rows[rows["outcome"] == outcome].to_dict("records")
        made += [Row((label,), "heading")] if own else []
        for row in own:
            cells = (
                _capital(words(row["level"])),
                row["per"],
                f"{count(row['events'])} / {count(row['n'])}",
                count(row["person_years"]),
                ratio_interval(row["ratio"], row["low"], row["high"]),
                p_value(row["p"]),
            )
            made.append(Row(cells, "indented", strong=row["level"] == "baseline"))
    return Table(caption, columns, tuple(made), (note,))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
