"""The table of interaction with one modifier: the ratios of each group, the tests, the additive measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.measure import Measure
from riskkit.numbers import MINUS, NOTHING, count, measure, p_value, ratio_interval
from riskkit.tables.estimates import nearest
from riskkit.tables.table import Column, Row, Table

MEASURES = {
    "RERI": "Relative excess risk due to interaction",
    "AP": "Attributable proportion due to interaction",
    "S": "Synergy index",
}


@dataclass(frozen=True)
class Named:
    """What the exposure and the modifier are called, the exposure's unit, and the levels to read its curves at."""

    exposure: str
    modifier: str
    unit: str | None
    readings: tuple[float, ...]


def interactions_table(
    tests: pd.DataFrame,
    curves: pd.DataFrame,
    additive: pd.DataFrame,
    outcomes: Mapping[str, str],
    named: Named,
    caption: str,
    head: str,
    measured: Measure,
) -> Table:
    """Lay out the interaction of one exposure with one modifier, for every outcome.

    Parameters
    ----------
    tests : DataFrame
        outcome test chi2 df p n events.
    curves : DataFrame
        outcome level x ratio low high n events.
    additive : DataFrame
        outcome measure interval value low high p, and the levels compared; none where none were declared.
    outcomes : mapping of str to str
        Outcomes to show, in order, with their labels.
    named : Named
    caption, head : str
        Of the table, and over the column of ratios.
    measured : Measure
        What the ratios are.
    """
    columns = (Column("", numeric=False), *(Column(text) for text in (f"{measured.events} / people", head, "p")))
    rows: list[Row] = []
    for outcome, label in outcomes.items():
        own, compared, joint = (frame[frame["outcome"] == outcome] for frame in (tests, curves, additive))
        rows.append(Row((label,), kind="heading"))
        for level, points in compared.groupby("level", sort=False):
            rows += _read(str(level), points, named)
        for test in own.itertuples():
            people = f"{count(test.events)} / {count(test.n)}"
            text = f"χ² {test.chi2:.1f}, {test.df:.0f} df"
            rows.append(Row((f"Interaction: {test.test} test", people, text, p_value(test.p)), kind="indented"))
        rows += _measured(joint, named) if len(joint) else []
    return Table(caption, columns, tuple(rows), tuple(_notes(additive, named)))


def _read(level: str, points: pd.DataFrame, named: Named) -> Iterator[Row]:
    """The curve of one group read at each level of the exposure that its own people reach."""
    people = f"{count(points['events'].iloc[0])} / {count(points['n'].iloc[0])}"
    for x in named.readings:
        inside = points["x"].min() <= x <= points["x"].max()
        at = nearest(points, x)
        text = ratio_interval(at["ratio"], at["low"], at["high"]) if inside else "outside its range"
        where = measure(at["x"] if inside else x, named.unit)
        yield Row((f"{level}, at {where}", people, text, ""), kind="indented")


def _measured(rows: pd.DataFrame, named: Named) -> Iterator[Row]:
    first = rows.iloc[0]
    exposed, reference = (measure(first[name], named.unit) for name in ("exposed", "reference"))
    high, low = first["exposed_level"], first["reference_level"]
    labels = {
        "exposure alone": f"{low}, {exposed} against {reference}",
        "modifier alone": f"{high} against {low}, at {reference}",
        "both": f"{high} and {exposed} against {low} and {reference}",
    }
    people = f"{count(first['events'])} / {count(first['n'])}"
    for r in rows.itertuples():
        if r.measure in labels:
            yield Row((labels[r.measure], people, ratio_interval(r.value, r.low, r.high), ""), kind="indented")
        else:
            label = f"{MEASURES[r.measure]} ({r.interval})"
            yield Row((label, people, signed_interval(r.value, r.low, r.high), p_value(r.p)), kind="indented")


def signed_interval(value: float, low: float, high: float) -> str:
    """A measure that may be below zero, with its interval: 0.13 (−0.05 to 0.31)."""
    if not np.isfinite(value):
        return "not defined"
    shown: Sequence[str] = [f"{each:.2f}".replace("-", MINUS) for each in (value, low, high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})" if np.isfinite([low, high]).all() else f"{shown[0]} ({NOTHING})"


def _notes(additive: pd.DataFrame, named: Named) -> Iterator[str]:
    yield f"Each group's ratios are relative to the same level of {named.exposure} in that group."
    if additive.empty:
        return
    yield (
        "On the additive scale, effects add up where RERI and the attributable proportion are 0 and the synergy index "
        "is 1. MOVER's interval need not be symmetric."
    )
    parts = additive[~additive["measure"].isin(list(MEASURES))]
    if (parts["value"] < 1).any():
        yield (
            "Where one of the three ratios is below 1, the reference is not the combination with the lowest risk: the "
            "attributable proportion and the synergy index are hard to read then."
        )
    if additive.loc[additive["measure"] == "S", "value"].isna().any():
        yield "The synergy index is not defined where the excess of both, or of the two added up, is not above zero."
