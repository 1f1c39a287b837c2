"""The hazard that each person has lived through: what follow-up says in a model of a covariate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.surv import Surv


def hazard_lived(surv: Surv, risk: Array | None = None, strata: NDArray[np.int64] | None = None) -> Array:
    """Cumulative hazard of each person from entry to exit, shape (n,): Nelson and Aalen's, or Breslow's.

    Parameters
    ----------
    surv : Surv, n rows
        At risk when entry < t <= exit.
    risk : array, shape (n,), optional
        Relative risks; 1 unless given.
    strata : int array, shape (n,), optional
        Each has a hazard of its own.

    References
    ----------
    White IR, Royston P (2009) Stat Med 28:1982-1998, with H(exit) - H(entry) in the place of H(exit) under delayed
    entry, as it stands in the likelihood. R: survival::survfit(..., ctype = 1).
    """
    weight = np.ones(surv.exit.size) if risk is None else risk
    stratum = np.zeros(surv.exit.size, dtype=np.int64) if strata is None else strata
    out = np.zeros(surv.exit.size)
    for each in np.unique(stratum):
        rows = np.flatnonzero(stratum == each)
        exit_, event = surv.exit[rows], surv.event[rows]
        times, count = np.unique(exit_[event], return_counts=True)
        at_risk = _from(exit_, weight[rows], times)
        if surv.entry is not None:
            at_risk = at_risk - _from(surv.entry[rows], weight[rows], times)
        cumulative = np.concatenate([[0.0], np.cumsum(count / at_risk)])
        out[rows] = cumulative[np.searchsorted(times, exit_, side="right")]
        if surv.entry is not None:
            out[rows] -= cumulative[np.searchsorted(times, surv.entry[rows], side="right")]
    return out


def _from(ends: Array, weight: Array, times: Array) -> Array:
    """Sum of the weights whose end is at each time or later."""
    order = np.argsort(ends)
    sums = np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])
    return np.asarray(sums[np.searchsorted(ends[order], times, side="left")])
