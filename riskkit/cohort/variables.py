"""From the cells of a raw file to a declared variable: codes, missing values and their reasons, plausible values."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskkit.errors import DataError
from riskkit.spec.tables import DescribedSpec, VariableSpec, same_code

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9:.]+)?")
BLANK = "blank"
UNKNOWN = "unknown"
NOT_DERIVABLE = "not derivable"


@dataclass(frozen=True)
class Variable:
    """A column of a cohort, for those who read about it.

    Attributes
    ----------
    name, label, kind, unit
        As declared; `kind` is number, category or flag (1 yes, 0 no).
    levels : tuple of str
        Of a category, in order.
    missing : dict of str to int
        How many people of the cohort lack it, by reason.
    top_coded, bottom_coded : int
        How many have the value that stands for all above, or below, it.
    note : str or None
        What a reader should know.
    """

    name: str
    label: str
    kind: str
    unit: str | None
    levels: tuple[str, ...]
    missing: dict[str, int]
    top_coded: int
    bottom_coded: int
    note: str | None


def decode(cells: pd.Series, spec: VariableSpec, place: str) -> tuple[pd.Series, pd.Series]:
    """Give cells their declared meaning.

    Parameters
    ----------
    cells : Series
        As `read` gives them: float64, or text with blank cells as ''. One entry a person who has a record.
    spec : VariableSpec
    place : str
        File and variable, for error messages.

    Returns
    -------
    values : Series
        float64 for numbers, flags (1 yes, 0 no) and dates (days since 1970-01-01), else categories with the declared
        levels in their order.
    reasons : Series
        Categorical: why a value is missing; missing itself where the value is there.

    Raises
    ------
    DataError
        If a code is unknown, a cell is no number or date, a value is implausible, a date is in the future, a cell is
        blank that must not be, or no cell at all has a value.
    """
    which, distinct = pd.factorize(cells, use_na_sentinel=False)
    found, why = _meanings(distinct, spec)
    unknown = np.array([reason == UNKNOWN for reason in why], dtype=bool)[which]
    if unknown.any():
        raise DataError(f"{place}: {_unknown(cells[unknown], spec)}")
    reasons = pd.Series(pd.Categorical(why.take(which)), index=cells.index)
    blank = int((reasons == BLANK).sum())
    if blank and spec.blank == "error":
        raise DataError(f"{place}: {blank:,} cell(s) are blank. If they are missing values, write blank = 'missing'.")
    if len(reasons) and spec.empty == "error" and reasons.notna().all():
        raise DataError(
            f"{place}: not one of the {len(reasons):,} cells has a value. Export the column again, leave the variable "
            "out, or write empty = 'missing' if that can be."
        )
    if spec.kind == "category":
        return pd.Series(pd.Categorical(found.take(which), categories=list(spec.levels)), index=cells.index), reasons
    values = pd.Series(found.take(which).astype(np.float64), index=cells.index)
    if spec.kind == "date":
        return _not_future(values, reasons, spec, place)
    return _plausible(values, reasons, spec, place) if spec.range else (values, reasons)


def summarise(name: str, spec: DescribedSpec, values: pd.Series, reasons: pd.Series | None = None) -> Variable:
    """Count what is missing and what is coded among the people of a cohort.

    Parameters
    ----------
    name : str
    spec : VariableSpec or DerivedSpec
    values : Series
        As in the cohort.
    reasons : Series, optional
        Why values are missing, as `decode` gives them; without it, every missing value is one that was not derivable.
    """
    if reasons is None:
        reasons = pd.Series(NOT_DERIVABLE, index=values.index).where(values.isna())
    counts = reasons.dropna().value_counts(sort=True)
    limits = [getattr(spec, field, None) for field in ("top_code", "bottom_code")]
    said = [f"{limit.at:g} means {limit.meaning}." for limit in limits if limit is not None]
    return Variable(
        name=name,
        label=spec.label,
        kind=spec.kind,
        unit=spec.unit,
        levels=tuple(values.cat.categories) if spec.kind == "category" else (),
        missing={str(reason): int(count) for reason, count in counts.items() if count},
        top_coded=int((values == limits[0].at).sum()) if limits[0] else 0,
        bottom_coded=int((values == limits[1].at).sum()) if limits[1] else 0,
        note=" ".join([*said, *([spec.note] if spec.note else [])]) or None,
    )


def _meanings(cells: Iterable[str | float], spec: VariableSpec) -> tuple[np.ndarray, np.ndarray]:
    """Value of each distinct cell, and why it is missing if it is; both arrays of objects."""
    codes: dict[str, object] = {
        same_code(code): label == "yes" if spec.kind == "flag" else label for code, label in (spec.codes or {}).items()
    }
    missing = {same_code(code) for code in spec.missing}
    values: list[object] = []
    reasons: list[str | None] = []
    for cell in cells:
        code = "" if pd.isna(cell) else same_code(cell)
        value = codes.get(code)
        if spec.kind == "number" and NUMBER.fullmatch(str(cell)) and math.isfinite(float(cell)):
            value = float(cell)
        elif spec.kind == "date" and code and code not in missing:
            value = cell if isinstance(cell, float) else _day(cell)
        reason = BLANK if code == "" else f"code {code}" if code in missing else UNKNOWN if value is None else None
        values.append(value if reason is None else np.nan)
        reasons.append(reason)
    return _objects(values), _objects(reasons)


def _day(text: str) -> float | None:
    """Days since 1970-01-01 of a date written 2009-12-31, with or without a time; None if it is no date."""
    found = DATE.fullmatch(text)
    try:
        return float(np.datetime64(found[1], "D").astype(int)) if found else None
    except ValueError:
        return None


def _objects(items: list[Any]) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _unknown(cells: pd.Series, spec: VariableSpec) -> str:
    counts = cells.value_counts()
    shown = ", ".join(f"'{cell:g}'" if isinstance(cell, float) else f"'{cell}'" for cell in counts.index[:5])
    shown += ", ..." if len(counts) > 5 else ""
    if spec.kind == "date":
        return f"{len(cells):,} cell(s) are no date like 2009-12-31: {shown}. Correct them, or list them in `missing`."
    if spec.kind == "number":
        return (
            f"{len(cells):,} cell(s) are no number: {shown}. If they stand for missing values, list them in `missing`."
        )
    return (
        f"{len(cells):,} cell(s) have an unknown code: {shown}. Say what it means in `codes`, or list it in `missing`."
    )


def _not_future(values: pd.Series, reasons: pd.Series, spec: VariableSpec, place: str) -> tuple[pd.Series, pd.Series]:
    future = values > float(np.datetime64(datetime.date.today(), "D").astype(int))
    if not future.any():
        return values, reasons
    if spec.outside == "missing":
        reason = "in the future"
        return values.mask(future), reasons.cat.add_categories(reason).mask(future, reason)
    example = np.datetime64(int(values[future].iloc[0]), "D")
    raise DataError(
        f"{place}: {future.sum():,} date(s) lie in the future, such as {example}. "
        "Correct them, list them in `missing`, or write outside = 'missing'."
    )


def _plausible(values: pd.Series, reasons: pd.Series, spec: VariableSpec, place: str) -> tuple[pd.Series, pd.Series]:
    assert spec.range is not None
    low, high = spec.range
    outside = (values < low) | (values > high)
    if not outside.any():
        return values, reasons
    plausible = f"{low:g} to {high:g}{' ' + spec.unit if spec.unit else ''}"
    if spec.outside == "missing":
        reason = f"outside {plausible}"
        return values.mask(outside), reasons.cat.add_categories(reason).mask(outside, reason)
    count, of, middle = int(outside.sum()), int(values.notna().sum()), values.median()
    doubt = ""
    if count > of / 2 or not low <= middle <= high:
        doubt = f" The median is {middle:g}: the declared unit is probably wrong."
    raise DataError(
        f"{place}: {count:,} of {of:,} values are outside the plausible range {plausible}; they run from "
        f"{values.min():g} to {values.max():g}.{doubt} Correct unit and range, list codes of missing values in "
        "`missing`, or write outside = 'missing'."
    )
