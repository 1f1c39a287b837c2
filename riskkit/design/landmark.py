"""Landmark data: who is at risk at a time, with what is known of them then, followed from then on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from riskkit.design.columns import check_columns, check_names
from riskkit.design.lexis import read_follow_up, refuse_overlaps
from riskkit.errors import DataError, SpecError


def landmark(
    data: pd.DataFrame,
    at: float | Iterable[float],
    *,
    follow_up: str = "Surv(entry, exit, event)",
    id: str | None = None,
    horizon: float | None = None,
) -> pd.DataFrame:
    """Take the people at risk at landmark times, with the values that hold then, and follow them from there.

    What happens after a landmark cannot change who is exposed at it, so that nobody's exposure is immortal time. With
    several landmarks the sets are stacked: fit `Surv(entry, exit, event) ~ x + strata(landmark)` with `cluster="id"`.

    Parameters
    ----------
    data : DataFrame
        One row per person, or per period of a person's follow-up with the values of that period.
    at : number, or increasing numbers
        Landmarks, in the unit of the follow-up times.
    follow_up : str
        "Surv(entry, exit, event)" or "Surv(time, event)".
    id : str, optional
        Column of the person, where people have several rows.
    horizon : float, optional
        How long to follow from each landmark; to the end unless given.

    Returns
    -------
    DataFrame
        A row for each landmark and person at risk just after it (entry <= landmark < exit): the columns of the row that
        holds then, with entry the landmark, exit and event those of the end of follow-up or of the horizon, and the
        column `landmark`. With "Surv(time, event)" the start is in a new column, `<time>_start`.

    Raises
    ------
    SpecError
        If landmarks do not increase, a horizon is not positive, or a new column's name is taken.
    DataError
        If times are missing or out of order, rows of a person overlap, or nobody is at risk at a landmark.

    References
    ----------
    Anderson JR, Cain KC, Gelber RD (1983) J Clin Oncol 1:710; van Houwelingen HC (2007) Scand J Stat 34:70. R:
    dynpred::cutLM.
    """
    check_names(id=id)
    times = np.atleast_1d(np.asarray(list(at) if isinstance(at, Iterable) else [at], dtype=float))
    if not times.size or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise SpecError(f"landmark: landmarks are finite, increasing numbers; got {times.tolist()}.")
    if horizon is not None and not horizon > 0:
        raise SpecError(f"landmark: a horizon is a positive length of time; got {horizon!r}.")
    check_columns(data, [id] if id else [], "landmark")
    follow, columns = read_follow_up(data, follow_up, "landmark")
    *entry, exit_, event = columns
    start = entry[0] if entry else f"{exit_}_start"
    for name in ("landmark", *([] if entry else [start])):
        if name in data.columns:
            raise SpecError(
                f"landmark: the data have a column '{name}' already, which would be overwritten; rename it."
            )
    begins = np.zeros(len(data)) if follow.entry is None else follow.entry
    person = np.arange(len(data))
    if id is not None:
        refuse_overlaps(data[id], begins, follow.exit, "landmark")
        person = pd.factorize(data[id], use_na_sentinel=False)[0]
    last = np.full(int(person.max()) + 1, -1) if len(data) else np.empty(0, dtype=int)
    in_order = np.argsort(follow.exit, kind="stable")
    last[person[in_order]] = in_order  # of a person's rows, the one that ends last
    end, happened = follow.exit[last], follow.event[last]
    early = follow.event & (np.arange(len(data)) != last[person])
    if early.any():
        raise DataError(
            f"landmark: {int(early.sum())} rows have an event and are followed by another row of the same '{id}'; "
            "follow-up ends with the first event. Leave later rows out."
        )
    frames = []
    for time in times:
        rows = np.flatnonzero((begins <= time) & (time < follow.exit))
        if not rows.size:
            raise DataError(f"landmark: nobody is at risk at {time:g}; leave this landmark out.")
        stop, ill = end[person[rows]], happened[person[rows]]
        if horizon is not None:
            ill = ill & (stop <= time + horizon)
            stop = np.minimum(stop, time + horizon)
        frame = data.iloc[rows].copy()
        frame[start], frame[exit_] = time, stop
        frame[event] = pd.Series(ill, index=frame.index).astype(data[event].dtype)
        frames.append(frame.assign(landmark=time))
    return pd.concat(frames)
