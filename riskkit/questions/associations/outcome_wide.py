"""Analyses of many outcomes: which stand out once their number is reckoned with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.volcano import Point, Threshold, volcano
from riskkit.numbers import count, level
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.tables.estimates import linear_table
from riskkit.telling.associations import Association, is_corrected, main_rows
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import ExposureText
from riskkit.telling.words import in_sentence, interval, listed

MOST_NAMED = 12  # outcomes named in a volcano plot


def parts(found: Sequence[Association]) -> Iterator[Sequence[Association]]:
    """The outcomes, as many at a time as one figure can show."""
    for start in range(0, len(found), READABLE):
        yield found[start : start + READABLE]


def by_estimate(found: Sequence[Association]) -> list[Association]:
    """The outcomes ordered by their linear ratio, the highest first, those without one last."""
    return sorted(found, key=lambda a: -a.linear.value if a.linear else np.inf)


def thresholds(estimates: pd.DataFrame, confidence: float) -> tuple[Threshold, ...]:
    """P values that part what is evidence from what is not: at face value, and corrected for the number of outcomes.

    Parameters
    ----------
    estimates : DataFrame
        Linear estimates of one exposure, one row per outcome: p p_holm p_fdr.
    confidence : float
        Confidence level.

    Returns
    -------
    tuple of Threshold
        The nominal one, Benjamini and Hochberg's and Holm's. The last two depend on the p values: of m, k of which are
        below, they are alpha k / m and alpha / (m - k), with k at least 1 in the former and at most m - 1 in the
        latter.
    """
    alpha = 1 - confidence
    tested = estimates[estimates["p"].notna()]
    m = len(tested)
    if not m or not is_corrected(tested):
        return (Threshold(alpha, f"p = {alpha:.2g}"),)
    discoveries, certain = int((tested["p_fdr"] < alpha).sum()), int((tested["p_holm"] < alpha).sum())
    return (
        Threshold(alpha, f"p = {alpha:.2g}, uncorrected"),
        Threshold(alpha * max(discoveries, 1) / m, f"false discovery rate {level(alpha)}"),
        Threshold(alpha / max(m - certain, 1), f"Holm, {count(m)} outcomes"),
    )


def volcano_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """P values of the straight line against its ratios for every outcome; None where none was fitted."""
    estimates = main_rows(results.estimates, results.manifest, exposure, "linear")
    estimates = estimates[estimates["outcome"].isin([a.outcome for a in found])]
    if estimates.empty:
        return None
    alpha = 1 - found[0].level
    tested = estimates.set_index("outcome").sort_values("p")
    corrected = is_corrected(tested)
    certain = set(tested.index[tested["p_holm"] < alpha]) if corrected else set()
    clear = list(tested.index[tested["p_fdr" if corrected else "p"] < alpha])
    named = set(clear[:MOST_NAMED])
    points = [
        Point(a.outcome_label, a.linear.value, a.linear.p, a.outcome in named, a.outcome in certain)
        for a in found
        if a.linear
    ]
    lines = thresholds(estimates, found[0].level)
    xlabel = f"{text.per}, log scale"
    marks = (
        "Filled: below Holm's threshold; outlined in blue: below that of the false discovery rate (Benjamini and "
        "Hochberg). "
        if corrected
        else ""
    )
    caption = (
        f"{text.per} {text.name} and p value of the straight line for each of {count(len(points))} outcomes (the key "
        "findings tell of a curve by the test of the whole curve); evidence is clearer higher up. "
        f"{marks}{text.adjusted}"
    )
    by_p = {a.outcome: a.outcome_label for a in sorted(found, key=lambda a: a.linear.p if a.linear else np.inf)}
    title = f"{text.ratio} per {text.increment} higher {text.name}, by p value"
    table = linear_table(estimates, estimates.iloc[:0], by_p, title, text.short, text.measure)
    told = _told([a for a in found if a.linear], clear)
    return PageFigure("volcano", partial(volcano, points, lines, xlabel=xlabel), caption, told, table)


def _told(found: Sequence[Association], clear: Sequence[str]) -> str:
    of = {a.outcome: a for a in found}
    told = [
        f"{in_sentence(of[name].outcome_label)} {interval(of[name].linear, of[name].level, test=True)}"
        for name in clear[:MOST_NAMED]
    ]
    if not told:
        return f"None of {count(len(found))} outcomes lies below the threshold of the false discovery rate."
    return f"{count(len(clear))} of {count(len(found))} outcomes lie below the threshold: {listed(told)}."
