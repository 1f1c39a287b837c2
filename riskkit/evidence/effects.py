"""From the columns of a table of studies to estimates with standard errors, and what does not fit in them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import check_choice

Scale = Literal["ratio", "log ratio", "difference"]
SCALES = ("ratio", "log ratio", "difference")
FIELDS = ("ratio", "estimate", "se", "low", "high")
DIFFERENT = np.log(1.25)  # of two standard errors of the same estimate, beyond what printed digits explain
ROUNDING = 1e-9  # of numbers that were computed, not printed


@dataclass(frozen=True, eq=False)
class Effects:
    """Estimates of k studies on the model's scale.

    Attributes
    ----------
    estimate, se : array, shape (k,)
        Log ratios, or differences; NaN where the table has none.
    scale : {"ratio", "log ratio", "difference"}
        How the table gives them.
    notes : tuple of str
        A sentence for each row whose limits, or standard error, do not fit its estimate.
    """

    estimate: Array
    se: Array
    scale: Scale
    notes: tuple[str, ...] = ()


def effects(
    table: pd.DataFrame, *, scale: Scale | None = None, level: float = 0.95, what: str = "meta", study: str = "study"
) -> Effects:
    """Read estimates and standard errors from a table, checking each row's limits against its estimate.

    A standard error given is used as it is; else it is that of the width of the limits.

    Parameters
    ----------
    table : DataFrame
        `ratio`, or `estimate`; and `se` (on the log scale where there is a ratio), or `low` and `high`.
    scale : {"ratio", "log ratio", "difference"}, optional
        "ratio": `ratio`, `low` and `high` are ratios. "log ratio" and "difference": `estimate`, `low` and `high` are on
        the scale of the model. By default "ratio" where the table has such a column, else "log ratio".
    level : float
        Confidence level of the limits.
    what, study : str
        Who asks, and the column of studies, for messages.

    Raises
    ------
    SpecError
        If a column that is needed is not there.
    DataError
        If rows are impossible (limits that do not enclose the estimate, a ratio below 0); all faults at once, by study.
    """
    value = "ratio" if scale == "ratio" or (scale is None and "ratio" in table) else "estimate"
    scale = scale or ("ratio" if value == "ratio" else "log ratio")
    check_choice("scale", scale, SCALES)
    check_columns(table, [value], what)
    limits = {"low", "high"} <= set(table.columns)
    if not limits and "se" not in table:
        raise SpecError(f"{what}: the table needs 'se', or 'low' and 'high', beside '{value}'.")
    columns = {name: numbers(table[name]) for name in FIELDS if name in table and (name != "estimate" or value == name)}
    missing = np.full(len(table), np.nan)
    point, low, high = (columns.get(name, missing) for name in (value, "low", "high"))
    se = columns.get("se", missing)
    names = table[study].astype(str).tolist() if study in table else [f"row {i + 1}" for i in range(len(table))]
    rows = list(zip(names, point, low, high, se, strict=True))
    faults = [
        f"  {name}: {told}" for name, p, a, b, s in rows if (told := impossible(p, a, b, s, ratio=scale == "ratio"))
    ]
    if faults:
        raise DataError("\n".join([f"{what}: {len(faults)} rows of the table cannot be right:", *faults]))
    if scale == "ratio":
        point, low, high = (np.log(column) for column in (point, low, high))
    width = (high - low) / (2 * float(special.ndtri((1 + level) / 2)))
    notes = [f"{name}: {told}" for name, p, a, b, _ in rows if (told := misfit(p, a, b, ratio=scale == "ratio"))]
    apart = np.abs(np.log(width / se)) > DIFFERENT
    notes += [
        f"{name}: its limits are those of a standard error of {wide:.3g}; the one given, {s:.3g}, is used."
        for (name, *_), wide, s in zip(np.array(rows, dtype=object)[apart], width[apart], se[apart], strict=True)
    ]
    return Effects(point, np.where(np.isnan(se), width, se), scale, tuple(notes))


def impossible(estimate: float, low: float, high: float, se: float = np.nan, *, ratio: bool = True) -> str | None:
    """Say why an estimate, its limits and its standard error (NaN where missing) cannot be; None where they can."""
    given = [value for value in (estimate, low, high, se) if not np.isnan(value)]
    if np.isinf(given).any():
        return "an infinite number; leave it empty."
    smallest = min((value for value in (estimate, low, high) if not np.isnan(value)), default=1.0)
    if ratio and smallest <= 0:
        return f'{smallest:g} is no ratio, which is above 0; of logarithms, write scale="log ratio".'
    if se <= 0:
        return f"a standard error of {se:g}; it is a positive number (leave an estimate without one out)."
    if np.isnan(low) != np.isnan(high):
        return "one limit without the other; give both, or neither."
    if low >= high or estimate < low or estimate > high:
        return f"limits {low:g} to {high:g} do not enclose the estimate, {estimate:g}."
    return None


def misfit(estimate: float | str, low: float | str, high: float | str, *, ratio: bool = True) -> str | None:
    """Say so where limits, as printed, do not stand at equal distances from their estimate on the model's scale.

    Some intervals rightly do not (exact, or by profile likelihood); others are misprints. The digits printed are those
    of the number with most of them: an estimate fits when some numbers that round to the three printed ones do.

    Parameters
    ----------
    estimate, low, high : float or str
        Text keeps trailing zeros. NaN or "" where missing: nothing is then told.
    ratio : bool
        Whether they are ratios, whose logarithms are symmetrical.
    """
    texts = [str(value) for value in (estimate, low, high)]
    if {"", "nan"} & set(texts) or _fits(texts, ratio=ratio):
        return None
    point, a, b = map(float, texts)
    middle = np.sqrt(a * b) if ratio else (a + b) / 2
    told = f"its limits, {a:g} to {b:g}, are those of an estimate of {middle:.3g}, but it is {point:g}"
    if ratio and _fits(texts, ratio=False):
        told += ', as it would be if these were logarithms or differences (then write scale="log ratio")'
    return told + "."


def _fits(texts: list[str], *, ratio: bool) -> bool:
    printed = 0.5 * 10.0 ** -max(_decimals(text) for text in texts)
    spans = []
    for value in map(float, texts):
        half = max(printed * (1 + 1e-9), ROUNDING * abs(value))
        ends = np.array([value - half, value + half])
        spans.append(np.log(np.maximum(ends, 1e-300)) if ratio else ends)
    point, a, b = spans
    return bool((a[0] + b[0]) / 2 <= point[1] and point[0] <= (a[1] + b[1]) / 2)


def _decimals(text: str) -> int:
    exponent = Decimal(text).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
