"""Weights of people who had a competing event and stay in the risk set of a subdistribution hazard.

Whoever has had a competing event will never have the event, but would have been seen without it for some time only:
until they had been censored, and, with delayed entry, from when they had entered. At time t such a person counts with
the probability of being under observation then, relative to that when the competing event happened: W(t) / W(x), W the
product of a Kaplan-Meier estimate of not being censored before t, and of one of having entered before t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.surv import Surv, slack
from riskkit.errors import FitError
from riskkit.fit.kernel import Ints

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Observation:
    """What happened to n rows, and whose censoring and entry are alike.

    Attributes
    ----------
    follow_up : Surv
        With the events of the cause.
    state : int array, shape (n,)
        CENSORED, EVENT or COMPETING, at exit.
    group : int array, shape (n,)
        Rows with one distribution of censoring and entry, 0 to Z - 1.
    first, last : bool array, shape (n,)
        Whether a row is a person's first, and last: entry is the first's, censoring the last's.
    weights : array, shape (n,)
    """

    follow_up: Surv
    state: Ints
    group: Ints
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]
    weights: Array

    def weights_at(self, group: int, wanted: Array, *, divided: bool = False) -> Array:
        """W of a group at wanted times, shape (m,): zero where nobody could have been seen so early.

        Raises
        ------
        FitError
            If one is zero that is to be divided by.

        Censoring at a time comes after events at it, and takes effect later; entry at a time before what happens then.

        References
        ----------
        Fine JP, Gray RJ (1999) JASA 94:496-509; Geskus RB (2011) Biometrics 67:39-49. R: survival::finegray.
        """
        rows = self.group == group
        exits, state, weights = self.follow_up.exit[rows], self.state[rows], self.weights[rows]
        entries = np.full(exits.size, -np.inf) if self.follow_up.entry is None else self.follow_up.entry[rows]
        times = distinct(np.concatenate([entries, exits]))
        entry, exit_ = (code(times, values) for values in (entries, exits))
        size = times.size
        happened = state != CENSORED

        def count(codes: Ints, some: NDArray[np.bool_] | slice = slice(None)) -> Array:
            return np.asarray(np.bincount(codes[some], weights[some], size), dtype=float)

        entered, left = np.cumsum(count(entry)), np.cumsum(count(exit_))
        # Under observation at a time: entered before it and not out before it, events at that time being out already.
        to_censor = np.append(0.0, entered[:-1]) - np.append(0.0, left[:-1]) - count(exit_, happened)
        censored = count(exit_, ~happened & self.last[rows])
        # Under observation just after it, for entries at that time, looking back.
        to_enter, entering = entered - left, count(entry, self.first[rows] & np.isfinite(entries))
        stays = 1 - np.divide(censored, to_censor, out=np.zeros(size), where=censored > 0)
        was_in = 1 - np.divide(entering, to_enter, out=np.zeros(size), where=entering > 0)
        not_censored = np.append(1.0, np.cumprod(stays))  # before each time, and after all
        in_by = np.append(np.cumprod(was_in[::-1])[::-1], 1.0)
        at = times.searchsorted(wanted - slack(wanted), "left")
        out = np.asarray(not_censored[at] * in_by[at])
        if divided and (out <= 0).any():
            early, alone = float(wanted[out <= 0].max()), float(times[was_in <= 0].max())
            raise FitError(
                f"who had a competing event at {early:g} has no weight later: when people enter at {alone:g}, nobody "
                "who entered before is under observation. Leave out the rows on one side of that time."
            )
        return out


@dataclass(frozen=True, eq=False)
class Stay:
    """Rows with a competing event, in the risk sets of later keys.

    Attributes
    ----------
    rows : int array, shape (m,)
    start, stop : int array, shape (m,)
        They stay at keys start to stop - 1.
    share : array, shape (m,)
        1 / W at their own event.
    group : int array, shape (m,)
    over : array, shape (Z, D)
        W of each group at each key.
    """

    rows: Ints
    start: Ints
    stop: Ints
    share: Array
    group: Ints
    over: Array


def stay(seen: Observation, strata: Ints | None, times: Array, bounds: Ints) -> Stay:
    """Find who stays, where and with what weight, given the keys' times and the strata's bounds.

    Raises
    ------
    FitError
        If somebody's weight cannot be known: nobody was under observation at some time after their event.
    """
    rows = np.flatnonzero(seen.state == COMPETING)
    ends, stratum = seen.follow_up.exit[rows], np.zeros(rows.size, np.int64) if strata is None else strata[rows]
    start = np.empty(rows.size, dtype=np.int64)
    for s in range(bounds.size - 1):
        ours = stratum == s
        keys = times[bounds[s] : bounds[s + 1]]
        start[ours] = bounds[s] + keys.searchsorted(ends[ours] + slack(ends[ours]), "right")
    n_groups = int(seen.group.max()) + 1
    over, share = np.zeros((n_groups, times.size)), np.empty(rows.size)
    for group in range(n_groups):
        over[group] = seen.weights_at(group, times)
        ours = seen.group[rows] == group
        share[ours] = 1 / seen.weights_at(group, ends[ours], divided=True)
    return Stay(rows, start, bounds[stratum + 1], share, seen.group[rows], over)


def distinct(values: Array) -> Array:
    """Sorted distinct values, those that agree to `TIE` being one."""
    out = np.unique(values)
    with np.errstate(invalid="ignore"):
        new = np.append(True, out[1:] - out[:-1] > slack(out[1:]))
    return out[new]


def code(times: Array, values: Array) -> Ints:
    """Where values stand among distinct times."""
    with np.errstate(invalid="ignore"):
        later = np.where(np.isfinite(values), values + slack(np.where(np.isfinite(values), values, 0.0)), values)
    return np.asarray(times.searchsorted(later, "right") - 1)
