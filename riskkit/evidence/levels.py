"""A table of exposure levels by study, checked: one reference a study, counts that can be, one unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.evidence.covariance import DESIGNS, Counts, StudyDesign
from riskkit.evidence.effects import Effects, Scale, effects

COUNTS = ("cases", "n")


@dataclass(frozen=True, eq=False)
class Study:
    """One study's levels.

    Attributes
    ----------
    name : str
    reference : int
        Position in the table of the level that others are compared with.
    others : int array, shape (n,)
        Positions of the others, in the table's order.
    log_ratio, variance : array, shape (n,)
        Of the others.
    counts : Counts or None
        The reference first; None where the table has none.
    """

    name: str
    reference: int
    others: NDArray[np.int64]
    log_ratio: Array
    variance: Array
    counts: Counts | None


def studies(
    table: pd.DataFrame,
    *,
    dose: str,
    study: str = "study",
    design: str = "design",
    scale: Scale | None = None,
    level: float = 0.95,
    given: frozenset[str] = frozenset(),
) -> tuple[list[Study], tuple[str, ...]]:
    """Read the studies of a table, and what should be told of it.

    Parameters
    ----------
    table : DataFrame
        One row a level: study, dose, `ratio` with `low` and `high` (or `estimate` and `se`), `cases`, `n` and a design.
        The reference level has the ratio 1 and no width.
    dose, study, design : str
        Columns; `design` may be one of the designs itself, that of every study.
    scale, level
        As `effects` takes them.
    given : set of str
        Studies whose covariance is given, which need no counts and no design.

    Raises
    ------
    SpecError
        If a column is not there.
    DataError
        If studies cannot be right; all faults at once.
    """
    what = "dose_response"
    check_columns(table, [study, dose], what)
    if not len(table):
        raise DataError(f"{what}: the table has no rows.")
    if table[study].isna().any():
        raise DataError(f"{what}: '{study}' is empty in {int(table[study].isna().sum())} rows; name the study in each.")
    names = table[study].astype(str)
    if set(names) - given:
        check_columns(table, [*COUNTS, *([design] if design not in DESIGNS else [])], what)
    doses = numbers(table[dose])
    labels = [f"{name}, {dose} {value:g}" for name, value in zip(names, doses, strict=True)]
    frame = table.assign(_label=labels)
    narrow = _reference(frame)
    found = effects(_without_width(frame, narrow), scale=scale, level=level, what=what, study="_label")
    faults: list[str] = list(_unit_faults(table))
    out: list[Study] = []
    for name, rows in frame.assign(_row=np.arange(len(frame))).groupby(study, sort=False):
        where = rows["_row"].to_numpy()
        own = list(_faults(str(name), where, doses, found, narrow, labels))
        if str(name) not in given:
            own += _count_faults(str(name), rows, design)
        faults += own
        if not own:
            out.append(_study(str(name), where, rows, found, narrow, design, str(name) in given))
    if faults:
        raise DataError("\n".join([f"{what}: {len(faults)} faults of the table:", *(f"  {fault}" for fault in faults)]))
    unknown = given - {each.name for each in out}
    if unknown:
        raise SpecError(f"{what}: covariances names '{sorted(unknown)[0]}'.{did_you_mean(sorted(unknown)[0], names)}")
    return out, found.notes


def _reference(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows that others are compared with: a ratio of 1 (or a log of 0) without a standard error or width."""
    column, one = ("ratio", 1.0) if "ratio" in frame else ("estimate", 0.0)
    check_columns(frame, [column], "dose_response")
    at_null = np.isclose(numbers(frame[column]), one, rtol=0, atol=1e-12)
    bare = np.ones(len(frame), dtype=bool)
    if "se" in frame:
        se = numbers(frame["se"])
        bare &= np.isnan(se) | (se == 0)
    if {"low", "high"} <= set(frame.columns):
        low, high = numbers(frame["low"]), numbers(frame["high"])
        bare &= (np.isnan(low) & np.isnan(high)) | (low == high)
    return np.asarray(at_null & bare)


def _without_width(frame: pd.DataFrame, reference: NDArray[np.bool_]) -> pd.DataFrame:
    columns = [name for name in ("se", "low", "high") if name in frame]
    return frame.assign(**{name: frame[name].astype(float).mask(reference) for name in columns})


def _unit_faults(table: pd.DataFrame) -> Iterator[str]:
    if "unit" in table and table["unit"].nunique(dropna=False) > 1:
        units = ", ".join(sorted(str(unit) for unit in table["unit"].unique()))
        yield f"doses are in several units ({units}); bring them to one with riskkit.evidence.doses.converted."


def _faults(
    name: str, where: Array, doses: Array, found: Effects, reference: NDArray[np.bool_], labels: list[str]
) -> Iterator[str]:
    references = int(reference[where].sum())
    if references != 1:
        told = "no reference level" if not references else f"{references} reference levels"
        yield f"{name}: {told}; one level has the ratio 1 and no limits, the one that others are compared with."
    if len(where) < 2:
        yield f"{name}: one level; there is nothing to compare."
    for i in where:
        if np.isnan(doses[i]):
            yield f"{name}: a dose is missing; give the level's mean, or see riskkit.evidence.doses.assigned."
        elif doses[i] < 0:
            yield f"{labels[i]}: a dose is not below zero."
        if not reference[i] and (np.isnan(found.estimate[i]) or np.isnan(found.se[i])):
            yield f"{labels[i]}: no ratio with a standard error or limits; leave the row out."
    if len(np.unique(doses[where])) < len(where):
        yield f"{name}: two levels have the same dose; leave one out, or merge them."


def _count_faults(name: str, rows: pd.DataFrame, design: str) -> Iterator[str]:
    designs = {design} if design in DESIGNS else set(rows[design].astype(str))
    if len(designs) > 1:
        yield f"{name}: several designs ({', '.join(sorted(designs))}); a study has one."
    for each in sorted(designs):
        if each not in DESIGNS:
            yield f"{name}: design '{each}' is not one of {', '.join(list(DESIGNS)[:3])}.{did_you_mean(each, DESIGNS)}"
    cases, n = numbers(rows["cases"]), numbers(rows["n"])
    rates = DESIGNS.get(min(designs)) == "incidence-rate"
    for label, c, size in zip(rows["_label"], cases, n, strict=True):
        if np.isnan(c) or np.isnan(size):
            yield f"{label}: cases or n are missing; covariances are made of them, or given (covariances=)."
        elif c <= 0:
            yield f"{label}: {c:g} cases, of which no log ratio can be; merge the level with its neighbour."
        elif size <= 0 or (not rates and size <= c):
            told = "person-time is above zero" if rates else "n counts all people of the level, the cases among them"
            yield f"{label}: {c:g} cases and n {size:g}; {told}."


def _study(
    name: str,
    where: NDArray[np.int64],
    rows: pd.DataFrame,
    found: Effects,
    reference: NDArray[np.bool_],
    design: str,
    given: bool,
) -> Study:
    first = int(where[reference[where]][0])
    others = where[where != first]
    counts = None
    if not given:
        order = np.concatenate([np.flatnonzero(where == first), np.flatnonzero(where != first)])
        kind: StudyDesign = DESIGNS[design if design in DESIGNS else str(rows[design].iloc[0])]
        counts = Counts(numbers(rows["cases"])[order], numbers(rows["n"])[order], kind)
    return Study(name, first, others, found.estimate[others], found.se[others] ** 2, counts)
