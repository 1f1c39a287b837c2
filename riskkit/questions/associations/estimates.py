"""The estimates of an exposure on the page: by group, and per increment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.figures.panels import Panel
from riskkit.figures.shape import is_floating, shape
from riskkit.numbers import count, p_phrase, p_value, ratio
from riskkit.questions.associations.outcome_wide import by_estimate
from riskkit.results import Results
from riskkit.tables.estimates import CORRECTIONS, groups_table, linear_table
from riskkit.telling.associations import Association, corrected_by, is_outcome_wide, main_rows, on_main_scale
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import ExposureText, with_groups
from riskkit.telling.words import dilution_ratio, in_sentence, interval, listed


def groups_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The ratio by group of one exposure with every outcome in the main model; None where none was fitted."""
    groups = main_rows(results.estimates, results.manifest, exposure, "groups")
    groups = with_groups(groups[groups["ratio"].notna()], text)
    shown = [a for a in found if a.outcome in set(groups["outcome"])]
    if not shown:
        return None
    tests = main_rows(results.tests, results.manifest, exposure, "groups")
    overall = tests[tests["part"] == "overall"].set_index("outcome")["p"]
    panels = [
        Panel(
            a.outcome,
            a.outcome_label,
            p_phrase(overall[a.outcome], "any difference: p") if a.outcome in overall else "",
        )
        for a in shown
    ]
    drawn = partial(shape, groups, panels, xlabel=text.axis, ylabel=text.ratio_axis)
    reference = groups.loc[groups["reference"].astype(bool), "level"].iloc[0]
    floating = is_floating(groups)
    boxes = "the information behind it" if floating else f"the number of {text.measure.event}s"
    lines = (
        f"Lines are floating {text.level} confidence intervals, by which any two groups can be compared"
        if floating
        else f"Lines are {text.level} confidence intervals relative to the reference group, which has none"
    )
    caption = (
        f"{text.ratios} by group of {text.name} relative to {reference}. Each box stands at its group's median, its "
        f"area proportional to {boxes}; ratios stand along the top, numbers of {text.measure.event}s along the foot. "
        f"{lines}; an arrow marks one that leaves its axis. Vertical axes differ. "
        f"{text.adjusted}"
    )
    table = groups_table(
        with_groups(on_main_scale(results.estimates, results.manifest, exposure, "groups"), text),
        {a.outcome: a.outcome_label for a in shown},
        {model.name: model.label for model in results.manifest.analysis.models},
        results.manifest.analysis.main.name,
        text.unit,
        f"{text.ratio} by group of {text.name}",
        text.ratio,
        text.measure,
    )
    return PageFigure("groups", drawn, caption, _groups_told(groups, shown), table)


def linear_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The forest of ratios per increment of one exposure with every outcome; None where none was fitted."""
    estimates = main_rows(results.estimates, results.manifest, exposure, "linear")
    if estimates.empty:
        return None
    rosner = corrected_by(results, "rosner", exposure)
    rows_of, usual_of = ({r.outcome: r for r in frame.itertuples()} for frame in (estimates, rosner))
    rows = []
    many = is_outcome_wide(found)
    ordered = by_estimate(found) if many else found
    for a in ordered:
        r, usual = rows_of.get(a.outcome), usual_of.get(a.outcome)
        strong = not many or (r is not None and getattr(r, "p_holm", np.nan) < 1 - a.level)
        rows.append(
            ForestRow(
                a.outcome_label, r.ratio, r.low, r.high, 1 / r.se**2, count(r.events), p_value(r.p), strong=strong
            )
            if r
            else ForestRow(a.outcome_label, np.nan, np.nan, np.nan, np.nan)
        )
        if usual:
            estimate = (usual.ratio, usual.low, usual.high, 1 / usual.se**2)
            rows.append(ForestRow("corrected for dilution", *estimate, strong=False, indented=True))
    heads = ForestHeads("Outcome", text.measure.events, text.short, "p", f"{text.per}, log scale")
    caption = (
        f"{text.ratios} per {text.increment} higher {text.name}, taken as a straight line on the log scale; where "
        "the curve is bent, this is its average slope. The area of each box is proportional to the information "
        "behind it, and an arrow marks an interval that leaves the axis. "
        f"{_marked(many)}{outlined(rosner, found[0].level)}{text.adjusted}"
    )
    told = listed(f"{in_sentence(a.outcome_label)} {interval(a.linear, a.level)}" for a in found if a.linear)
    outcomes = {a.outcome: a.outcome_label for a in ordered}
    title = f"{text.ratio} per {text.increment} higher {text.name}"
    corrected = pd.concat([corrected_by(results, method, exposure) for method in CORRECTIONS])
    table = linear_table(estimates, corrected, outcomes, title, text.short, text.measure)
    return PageFigure("linear", partial(forest, rows, heads), caption, f"{text.per}: {told}.", table)


def _marked(many: bool) -> str:
    if not many:
        return ""
    return "Ordered by estimate; filled: p below the threshold when corrected for their number by Holm's method. "


def _groups_told(groups: pd.DataFrame, shown: Sequence[Association]) -> str:
    told = []
    for a in shown:
        rows = groups[groups["outcome"] == a.outcome]
        told.append(f"{a.outcome_label}, from the lowest group to the highest: {', '.join(map(ratio, rows['ratio']))}.")
    return " ".join(told)


def outlined(corrected: pd.DataFrame, confidence: float) -> str:
    """What the outlined boxes of a forest are, where the estimates were corrected."""
    if corrected.empty:
        return ""
    return (
        "Outlined: per the same increment of the usual level, corrected for regression dilution by Rosner's method; "
        f"the dilution ratio is {dilution_ratio(corrected.iloc[0], confidence)}, whose uncertainty intervals carry. "
    )
