"""The table of reference rates that a cohort file names: read, and refused where it has a hole."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.tables import FLAG, DerivedSpec, DescribedSpec, VariableSpec

HEADER = ("outcome", "age_from", "age_to", "rate")
PERIOD = ("period_from", "period_to")
BANDS = {"age": HEADER[1:3], "period": PERIOD}


@dataclass(frozen=True)
class ReferenceRates:
    """Rates of another population, by outcome, band of age and what else they differ by.

    Attributes
    ----------
    population, source : str
        Whose they are, and where they were published.
    per : float
        Person-years that they are per.
    calendar : str or None
        The cohort's variable with the calendar year at entry.
    by : tuple of str
        The cohort's variables that they differ by, such as sex.
    periods : bool
        Whether they differ by calendar period too.
    cells : tuple of tuple
        outcome, age_from, age_to, period_from, period_to, levels of `by`, rate. Ages and years are whole and both ends
        are in the band; the end is None where it is open, and so are periods where there are none.
    """

    population: str
    source: str
    per: float
    calendar: str | None
    by: tuple[str, ...]
    periods: bool
    cells: tuple[tuple[Any, ...], ...]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that have rates, in the order of the table."""
        return tuple(dict.fromkeys(cell[0] for cell in self.cells))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ReferenceRates:
        """What `dataclasses.asdict` made, before or after it was JSON."""
        return cls(**{**plain, "by": tuple(plain["by"]), "cells": tuple(map(tuple, plain["cells"]))})


def read_rates(spec: CohortSpec) -> ReferenceRates | None:
    """Read the table of reference rates of a cohort, from rates/ beside its file; None where it names none.

    Raises
    ------
    SpecError
        With every fault of the table: columns and levels that the cohort has not, numbers that are none, bands with a
        gap between them or that overlap, and cells that are missing or stand there twice.
    """
    if spec.reference_rates is None:
        return None
    declared = spec.reference_rates
    path = spec.path.parent / "rates" / f"{declared.table}.csv"
    header, rows = _rows(path)
    by = tuple(name for name in header if name not in (*HEADER, *PERIOD))
    periods = PERIOD[0] in header
    faults = list(_header_faults(header, by, spec))
    if not faults:
        cells, faults = _cells(rows, by, periods, spec)
        faults += list(_hole_faults(cells, by, periods))
    if faults:
        raise SpecError("\n".join([f"{path}: {len(faults)} fault(s)", *(f"  {fault}" for fault in faults)]))
    return ReferenceRates(
        declared.population, declared.source, declared.per, declared.calendar, by, periods, tuple(cells)
    )


def _rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.csv")) if path.parent.is_dir() else []
        raise SpecError(f"{path}: there is no such table of reference rates.{did_you_mean(path.stem, known)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, restkey="more", restval="")
            rows = [{name: str(cell).strip() for name, cell in row.items()} for row in reader]
            return [name.strip() for name in reader.fieldnames or ()], rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpecError(f"{path}: cannot be read as CSV in UTF-8 ({error}). Save it so.") from error


def _header_faults(header: list[str], by: tuple[str, ...], spec: CohortSpec) -> Iterator[str]:
    missing = [name for name in HEADER if name not in header]
    if missing:
        yield f"line 1: has no column {', '.join(missing)}; it begins with {','.join(HEADER)}."
    if len(set(header)) < len(header):
        yield "line 1: a column stands there twice."
    if (PERIOD[0] in header) != (PERIOD[1] in header):
        yield f"line 1: {PERIOD[0]} and {PERIOD[1]} go together."
    elif PERIOD[0] in header and spec.reference_rates is not None and spec.reference_rates.calendar is None:
        yield "line 1: rates differ by period, so reference_rates.calendar must name the year in which follow-up began."
    for name in by:
        variable = spec.columns.get(name)
        if variable is None:
            yield f"line 1: the cohort has no variable '{name}'.{did_you_mean(name, spec.columns)}"
        elif variable.kind not in ("category", "flag"):
            yield f"line 1: '{name}' is a {variable.kind}; rates differ by age, period, categories and flags."


def _cells(
    rows: list[dict[str, str]], by: tuple[str, ...], periods: bool, spec: CohortSpec
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows as cells, and what is wrong with those that are none."""
    cells, faults = [], []
    levels = {name: _levels(spec.columns[name]) for name in by}
    for line, row in enumerate(rows, start=2):
        wrong = []
        if "more" in row:
            wrong.append("has more cells than the header")
        if row["outcome"] not in spec.outcomes:
            wrong.append(f"the cohort has no outcome '{row['outcome']}'.{did_you_mean(row['outcome'], spec.outcomes)}")
        wrong += [
            f"'{row[name]}' is no level of '{name}'.{did_you_mean(row[name], known)}"
            for name, known in levels.items()
            if row[name] not in known
        ]
        bands: list[float | None] = []
        for name in (*BANDS["age"], *(PERIOD if periods else ())):
            text = row[name]
            may_be_open = name.endswith("_to")
            if text.isascii() and text.isdecimal():
                bands.append(float(text))
            elif not text and may_be_open:
                bands.append(None)
            else:
                bands.append(0.0)
                blank = ", or nothing where it is open" if may_be_open else ""
                wrong.append(f"{name} is a whole number of years{blank}; got '{text}'")
        for i in range(0, len(bands), 2):
            low, high = bands[i : i + 2]
            if high is not None and low is not None and high < low:
                wrong.append(f"a band from {low:g} to {high:g} ends before it begins")
        rate = _rate(row["rate"])
        if rate is None:
            wrong.append(f"rate is a number that is not negative; got '{row['rate']}'")
        faults += [f"line {line}: {each}" for each in wrong]
        if not wrong:
            bands += [] if periods else [None, None]
            cells.append((row["outcome"], *bands, *(row[name] for name in by), rate))
    if not rows:
        faults.append("has no rates: a row for each outcome, band of age and what else they differ by.")
    return cells, faults


def _hole_faults(cells: list[tuple[Any, ...]], by: tuple[str, ...], periods: bool) -> Iterator[str]:
    """Gaps between bands, bands that overlap, and combinations that are missing or stand there twice."""
    of: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for cell in cells:
        of[cell[0]].append(cell[1:-1])
    for outcome, own in of.items():
        twice = sorted({cell for cell in own if own.count(cell) > 1}, key=str)
        if twice:
            yield f"{outcome}: {_told(twice[0], by, periods)} stands there {own.count(twice[0])} times; keep one."
        axes = [sorted({cell[i : i + 2] for cell in own}, key=lambda band: band[0] or 0) for i in (0, 2)]
        gaps = [fault for what, axis in zip(BANDS, axes, strict=True) for fault in _gaps(what, axis)]
        yield from (f"{outcome}: {gap}" for gap in gaps)
        if gaps:
            continue
        axes += [[(level,) for level in dict.fromkeys(cell[i] for cell in own)] for i in range(4, 4 + len(by))]
        there = set(own)
        absent = [cell for parts in product(*axes) if (cell := tuple(v for p in parts for v in p)) not in there]
        if absent:
            more = f", and {len(absent) - 1} more" if len(absent) > 1 else ""
            first = _told(absent[0], by, periods)
            yield f"{outcome}: has no rate for {first}{more}. A hole is not a rate of 0; add it."


def _gaps(what: str, axis: list[tuple[float | None, float | None]]) -> Iterator[str]:
    for (low, high), (start, _) in pairwise(axis):
        if low is None or start is None:
            continue
        if high is None or start <= high:
            end = f"{high:g}" if high is not None else "open end"
            yield f"bands of {what} overlap: {low:g} to {end}, and one from {start:g}. Let each end before the next."
        elif start > high + 1:
            yield f"has no rate for {what} {high + 1:g} to {start - 1:g}. A hole is not a rate of 0; add it."


def _told(cell: tuple[Any, ...], by: tuple[str, ...], periods: bool) -> str:
    def band(low: float, high: float | None) -> str:
        return f"{low:g} and more" if high is None else f"{low:g} to {high:g}"

    parts = [f"age {band(*cell[:2])}", *([f"period {band(*cell[2:4])}"] if periods else [])]
    return ", ".join([*parts, *(f"{name} {level}" for name, level in zip(by, cell[4:], strict=True))])


def _levels(variable: DescribedSpec) -> tuple[str, ...]:
    return variable.levels if isinstance(variable, VariableSpec | DerivedSpec) and variable.levels else FLAG


def _rate(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
