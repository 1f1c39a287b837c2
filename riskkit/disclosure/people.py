"""How the frames that describe people are made safe to show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.describe.characteristics import DIFFERENCE, EVERYONE
from riskkit.disclosure import precision
from riskkit.disclosure.models import counted, without_numbers
from riskkit.disclosure.policy import Policy, significant
from riskkit.disclosure.small_cells import Small, percentiles

COARSE = 0.1  # share of people in bins too small to be shown, above which bins are made wider
PERCENT = {"median": 50, "q1": 25, "q3": 75}


def histograms(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Bins are widened until most hold enough people; the ends, and the few in between that do not, are left out."""
    shown = [_histogram(bins, small.policy) for _, bins in frame.groupby("exposure", sort=False)]
    return pd.concat(shown, ignore_index=True) if shown else frame


def _histogram(bins: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    people = bins["n"].to_numpy(dtype=float)
    for width in (width for width in range(1, len(bins) + 1) if len(bins) % width == 0):
        n = people.reshape(-1, width).sum(axis=1)
        if n[policy.is_few(n)].sum() <= COARSE * n.sum():
            break
    wide = bins.iloc[::width].assign(right=bins["right"].to_numpy()[width - 1 :: width], n=policy.counts(n))
    return wide[policy.inside(n)]


def characteristics(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Counts are rounded or withheld, per cents made of these, means and quartiles of few people withheld.

    So are means and standard deviations where few have another value than all others; of two values they are made of
    rounded counts, and of more they have the digits that `round_to` people cannot move.
    """
    if frame.empty:
        return frame
    policy = small.policy
    statistic, value = frame["statistic"], frame["value"].astype(float)
    column = ["variable", "group"]
    number, count = statistic.isin(["n", "missing"]), statistic == "count"
    shown = pd.Series(significant(value), index=frame.index)
    shown[number] = policy.counts(value[number])
    cells = frame[count]
    levels, groups = (cells.groupby(key).ngroup() for key in (column, ["variable", "level"]))
    groups = groups.where(cells["group"] != EVERYONE, -1 - np.arange(len(cells)))  # these are the sums
    shown[count] = policy.counts(value[count], levels, groups)
    n = _beside(frame, statistic == "n", column)
    per_cent = statistic == "percent"
    counts = _beside(frame.assign(value=shown), count, [*column, "level"])
    shown = shown.where(~per_cent, 100 * counts / policy.counts(n))
    of_people = frame.merge(small.values, on=["variable", "group"], how="left").set_axis(frame.index)
    shown = shown.where(number | count | per_cent, _moments(frame, shown, n, of_people, policy))
    enough = (n >= policy.min_count) & ~_rests_on_few(frame, of_people, policy)
    for name, percent in PERCENT.items():
        enough &= (statistic != name) | policy.enough_beyond(n, percent)
    lacking = ((statistic == "n") | count) & shown.isna()
    lacking |= statistic.isin(["mean", "sd"]) & (shown.isna() | ~enough) & value.notna()
    any_withheld = lacking.groupby(frame["variable"]).transform("any")
    hidden = (~(number | count | per_cent) & ~enough) | ((statistic == DIFFERENCE) & any_withheld)
    return frame.assign(value=shown.mask(hidden))


def _moments(frame: pd.DataFrame, shown: pd.Series, n: np.ndarray, of: pd.DataFrame, policy: Policy) -> pd.Series:
    """Means, standard deviations, differences and person-years with the digits that they may have."""
    statistic, value = frame["statistic"], frame["value"].astype(float)
    sd = _beside(frame, statistic == "sd", ["variable", "group"])
    n = policy.counts(n)
    last = frame[["variable", "group"]].merge(
        frame.loc[statistic == "n", ["variable", "value"]].groupby("variable", as_index=False).min(), on="variable",
        how="left",
    )["value"].to_numpy(dtype=float)  # fmt: skip
    parts = {
        "mean": precision.step(policy.round_to * sd / n),
        "sd": precision.step(policy.round_to * sd / (2 * n)),
        DIFFERENCE: precision.step(policy.round_to / policy.counts(last)),
    }
    for name, by in parts.items():
        shown = shown.mask(statistic == name, precision.to_step(shown, by))
    shown = shown.mask(statistic == "person_years", precision.amounts(value, n, policy))
    two = (of["values"] == 2).to_numpy() & statistic.isin(["mean", "sd"]).to_numpy()
    rows = of[two & (statistic == "mean").to_numpy()]
    groups = rows.groupby("variable").ngroup().where(rows["group"] != EVERYONE, -1 - np.arange(len(rows)))
    share = pd.Series(policy.counts(rows["n_other"], groups) / policy.counts(rows["n"]), index=rows.index)
    share = share.mask(policy.is_few(rows["n"] - rows["n_other"]))
    gap = rows["other"] - rows["commonest"]
    made = {"mean": rows["commonest"] + gap * share, "sd": gap.abs() * np.sqrt(share * (1 - share))}
    for name, values in made.items():
        place = (
            frame[statistic == name]
            .reset_index()
            .merge(rows.assign(made=values)[["variable", "group", "made"]], on=["variable", "group"])
        )
        shown.loc[place["index"]] = place["made"].to_numpy()
    return shown


def _rests_on_few(frame: pd.DataFrame, of: pd.DataFrame, policy: Policy) -> np.ndarray:
    """Which means and standard deviations tell how few people do not have the value that all others have."""
    return frame["statistic"].isin(["mean", "sd"]).to_numpy() & policy.is_few(of["n_other"].fillna(0))


def _beside(frame: pd.DataFrame, rows: pd.Series, key: list[str]) -> np.ndarray:
    """The value of the rows chosen that have the same key as each row, shape (rows,)."""
    values = frame[rows].set_index(key)["value"].astype(float)
    return values.reindex(pd.MultiIndex.from_frame(frame[key])).to_numpy()


def by_age_and_sex(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Percentiles that few people lie beyond are withheld, and the mean age of a band given to three digits."""
    if "n" not in frame:
        return frame
    safe = {f"p{p}": frame[f"p{p}"].where(small.policy.enough_beyond(frame["n"], p)) for p in percentiles(frame)}
    return frame.assign(n=small.policy.counts(frame["n"]), age=significant(frame["age"]), **safe)


def imputations(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Counts are rounded or withheld, and problems told without their numbers."""
    if frame.empty:
        return frame
    settled = {name: significant(frame[name]) for name in ("rhat_mean", "rhat_sd")}
    problems = [without_numbers(problem) for problem in frame["problems"]]
    return counted(frame, small).assign(problems=problems, **settled)


def imputation_values(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Shares are made of counts that may be shown, numbers without their ends; variables few people lack left out."""
    if frame.empty:
        return frame
    frame = _imputed_for_many(frame, small)
    rows = frame.merge(small.imputed, on=["exposure", "variable"])
    variables = rows.groupby(["exposure", "variable"])
    counts = {name: rows[name] * rows[of] for name, of in (("observed", "n"), ("imputed", "n_missing"))}
    shares = {
        name: small.policy.counts(counts[name].round(), variables.ngroup()) / small.policy.counts(rows[of])
        for name, of in (("observed", "n"), ("imputed", "n_missing"))
    }
    inside = pd.Series(True, index=rows.index)
    for _, own in rows[rows["level"] == ""].groupby(["exposure", "variable"]):
        inside[own.index] = small.policy.inside(counts["observed"][own.index].to_numpy())
    return rows.assign(**shares)[list(frame)][inside]


def imputation_trace(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """What was drawn for few people is left out; means and their spreads have the digits that those imputed carry.

    The mean of an indicator is a share of the people it was imputed for, and would give their number away.
    """
    frame = _imputed_for_many(frame, small)
    if frame.empty:
        return frame
    about = frame.merge(small.imputed, on=["exposure", "variable"], how="left")
    category = (about["kind"] == "category").to_numpy()
    by = precision.step(small.policy.round_to * np.where(category, 1.0, about["sd"]) / about["n_missing"])
    return frame.assign(mean=precision.to_step(frame["mean"], by), sd=precision.to_step(frame["sd"], by))


def _imputed_for_many(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    if frame.empty:
        return frame
    few = small.imputed[small.policy.is_few(small.imputed["n_missing"])]
    key = ["exposure", "variable"]
    return frame[~pd.MultiIndex.from_frame(frame[key]).isin(pd.MultiIndex.from_frame(few[key]))]
