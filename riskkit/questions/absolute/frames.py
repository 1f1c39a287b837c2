"""Frames of absolute risks and of scenarios, and how they are made safe to show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.disclosure import precision
from riskkit.disclosure.policy import significant
from riskkit.disclosure.small_cells import KEY, OUTERMOST, Small
from riskkit.fit.limits import Scale
from riskkit.frames import Frame, Kind, frame
from riskkit.spec.plan import NO_TIME

COUNTS = ("n", "events", "competing_events")


def rule(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Risks go where few events made them, and have the digits that `round_to` events cannot move.

    People times a risk would give the events away otherwise. A step of the baseline hazard is never shown, and a risk
    sums the steps of a stretch of time: it is shown where enough events of the outcome, and none or enough of the
    competing one, fell into that stretch. It goes, too, where the model has a few people less than the report's own,
    and at levels that few people lie beyond.
    """
    if rows.empty:
        return rows
    rows = small.without(rows)
    return _shown(rows[~small.policy.is_few(small.people(rows) - rows["n"])], small)


def patterns(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """The same of typical people; where the risk of one sex goes, that of the other goes with it.

    Their events add up to those of the risk of all.
    """
    if rows.empty:
        return rows
    rows = small.without(rows)
    both = rows.drop_duplicates([*KEY, "age", "sex"]).groupby([*KEY, "age"], dropna=False)["n"].sum().rename("both")
    lacking = small.people(rows) - rows.merge(both.reset_index(), on=[*KEY, "age"], how="left")["both"].to_numpy()
    few = _few(rows, small).groupby([rows[name] for name in (*KEY, "age")], dropna=False).transform("any")
    return _shown(rows[~(few | small.policy.is_few(lacking))], small)


def covariates(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Medians have three digits, where the model is shown."""
    return rows if rows.empty else small.without(rows).assign(value=lambda own: significant(own["value"]))


def _few(rows: pd.DataFrame, small: Small) -> pd.Series:
    """Which risks few events made, or leave few people without one."""
    policy = small.policy
    few = (rows["events"] < policy.min_count) | (rows["n"] - rows["events"] < policy.min_count)
    return few | policy.is_few(rows["competing_events"])


def _shown(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    rows, policy = rows[~_few(rows, small) & _inside(rows, small)], small.policy
    if rows.empty:
        return rows
    events = policy.counts(np.where(rows["time_scale"] == NO_TIME, _fewer(rows), rows["events"]))
    se = precision.standard_errors(rows["se"], events, policy)
    by = precision.step(se * policy.round_to / np.sqrt(events))
    estimate = precision.to_step(rows["estimate"], by)
    counts = {name: policy.counts(rows[name]) for name in COUNTS}
    if "reference" not in rows:
        estimate = np.clip(estimate, by, 1 - by)  # a risk that its digits cannot tell from none is not none
    shown = rows.assign(**counts, estimate=estimate, se=se)
    if "low" in rows:
        low, high = _limits(rows, shown)
        shown = shown.assign(low=low, high=high)
    if "capped" in rows:
        shown = shown.assign(
            **_numbers_needed(shown),
            capped=precision.to_step(rows["capped"], precision.step(policy.round_to / counts["n"])),
        )
    return shown


def _numbers_needed(shown: pd.DataFrame) -> dict[str, np.ndarray]:
    """People for one event more or less, of the differences that are shown."""
    value, low, high = (shown[name].to_numpy(dtype=float) for name in ("estimate", "low", "high"))
    spans = (low <= 0) & (high >= 0)
    with np.errstate(divide="ignore"):
        ends = np.where(spans, -np.inf, 1 / high), np.where(spans, np.inf, 1 / low)
        return {"number_needed": 1 / value, "number_low": ends[0], "number_high": ends[1]}


def _fewer(rows: pd.DataFrame) -> np.ndarray:
    return np.minimum(rows["events"], rows["n"] - rows["events"]).to_numpy(dtype=float)


def _limits(rows: pd.DataFrame, shown: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Limits of what is shown of estimate and standard error, as many standard errors away as they were."""
    scale = Scale("plain" if "reference" in rows else "log-log")
    values, ses, low, high = (rows[name].to_numpy(dtype=float) for name in ("estimate", "se", "low", "high"))
    z = np.abs(scale.to(high) - scale.to(low)) / (2 * ses * np.abs(scale.derivative(values)))
    value, se = (shown[name].to_numpy(dtype=float) for name in ("estimate", "se"))
    middle, half = scale.to(value), z * se * np.abs(scale.derivative(value))
    ends = np.stack([scale.back(middle - half), scale.back(middle + half)])
    return ends.min(axis=0), ends.max(axis=0)


def _inside(rows: pd.DataFrame, small: Small) -> pd.Series:
    """Which levels enough people lie beyond; a straight line, whose ends are not known, needs enough people in all."""
    ends = rows[KEY].merge(small.ranges, on=KEY, how="left").set_index(rows.index)
    if "first" not in ends:
        ends = ends.assign(first=np.nan, last=np.nan)
    x = rows["x"].fillna(np.inf)
    drawn = ((x >= ends["first"].fillna(np.inf)) & (x <= ends["last"].fillna(-np.inf))) | rows["x"].isna()
    unknown = ends["first"].isna() & small.policy.enough_beyond(rows["n"], OUTERMOST)
    return drawn | unknown


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
    frame(
        "absolute_patterns",
        "The risk of a typical person of one sex at one level of the exposure, at levels between which it can be told: "
        "see docs/absolute-risks.md.",
        "MODEL sex age horizon x n events competing_events estimate se",
        "MODEL sex age x",
        patterns,
        {
            **{name: ABOUT[name] for name in ("age", "horizon", "competing_events")},
            "sex": ("text", "the sex; empty where the model knows none"),
            "n": ("whole", "people of the model, of this sex"),
            "events": ("whole", "events, of these people, in the stretch of time of the risk; cases of a state"),
            "estimate": ("number", "the risk, a share of people"),
            "se": ("number", "standard error of `estimate`, that of the baseline hazard included"),
        },
    ),
    frame(
        "pattern_covariates",
        "What a typical person of `absolute_patterns` has of one covariate: the median, or the commonest value.",
        "MODEL variable level value",
        "MODEL variable",
        covariates,
        {
            "variable": ("text", "name of the variable"),
            "level": ("text", "level of a category; empty of numbers and flags"),
            "value": ("number", "the median of a number; 0 or 1 of a flag; missing of categories"),
        },
    ),
)
