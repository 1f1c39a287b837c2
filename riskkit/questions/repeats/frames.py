"""The frame of estimates by levels over visits."""

from __future__ import annotations

import pandas as pd

from riskkit.disclosure.models import counted
from riskkit.disclosure.small_cells import KEY, Small, too_few
from riskkit.frames import Frame, frame
from riskkit.study.columns import RATIO


def rule(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Estimates with their counts; none that few events are behind, or that does without a few of the model's people.

    Of an exposure with two values nothing is told: the cells behind a level that changes are not looked at.
    """
    rows = small.without(rows)
    if rows.empty:
        return rows
    whole = rows[rows["level"] == "baseline"].drop_duplicates(KEY)
    of = rows[KEY].merge(whole[[*KEY, "n", "events"]], on=KEY, how="left").set_index(rows.index)
    few = small.policy.is_few(of["n"] - rows["n"]) | small.policy.is_few(of["events"] - rows["events"])
    kept = rows[~few & ~too_few(rows, small.policy).to_numpy() & ~rows["exposure"].isin(small.binary)]
    if kept.empty:
        return kept
    shown = counted(kept, small)
    return shown.assign(n_left_out=small.policy.counts(kept["n_left_out"]))


FRAMES: tuple[Frame, ...] = (
    frame(
        "repeats",
        "The line of an exposure in the main model, by its level at the start or as visits tell it.",
        f"MODEL level per n n_left_out events person_years {RATIO} p",
        "MODEL level",
        rule,
        {
            "level": (
                "text",
                '"baseline", at the start; "current", the last value; "lag5", the last one at least 5 years before; '
                '"mean", "area", "change" of the values so far',
            ),
            "per": ("text", "increment of the level that the ratio is for"),
            "n": ("whole", "people with time at risk while the level was known"),
            "n_left_out": ("whole", "people of the main model without"),
            "events": ("whole", "events while the level was known"),
            "person_years": ("number", "time at risk while the level was known, in years"),
        },
    ),
)
