"""Tables of a cohort file about dated records: where diagnoses stand, when records end, what people had before."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.faults import Fault, Place
from riskkit.spec.load import SpecModel
from riskkit.spec.tables import DescribedSpec, FollowUpSpec, OutcomeSpec

if TYPE_CHECKING:
    from riskkit.spec.cohort import CohortSpec


class EventsSpec(SpecModel):
    """Dated records with codes: rows of a file of many, or columns that each person has several times."""

    file: str = Field(description="key of the file the codes stand in")
    icd10: str | None = Field(None, description="column of ICD-10 codes")
    icd9: str | None = Field(None, description="column of ICD-9 codes")
    date: tuple[str, ...] = Field(min_length=1, description="columns of dates: the first that is there counts")
    dates_in: str | None = Field(None, description="key of the file the dates stand in, where it is another")
    link: tuple[str, ...] = Field((), description="columns that, with the identifier, join the two files")
    level: str | None = Field(None, description="column of positions or kinds of a code")
    levels: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="name = values of `level`: a source is then 'hospital.primary'"
    )
    leave_out: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="column = codes of records that count for nothing"
    )


class CensoringSpec(SpecModel):
    """To which day records are complete."""

    version: str = Field(description="when these dates were published, and where")
    dates: dict[str, datetime.date] = Field(min_length=1, description="level of the country = last complete day")


class HistorySpec(DescribedSpec):
    """What people had by baseline; a flag that exclusions, derived variables and outcomes can use."""

    kind: Literal["flag"] = "flag"
    sources: tuple[str, ...] = Field(min_length=1, description="keys of [events]")
    codelist: str | None = Field(None, description="file in codelists/, without .csv; any record counts without it")


def record_faults(spec: CohortSpec) -> Iterator[Fault]:
    """Check that the tables of dated records fit the rest of the file."""
    for name, events in spec.events.items():
        yield from _events_faults(("events", name), events, spec)
    for name, history in spec.histories.items():
        yield from _source_faults(("histories", name, "sources"), history.sources, spec)
    if spec.follow_up is not None:
        yield from _follow_up_faults(("follow_up",), spec.follow_up, spec)
    dated = spec.follow_up is not None and spec.follow_up.baseline is not None
    if spec.histories and not dated:
        yield Fault(("histories",), "needs `baseline` in [follow_up], a variable of dates.")
    for name, outcome in spec.outcomes.items():
        yield from _outcome_faults(("outcomes", name), outcome, dated, spec)
    if spec.withdrawals is not None and spec.withdrawals not in spec.files:
        yield _unknown(("withdrawals",), "file", spec.withdrawals, spec.files)
    used = {key for events in spec.events.values() for key in (events.file, events.dates_in)} | {spec.withdrawals}
    used |= {panel.file for panel in spec.panels.values()} | {repeats.file for repeats in spec.repeats.values()}
    for key, file in spec.files.items():
        if file.rows == "many" and key not in used:
            what = "[events], [panels], [repeats] or `withdrawals`"
            yield Fault(("files", key, "rows"), f"a file of many records is for {what}.")


def _events_faults(place: Place, events: EventsSpec, spec: CohortSpec) -> Iterator[Fault]:
    for field in ("file", "dates_in"):
        key = getattr(events, field)
        if key is not None and key not in spec.files:
            yield _unknown((*place, field), "file", key, spec.files)
        elif key is not None and spec.files[key].format not in ("csv", "parquet", "table"):
            yield Fault((*place, field), f"'{key}' must be Parquet or CSV, not {spec.files[key].format}.")
    if (events.dates_in is None) != (not events.link):
        yield Fault(place, "`dates_in` and `link` go together: give both, or neither.")
    if (events.level is None) != (not events.levels):
        yield Fault(place, "`level` and `levels` go together: give both, or neither.")
    if events.icd10 is None and events.icd9 is None:
        yield Fault(place, "needs `icd10`, `icd9` or both.")


def _follow_up_faults(place: Place, follow_up: FollowUpSpec, spec: CohortSpec) -> Iterator[Fault]:
    if (follow_up.time is None) == (follow_up.baseline is None):
        yield Fault(place, "needs either `time` or `baseline`, and not both.")
        return
    dated = ("birth_year", "birth_month", "lost", "death", "country", "censoring")
    if follow_up.baseline is None:
        for field in dated:
            if getattr(follow_up, field) is not None:
                yield Fault((*place, field), "goes with `baseline`, not with `time`. Leave it out.")
        return
    for field, kind in (
        ("baseline", "date"), ("lost", "date"), ("birth_year", "number"), ("birth_month", "number"),
    ):  # fmt: skip
        name = getattr(follow_up, field)
        if name is None:
            if field != "lost":
                yield Fault((*place, field), "is required and missing: it goes with `baseline`.")
        elif name not in spec.variables:
            yield _unknown((*place, field), "variable", name, spec.variables)
        elif spec.variables[name].kind != kind:
            yield Fault((*place, field), f"'{name}' is a {spec.variables[name].kind}; it must be a {kind}.")
    if follow_up.death is not None and follow_up.death not in spec.events:
        yield _unknown((*place, "death"), "table [events]", follow_up.death, spec.events)
    if follow_up.country not in spec.variables or spec.variables[follow_up.country].kind != "category":
        yield Fault((*place, "country"), "must name a category of [variables]; it goes with `baseline`.")
        return
    if follow_up.censoring is None:
        yield Fault((*place, "censoring"), "is required and missing: it goes with `baseline`.")
    elif follow_up.censoring not in spec.censoring:
        yield _unknown((*place, "censoring"), "table [censoring]", follow_up.censoring, spec.censoring)
    levels = set(spec.variables[follow_up.country].levels)
    for name, censoring in spec.censoring.items():
        if set(censoring.dates) != levels:
            wanted = ", ".join(spec.variables[follow_up.country].levels)
            yield Fault(("censoring", name, "dates"), f"must have a date for each level of the country: {wanted}.")


def _outcome_faults(place: Place, outcome: OutcomeSpec, dated: bool, spec: CohortSpec) -> Iterator[Fault]:
    if (outcome.event is not None) + (outcome.state is not None) + bool(outcome.sources) != 1:
        yield Fault(place, "needs one of `event`, `state` (at baseline) and `sources`, and no more than one.")
    elif outcome.state is not None:
        for field in ("time", "codelist", "free_of", "censoring"):
            if getattr(outcome, field):
                yield Fault((*place, field), "is for outcomes with follow-up, and a `state` has none. Leave it out.")
    elif outcome.sources and not dated:
        yield Fault((*place, "sources"), "needs `baseline` in [follow_up], a variable of dates.")
    elif outcome.event is not None and dated:
        yield Fault((*place, "event"), "this cohort is followed by dates: give `sources` (and `codelist`) instead.")
    elif outcome.event is not None:
        for field in ("codelist", "free_of", "censoring"):
            if getattr(outcome, field):
                yield Fault((*place, field), "goes with `sources`, not with `event`. Leave it out.")
    elif outcome.time is not None:
        yield Fault((*place, "time"), "goes with `event`; with `sources` the time is that of the first record.")
    yield from _source_faults((*place, "sources"), outcome.sources, spec)
    for i, name in enumerate(outcome.free_of):
        if name not in spec.histories:
            yield _unknown((*place, "free_of", i), "table [histories]", name, spec.histories)
    if outcome.censoring is not None and outcome.censoring not in spec.censoring:
        yield _unknown((*place, "censoring"), "table [censoring]", outcome.censoring, spec.censoring)


def _source_faults(place: Place, sources: tuple[str, ...], spec: CohortSpec) -> Iterator[Fault]:
    for i, source in enumerate(sources):
        key, _, level = source.partition(".")
        if key not in spec.events:
            yield _unknown((*place, i), "table [events]", key, spec.events)
        elif level and level not in spec.events[key].levels:
            yield _unknown((*place, i), f"level of [events.{key}]", level, spec.events[key].levels)


def _unknown(place: Place, what: str, name: str, known: Iterable[str]) -> Fault:
    return Fault(place, f"there is no {what} '{name}'.{did_you_mean(name, known)}")
