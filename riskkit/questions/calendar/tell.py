"""Rates by calendar year in a report."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isfinite

from riskkit.figures.panels import Panel
from riskkit.numbers import NOTHING, count
from riskkit.questions.calendar.figure import calendar
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Heading, Link, PageFigure
from riskkit.telling.references import Work
from riskkit.telling.telling import Found, Telling, methods_link
from riskkit.telling.words import in_sentence, listed

METHODS = "Rates by calendar year"
WORKS = {
    "fay": Work(
        "Fay MP, Feuer EJ. Confidence intervals for directly standardized rates: a method based on the gamma "
        "distribution. Stat Med 1997;16:791-801.",
        "10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#",
    ),
}


def people(results: Results, found: Found) -> Iterator[Block]:
    """The rates of the outcomes, as many as one figure can show."""
    outcomes = {
        name: about.label
        for name, about in results.manifest.outcomes.items()
        if name in set(results.calendar["outcome"])
    }
    if outcomes:
        yield Heading("Incidence by calendar year")
        yield _figure(results, dict(list(outcomes.items())[:READABLE]), _table(results, outcomes))


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How rates were standardised."""
    asked = results.manifest.analysis.asked("calendar")
    if asked and len(results.calendar):
        yield (
            METHODS,
            f"Incidence rates were standardised directly, in bands of {asked.ages} years of age, to the person-years "
            "of all periods together; only ages that have person-time in every period took part. Intervals of "
            "standardised rates are Fay and Feuer's [@fay]. People were at risk from entry into the cohort.",
        )


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that rates meet."""
    if len(results.calendar):
        yield 17, methods_link(METHODS)


def _per(results: Results) -> str:
    return f"per {count(results.manifest.analysis.asked('calendar').per)} person-years"


def _figure(results: Results, outcomes: dict[str, str], table: Table) -> PageFigure:
    rates = results.calendar[results.calendar["outcome"].isin(outcomes)]
    per = _per(results)
    ages = "; ".join(
        f"{in_sentence(outcomes[name])} at {own['age_low'].iloc[0]:.0f} to under {own['age_high'].iloc[0]:.0f}"
        for name, own in rates.groupby("outcome", sort=False)
    )
    level = f"{100 * results.manifest.analysis.level:g}%"
    caption = (
        f"Incidence {per} by calendar year, standardised for age (squares, with {level} confidence intervals) and "
        f"crude (dots), at the ages that every period has: {ages}. Vertical axes differ. A change over the years "
        "may be due to who was recruited when, and to how outcomes were recorded."
    )
    told = listed(_told(results, name, label) for name, label in outcomes.items())
    panels = [Panel(name, label) for name, label in outcomes.items()]
    drawn = partial(calendar, rates, panels, ylabel=f"Incidence {per}")
    return PageFigure("calendar", drawn, caption, f"Standardised incidence {per}: {told}.", table)


def _told(results: Results, name: str, label: str) -> str:
    own = results.calendar[results.calendar["outcome"] == name]
    ends = " and ".join(f"{_rate(each['rate'])} in {each['period']}" for each in (own.iloc[0], own.iloc[-1]))
    return f"{in_sentence(label)} {ends}"


def _rate(value: float) -> str:
    return NOTHING if not isfinite(value) else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _table(results: Results, outcomes: dict[str, str]) -> Table:
    per = _per(results)
    heads = ("People", "Events", "Person-years", f"Crude rate\n{per}", f"Standardised rate\n{per}")
    columns = (Column("Calendar year", numeric=False), *map(Column, heads))
    rows = []
    for name, label in outcomes.items():
        rows.append(Row((label,), kind="heading"))
        for r in results.calendar[results.calendar["outcome"] == name].to_dict("records"):
            counts = (count(r[column]) for column in ("n", "events", "person_years"))
            interval = f" ({_rate(r['low'])} to {_rate(r['high'])})" if isfinite(r["rate"]) else ""
            cells = (str(r["period"]), *counts, _rate(r["crude"]), f"{_rate(r['rate'])}{interval}")
            rows.append(Row(cells, kind="indented"))
    return Table("Incidence by calendar year, standardised for age", columns, tuple(rows))


TELLING = Telling(people=people, methods=methods, strobe=strobe, works=WORKS)
