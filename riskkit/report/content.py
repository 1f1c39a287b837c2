"""What a report says, before it has a form: its sentences, tables and figures in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count as counter
from pathlib import Path
from typing import Any

from riskkit.figures.svg import draw
from riskkit.report.associations import Association, associations, is_outcome_wide
from riskkit.report.checks import left_out_told, opinion_table, opinion_told, proportional_hazards
from riskkit.report.curves import curves_figure, models_figure
from riskkit.report.estimates import groups_figure, linear_figure
from riskkit.report.figure import ExposureText, PageFigure, exposure_text, warning
from riskkit.report.limitations import limitations
from riskkit.report.methods import methods
from riskkit.report.outcomewide import parts, volcano_figure
from riskkit.report.people import age_and_sex_figure, characteristics_table, flow_figure
from riskkit.report.references import Bibliography, bibliography, citations, made_told
from riskkit.report.strobe import INTRODUCTION, Item, checklist, methods_anchor
from riskkit.report.tables import curve_shapes, left_out_table, main_table, side_by_side
from riskkit.report.variants import sensitivity_figure, sensitivity_told, subgroups_figure, subgroups_told
from riskkit.report.words import CAUTION, asides, finding, has_evidence, headline, people, reading, shapes_counted
from riskkit.results import Results
from riskkit.tables.table import Table

Progress = Callable[[str], None]
Maker = Callable[[Results, str, ExposureText, Sequence[Association]], PageFigure | None]
FIGURES: tuple[Maker, ...] = (curves_figure, groups_figure, linear_figure, age_and_sex_figure)
COMPARISONS: tuple[Maker, ...] = (models_figure, subgroups_figure, sensitivity_figure)
OUTCOME_WIDE: tuple[Maker, ...] = (linear_figure, volcano_figure, age_and_sex_figure)
FOLDED: tuple[Maker, ...] = (curves_figure, groups_figure, *COMPARISONS)


@dataclass(frozen=True)
class Shown:
    """A figure as it stands in the page: its number, drawings (the narrow one may be empty), caption and table."""

    number: int
    name: str
    id: str
    wide: str
    narrow: str
    caption: str
    table: Table


@dataclass(frozen=True)
class Numbered:
    """A table with its number in the page."""

    number: int
    table: Table


@dataclass(frozen=True)
class Finding:
    """A sentence, the place on the page where its numbers stand (a table's row or a figure), and what adds to it."""

    text: str
    anchor: str
    place: str = "table"
    asides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """What the page shows of one exposure; what is folded is opened by the reader."""

    id: str
    label: str
    findings: tuple[Finding, ...]
    folded_findings: tuple[Finding, ...]
    figures: tuple[Shown, ...]
    main: Numbered
    shapes: Numbered | None
    comparisons: tuple[Shown, ...]
    folded_figures: tuple[Shown, ...]
    models: Numbered | None


@dataclass(frozen=True, eq=False)
class Content:
    """Everything a report says; a page and a document are made from it.

    Attributes
    ----------
    manifest : dict
        Of the results.
    warning : str
        What every sheet of simulated data says; empty where the data are real.
    answer : tuple of str
        The headline.
    people, reading : str
        Who was followed; how the findings are to be read.
    flow : Shown
    baseline : Numbered or None
        The table of characteristics.
    sections : tuple of Section
        One for each exposure.
    proportional : str
        What the tests of proportional hazards say.
    opinion, opinion_table
        What other software says, empty and None where it was not asked.
    left_out : str
    failures : Numbered or None
        The models that were not fitted, in words and with their reasons.
    methods : tuple of (heading, anchor, text)
        Its texts and the introduction of the checklist hold marks of the works they cite; see `Bibliography`.
    limitations : tuple of str
    strobe_introduction : str
    strobe : tuple of Item
    bibliography : Bibliography
    citations : tuple of str
        How to cite the report and its data.
    made : str
    created : datetime
    """

    manifest: dict[str, Any]
    warning: str
    answer: tuple[str, ...]
    people: str
    reading: str
    flow: Shown
    baseline: Numbered | None
    sections: tuple[Section, ...]
    proportional: str
    opinion: str
    opinion_table: Numbered | None
    left_out: str
    failures: Numbered | None
    methods: tuple[tuple[str, str, str], ...]
    limitations: tuple[str, ...]
    strobe_introduction: str
    strobe: tuple[Item, ...]
    bibliography: Bibliography
    citations: tuple[str, ...]
    made: str
    created: datetime


def report_content(results: Results, figures: Path | None = None, on_progress: Progress | None = None) -> Content:
    """Write the sentences, lay out the tables and draw the figures of a report.

    Parameters
    ----------
    results : Results
    figures : path, optional
        Folder for the figures' files. Without one nothing is drawn: there are words and tables only.
    on_progress : callable, optional
        Called with what is being made.
    """
    manifest = results.manifest
    found = associations(results)
    figure_numbers, table_numbers = counter(1), counter(1)

    def show(figure: PageFigure, about: str, folded: bool = False) -> Shown:
        number = next(figure_numbers)
        if on_progress:
            on_progress(f"figure {number}: {figure.name} of {about}" if about else f"figure {number}: {figure.name}")
        return _show(figure, number, about, figures, warning(manifest), folded)

    flow = show(flow_figure(results, found), "")
    described = characteristics_table(results)
    baseline = Numbered(next(table_numbers), described) if described else None
    sections = []
    for i, exposure in enumerate(manifest["exposures"]):
        own = [a for a in found if a.exposure == exposure]
        text = exposure_text(manifest, exposure)
        many = is_outcome_wide(own)
        drawn, comparisons, folded = (
            tuple(
                show(figure, exposure, makers is FOLDED)
                for part in each
                for figure in _figures(makers, results, exposure, text, part)
            )
            for makers, each in _layout(own, many)
        )
        main = Numbered(next(table_numbers), main_table(results, exposure, text, own))
        shapes = curve_shapes(results, exposure, text, own)
        models = side_by_side(results, exposure, text, own)
        clear, aside = (
            tuple(
                Finding(finding(a), a.anchor, asides=asides(a)) for a in own if (has_evidence(a) or not many) == first
            )
            for first in (True, False)
        )
        robust = tuple(_robustness(results, exposure, own, (*comparisons, *folded)))
        shaped, compared = (Numbered(next(table_numbers), t) if t else None for t in (shapes, models))
        if shaped:
            clear = (*clear, Finding(shapes_counted(own), f"table-{shaped.number}"))
        sections.append(
            Section(
                id=f"e{i + 1}",
                label=text.label,
                findings=(*clear, *robust),
                folded_findings=aside,
                figures=drawn,
                main=main,
                shapes=shaped,
                comparisons=comparisons,
                folded_figures=folded,
                models=compared,
            )
        )
    failures = left_out_table(results)
    told = methods(results)
    opinion = opinion_table(results)
    return Content(
        manifest=manifest,
        warning=warning(manifest),
        answer=headline(found),
        people=people(found),
        reading=f"{reading(found)} {CAUTION}".strip(),
        flow=flow,
        baseline=baseline,
        sections=tuple(sections),
        proportional=proportional_hazards(found),
        opinion=opinion_told(results),
        opinion_table=Numbered(next(table_numbers), opinion) if opinion else None,
        left_out=left_out_told(results),
        failures=Numbered(next(table_numbers), failures) if failures else None,
        methods=tuple((heading, methods_anchor(heading), paragraph) for heading, paragraph in told),
        limitations=limitations(results, found),
        strobe_introduction=INTRODUCTION,
        strobe=checklist(results),
        bibliography=bibliography([*(paragraph for _, paragraph in told), INTRODUCTION], manifest),
        citations=citations(results),
        made=made_told(manifest),
        created=datetime.fromisoformat(manifest["provenance"]["created"]),
    )


def _layout(
    found: Sequence[Association], many: bool
) -> tuple[tuple[tuple[Maker, ...], Iterable[Sequence[Association]]], ...]:
    """Which figures stand before the main table, after it, and folded away, each for which outcomes.

    Of many outcomes the page shows those that hold all of them, and folds small multiples, a readable number at a time.
    """
    if not many:
        return (FIGURES, (found,)), (COMPARISONS, (found,)), ((), ())
    return (OUTCOME_WIDE, (found,)), ((), ()), (FOLDED, parts(found))


def _figures(
    makers: Sequence[Maker], results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> Iterator[PageFigure]:
    for make in makers:
        figure = make(results, exposure, text, found)
        if figure:
            yield figure


def _robustness(
    results: Results, exposure: str, found: Sequence[Association], comparisons: Sequence[Shown]
) -> Iterator[Finding]:
    """What subgroups and sensitivity analyses say, with the figures that show it."""
    for name, tell in (("subgroups", subgroups_told), ("sensitivity", sensitivity_told)):
        shown = next((figure for figure in comparisons if figure.name == name), None)
        said = tell(results, exposure, found)
        if shown and said:
            yield Finding(said, shown.id, "figure")


def _show(figure: PageFigure, number: int, about: str, folder: Path | None, mark: str, folded: bool) -> Shown:
    """Write a figure's files and take its drawings into the page, of a folded one only the wide one."""
    name = "-".join(part for part in (f"figure-{number}", _slug(about), figure.name) if part)
    caption = f"{mark}. {figure.caption}" if mark else figure.caption
    if folder is None:
        return Shown(number, figure.name, name, "", "", caption, figure.table)
    drawing = draw(figure.wide, name, mark)
    drawing.write(folder)
    title = f"Figure {number}. {caption}"
    narrow = "" if folded else draw(figure.narrow, f"{name}-narrow", mark).inline(title, figure.finding)
    return Shown(number, figure.name, name, drawing.inline(title, figure.finding), narrow, caption, figure.table)


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
