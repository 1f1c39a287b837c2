"""How interactions and checks of robustness are made safe to show."""

from __future__ import annotations

import pandas as pd

from riskkit.disclosure.models import counted, without_numbers
from riskkit.disclosure.small_cells import KEY, Small, is_in, too_few

NAMING = ("influence", "without influential")  # single people


def interacting(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What is told of a modifier goes where one of its groups is small."""
    frame = small.without(frame)
    return counted(frame[~is_in(frame, small.modifiers, [*KEY, "modifier"])], small)


def robustness(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What names single people or is of a few goes, and so does an estimate without a few: its change tells of them."""
    if frame.empty:
        return frame
    frame = small.without(frame)
    whole = frame[frame["check"].isin(("main", "negative control"))]
    frame = frame[~is_in(frame, whole[too_few(whole, small.policy)], KEY)]
    without = frame["check"] == "left out"
    of = frame[KEY].merge(whole[[*KEY, "n", "events"]], on=KEY, how="left").set_index(frame.index)
    few = small.policy.is_few(of["n"] - frame["n"]) | small.policy.is_few(of["events"] - frame["events"])
    note = frame["note"].mask(without, [without_numbers(note) for note in frame["note"]])
    return counted(frame.assign(note=note)[~(without & few) & ~frame["check"].isin(NAMING)], small)
