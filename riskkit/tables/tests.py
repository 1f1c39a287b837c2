"""The table of tests: is there an association, is it a straight line, do the hazards stay proportional."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from riskkit.measure import Measure
from riskkit.numbers import NOTHING, count, p_value, ratio_interval
from riskkit.tables.table import Column, Row, Table

HAZARDS = "proportional hazards"
UNINFORMED = (
    "people in covariate categories without {event}s, who do not inform the estimate: nobody there had the outcome "
    "(or, of a prevalent outcome, everybody). No finite coefficient belongs to such a category, and with its people "
    "excluded the others are what they would be beside an infinite one."
)


def table_of_tests(
    tests: pd.DataFrame,
    estimates: pd.DataFrame,
    fits: pd.DataFrame,
    outcomes: Mapping[str, str],
    exposure: str,
    caption: str,
    head: str,
    measure: Measure,
    anchors: Mapping[str, str],
) -> Table:
    """The main results of one exposure with every outcome: people, events, the linear ratio and every test.

    Parameters
    ----------
    tests : DataFrame
        Columns outcome coding term part chi2 df p, of one exposure, time scale and model.
    estimates : DataFrame
        Rows of coding "linear" of the same.
    fits : DataFrame
        Columns outcome n events n_missing n_without_events; the first row of each outcome is shown.
    outcomes : mapping of str to str
        Outcomes to show, in order, with their labels.
    exposure : str
        The exposure's name, as in the column `term`.
    caption : str
    head : str
        The head of the column of ratios.
    measure : Measure
        What they are.
    anchors : mapping of str to str
        The place of each outcome's row, which sentences point to.
    """
    wanted = (
        ("Any association", "Spline: p", "spline", exposure, "overall"),
        ("Non-linearity", "Spline: p", "spline", exposure, "nonlinear"),
        ("Proportional hazards", "Spline: p", "spline", exposure, HAZARDS),
        ("Any difference", "Groups: p", "groups", exposure, "overall"),
        ("Trend", "Groups: p", "groups", exposure, "trend"),
    )
    found = {(r.outcome, r.coding, r.term, r.part): r for r in tests.itertuples()}
    shown = [w for w in wanted if any((outcome, *w[2:]) in found for outcome in outcomes)]
    linear = {r.outcome: r for r in estimates.itertuples()}
    columns = (
        Column("Outcome", numeric=False),
        Column(f"{measure.events} / people"),
        *((Column(head, group="Straight line"), Column("p", group="Straight line")) if linear else ()),
        *(Column(text, group=group) for text, group, *_ in shown),
    )
    rows = []
    for outcome, label in outcomes.items():
        tested = [_cell(found.get((outcome, coding, term, part))) for _, _, coding, term, part in shown]
        rows.append(
            Row(
                (label, *_people(fits, outcome, measure), *_linear(linear.get(outcome), bool(linear)), *tested),
                anchor=anchors.get(outcome, ""),
            )
        )
    notes = ["Under each p value: the chi-squared statistic and its degrees of freedom."]
    if "p_holm" in tests:
        notes.append("Holm: the p value corrected for the number of outcomes by Holm's method.")
    if fits.loc[fits["outcome"].isin(outcomes), "n_without_events"].any():
        notes.append(f"Without {measure.event}s: {UNINFORMED.format(event=measure.event)}")
    return Table(caption, columns, tuple(rows), tuple(notes))


def _people(fits: pd.DataFrame, outcome: str, measure: Measure) -> tuple[str, ...]:
    rows = fits[fits["outcome"] == outcome]
    if rows.empty:
        return (NOTHING,)
    events, people, missing, uninformed = (
        count(rows[name].iloc[0]) for name in ("events", "n", "n_missing", "n_without_events")
    )
    aside = f"\n{uninformed} in categories without {measure.event}s" if rows["n_without_events"].iloc[0] else ""
    return (f"{events} / {people}\n{missing} missing{aside}",)


def _linear(row: Any, any_linear: bool) -> tuple[str, ...]:
    if not any_linear:
        return ()
    if row is None:
        return ("not estimated", NOTHING)
    return (ratio_interval(row.ratio, row.low, row.high), p_value(row.p))


def _cell(row: Any) -> str:
    if row is None:
        return NOTHING
    text = f"{p_value(row.p)}\nχ² {row.chi2:.1f}, {row.df:.0f} df"
    adjusted = getattr(row, "p_holm", float("nan"))
    return text if isnan(adjusted) or row.part == HAZARDS else f"{text}\nHolm {p_value(adjusted)}"
