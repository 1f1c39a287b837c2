"""How the frames of fitted models are made safe to show."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from riskkit.disclosure import precision
from riskkit.disclosure.behind import IMPUTED
from riskkit.disclosure.policy import significant
from riskkit.disclosure.shown import curves as shown_curves
from riskkit.disclosure.shown import drawn_splines, estimates, tested
from riskkit.disclosure.small_cells import KEY, OF_ANY_CODING, Small, is_in, percentiles

COUNTS = ("n", "events", "n_missing", "n_without_events", "of_n", "of_events", "dilution_n", "n_at_risk", "n_event")
AMOUNTS = ("person_years", "population")
ESTIMATE = (
    "estimate", "se", "ratio", "low", "high", "p", "p_holm", "p_fdr", "float_se", "float_low", "float_high", "riv",
    "fmi", "df",
)  # fmt: skip
OF_WHOLE_MODELS = (
    "loglik", "loglik_null", "aic", "lr_chi2", "lr_p", "wald_chi2", "wald_p", "score_chi2", "score_p",
)  # fmt: skip
TO_THREE_DIGITS = ("riv", "fmi", "df", "dilution_ratio", "dilution_se", "dilution_low", "dilution_high", "statistic")
TESTED = 5  # percentile from which on everything is said of a shape
NUMBER = re.compile(r"(?<!fewer than the )(?<!\w)\d+(?:[,.]\d+)*")


ASKED = r"fewer than the (\d+) "


def kept(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What has no counts: the withheld models are left out."""
    return small.without(frame)


def counted(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What has counts beside it: they are rounded or withheld, and amounts and estimates have fewer digits."""
    frame = small.without(frame)
    if frame.empty:
        return frame
    shown = with_counts(frame, small)
    if {*KEY, "estimate", "se"} <= set(frame):
        shown = shown.assign(**estimates(frame, small))
    return shown


def with_counts(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Counts rounded or withheld, and amounts and what is told of imputation and dilution with fewer digits."""
    counts = {name: small.policy.counts(frame[name]) for name in COUNTS if name in frame}
    if "events" in counts and set(KEY) <= set(frame):
        counts["events"] = np.where(small.is_telling(frame), np.nan, counts["events"])
    people = small.policy.counts(frame["n"]) if "n" in frame else np.nan
    amounts = {name: precision.amounts(frame[name], people, small.policy) for name in AMOUNTS if name in frame}
    digits = {name: significant(frame[name]) for name in TO_THREE_DIGITS if name in frame}
    return frame.assign(**counts, **amounts, **digits)


def estimated(frame: pd.DataFrame, small: Small, variant: str = "") -> pd.DataFrame:
    """Estimates of groups with few events, or relative to a group of few, are withheld; a group ends at its cuts."""
    frame = small.without(frame)
    if variant:
        frame = frame[~is_in(frame.assign(variant=variant), small.models, [*KEY, "variant"])]
    if frame.empty:
        return frame
    shown = with_counts(frame, small).assign(**estimates(frame, small, variant))
    shown.loc[small.rests_on_few(frame, variant), [name for name in ESTIMATE if name in frame]] = np.nan
    model = frame.groupby([name for name in (*KEY, "variant") if name in frame]).ngroup()
    for name in ("n", "events"):
        counts = small.policy.counts(frame[name], model)
        shown[name] = counts if name == "n" else np.where(small.is_telling(frame), np.nan, counts)
    shown["person_years"] = shown["person_years"].mask(shown[["n", "events"]].isna().any(axis=1))
    groups = frame["coding"] == "groups"
    if groups.any():
        shown["x"] = shown["x"].mask(groups & ~small.policy.enough_beyond(frame["n"], 50))
        limits = [_limits(r.level, small.cuts[r.exposure]) for r in frame[groups].itertuples()]
        shown.loc[groups, ["x_low", "x_high"]] = limits
    return shown


def imputed(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """The same of the main model with missing covariates imputed."""
    return estimated(frame, small, IMPUTED)


def tests(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Tests go where any of what is tested together is withheld; of a line, the statistic is that of its estimate."""
    frame = small.without(frame)
    if frame.empty:
        return frame
    frame = frame[~is_in(frame, small.groups, KEY)]
    shown = frame.assign(**tested(frame, small))
    if "df_resid" in frame:
        return shown
    lines = small.lines.assign(**estimates(small.lines, small)).set_index(KEY)
    own = (frame["coding"] == "linear") & (frame["part"] == "overall")
    line = lines.reindex(pd.MultiIndex.from_frame(frame[KEY])).set_axis(frame.index)
    known = own & line["p"].notna()
    shown.loc[known, "chi2"] = significant((line.loc[known, "estimate"] / line.loc[known, "se"]) ** 2)
    shown.loc[known, "p"] = line.loc[known, "p"]
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
    """Likelihoods and statistics of whole models are left out: they are functions of people and events of all kinds."""
    shown = counted(frame, small)
    return shown.assign(**{name: np.nan for name in OF_WHOLE_MODELS if name in shown})


def drawn_from(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Only the coefficients of curves are shown: nothing says how many people are in a category of a covariate."""
    return _drawn(frame, small, ["term"], ("estimate", "se", "ratio", "low", "high", "p"))


def covariances(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """The covariances of the curves that are shown."""
    return _drawn(frame, small, ["term", "other"], ("covariance",))


def _drawn(frame: pd.DataFrame, small: Small, key: list[str], columns: Sequence[str]) -> pd.DataFrame:
    frame = small.without(frame)
    frame = frame[is_in(frame, small.drawn, [*KEY, *key])]
    if frame.empty:
        return frame
    drawn = drawn_splines(frame, small).drop_duplicates([*KEY, *key])
    found = frame[[*KEY, *key]].merge(drawn, on=[*KEY, *key], how="left")
    return frame.assign(**{name: found[name].to_numpy() for name in columns if name in frame})


def of_groups(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """The coefficients of curves of groups are not shown: with those of all people they would tell of the others."""
    return frame.iloc[:0]


def curves(frame: pd.DataFrame, small: Small, more: Sequence[str] = ()) -> pd.DataFrame:
    """Curves end where enough people lie beyond."""
    if frame.empty:
        return frame
    frame = small.without(frame)
    frame = frame[_within(frame, small)]
    if frame.empty:
        return frame
    return with_counts(frame, small).assign(**shown_curves(frame, small, more))


def shapes(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What is told of a shape goes where its range, from percentile to percentile, reaches beyond what may be shown."""
    if frame.empty:
        return frame
    frame = small.without(frame)
    shown = frame[small.policy.enough_beyond(small.people(frame), TESTED)]
    numbers = shown.select_dtypes("float").columns.difference(["lower_x", "upper_x"])
    return shown.assign(**{name: significant(shown[name]) for name in numbers})


def ends(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Ends of curves go where they reach beyond what may be shown; others have the digits that the events carry."""
    if frame.empty:
        return frame
    frame = small.without(frame)
    frame = frame[small.policy.enough_beyond(small.people(frame), TESTED)]
    if frame.empty:
        return frame
    shown = counted(frame, small)
    return shown.assign(covariance=significant(shown["covariance"]))


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
    return rows.assign(**safe, **ends, interior=significant(rows["interior"]))[list(frame)]


def failures(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Reasons go without their numbers, which may be counts of few; the withheld models are listed too.

    Models of too few events have one reason, whether the run or the rule left them out: two reasons would tell which
    side of the analysis's own minimum their number lies on. So have lines of exposures with two values: that one cannot
    be estimated in a subgroup tells that a cell is empty there.
    """
    limit = small.policy.min_count
    reason = (
        f"Not shown: fewer than {limit} events, people without one, or people left out, also among those with one of "
        "two values of an exposure; nearly as many coefficients; or too few people for a curve."
    )
    withheld = (small.models, small.modifiers, small.incidences)
    listed = [each[[*KEY, "variant"]].assign(reason=reason, formula="") for each in withheld]
    own = frame.assign(told=frame["reason"].map(without_numbers))
    rows = pd.concat([own, *(each.assign(told=reason) for each in listed)], ignore_index=True)
    asked = pd.to_numeric(rows["reason"].str.extract(ASKED, expand=False)) <= limit
    few = pd.concat([small.few, rows.loc[asked, OF_ANY_CODING]], ignore_index=True)
    two = rows["exposure"].isin(small.binary) & (rows["coding"] == "linear")
    unnamed = is_in(rows, few, OF_ANY_CODING) | asked.to_numpy() | two.to_numpy()
    aside = is_in(rows, few[few["variant"] == ""], OF_ANY_CODING[:-1]) & ~rows["variant"].isin(["", *small.variants])
    told, formula = rows["told"].mask(unnamed, reason), rows["formula"].mask(unnamed, "")
    variant = rows["variant"].replace(IMPUTED, "Missing covariates imputed")
    rows = rows.drop(columns="told").assign(variant=variant, reason=told, formula=formula)[~np.asarray(aside)]
    return rows.sort_values([*KEY, "variant"], kind="stable", ignore_index=True).drop_duplicates(ignore_index=True)


def without_numbers(text: str) -> str:
    """A text without its numbers, but for the events that an analysis asks for."""
    return NUMBER.sub("…", text)
