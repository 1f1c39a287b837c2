"""How curves over time are made safe to show."""

from __future__ import annotations

import pandas as pd

from riskkit.disclosure import precision
from riskkit.disclosure.models import counted
from riskkit.disclosure.policy import Policy, significant
from riskkit.disclosure.shown import estimates
from riskkit.disclosure.small_cells import PAIR, Small, is_in

STEP = ["estimate", "low", "high", "n_event"]


def incidence(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Steps are joined until enough events make each; curves end where few are at risk in a group.

    Shares are given in steps of `round_to` people of the group: with all their digits they are fractions of its people.
    """
    if frame.empty:
        return frame
    frame = frame[~is_in(frame, small.incidences, PAIR)]
    enough = (frame["n_at_risk"] >= small.policy.min_count).groupby([*(frame[name] for name in PAIR), frame["time"]])
    frame = frame[enough.transform("all")]
    steps = [_steps(own, small.policy) for _, own in frame.groupby([*PAIR, "level"], sort=False)]
    if not steps:
        return frame
    joined = pd.concat(steps)
    by = precision.step(small.policy.round_to / small.policy.counts(joined["n"]))
    shares = {name: precision.to_step(joined[name], by) for name in ("estimate", "low", "high")}
    return counted(joined, small).assign(**shares)


def _steps(own: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The curve of one group, which rises only when enough events have happened since it last did."""
    events = own["n_event"].to_numpy()
    last, rows = 0, []
    for row in range(len(events)):
        if events[row] - events[last] >= policy.min_count:
            last = row
        rows.append(last)
    return own.assign(**{name: own[name].to_numpy()[rows] for name in STEP})


def over_time(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """A smooth over time ends where enough events happened earlier and later, which the incidence tells."""
    if frame.empty:
        return frame
    frame = small.without(frame)
    ends = frame[PAIR].merge(small.times, on=PAIR, how="left").set_index(frame.index)
    frame = frame[frame["time"].between(ends["first"], ends["last"])]
    return frame.assign(**estimates(frame, small), time=significant(frame["time"])) if len(frame) else frame
