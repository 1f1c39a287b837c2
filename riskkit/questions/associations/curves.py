"""The spline curves of an exposure on the page: the main model's, at the usual level, and all models' together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.figures.spline import Lowest, comparison, spline
from riskkit.infer.verdict import ShapeVerdict
from riskkit.numbers import count, measure, p_phrase, ratio
from riskkit.results import Results
from riskkit.spec.analysis import AnalysisSpec
from riskkit.tables.estimates import comparison_table, curve_table, nearest
from riskkit.telling.associations import Association, histogram, main_rows
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import ExposureText, reference
from riskkit.telling.words import TIME_SCALES, finding, in_sentence, lowest_point

AXES = "Vertical axes differ; bands are cut where they leave them, and an arrow marks where a curve goes on."


def curves_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The splines of one exposure with every outcome in the main model; None where none was fitted."""
    shown = [a for a in found if a.ends]
    if not shown:
        return None
    curves = main_rows(results.curves, results.manifest, exposure, "spline")
    knots = results.manifest.exposures[exposure].knots
    panels = [Panel(a.outcome, a.outcome_label, _line(a)) for a in shown]
    lowest = {a.outcome: _lowest(a.shape.verdict) for a in shown if a.shape and lowest_point(a)}
    drawn = partial(
        spline,
        curves,
        histogram(results, exposure),
        panels,
        xlabel=text.axis,
        ylabel=text.ratio_axis,
        reference=reference(text),
        knots=knots,
        lowest=lowest,
    )
    circle = (
        f"The circle is the lowest point between the 5th and the 95th percentile, with its {text.level} confidence "
        "interval below it (an arrow where the data do not bound it). It is shown where there is evidence of an "
        "association whose curve is bent. "
        if lowest
        else ""
    )
    caption = (
        f"{text.ratios} over the range of {text.name} (1st to 99th percentile), relative to {text.reference} "
        f"(diamond). Restricted cubic splines with {len(knots)} knots (ticks on the axis), pointwise {text.level} "
        f"confidence bands, and the distribution of {text.name} in the cohort (grey). {AXES} "
        f"{circle}{text.adjusted}"
    )
    table = curve_table(
        curves,
        {a.outcome: a.outcome_label for a in shown},
        _readings(curves, main_rows(results.estimates, results.manifest, exposure, "groups"), text),
        text.unit,
        f"{text.ratio} read off the curves",
        text.label,
    )
    return PageFigure("curves", drawn, caption, " ".join(finding(a) for a in shown), table)


def models_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The splines of every model over each other, and of the main model on other time scales; None for a single one."""
    analysis = results.manifest.analysis
    series = _series(analysis)
    curves = results.curves[results.curves["exposure"] == exposure]
    curves = curves.assign(series=curves["time_scale"] + "/" + curves["model"])
    curves = curves[curves["series"].isin(series)]
    shown = [a for a in found if a.ends]
    if len(set(curves["series"])) < 2 or not shown:
        return None
    main = f"{analysis.time_scales[0]}/{analysis.main.name}"
    series = {name: label for name, label in series.items() if name in set(curves["series"])}
    panels = [Panel(a.outcome, a.outcome_label) for a in shown]
    drawn = partial(
        comparison,
        curves,
        histogram(results, exposure),
        panels,
        series,
        main,
        xlabel=text.axis,
        ylabel=text.ratio_axis.replace(f" ({text.level} CI)", ""),
        reference=reference(text),
    )
    other = ", and on the other time scale where there is one" if text.measure.timed else ""
    caption = (
        f"Does the curve depend on the model? {text.ratios} by {text.name} relative to {text.reference} in "
        f"every model{other}. The band is the main model's {text.level} confidence band. {AXES}"
    )
    ends = tuple(end.x for end in shown[0].ends)
    table = comparison_table(
        curves,
        {a.outcome: a.outcome_label for a in shown},
        series,
        ends,
        text.unit,
        f"{text.ratio} at two levels of {text.name}, by model",
    )
    return PageFigure("models", drawn, caption, _spread(curves, shown[0], text), table)


def _series(analysis: AnalysisSpec) -> dict[str, str]:
    """The curves to lay over each other: every model on the main time scale, the main model on the others."""
    main_scale, *others = analysis.time_scales
    main = analysis.main.name
    series = {
        f"{main_scale}/{model.name}": f"{model.label} (main model)" if model.name == main else model.label
        for model in analysis.models
    }
    return series | {f"{scale}/{main}": f"Main model, {TIME_SCALES[scale]} as time scale" for scale in others}


def _spread(curves: pd.DataFrame, a: Association, text: ExposureText) -> str:
    """How far the models lie apart at the low and high level of the exposure, for one outcome."""
    rows = curves[curves["outcome"] == a.outcome]
    told = []
    for end in a.ends:
        read = [nearest(points, end.x)["ratio"] for _, points in rows.groupby("series")]
        told.append(f"from {ratio(min(read))} to {ratio(max(read))} at {measure(end.x, text.unit)}")
    return (
        f"For {in_sentence(a.outcome_label)}, the {text.measure.ratio} of {text.name} lies {' and '.join(told)} "
        f"in the {rows['series'].nunique()} models shown."
    )


def _lowest(verdict: ShapeVerdict) -> Lowest:
    below, above = verdict.open_ends
    return Lowest(verdict.x, None if below else verdict.low, None if above else verdict.high)


def _line(a: Association) -> str:
    """The numbers under a panel's title."""
    tests = p_phrase(a.overall)
    if not math.isnan(a.nonlinear):
        tests += f", {p_phrase(a.nonlinear, 'non-linear p')}"
    return "\n".join(line for line in (f"{count(a.events)} {a.measure.event}s", tests, lowest_point(a)) if line)


def _readings(curves: pd.DataFrame, groups: pd.DataFrame, text: ExposureText) -> list[float]:
    """Levels to read the curve at: the report's low and high, medians of groups (the first's), the reference."""
    medians = groups.loc[groups["outcome"] == groups["outcome"].iloc[0], "x"].tolist() if len(groups) else []
    low, high = max(text.low, float(curves["x"].min())), min(text.high, float(curves["x"].max()))
    return sorted({low, *(x for x in medians if low < x < high), text.reference_x, high})
