"""What a report says of one exposure: its findings, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from riskkit.report.associations import Association, is_outcome_wide
from riskkit.report.curves import curves_figure, models_figure, usual_figure
from riskkit.report.estimates import groups_figure, linear_figure
from riskkit.report.figure import ExposureText, PageFigure, exposure_text
from riskkit.report.imputed import imputed_figure, imputed_told
from riskkit.report.incidence import incidence_figure
from riskkit.report.interactions import interaction_figures, interactions_told
from riskkit.report.numbered import Numbered, Numberer, Shown
from riskkit.report.outcomewide import parts, volcano_figure
from riskkit.report.people import age_and_sex_figure
from riskkit.report.published import published_figure
from riskkit.report.robustness import robustness_figure, robustness_told
from riskkit.report.tables import curve_shapes, main_table, side_by_side, variant_shapes
from riskkit.report.variants import sensitivity_figure, sensitivity_told, subgroups_figure, subgroups_told
from riskkit.report.weighted import weighted_figure, weighted_told
from riskkit.report.words import asides, finding, has_evidence, shapes_counted
from riskkit.results import Results

Maker = Callable[[Results, str, ExposureText, Sequence[Association]], PageFigure | None]
LEADING: tuple[Maker, ...] = (curves_figure, usual_figure, groups_figure, linear_figure)
OUTCOME_WIDE: tuple[Maker, ...] = (linear_figure, volcano_figure, usual_figure)
DESCRIBING: tuple[Maker, ...] = (incidence_figure, age_and_sex_figure)
TOLD = {
    "weighted": weighted_told,
    "subgroups": subgroups_told,
    "interaction": interactions_told,
    "sensitivity": sensitivity_told,
    "robustness": robustness_told,
    "imputed": imputed_told,
}  # by the first word of the figure's name


@dataclass(frozen=True)
class Finding:
    """A sentence, the place where its numbers stand (a table's row or a figure), and what adds to it."""

    text: str
    anchor: str
    place: str = "table"
    asides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """What a report shows of one exposure; what is folded is opened by the reader of a page."""

    id: str
    label: str
    findings: tuple[Finding, ...]
    folded_findings: tuple[Finding, ...]
    figures: tuple[Shown, ...]
    main: Numbered | None
    shapes: Numbered | None
    variant_shapes: Numbered | None
    comparisons: tuple[Shown, ...]
    folded_figures: tuple[Shown, ...]
    models: Numbered | None


def report_section(results: Results, exposure: str, id: str, own: Sequence[Association], numberer: Numberer) -> Section:
    """Write the findings, draw the figures and lay out the tables of one exposure with its outcomes."""
    text = exposure_text(results.manifest, exposure)
    many = is_outcome_wide(own)
    drawn, comparisons, folded = (
        tuple(
            numberer.figure(figure, exposure, fold)
            for part in each
            for figure in _figures(makers, results, exposure, text, part)
        )
        for makers, each, fold in _layout(results, exposure, own, many)
    )
    main, shapes, of_variants, models = (
        numberer.table(make(results, exposure, text, own))
        for make in (main_table, curve_shapes, variant_shapes, side_by_side)
    )
    clear, aside = (
        tuple(Finding(finding(a), a.anchor, asides=asides(a)) for a in own if (has_evidence(a) or not many) == first)
        for first in (True, False)
    )
    shaped = (Finding(shapes_counted(own), shapes.id),) if shapes else ()
    return Section(
        id=id,
        label=text.label,
        findings=(*clear, *shaped, *_robustness(results, exposure, own, (*comparisons, *folded))),
        folded_findings=aside,
        figures=drawn,
        main=main,
        shapes=shapes,
        variant_shapes=of_variants,
        comparisons=comparisons,
        folded_figures=folded,
        models=models,
    )


def _layout(
    results: Results, exposure: str, found: Sequence[Association], many: bool
) -> tuple[tuple[tuple[Maker, ...], Iterable[Sequence[Association]], bool], ...]:
    """Which figures stand before the main table, after it, and folded away, each for which outcomes.

    The first exposure is shown whole, of others what their answer rests on. Of many outcomes the page shows the figures
    that hold all of them, and folds small multiples, a readable number at a time.
    """
    modified = interaction_figures(results.manifest)
    comparisons = (
        models_figure,
        weighted_figure,
        subgroups_figure,
        *modified,
        sensitivity_figure,
        robustness_figure,
        published_figure,
        imputed_figure,
    )
    nothing: tuple[tuple[Maker, ...], Iterable[Sequence[Association]], bool] = ((), (), False)
    if many:
        folded = (curves_figure, groups_figure, *comparisons)
        return ((*OUTCOME_WIDE, *DESCRIBING), (found,), False), nothing, (folded, parts(found), True)
    if exposure == next(iter(results.manifest["exposures"])):
        return ((*LEADING, *DESCRIBING), (found,), False), (comparisons, (found,), False), nothing
    return (LEADING, (found,), False), nothing, ((*DESCRIBING, *comparisons), (found,), True)


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
    """What comparisons say, with the figures that show it."""
    for name, tell in TOLD.items():
        shown = next((figure for figure in comparisons if figure.name.split("-")[0] == name), None)
        said = tell(results, exposure, found)
        if shown and said:
            yield Finding(said, shown.id, "figure")
