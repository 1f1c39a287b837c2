"""Numbers that stand for something else: codes of missing values such as -9 and 999, and values that many have."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from riskkit.spec.tables import same_code

SENTINELS = tuple(float(sign * int(digit * n)) for sign in (1, -1) for digit in "789" for n in (1, 2, 3, 4, 5))
MOST_LEVELS = 12  # distinct whole numbers that are taken for codes; of text, a few more
FAR = 0.5  # of the interquartile range: how far beyond all others a doubtful code must be
HEAPED_SHARE, HEAPED_TIMES, HEAPED_LEAST, MOST_HEAPS = 0.02, 5.0, 10, 3
NEIGHBOURS = 3  # distinct values on either side that a heaped one is compared with


def doubtful_numbers(values: pd.Series, meant: Collection[float] = ()) -> list[float]:
    """Find numbers that stand for missing values, the nearest to zero first: 8 apart from 1 and 2, then 9.

    Parameters
    ----------
    values : Series
        How often each distinct number stands there; its index, sorted, are the numbers.
    meant : collection of float
        Numbers whose meaning is known.
    """
    waiting = sorted((value for value in SENTINELS if value in values.index and value not in meant), key=abs)
    found: list[float] = []
    for i, value in enumerate(waiting):
        if _stands_apart(value, values.drop([*found, *waiting[i:]]), int(values[value])):
            found.append(value)
    return found


def _stands_apart(value: float, others: pd.Series, count: int) -> bool:
    """Whether a number is so far from all others, of those that are no such code, that it must mean something else."""
    if len(others) < 2:
        return False
    low, high = float(others.index.min()), float(others.index.max())
    if value < 0 <= low:
        return True
    if low <= value <= high:
        return False
    gap = low - value if value < low else value - high
    if len(others) <= MOST_LEVELS:  # codes: 1, 2, 9
        return gap > np.diff(others.index.to_numpy()).max()
    first, third = np.quantile(np.repeat(others.index.to_numpy(), others.to_numpy()), [0.25, 0.75])
    return bool(gap > FAR * (third - first) and (count > 1 or gap > high - low))


def heaped(counts: pd.Series, most: int = MOST_HEAPS) -> dict[str, int]:
    """Find values that many more people have than have their neighbours; `counts` as for `doubtful_numbers`."""
    total, n = int(counts.sum()), counts.to_numpy()
    found: dict[str, int] = {}
    for i in np.flatnonzero((len(n) > 2 * MOST_LEVELS) & (n >= HEAPED_LEAST) & (n >= HEAPED_SHARE * total)).tolist():
        beside = np.delete(n[max(0, i - NEIGHBOURS) : i + NEIGHBOURS + 1], min(i, NEIGHBOURS))
        if len(beside) and n[i] > HEAPED_TIMES * np.median(beside):
            found[same_code(float(counts.index.to_numpy()[i]))] = int(n[i])
    return dict(sorted(found.items(), key=lambda item: -item[1])[:most])
