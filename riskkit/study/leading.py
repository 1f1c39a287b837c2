"""What an analysis leads with: the main model on the first time scale, and of many outcomes those that stand out."""

from __future__ import annotations

import pandas as pd

from riskkit.spec.analysis import AnalysisSpec, Coding
from riskkit.study.study import Frames, Study

READABLE = 12  # outcomes that can be shown and told one by one; an analysis of more is outcome-wide
LED = 5  # outcomes of each exposure that are looked at, where there are more than can be told one by one

INSTEAD: dict[Coding, tuple[Coding, ...]] = {  # whose test is the primary one, and what stands in for it
    "spline": ("spline", "linear", "groups"),
    "linear": ("linear", "spline", "groups"),
    "groups": ("groups", "linear", "spline"),
}


def primary_tests(tests: pd.DataFrame, spec: AnalysisSpec) -> pd.DataFrame:
    """The primary test of every pair in the main model on the first time scale: rows of `tests`, one a pair."""
    main = (tests["model"] == spec.main.name) & (tests["time_scale"] == spec.time_scales[0])
    rows = tests[main & (tests["part"] == "overall") & tests["p"].notna()]
    order = rows["coding"].map({coding: i for i, coding in enumerate(INSTEAD[spec.primary])})
    return rows.loc[order.sort_values(kind="stable").index].drop_duplicates(["exposure", "outcome"]).sort_index()


def main_fits(study: Study, frames: Frames) -> pd.DataFrame:
    """The fits of the main model on the first time scale."""
    fits = frames["fits"]
    return fits[(fits["model"] == study.spec.main.name) & (fits["time_scale"] == study.spec.time_scales[0])]


def leading_pairs(study: Study, frames: Frames) -> list[tuple[str, str]]:
    """Exposures with the outcomes that the report leads with: all, or of many those with the smallest p values."""
    main = main_fits(study, frames)
    pairs = main[["exposure", "outcome", "time_scale", "model"]].drop_duplicates()
    tested = primary_tests(frames["tests"], study.spec)
    ranked = pairs.merge(tested[[*pairs, "p"]], how="left")
    if main["outcome"].nunique() > READABLE:
        kept = ranked.sort_values("p", kind="stable").groupby("exposure").head(LED).index
        ranked = ranked.loc[sorted(kept)]
    return list(zip(ranked["exposure"], ranked["outcome"], strict=True))


def refits(study: Study, frames: Frames, coding: str) -> list[tuple[tuple[str, ...], str]]:
    """The leading models of one coding that were fitted to everybody at risk: their keys (`MODEL`), and formulas."""
    main, pairs = main_fits(study, frames), leading_pairs(study, frames)
    main = main[(main["n_without_events"] == 0) & (main["coding"] == coding)]
    keys = ["exposure", "outcome", "time_scale", "coding", "model"]
    return [
        (tuple(key), str(formula))
        for *key, formula in main[[*keys, "formula"]].itertuples(index=False, name=None)
        if (key[0], key[1]) in pairs
    ]
