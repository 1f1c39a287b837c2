"""From arrays to Arrow columns: what is missing, what is a date, what is a code."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskkit.simulate.onset import NEVER


def column(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """Numbers or texts, null where missing (bool, same shape)."""
    return pa.array(values, mask=missing)


def date_column(dates: np.ndarray) -> pa.Array:
    """Dates from days since 1970, null where `NEVER`."""
    return pa.array(dates.astype(np.int32), mask=dates == NEVER).cast(pa.date32())


def code_column(vocabulary: list[str], index: np.ndarray) -> pa.Array:
    """Texts by their place in a vocabulary, null where the index is negative."""
    absent = index < 0
    return pa.array(vocabulary, pa.string()).take(pa.array(np.where(absent, 0, index), mask=absent))


def count_within(groups: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each run of equal neighbours, shape (n,)."""
    n = len(groups)
    place = np.arange(n)
    starts = np.ones(n, bool)
    starts[1:] = groups[1:] != groups[:-1]
    return place - np.maximum.accumulate(np.where(starts, place, 0))
