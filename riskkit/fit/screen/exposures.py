"""The exposures of a screen: which columns they are, and blocks of them as the kernel takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, is_number, numbers
from riskkit.design.columns import check_columns
from riskkit.design.splines import knots, rcs
from riskkit.errors import DataError, SpecError, did_you_mean

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Block:
    """L exposures of n rows.

    Attributes
    ----------
    names : tuple of str
    units : array, shape (L,)
        What a coefficient is per, in the exposure's own unit.
    values : array, shape (1 + q, n, L)
        The exposure less its mean, per unit, then the bent columns of its spline in standard deviations; 0 where the
        exposure is missing.
    absent : bool array, shape (n, L)
        Where it is.
    bent : bool array, shape (L,)
        Whether the exposure has the spline: it takes distinct values enough.
    """

    names: tuple[str, ...]
    units: Array
    values: Array
    absent: Bools
    bent: Bools

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.absent.any()


def chosen(data: pd.DataFrame, exposures: str | Sequence[str], taken: set[str]) -> tuple[str, ...]:
    """Columns that the names and patterns (`*` and `?`) stand for, each once, in the order of the data for a pattern.

    `taken` are columns the model uses otherwise, which a pattern leaves out.

    Raises
    ------
    SpecError
        If a name is no column, a pattern fits none, or an exposure is in the model already.
    DataError
        If a column does not hold numbers.
    """
    wanted = [exposures] if isinstance(exposures, str) else list(exposures)
    found: list[str] = []
    for name in wanted:
        if not isinstance(name, str):
            raise SpecError(f"exposures are names of columns or patterns such as 'olink_*'; got {name!r}.")
        if "*" in name or "?" in name:
            matching = [c for c in map(str, data.columns) if fnmatchcase(c, name) and c not in taken]
            if not matching:
                raise SpecError(f"exposures: no column fits '{name}'.{did_you_mean(name, map(str, data.columns))}")
            found += matching
        elif name in taken:
            raise SpecError(
                f"exposures: '{name}' is a covariate or follow-up of the models; take it out of one of them."
            )
        else:
            check_columns(data, [name], "exposures")
            found.append(name)
    names = tuple(dict.fromkeys(found))
    if not names:
        raise SpecError("exposures is empty; name columns, or a pattern such as 'olink_*'.")
    check_columns(data, names, "exposures")
    for name in names:
        if not is_number(data[name]):
            raise DataError(
                f"exposure '{name}' is {data[name].dtype}, not numbers; turn it into numbers, or fit it with rk.cox."
            )
    return names


def block(
    data: pd.DataFrame, names: Sequence[str], rows: NDArray[np.int64], per: str | float | None, n_knots: int
) -> Block:
    """Read exposures at some rows of the data.

    Parameters
    ----------
    data : DataFrame
    names : sequence of L str
    rows : int array, shape (n,)
        Positions, in the order the models take them.
    per : {"sd"}, number or None
    n_knots : int
        Knots of the splines; 0 for none.
    """
    q = max(n_knots - 2, 0)
    values = np.zeros((1 + q, rows.size, len(names)))
    absent = np.zeros((rows.size, len(names)), dtype=bool)
    units, bent = np.ones(len(names)), np.zeros(len(names), dtype=bool)
    for b, name in enumerate(names):
        x = numbers(pd.Series(data[name].array.take(rows), name=name))
        absent[:, b] = np.isnan(x)
        here = ~absent[:, b]
        known = x[here]
        if not known.size:
            continue
        if per == "sd":
            units[b] = known.std(ddof=1) if known.size > 1 else 0.0
        elif per is not None:
            units[b] = float(per)
        middle = known.mean()
        if not units[b] > 0 or np.ptp(known) == 0:  # a constant, which the model will say
            units[b] = 1.0 if per == "sd" else units[b]
            continue
        values[0, here, b] = (known - middle) / units[b]
        if not q:
            continue
        try:
            placed = knots(known, n_knots)
        except DataError:  # too few distinct values for a spline
            continue
        columns = rcs(known, placed)[:, 1:]
        columns = columns - columns.mean(axis=0)
        spread = columns.std(axis=0)
        if (spread > 0).all():
            values[1:, here, b] = (columns / spread).T
            bent[b] = True
    return Block(tuple(names), units, values, absent, bent)
