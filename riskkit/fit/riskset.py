"""Who is at risk when: the one index every Cox computation walks.

The events' distinct (stratum, time) pairs are the *keys*. A row is at risk at the keys of its stratum with
entry < time <= exit, which is one run of consecutive keys; so two integers a row say all there is to know, and no row
is ever sorted. Sums over the people at risk at each key, and sums over the keys a person is at risk at, are then
cumulative sums: `at_risk` and `while_at_risk`, each other's transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from riskkit.design.bases import Array
from riskkit.design.surv import TIE, Surv, slack
from riskkit.fit import kernel
from riskkit.fit.kernel import Index, Ints

ROWS_PER_PART, MAX_PARTS = 150_000, 8

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Index of n rows into D keys, in order of stratum and time.

    Attributes
    ----------
    last : int32 array, shape (n,)
        Last key a row is at risk at; -1 when it is never at risk.
    before : int32 array, shape (n,)
        Last key of the stratum that is over when the row enters; -1 when there is none.
    times : array, shape (D,)
        Event times, in the unit of the time scale.
    bounds : int array, shape (S + 1,)
        Keys bounds[s] to bounds[s + 1] belong to stratum s.
    event_rows : int array, shape (E,)
        Rows with an event, in order of their keys.
    tied : int array, shape (D + 1,)
        Events tied[k] to tied[k + 1] of `event_rows` happen at key k.
    merged : int
        Event times taken for the one before them because they differ by rounding alone.
    """

    last: Index
    before: Index
    times: Array
    bounds: Ints
    event_rows: Ints
    tied: Ints
    merged: int

    @property
    def size(self) -> int:
        """Number of keys, D."""
        return self.times.size

    @property
    def d(self) -> Ints:
        """Number of events at each key, shape (D,)."""
        return np.diff(self.tied)

    @cached_property
    def strata(self) -> Ints:
        """Stratum of each key, shape (D,)."""
        return np.repeat(np.arange(self.bounds.size - 1), np.diff(self.bounds))

    @cached_property
    def event_keys(self) -> Ints:
        """Key of each of `event_rows`, shape (E,)."""
        return np.repeat(np.arange(self.size), self.d)

    def at_risk(self, values: Array) -> Array:
        """Sum values over the rows at risk at each key: (n,) to (D,)."""
        entering, leaving = (np.bincount(keys + 1, values, self.size + 1) for keys in (self.last, self.before))
        sums = np.append((entering - leaving)[1:], 0.0)[:, None]
        kernel.cumulate(sums, self.bounds)
        return sums[:-1, 0]

    def cumulative(self, increments: Array) -> Array:
        """Cumulate (D, ...) increments within strata; shape (D + 1, ...), the last entry 0 for rows' index -1."""
        out = np.zeros((self.size + 1, *increments.shape[1:]))
        if self.bounds.size == 2:
            np.cumsum(increments, axis=0, out=out[:-1])
        else:
            kernel.cumulate_forward(increments.reshape(self.size, -1), self.bounds, out.reshape(self.size + 1, -1))
        return out

    def while_at_risk(self, increments: Array, rows: slice = slice(None)) -> Array:
        """Sum increments over the keys each row is at risk at: (D, ...) to (n, ...)."""
        total = self.cumulative(increments)
        return total[self.last[rows]] - total[self.before[rows]]


def risk_sets(surv: Surv, strata: Ints | None = None, pool: ThreadPoolExecutor | None = None) -> RiskSets:
    """Index the rows of a survival outcome by the event times of their strata.

    Times of a stratum that agree to `TIE`, relative to their size, are one time (R: `timefix`).

    Parameters
    ----------
    surv : Surv
        Follow-up of n rows; a row whose exit is not after its entry is never at risk.
    strata : int array, shape (n,), optional
        Stratum of each row, 0 to S - 1.
    pool : ThreadPoolExecutor, optional
        Threads for the rows of large data.
    """
    n = surv.exit.size
    groups = np.zeros(n, dtype=np.int64) if strata is None else strata
    n_strata = 1 if strata is None else int(strata.max()) + 1
    rows = np.flatnonzero(surv.event)
    rows = rows[np.lexsort((surv.exit[rows], groups[rows]))]
    times, stratum = surv.exit[rows], groups[rows]
    new, later = np.ones(rows.size, dtype=bool), np.diff(times)
    new[1:] = (np.diff(stratum) != 0) | (later > slack(times[1:]))
    merged = int(((later > 0) & ~new[1:]).sum())
    starts = np.flatnonzero(new)
    bounds = np.searchsorted(stratum[starts], np.arange(n_strata + 1))
    keys = times[starts]
    rate, first = np.empty(n_strata), np.empty(kernel.FINE * keys.size + 1, dtype=np.int64)
    kernel.divide(keys, bounds, rate, first)
    last, before = np.empty(n, dtype=np.int32), np.full(n, -1, dtype=np.int32)

    def locate(rows: slice) -> None:
        kernel.locate(surv.exit[rows], groups[rows], keys, bounds, rate, first, TIE, last[rows])
        if surv.entry is not None:
            kernel.locate(surv.entry[rows], groups[rows], keys, bounds, rate, first, TIE, before[rows])
            kernel.leave_out(last[rows], before[rows])

    in_parts(locate, n, pool)
    return RiskSets(last, before, keys, bounds, rows, np.append(starts, rows.size), merged)


def parts(n: int) -> list[slice]:
    """Cut n rows into parts that depend on n alone, so that any number of threads gives the same bits."""
    count = min(MAX_PARTS, max(1, n // ROWS_PER_PART))
    return [slice(n * k // count, n * (k + 1) // count) for k in range(count)]


def in_parts(work: Callable[[slice], T], n: int, pool: ThreadPoolExecutor | None) -> list[T]:
    """Do work on each part of n rows, in threads if there are any; results in the order of the parts."""
    return list(map(work, parts(n)) if pool is None else pool.map(work, parts(n)))
