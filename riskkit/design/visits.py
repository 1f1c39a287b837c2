"""Levels measured at several visits, as start-stop rows: each row has the levels as they were known when it began."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns, check_names
from riskkit.design.lexis import read_follow_up
from riskkit.design.surv import NUMBERED, TIE
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.spec.tables import PER_YEAR

Ints = NDArray[np.int64]
LEVELS = ("baseline", "current", "mean", "area", "change", "since")
LAG = re.compile(r"lag(?P<years>[0-9]{1,3}(?:\.[0-9]{1,3})?)")
WHAT = "over_visits"


def lag_of(level: str) -> float | None:
    """The years of "lag5" or "lag2.5"; None of another level."""
    found = LAG.fullmatch(level)
    return float(found["years"]) if found else None


def level_fault(level: str) -> str | None:
    """What is wrong with the name of a level, in words; None where nothing is."""
    if level in LEVELS:
        return None
    years = lag_of(level)
    if years is None:
        known = (*LEVELS, "lag5")
        return f"'{level}' is none of {', '.join(LEVELS)}, or a lag in years such as lag5.{did_you_mean(level, known)}"
    return None if years > 0 else f"'{level}' is no lag; write 'current' for the last value."


def column_of(value: str, level: str) -> str:
    """The column of a level, as a formula can name it: igf1_current, igf1_lag2_5."""
    return f"{value}_{level.replace('.', '_')}"


@dataclass(frozen=True, eq=False)
class _Visits:
    """All visits, in order of person and time: place of the person among the people, time, value; each shape (m,)."""

    person: Ints
    time: Array
    value: Array

    def last(self, person: Ints, time: Array, lag: float = 0.0) -> Ints:
        """The last visit of each person at least `lag` before each time, -1 where there is none."""
        order = np.lexsort(
            (
                np.repeat([0, 1], [self.person.size, person.size]),
                np.concatenate([self.time + lag, time + TIE * np.maximum(np.abs(time), 1.0)]),
                np.concatenate([self.person, person]),
            )
        )
        asked = order >= self.person.size
        seen = np.cumsum(~asked)[asked] - 1
        found = np.empty(person.size, dtype=np.int64)
        found[order[asked] - self.person.size] = seen
        there = np.append(self.person, -1)[found] == person  # the last entry stands for no visit
        return np.where(there, found, -1)

    @property
    def first(self) -> Ints:
        """The first visit of the person of each visit."""
        changes = np.flatnonzero(self.person[1:] != self.person[:-1]) + 1
        starts = np.concatenate([np.zeros(min(1, self.person.size), dtype=np.int64), changes])
        return np.repeat(starts, np.diff(np.append(starts, self.person.size)))

    def sums(self, parts: Array) -> Array:
        """Running sums within a person."""
        total = np.cumsum(parts)
        first = self.first
        return total - (total - parts)[first]


def over_visits(
    people: pd.DataFrame,
    visits: pd.DataFrame,
    levels: Iterable[str],
    *,
    value: str,
    follow_up: str = "Surv(entry, exit, event)",
    id: str = "id",
    time: str = "time",
    time_unit: Literal["days", "months", "years"] = "years",
    after: Literal["error", "leave out"] = "error",
) -> pd.DataFrame:
    """Cut follow-up where a level that was measured again changes, and give each piece the levels known when it began.

    Nothing that was measured later enters a piece, so that `rk.cox("Surv(entry, exit, event) ~ igf1_lag5", ...)` of the
    result is the model of a covariate that changes with time.

    Parameters
    ----------
    people : DataFrame
        One row a person.
    visits : DataFrame
        One row a visit: columns `id`, `time` (on the scale of the follow-up times) and `value`. Each person's visits
        stand in order of time. Visits before follow-up began count too; a visit without a value is none.
    levels : iterable of str
        "current", the last value; "lag5", the last value at least 5 years before (any number of years); "baseline", the
        last value when follow-up began; "mean", the mean of the values so far; "area", the area under straight lines
        between them, in units times years; "change", current less baseline; "since", whole years since the last visit.
    value : str
        Column of the values.
    follow_up : str
        "Surv(entry, exit, event)" or "Surv(time, event)".
    id, time : str
        Columns of the person, in both frames, and of a visit's time.
    time_unit : {"days", "months", "years"}
        Of the follow-up times and of `time`.
    after : {"error", "leave out"}
        What a visit after the end of a person's follow-up is. It is never used.

    Returns
    -------
    DataFrame
        The columns of `people`, the pieces of a person one after the other under the index label, `event` 0 but in the
        last, with a column `<value>_<level>` each (a point of a lag becomes `_`), missing where nothing was known. With
        "Surv(time, event)" the start of a piece is in a new column, `<time>_start`.

    Raises
    ------
    SpecError
        If a level is unknown, a column is not there, or a new column's name is taken.
    DataError
        If a person has two rows, a visit is of nobody, has no time, or comes before or with the visit above it, or
        after the end of follow-up.

    References
    ----------
    Therneau T, Crowson C, Atkinson E: Using time dependent covariates and time dependent coefficients in the Cox model
    (R: survival::tmerge); Hu FB et al. (1999) Am J Epidemiol 149:531, for means so far; Rothman KJ (1981) Am J
    Epidemiol 114:253, for lags.
    """
    check_names(value=value, id=id, time=time)
    asked = [levels] if isinstance(levels, str) else list(dict.fromkeys(levels))
    if not asked:
        raise SpecError(f"{WHAT}: name at least one level, such as 'current' or 'lag5'.")
    if faults := [fault for level in asked if (fault := level_fault(level))]:
        raise SpecError(f"{WHAT}: {faults[0]}")
    if time_unit not in PER_YEAR:
        raise SpecError(f"{WHAT}: time_unit is one of {', '.join(PER_YEAR)}; got {time_unit!r}.")
    if after not in ("error", "leave out"):
        raise SpecError(f"{WHAT}: after is 'error' or 'leave out'; got {after!r}.")
    check_columns(people, [id], WHAT)
    check_columns(visits, [id, time, value], WHAT)
    follow, (*entry, exit_, event) = read_follow_up(people, follow_up, WHAT)
    start_column = entry[0] if entry else f"{exit_}_start"
    for name in [*(column_of(value, level) for level in asked), *([] if entry else [start_column])]:
        if name in people.columns:
            raise SpecError(
                f"{WHAT}: the people have a column '{name}' already, which would be overwritten; rename it."
            )
    begins = np.zeros(len(people)) if follow.entry is None else follow.entry
    measured = _ordered(people, visits, value, id, time)
    measured = _within(measured, follow.exit, people[id], after)
    year = PER_YEAR[time_unit]
    person, start = _starts(measured, begins, follow.exit, asked, year)
    last = np.ones(person.size, dtype=bool)
    last[:-1] = person[1:] != person[:-1]
    stop = follow.exit[person]
    stop[:-1] = np.where(last[:-1], stop[:-1], start[1:])
    out = people.take(person)
    out[start_column], out[exit_] = start, stop
    out[event] = pd.Series(follow.event[person] & last, index=out.index).astype(people[event].dtype)
    for level in asked:
        out[column_of(value, level)] = _level(level, measured, person, start, begins, year)
    return out


def _ordered(people: pd.DataFrame, visits: pd.DataFrame, value: str, id: str, time: str) -> _Visits:
    """Visits with a value, checked: of somebody, at a time, and each after the one above it."""
    twice = people[id].duplicated()
    if twice.any():
        raise DataError(
            f"{WHAT}: {int(twice.sum())} people have more than one row, first '{id}' {people[id][twice].iloc[0]}; give "
            "one row a person, whose follow-up is then cut."
        )
    person = pd.Index(people[id]).get_indexer(pd.Index(visits[id]))
    if (person < 0).any():
        strange = visits[id][person < 0]
        raise DataError(
            f"{WHAT}: {len(strange)} visits are of nobody among the people, first '{id}' {strange.iloc[0]}; leave them "
            f"out: visits[visits['{id}'].isin(people['{id}'])]."
        )
    when, values = numbers(visits[time], NUMBERED), numbers(visits[value])
    if not np.isfinite(when).all():
        raise DataError(f"{WHAT}: '{time}' is missing in {int((~np.isfinite(when)).sum())} visits; leave those out.")
    order = np.argsort(person, kind="stable")
    whose, at = person[order], when[order]
    same = whose[1:] == whose[:-1]
    early = same & (at[1:] <= at[:-1])
    if early.any():
        i = int(np.flatnonzero(early)[0])
        raise DataError(
            f"{WHAT}: {int(early.sum())} visits are not after the visit above them of the same person, first "
            f"'{id}' {visits[id].iloc[order[i + 1]]} at {at[i + 1]:g} below {at[i]:g}. Correct the times; if only the "
            f"rows are out of order, sort them: visits.sort_values(['{id}', '{time}'])."
        )
    there = ~np.isnan(values[order])
    return _Visits(whose[there].astype(np.int64), at[there], values[order][there])


def _within(measured: _Visits, exits: Array, ids: pd.Series, after: str) -> _Visits:
    """Visits until the end of each person's follow-up."""
    end = exits[measured.person]
    late = measured.time > end + TIE * np.maximum(np.abs(end), 1.0)
    if late.any() and after == "error":
        i = int(np.flatnonzero(late)[0])
        raise DataError(
            f"{WHAT}: {int(late.sum())} visits are after the end of the person's follow-up, first '{ids.name}' "
            f"{ids.iloc[measured.person[i]]} at {measured.time[i]:g}, followed until {end[i]:g}. Nobody is measured "
            "after death: correct the dates. Where people go on being seen after the outcome, say after='leave out'."
        )
    kept = ~late
    return _Visits(measured.person[kept], measured.time[kept], measured.value[kept])


def _starts(measured: _Visits, begins: Array, exits: Array, levels: list[str], year: float) -> tuple[Ints, Array]:
    """Person and start of each piece, in order: where people enter, and where a level that is asked for changes."""
    person, at = [np.arange(begins.size)], [begins]
    delays = {0.0 if (years := lag_of(level)) is None else years * year for level in levels if level != "baseline"}
    for delay in delays:
        person.append(measured.person)
        at.append(measured.time + delay)
    if "since" in levels:
        until = exits[measured.person]
        followed = measured.person[1:] == measured.person[:-1]
        until[:-1][followed] = measured.time[1:][followed]
        whole = np.maximum(np.floor((until - measured.time) / year), 0).astype(np.int64)
        visit = np.repeat(np.arange(whole.size), whole)
        number = np.arange(visit.size) - np.repeat(np.cumsum(whole) - whole, whole) + 1
        person.append(measured.person[visit])
        at.append(measured.time[visit] + number * year)
    whose, when = np.concatenate(person), np.concatenate(at)
    slack = TIE * np.maximum(np.abs(when), 1.0)
    inside = (when > begins[whose] + slack) & (when < exits[whose] - slack)
    inside[: begins.size] = True  # where people enter
    whose, when = whose[inside], when[inside]
    order = np.lexsort((when, whose))
    whose, when = whose[order], when[order]
    again = (whose[1:] == whose[:-1]) & (when[1:] - when[:-1] <= TIE * np.maximum(np.abs(when[1:]), 1.0))
    kept = np.ones(when.size, dtype=bool)
    kept[1:] = ~again
    return whose[kept], when[kept]


def _level(level: str, measured: _Visits, person: Ints, start: Array, begins: Array, year: float) -> Array:
    """What is known of a level when each piece starts; NaN for nothing."""
    years = lag_of(level)
    if years is not None:
        return _at(measured.value, measured.last(person, start, years * year))
    now = measured.last(person, start)
    first = measured.last(person, begins[person])
    made: dict[str, Callable[[], Array]] = {
        "baseline": lambda: _at(measured.value, first),
        "current": lambda: _at(measured.value, now),
        "change": lambda: _at(measured.value, now) - _at(measured.value, first),
        "mean": lambda: _at(measured.sums(measured.value) / measured.sums(np.ones(measured.value.size)), now),
        "area": lambda: _at(_areas(measured, year), now),
        "since": lambda: np.floor((start - _at(measured.time, now)) / year + 1e-6),
    }
    return made[level]()


def _areas(measured: _Visits, year: float) -> Array:
    """The area under straight lines from a person's first visit to each visit."""
    step = np.zeros(measured.value.size)
    width = np.diff(measured.time) / year
    step[1:] = np.where(
        measured.person[1:] == measured.person[:-1], width * (measured.value[1:] + measured.value[:-1]) / 2, 0.0
    )
    return measured.sums(step)


def _at(values: Array, place: Ints) -> Array:
    return np.where(place >= 0, np.append(values, np.nan)[place], np.nan)
