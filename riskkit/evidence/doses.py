"""One dose for each category of exposure, by declared rules; and doses brought to one unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns
from riskkit.errors import DataError, SpecError


def assigned(
    low: ArrayLike,
    high: ArrayLike,
    *,
    bottom: Literal["width", "zero"] = "width",
    top: Literal["width"] | float = "width",
) -> Array:
    """Give each category of one study a dose: its middle, and a declared rule for the open ones.

    Parameters
    ----------
    low, high : array, shape (n,)
        Limits of the categories from the lowest up; the first `low` and the last `high` are NaN where open.
    bottom : {"width", "zero"}
        An open lowest category is as wide as the next (but not below zero), or begins at zero.
    top : "width", or a number above 1
        An open highest category is as wide as the one before, or its dose is so many times its lower limit.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    SpecError
        If a rule is unknown.
    DataError
        If categories overlap, are not in order, or an open one stands between others.

    References
    ----------
    Of how much such rules matter: Il'yasova D and others (2005) Cancer Causes Control 16:383.
    """
    if bottom not in ("width", "zero"):
        raise SpecError(f'assigned: bottom is "width" or "zero"; got {bottom!r}.')
    if top != "width" and (isinstance(top, str) or not top > 1):
        raise SpecError(f'assigned: top is "width" or a number above 1, as in 1.2; got {top!r}.')
    a, b = np.array(low, dtype=float), np.array(high, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or a.size < 2:
        raise DataError("assigned: give the lower and the upper limits of two categories or more.")
    if np.isnan(a[1:]).any() or np.isnan(b[:-1]).any():
        raise DataError("assigned: only the lowest category may have no lower limit, and the highest no upper one.")
    if (a[1:] < b[:-1]).any() or (b - a)[np.isfinite(a) & np.isfinite(b)].min(initial=1.0) <= 0:
        raise DataError("assigned: categories must not overlap, and stand from the lowest up.")
    open_bottom, open_top = bool(np.isnan(a[0])), bool(np.isnan(b[-1]))
    if open_bottom:
        width = b[1] - a[1] if np.isfinite(b[1]) else np.nan
        if bottom == "width" and np.isnan(width):
            raise DataError("assigned: no closed category tells how wide the lowest is; write bottom='zero'.")
        a[0] = 0.0 if bottom == "zero" else max(0.0, b[0] - width)
    if open_top:
        width = b[-2] - a[-2] if a.size > 2 or not open_bottom else np.nan
        if top == "width" and np.isnan(width):
            raise DataError("assigned: no closed category tells how wide the highest is; write top=1.2, say.")
        b[-1] = a[-1] + width if top == "width" else a[-1] * (2 * float(top) - 1)
    return np.asarray((a + b) / 2)


def converted(
    table: pd.DataFrame,
    to: str,
    factors: Mapping[str, float],
    *,
    columns: Iterable[str] = ("dose",),
    unit: str = "unit",
) -> pd.DataFrame:
    """Bring doses to one unit.

    Parameters
    ----------
    table : DataFrame
        With a column of units.
    to : str
        The unit wanted.
    factors : mapping of unit to float
        How many of `to` are in one of it: {"nmol/L": 7.649} for IGF-I in ng/mL.
    columns : iterable of str
        Columns that are converted.
    unit : str
        The column of units.

    Raises
    ------
    SpecError
        If a column is not there, or a unit has no factor.
    """
    columns = tuple(columns)
    check_columns(table, [*columns, unit], "converted")
    known = {**factors, to: 1.0}
    strange = sorted({str(value) for value in table[unit]} - set(known))
    if strange:
        raise SpecError(
            f"converted: no factor takes '{strange[0]}' to '{to}'; give it, as in factors={{'{strange[0]}': 7.649}}."
        )
    each = table[unit].map(known).to_numpy(dtype=float)
    if not (each > 0).all():
        raise SpecError("converted: factors are positive numbers.")
    return table.assign(**{name: numbers(table[name]) * each for name in columns}, **{unit: to})
