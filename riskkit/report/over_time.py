"""Whether a ratio changes over time, on the page: the figures beside the tests of proportional hazards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from riskkit.figures.over_time import over_time
from riskkit.figures.panels import Panel
from riskkit.numbers import p_phrase, ratio
from riskkit.report.associations import Association
from riskkit.report.figure import PageFigure, exposure_text
from riskkit.report.words import in_sentence
from riskkit.results import Results
from riskkit.tables.table import Column, Row, Table

READ = 5  # times at which the table reads a smooth


def over_time_figure(results: Results, exposure: str, found: Sequence[Association]) -> PageFigure | None:
    """The linear ratio of one exposure over time for its outcomes; None where the run made none."""
    if results.schoenfeld.empty:
        return None
    curves = results.schoenfeld[results.schoenfeld["exposure"] == exposure]
    shown = [a for a in found if a.linear and a.outcome in set(curves["outcome"])]
    if not shown:
        return None
    text = exposure_text(results.manifest, exposure)
    on_age = results.manifest["analysis"]["time_scales"][0] == "age"
    panels = [Panel(a.outcome, a.outcome_label, p_phrase(a.proportional, "change along time: p")) for a in shown]
    constant = {a.outcome: a.linear.value for a in shown if a.linear}
    drawn = partial(
        over_time,
        curves,
        panels,
        constant,
        xlabel="Age (years)" if on_age else "Years of follow-up",
        ylabel=text.ratio_axis,
    )
    caption = (
        f"{text.measure.ratio.capitalize()} per {text.increment} higher {text.name} over time: scaled Schoenfeld "
        f"residuals of the straight line, smoothed by a natural spline, with its pointwise {text.level} confidence "
        "band (cut where it leaves the axes). Dashed: the ratio when it is taken to be constant. The p value is that "
        f"of the whole curve of {text.name}. {text.adjusted}"
    )
    told, rows = [], []
    for a in shown:
        own = curves[curves["outcome"] == a.outcome]
        read = own.iloc[[round(i * (len(own) - 1) / (READ - 1)) for i in range(READ)]].to_dict("records")
        rows.append(Row((a.outcome_label,), kind="heading"))
        rows += [
            Row((f"{r['time']:.1f}", ratio(r["ratio"]), f"{ratio(r['low'])} to {ratio(r['high'])}"), kind="indented")
            for r in read
        ]
        ends = [f"{ratio(r['ratio'])} at {r['time']:.0f}" for r in (read[0], read[-1])]
        told.append(f"{in_sentence(a.outcome_label)} from {ends[0]} to {ends[1]}")
    columns = (Column("Age, years" if on_age else "Year", numeric=False), Column("Ratio"), Column(f"{text.level} CI"))
    table = Table(f"{text.measure.ratio.capitalize()} per {text.increment} higher over time", columns, tuple(rows))
    unit = "years of age" if on_age else "years of follow-up"
    return PageFigure("over-time", drawn, caption, f"By {unit}: {'; '.join(told)}.", table)
