"""The report of an analysis: one self-contained page, with its figures and data beside it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count as counter
from pathlib import Path

from riskkit.figures.svg import draw
from riskkit.numbers import count
from riskkit.report.associations import Association, associations, is_outcome_wide, main_rows
from riskkit.report.curves import curves_figure, models_figure
from riskkit.report.estimates import groups_figure, linear_figure
from riskkit.report.figure import ExposureText, PageFigure, exposure_text, warning
from riskkit.report.methods import limitations, methods
from riskkit.report.outcomewide import parts, volcano_figure
from riskkit.report.people import characteristics_table, flow_figure
from riskkit.report.render import render
from riskkit.report.variants import sensitivity_figure, sensitivity_told, subgroups_figure, subgroups_told
from riskkit.report.words import TIME_SCALES, finding, has_evidence, headline, people, proportional_hazards, reading
from riskkit.results import Results
from riskkit.tables.estimates import failures_table, models_table
from riskkit.tables.table import Table
from riskkit.tables.tests import table_of_tests

CODINGS = {"spline": "spline", "groups": "groups", "linear": "straight line"}
Progress = Callable[[str], None]
Maker = Callable[[Results, str, ExposureText, Sequence[Association]], PageFigure | None]
FIGURES: tuple[Maker, ...] = (curves_figure, groups_figure, linear_figure)
COMPARISONS: tuple[Maker, ...] = (models_figure, subgroups_figure, sensitivity_figure)
OUTCOME_WIDE: tuple[Maker, ...] = (linear_figure, volcano_figure)
FOLDED: tuple[Maker, ...] = (curves_figure, groups_figure, *COMPARISONS)
VARIANT_MODEL = ("exposure", "outcome", "coding", "variant")  # columns that tell the models of variants apart


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
    """A sentence, and the place on the page where its numbers stand: a table's row or a figure."""

    text: str
    anchor: str
    place: str = "table"


@dataclass(frozen=True)
class Section:
    """What the page shows of one exposure; what is folded is opened by the reader."""

    id: str
    label: str
    findings: tuple[Finding, ...]
    folded_findings: tuple[Finding, ...]
    figures: tuple[Shown, ...]
    main: Numbered
    comparisons: tuple[Shown, ...]
    folded_figures: tuple[Shown, ...]
    models: Numbered | None


def write_report(results: Results, folder: str | Path, on_progress: Progress | None = None) -> Path:
    """Write the report of an analysis; the folder appears whole or not at all.

    Parameters
    ----------
    results : Results
    folder : path
        Replaced if it is there. It gets index.html, figures/ (SVG, and PNG at 300 dpi) and data/ (every frame of the
        results as CSV and Parquet).
    on_progress : callable, optional
        Called with what is being made.

    Returns
    -------
    Path
        Of index.html.
    """
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "figures").mkdir(parents=True)
    (partial / "data").mkdir()
    try:
        (partial / "index.html").write_text(_page(results, partial / "figures", on_progress), encoding="utf-8")
        for name, frame in results.frames().items():
            frame.to_csv(partial / "data" / f"{name}.csv", index=False)
            frame.to_parquet(partial / "data" / f"{name}.parquet", index=False)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder / "index.html"


def _page(results: Results, figures: Path, on_progress: Progress | None) -> str:
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
        main = Numbered(next(table_numbers), _main_table(results, exposure, text, own))
        models = _models_table(results, exposure, text, own)
        told, aside = (
            tuple(Finding(finding(a), a.anchor) for a in own if (has_evidence(a) or not many) == first)
            for first in (True, False)
        )
        robust = tuple(_robustness(results, exposure, own, (*comparisons, *folded)))
        numbered = Numbered(next(table_numbers), models) if models else None
        sections.append(
            Section(f"e{i + 1}", text.label, (*told, *robust), aside, drawn, main, comparisons, folded, numbered)
        )
    failures = _failures(results)
    return render(
        "page.html.j2",
        manifest=manifest,
        warning=warning(manifest),
        answer=headline(found),
        people=people(found),
        reading=reading(found),
        sections=sections,
        flow=flow,
        baseline=baseline,
        proportional=proportional_hazards(found),
        failures=Numbered(next(table_numbers), failures) if failures else None,
        fitted=count(len(results.fits) + len(results.variants[list(VARIANT_MODEL)].drop_duplicates())),
        methods=methods(results),
        limitations=limitations(results, found),
        created=datetime.fromisoformat(manifest["provenance"]["created"]),
        frames=Results.frame_names(),
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


def _show(figure: PageFigure, number: int, about: str, folder: Path, mark: str, folded: bool) -> Shown:
    """Write a figure's files and take its drawings into the page, of a folded one only the wide one."""
    name = "-".join(part for part in (f"figure-{number}", _slug(about), figure.name) if part)
    drawing = draw(figure.wide, name, mark)
    drawing.write(folder)
    caption = f"{mark}. {figure.caption}" if mark else figure.caption
    title = f"Figure {number}. {caption}"
    narrow = "" if folded else draw(figure.narrow, f"{name}-narrow", mark).inline(title, figure.finding)
    return Shown(number, figure.name, name, drawing.inline(title, figure.finding), narrow, caption, figure.table)


def _main_table(results: Results, exposure: str, text: ExposureText, found: Sequence[Association]) -> Table:
    manifest = results.manifest
    return table_of_tests(
        main_rows(results.tests, manifest, exposure),
        main_rows(results.estimates, manifest, exposure, "linear"),
        main_rows(results.fits, manifest, exposure),
        {a.outcome: a.outcome_label for a in found},
        exposure,
        f"Main results: {text.name} with every outcome. {text.short} is per {text.increment} higher. {text.adjusted}",
        text.short,
        {a.outcome: a.anchor for a in found},
    )


def _models_table(results: Results, exposure: str, text: ExposureText, found: Sequence[Association]) -> Table | None:
    analysis = results.manifest["analysis"]
    linear = results.estimates[(results.estimates["exposure"] == exposure) & (results.estimates["coding"] == "linear")]
    if linear.empty or len(analysis["models"]) * len(analysis["time_scales"]) < 2:
        return None
    return models_table(
        linear,
        {a.outcome: a.outcome_label for a in found},
        {model["name"]: model["label"] for model in analysis["models"]},
        {scale: TIME_SCALES[scale].capitalize() for scale in analysis["time_scales"]},
        analysis["main_model"],
        f"Models and time scales side by side. {text.ratio} per {text.increment} higher {text.name}",
    )


def _failures(results: Results) -> Table | None:
    if results.failures.empty:
        return None
    manifest = results.manifest
    analysis = manifest["analysis"]
    labels = {
        "exposure": {name: exposure["label"] for name, exposure in manifest["exposures"].items()},
        "outcome": {name: outcome["label"] for name, outcome in manifest["outcomes"].items()},
        "time_scale": TIME_SCALES,
        "coding": CODINGS,
        "model": {model["name"]: model["label"] for model in analysis["models"]},
        "variant": {each["name"]: each["label"] for each in (*analysis["subgroups"], *analysis["sensitivity"])},
    }
    return failures_table(results.failures, labels, "Models that were left out, and why")


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
