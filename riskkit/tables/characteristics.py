"""The table of characteristics laid out for a reader: variables down, groups of exposure across."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.describe.characteristics import DIFFERENCE, EVERYONE
from riskkit.numbers import MINUS, NOTHING, count, measures, share
from riskkit.spec.tables import FLAG
from riskkit.tables.table import Column, Row, Table

WHAT = (
    "Numbers are mean (SD), and under it the median (first to third quartile); categories are n (%). People with a "
    "missing value have their own row and are left out of means, medians and percentages."
)


def baseline_table(tidy: pd.DataFrame, caption: str, by: str, groups: Mapping[str, str]) -> Table:
    """Lay out what `riskkit.describe.characteristics.characteristics` found.

    Parameters
    ----------
    tidy : DataFrame
        Columns variable label unit kind level group statistic value; of everyone alone, there is nothing to compare.
    caption : str
    by : str
        What the groups are of, as a head over their columns.
    groups : mapping of str to str
        The head of each group's column, such as its limits, where it has more than its name.

    Returns
    -------
    Table
        Mean (SD) and median (first to third quartile) for numbers; n (%) for categories; missing ones for both.
    """
    names = list(dict.fromkeys(tidy["group"]))
    rows = [row for _, rows in tidy.groupby("variable", sort=False) for row in _rows(rows, names)]
    whole = (Column("", numeric=False), Column(EVERYONE))
    if names == [EVERYONE]:
        return Table(caption, whole, tuple(replace(row, cells=row.cells[:-1]) for row in rows), (WHAT,))
    first, last = names[1], names[-1]
    columns = (
        *whole,
        *(Column(groups.get(name, name), group=by) for name in names if name != EVERYONE),
        Column(f"{last} against {first}\nin SD"),
    )
    notes = (
        WHAT,
        f"Last column: the standardised difference of {last} from {first}, in standard deviations (for a category, the "
        "distance between the two sets of proportions, which has no sign), after Yang and Dalton.",
    )
    return Table(caption, columns, tuple(rows), notes)


def _rows(tidy: pd.DataFrame, names: list[str]) -> Iterator[Row]:
    value = {(r.level, r.group, r.statistic): r.value for r in tidy.itertuples()}
    head: Any = tidy.iloc[0]
    if head["kind"] == "people":
        for label, statistic in (("People, n", "n"), ("Sum of weights", "weight"), ("Person-years", "person_years")):
            if ("", names[0], statistic) in value:
                yield Row((label, *(count(value["", name, statistic]) for name in names), ""))
        return
    apart: Any = value.get(("", names[-1], DIFFERENCE), float("nan"))
    difference = f"{apart:.2f}".replace("-", MINUS) if np.isfinite(apart) else NOTHING
    unit: Any = head["unit"]
    unit = f", {unit}" if unit else ""
    if head["kind"] == "number":
        yield Row((f"{head['label']}{unit}", *(_number(value, name) for name in names), difference))
    else:
        yield Row((f"{head['label']}", *("" for _ in names), difference))
        levels = dict.fromkeys(tidy.loc[tidy["level"] != "", "level"])
        for level in levels if head["kind"] != "flag" else [level for level in levels if level != FLAG[0]]:
            cells = (_category(value, level, name) for name in names)
            yield Row((str(level), *cells, ""), kind="indented")
    if value.get(("", EVERYONE, "missing"), 0) != 0:
        yield Row(("Missing", *(count(value["", name, "missing"]) for name in names), ""), kind="indented")


def _number(value: Mapping[tuple[str, str, str], float], group: str) -> str:
    if ("", group, "mean") not in value:
        return NOTHING
    statistics = [value["", group, name] for name in ("mean", "sd", "median", "q1", "q3")]
    mean, sd, median, q1, q3 = measures(statistics)
    until = " to " if min(statistics) < 0 else "–"
    around = f" ({q1}{until}{q3})" if np.isfinite(statistics[-1]) else ""
    return f"{mean} ({sd})\n{median}{around}"


def _category(value: Mapping[tuple[str, str, str], float], level: str, group: str) -> str:
    return share(value[level, group, "count"], value[level, group, "percent"])
