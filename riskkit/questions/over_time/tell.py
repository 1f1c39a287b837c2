"""Whether a ratio changes over time, on the page: the figures beside the tests of proportional hazards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from riskkit.figures.panels import Panel
from riskkit.numbers import count, p_phrase, ratio
from riskkit.questions.over_time.figure import over_time
from riskkit.results import Results
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.associations import Association
from riskkit.telling.blocks import Block, Heading, PageFigure, Paragraph
from riskkit.telling.exposure_text import exposure_text
from riskkit.telling.telling import Found, Telling
from riskkit.telling.words import AVERAGED, MOST_NAMED, alpha, in_sentence, listed, quantity

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
    on_age = results.manifest.analysis.time_scales[0] == "age"
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


def proportional_hazards(found: Sequence[Association]) -> str:
    """What the tests of proportional hazards say, and what follows where they say no; empty where there are none."""
    if not found[0].measure.timed:
        return ""
    tested = [a for a in found if not math.isnan(a.proportional)]
    if not tested:
        return "Proportional hazards were not tested."
    sentences = [
        "The hazard ratio of each exposure was tested for change along the time scale (scaled Schoenfeld residuals) "
        f"in {quantity(len(tested), 'model')}."
    ]
    against = [a for a in tested if a.proportional < alpha(a)]
    if against:
        against = sorted(against, key=lambda a: a.proportional) if len(against) > MOST_NAMED else against
        named = listed(
            f"{in_sentence(a.exposure_label)} with {in_sentence(a.outcome_label)} ({p_phrase(a.proportional)})"
            for a in against[:MOST_NAMED]
        )
        if len(against) > MOST_NAMED:
            named = f"{count(len(against))} of them, most clearly for {named}"
        sentences.append(
            f"There was evidence of change for {named}. There the hazard ratio is an average over "
            f"{AVERAGED[tested[0].time_scale]}, weighted towards when most events happened, and may hide an "
            "association that is stronger early or late."
        )
    else:
        smallest = p_phrase(min(a.proportional for a in tested))
        sentences.append(f"There was no evidence of change in any (smallest {smallest}).")
    whole = [a for a in tested if a.proportional_all < alpha(a)]
    sentences.append(
        f"The test of a whole model, covariates included, gave evidence of change in {count(len(whole))} of them."
    )
    return " ".join(sentences)


def checks(results: Results, found: Found) -> Iterator[Block]:
    """The tests, and under them the ratio of each exposure over time."""
    told = proportional_hazards(found)
    if not told:
        return
    yield Heading("Proportional hazards")
    yield Paragraph(told)
    for exposure in results.manifest.exposures:
        figure = over_time_figure(results, exposure, [a for a in found if a.exposure == exposure])
        if figure:
            yield replace(figure, about=exposure)


TELLING = Telling(checks=checks)
