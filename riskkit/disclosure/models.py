"""How the frames of fitted models are made safe to show."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from riskkit.disclosure.policy import significant
from riskkit.disclosure.small_cells import KEY, OUTERMOST, Small, is_in, percentiles, rests_on_few

COUNTS = ("n", "events", "n_missing", "n_without_events", "of_n", "of_events", "dilution_n", "n_at_risk", "n_event")
AMOUNTS = ("person_years", "population")
ESTIMATE = (
    "estimate", "se", "ratio", "low", "high", "p", "p_holm", "p_fdr", "float_se", "float_low", "float_high", "riv",
    "fmi", "df",
)  # fmt: skip
LIKELIHOODS = ("loglik", "loglik_null", "aic")
TESTED = 5  # percentile at which slopes are tested; the lowest point is sought from the outermost on
NUMBER = re.compile(r"(?<!fewer than the )(?<!\w)\d+(?:[,.]\d+)*")


def kept(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What has no counts: the withheld models are left out."""
    return small.without(frame)


def counted(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What has counts beside it: they are rounded or withheld, and amounts given to three digits."""
    frame = small.without(frame)
    counts = {name: small.policy.counts(frame[name]) for name in COUNTS if name in frame}
    amounts = {name: significant(frame[name]) for name in AMOUNTS if name in frame}
    return frame.assign(**counts, **amounts)


def estimated(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Estimates of groups with few events, or relative to a group of few, are withheld; a group ends at its cuts."""
    frame = small.without(frame)
    if frame.empty:
        return frame
    shown = counted(frame, small)
    shown.loc[rests_on_few(frame, small.policy), [name for name in ESTIMATE if name in frame]] = np.nan
    model = frame.groupby([name for name in (*KEY, "variant") if name in frame]).ngroup()
    for name in ("n", "events"):
        shown[name] = small.policy.counts(frame[name], model)
    shown["person_years"] = shown["person_years"].mask(shown[["n", "events"]].isna().any(axis=1))
    groups = frame["coding"] == "groups"
    if groups.any():
        shown["x"] = shown["x"].mask(groups & ~small.policy.enough_beyond(frame["n"], 50))
        limits = [_limits(r.level, small.cuts[r.exposure]) for r in frame[groups].itertuples()]
        shown.loc[groups, ["x_low", "x_high"]] = limits
    return shown


def _limits(level: str, cuts: list[float]) -> tuple[float, float]:
    """The cuts around a group; NaN beyond the outermost, where the lowest and the highest of all people are."""
    ends = [np.nan, *cuts, np.nan]
    group = int(level.removeprefix("Q"))
    return ends[group - 1], ends[group]


def weighted(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Weighted estimates of groups are withheld with the unweighted ones."""
    shown = counted(frame, small)
    if shown.empty:
        return shown
    shown.loc[is_in(shown, small.groups, [*KEY, "level"]), [name for name in ESTIMATE if name in shown]] = np.nan
    return shown


def fits(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Likelihoods are left out: that of an empty model is a function of people and events, which it would give away."""
    shown = counted(frame, small)
    return shown.assign(**{name: np.nan for name in LIKELIHOODS if name in shown})


def drawn_from(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Only the coefficients of curves are shown: nothing says how many people are in a category of a covariate."""
    frame = small.without(frame)
    return frame[is_in(frame, small.drawn, [*KEY, "term"])]


def curves(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Curves end where enough people lie beyond."""
    if frame.empty:
        return frame
    frame = small.without(frame)
    return counted(frame[_within(frame, small)], small)


def shapes(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What is told of a shape goes where its words reach beyond the levels that may be shown.

    They tell the levels of the U test, and those of the lowest point, which is sought further out.
    """
    if frame.empty:
        return frame
    frame = small.without(frame)
    n = small.people(frame)
    inside = (frame["nadir_low"] >= frame["lower_x"]) & (frame["nadir_high"] <= frame["upper_x"])
    searched, tested = (small.policy.enough_beyond(n, percent) for percent in (OUTERMOST, TESTED))
    return frame[searched | (tested & inside)]


def _within(frame: pd.DataFrame, small: Small) -> pd.Series:
    """Which points lie between the levels that their spline may be shown at."""
    ends = frame[KEY].merge(small.ranges, on=KEY, how="left").set_index(frame.index)
    return frame["x_measured" if "x_measured" in frame else "x"].between(ends["first"], ends["last"])


def splines(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Percentiles that few people lie beyond are withheld, and the lowest point is sought between the others."""
    if frame.empty:
        return frame
    rows = small.without(frame).merge(small.ranges, on=KEY)
    safe = {}
    for percent in percentiles(frame):
        values = rows[f"p{percent}"]
        safe[f"p{percent}"] = values.where((values >= rows["first"]) & (values <= rows["last"]))
    ends = {name: rows[name].clip(rows["first"], rows["last"]) for name in ("nadir", "nadir_low", "nadir_high")}
    return rows.assign(**safe, **ends)[list(frame)]


def failures(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Reasons go without their numbers, which may be counts of few; the withheld models are listed too."""
    told = frame.assign(reason=[without_numbers(reason) for reason in frame["reason"]])
    limit = small.policy.min_count
    reason = (
        f"Not shown: fewer than {limit} events, people without one, or people left out, or too few people for a curve."
    )
    withheld = (small.models, small.modifiers, small.incidences)
    listed = [each[[*KEY, "variant"]].assign(reason=reason, formula="") for each in withheld]
    return pd.concat([told, *listed], ignore_index=True)


def without_numbers(text: str) -> str:
    """A text without its numbers, but for the events that an analysis asks for."""
    return NUMBER.sub("…", text)
