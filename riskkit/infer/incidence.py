"""Cumulative incidence: which share of people has had an event by a time, where others leave by something else."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from riskkit.design.bases import Array, numbers
from riskkit.design.surv import NUMBERED, Surv, indicator, slack
from riskkit.errors import DataError, SpecError
from riskkit.fit.riskset import RiskSets, risk_sets


def incidence(
    exit: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    competing: ArrayLike | None = None,
    at: ArrayLike | None = None,
    start: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the cumulative incidence of an event by Aalen and Johansen's estimator, with delayed entry.

    Parameters
    ----------
    exit : array, shape (n,)
        End of follow-up of each person, on the time scale; at risk means entry < t <= exit.
    event : boolean array, shape (n,)
        Whether the event happened then.
    entry : array, shape (n,), optional
        Delayed entry.
    competing : boolean array, shape (n,), optional
        Whether something else happened then, after which the event cannot: a death. Without it the estimate is one
        minus Kaplan and Meier's, which is a share of people only where nothing competes.
    at : array, shape (T,), optional
        Times to estimate it at; every time of an event unless given.
    start : float, optional
        The incidence is that among people who were free of both events at this time; 0 there.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame, shape (T, ...)
        time estimate se low high n_at_risk (just before) n_event (from the start on). The standard error is the
        infinitesimal jackknife's, the interval symmetric for log(-log(estimate)); both are missing at 0 and 1.

    Raises
    ------
    DataError
        If a time is not finite, an event not 0/1, somebody leaves before they enter, or somebody has both events.
    SpecError
        If the level is not between 0 and 1.

    References
    ----------
    Aalen OO, Johansen S (1978) Scand J Stat 5:141-150. R: survfit(Surv(entry, exit, state) ~ 1, start.time = start,
    conf.type = "log-log") of the survival package.
    """
    if not 0 < level < 1:
        raise SpecError(f"incidence: level is between 0 and 1; got {level}")
    ends, starts = _times(exit, entry)
    happened = indicator(pd.Series(event, name="event"), "incidence:")
    competing = np.zeros(ends.size) if competing is None else competing
    other = indicator(pd.Series(competing, name="competing"), "incidence:")
    if not ends.size == starts.size == happened.size == other.size:
        raise DataError(
            f"incidence: {ends.size} exits, {starts.size} entries, {happened.size} events and {other.size} competing "
            "events; give one of each for every person."
        )
    if (happened & other).any():
        raise DataError(f"incidence: {int((happened & other).sum())} people have the event and the competing one.")
    first = -np.inf if start is None else start
    kept = ends > first
    sets = risk_sets(Surv(np.maximum(starts[kept], first), ends[kept], (happened | other)[kept]))
    own = happened[kept][sets.event_rows]
    times = sets.times[np.unique(sets.event_keys[own])] if at is None else np.asarray(at, dtype=float)
    hair = slack(times)
    key = sets.times.searchsorted(times + hair, "right") - 1
    n = sets.at_risk(np.ones(int(kept.sum())))
    d = np.bincount(sets.event_keys[own], minlength=sets.size)
    estimate, variance = _aalen_johansen(sets, own, n, d, key)
    se = np.sqrt(variance)
    low, high = _limits(estimate, se, float(special.ndtri(0.5 + level / 2)))
    n_at_risk = np.sort(starts).searchsorted(times - hair, "left") - np.sort(ends).searchsorted(times - hair, "left")
    n_event = np.append(np.cumsum(d), 0)[key]
    return pd.DataFrame(
        {"time": times, "estimate": estimate, "se": se, "low": low, "high": high, "n_at_risk": n_at_risk,
         "n_event": n_event}
    )  # fmt: skip


def _times(exit: ArrayLike, entry: ArrayLike | None) -> tuple[Array, Array]:
    ends = numbers(pd.Series(exit, name="exit"), NUMBERED)
    starts = np.full(ends.size, -np.inf) if entry is None else numbers(pd.Series(entry, name="entry"), NUMBERED)
    if np.isnan(ends).any() or np.isnan(starts).any():
        raise DataError("incidence: every time must be a number; leave out people without one.")
    if ends.size == starts.size and (ends <= starts).any():
        raise DataError(f"incidence: {int((ends <= starts).sum())} people leave when or before they enter.")
    return ends, starts


def _aalen_johansen(
    sets: RiskSets, own: NDArray[np.bool_], n: Array, d: NDArray[np.int64], key: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Incidence after each of the keys, shape (T,), and its variance; 0 after key -1, which is before all.

    `own` says which of the sets' events are of the kind asked for, `n` and `d` how many are at risk and have it at each
    key. The variance is the sum over people of the squared derivative by their weight. That of the estimate F at a time
    is, over the keys s a person is at risk at, S(s-) da(s) - (F - F(s)) dh(s) / (1 - h(s)), with h the hazard of either
    event, and da and dh the derivatives of both hazards: what happened to the person, less the hazard, over n.
    """
    hazard = sets.d / n
    free_before = np.append(1.0, np.cumprod(1 - hazard))[:-1]
    f = np.append(np.cumsum(free_before * d / n), 0.0)
    share = np.divide(1.0, (1 - hazard) * n, out=np.zeros_like(n), where=hazard < 1)  # after hazard 1, F stays
    passed = np.stack([sets.cumulative(free_before * d / n**2), sets.cumulative(hazard * share)])
    passed_f = sets.cumulative(f[:-1] * hazard * share)
    rows, keys = sets.event_rows, sets.event_keys
    gained = own * free_before[keys] / n[keys]
    variance = np.zeros(key.size)
    for i, k in enumerate(key):
        last, before = np.minimum(sets.last, k), np.minimum(sets.before, k)
        first, second = passed[:, last] - passed[:, before]
        derivative = f[k] * second - first - (passed_f[last] - passed_f[before])
        done = keys <= k
        derivative[rows[done]] += (gained - (f[k] - f[keys]) * share[keys])[done]
        variance[i] = derivative @ derivative
    return f[key], variance


def _limits(estimate: Array, se: Array, critical: float) -> tuple[Array, Array]:
    inside = (estimate > 0) & (estimate < 1)
    log = np.log(estimate, out=np.full_like(estimate, np.nan), where=inside)
    width = np.exp(-critical * se / (np.where(inside, estimate, np.nan) * log))
    return np.exp(log * width), np.exp(log / width)
