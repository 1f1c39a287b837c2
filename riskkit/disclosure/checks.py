"""How interactions and checks of robustness are made safe to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from riskkit.disclosure import precision
from riskkit.disclosure.models import counted, with_counts, without_numbers
from riskkit.disclosure.policy import significant
from riskkit.disclosure.shown import curves, tested
from riskkit.disclosure.small_cells import KEY, Small, is_in, too_few
from riskkit.infer.confounding import Measure, evalue, tipping_point
from riskkit.spec.plan import NO_TIME

NAMING = ("influence", "without influential")  # single people
REFITTED = ("left out", "jackknife", "bootstrap")  # of other people than those whose cells are known


def interacting(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What is told of a modifier goes where one of its groups is small."""
    frame = small.without(frame)
    frame = frame[~is_in(frame, small.modifiers, [*KEY, "modifier"])]
    if frame.empty:
        return frame
    shown = with_counts(frame, small)
    if "chi2" in frame:
        return shown.assign(**tested(frame, small))
    if "estimate" in frame:
        return shown.assign(**curves(frame, small, ["modifier", "level"]))
    events = small.informing(frame)
    measured = {
        name: precision.between(frame[name], frame["low"], frame["high"], events) for name in ("value", "low", "high")
    }
    return shown.assign(**measured, se=significant(frame["se"]), p=precision.p_values(frame["p"], events))


def robustness(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What names single people or is of a few goes, and so does an estimate without a few: its change tells of them.

    Of an exposure with two values goes all that is not the estimate that was looked at for small cells. E-values and
    tipping points are those of the estimates shown.
    """
    if frame.empty:
        return frame
    frame = small.without(frame)
    whole = frame[frame["check"].isin(("main", "negative control"))]
    frame = frame[~is_in(frame, whole[too_few(whole, small.policy)], KEY)]
    without = frame["check"] == "left out"
    of = frame[KEY].merge(whole[[*KEY, "n", "events"]], on=KEY, how="left").set_index(frame.index)
    few = small.policy.is_few(of["n"] - frame["n"]) | small.policy.is_few(of["events"] - frame["events"])
    note = frame["note"].mask(without, [without_numbers(note) for note in frame["note"]])
    two = frame["exposure"].isin(small.binary)
    unseen = two & (frame["check"].isin(REFITTED) | ~is_in(frame, small.lines, KEY))
    frame = frame.assign(note=note)[~(without & few) & ~frame["check"].isin(NAMING) & ~unseen]
    return _made_again(frame, counted(frame, small)) if len(frame) else frame


def _made_again(frame: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """E-values and tipping points of the ratios that are shown."""
    ratios = shown[shown["check"] == "main"].drop_duplicates(KEY).set_index(KEY)
    found = shown.copy()
    for row in frame[frame["check"].isin(("E-value", "tipping point"))].to_dict("records"):
        ratio = ratios.loc[tuple(row[name] for name in KEY)]
        here = (shown[[*KEY, "check", "item"]] == pd.Series({n: row[n] for n in (*KEY, "check", "item")})).all(axis=1)
        value, limit = _of_ratio(row, (ratio["ratio"], ratio["low"], ratio["high"]))
        found.loc[here, ["value", "limit"]] = value, limit
    return found


def _of_ratio(row: Mapping[str, Any], ratio: tuple[float, float, float]) -> tuple[float, float]:
    if row["check"] == "tipping point":
        tipping = tipping_point(*ratio, exposed=row["exposed"], unexposed=row["unexposed"])
        return tipping.estimate, tipping.limit
    measure: Measure = "odds ratio" if row["time_scale"] == NO_TIME else "hazard ratio"
    both = [evalue(*ratio, measure=measure, rare=rare) for rare in (True, False)]
    e = next((each for each in both if each.scale == row["note"]), both[0])
    return e.estimate, e.limit


def two_lines(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Slopes with the digits that the events carry, and the breakpoint to three."""
    frame = small.without(frame)
    if frame.empty:
        return frame
    events = small.informing(frame)
    shown = {"breakpoint": significant(frame["breakpoint"]), "p": precision.p_values(frame["p"], events)}
    for side in ("below", "above"):
        low, high = frame[f"{side}_low"], frame[f"{side}_high"]
        for name in ("slope", "low", "high"):
            shown[f"{side}_{name}"] = precision.between(frame[f"{side}_{name}"], low, high, events)
        shown[f"{side}_p"] = precision.p_values(frame[f"{side}_p"], events)
    return frame.assign(**shown)
