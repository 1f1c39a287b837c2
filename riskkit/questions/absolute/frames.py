"""Frames of absolute risks and of scenarios, and how they are made safe to show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.disclosure.small_cells import KEY, OUTERMOST, Small
from riskkit.frames import Frame, Kind, frame

NUMBERS = ("estimate", "se", "low", "high", "capped")
COUNTS = ("n", "events", "competing_events")


def rule(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Risks go where few events made them, and have two digits: people times a risk would give the events away.

    A step of the baseline hazard is never shown, and a risk sums the steps of a stretch of time: it is shown where
    enough events of the outcome, and none or enough of the competing one, fell into that stretch. It goes, too, where
    the model has a few people less than the report's own, and at levels that few people lie beyond.
    """
    if rows.empty:
        return rows
    rows = small.without(rows)
    policy = small.policy
    few = policy.is_few(small.people(rows) - rows["n"]) | policy.is_few(rows["competing_events"])
    few |= (rows["events"] < policy.min_count) | (rows["n"] - rows["events"] < policy.min_count)
    rows = rows[~few & _inside(rows, small)]
    coarse = {name: rows[name].map(_two_digits) for name in NUMBERS if name in rows}
    needed = {name: rows[name].map(_two_digits) for name in rows if str(name).startswith("number_")}
    return rows.assign(**{name: policy.counts(rows[name]) for name in COUNTS}, **coarse, **needed)


def _inside(rows: pd.DataFrame, small: Small) -> pd.Series:
    """Which levels enough people lie beyond; a straight line, whose ends are not known, needs enough people in all."""
    ends = rows[KEY].merge(small.ranges, on=KEY, how="left").set_index(rows.index)
    if "first" not in ends:
        ends = ends.assign(first=np.nan, last=np.nan)
    x = rows["x"].fillna(np.inf)
    drawn = ((x >= ends["first"].fillna(np.inf)) & (x <= ends["last"].fillna(-np.inf))) | rows["x"].isna()
    unknown = ends["first"].isna() & small.policy.enough_beyond(rows["n"], OUTERMOST)
    return drawn | unknown


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}") if np.isfinite(value) else value


ABOUT: dict[str, tuple[Kind, str]] = {
    "age": ("number", "age in years that the risk is from; missing where it is from entry, and of states"),
    "horizon": ("number", "years that the risk is over; missing of states at baseline"),
    "kind": ("text", '"level" that the analysis names, or "curve"'),
    "level": ("text", "the level as the analysis names it; empty along the curve"),
    "n": ("whole", "people that the risk is averaged over"),
    "events": ("whole", "events, of these people, in the stretch of time of the risk; cases of a state"),
    "competing_events": ("whole", "competing events in that stretch"),
}
COMMON = "MODEL age horizon kind level"

FRAMES: tuple[Frame, ...] = (
    frame(
        "absolute_risks",
        "The standardised risk of an outcome, or prevalence of a state, had everyone one level of the exposure.",
        f"{COMMON} x n events competing_events estimate se low high",
        f"{COMMON} x",
        rule,
        {
            **ABOUT,
            "estimate": ("number", "the risk, a share of people"),
            "se": ("number", "standard error of `estimate`, that of the baseline hazard included"),
            "low": ("number", "lower confidence limit of `estimate`"),
            "high": ("number", "upper confidence limit of `estimate`"),
        },
    ),
    frame(
        "absolute_differences",
        "The difference of two standardised risks: at a level and the reference, or in a scenario and as people are.",
        f"{COMMON} x reference n events competing_events estimate se low high number_needed number_low number_high "
        "capped",
        COMMON,
        rule,
        {
            **ABOUT,
            "kind": ("text", '"level" that the analysis names, or "scenario"'),
            "level": ("text", "the level as the analysis names it, or the label of the scenario"),
            "x": ("number", "level of the exposure, in its unit; missing of scenarios"),
            "reference": (
                "number",
                "level compared with; missing of scenarios, which are compared with people as they are",
            ),
            "estimate": ("number", "difference of risks, as shares of people"),
            "se": ("number", "standard error of `estimate`"),
            "low": ("number", "lower confidence limit of `estimate`"),
            "high": ("number", "upper confidence limit of `estimate`"),
            "number_needed": ("number", "1 / difference: people for one event more, negative for one less"),
            "number_low": ("number", "its lower limit; both infinite where the difference may be none"),
            "number_high": ("number", "its upper limit"),
            "capped": ("number", "share of people whom the scenario would have moved beyond the data"),
        },
    ),
)
