"""The same people in two rows: by the name of their cohort and the years they were followed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

YEARS = ("year_from", "year_to")


def repeated(table: pd.DataFrame, study: str, cohort: str | None = None) -> Iterator[str]:
    """Yield a sentence for each pair of rows that seem to be of the same people, whom pooling would count twice.

    Names are compared without case, punctuation and spaces. Rows of one cohort whose years (columns `year_from` and
    `year_to`) do not overlap are not told.

    Parameters
    ----------
    table : DataFrame
    study : str
        Column that names rows.
    cohort : str, optional
        Column that names people; by default the study.
    """
    people = table[cohort or study].astype("string").fillna("")
    keys = [re.sub(r"[\W_]+", "", name.lower()) for name in people]
    spans = table[list(YEARS)].to_numpy(dtype=float).tolist() if set(YEARS) <= set(table.columns) else None
    names = table[study].astype(str).tolist()
    for j, key in enumerate(keys):
        for i in range(j):
            if not key or keys[i] != key or (spans is not None and _apart(spans[i], spans[j])):
                continue
            which = f"'{names[i]}' and '{names[j]}'" if names[i] != names[j] else f"two rows of '{names[j]}'"
            when = "" if spans is None else f", {_text(spans[i])} and {_text(spans[j])}"
            yield f"{which} seem to be of the same people ({people.iloc[j]}{when}); they are counted twice."


def _apart(one: list[float], other: list[float]) -> bool:
    """Whether two spans of years do not overlap; a year that is not known could be any."""
    return one[1] < other[0] or other[1] < one[0]


def _text(span: list[float]) -> str:
    return " to ".join("?" if year != year else f"{year:.0f}" for year in span)
