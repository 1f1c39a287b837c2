"""The index of all analyses: question, answer, main figure; and for what could not be made, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from riskkit import registry
from riskkit.disclosure import applied
from riskkit.figures.svg import draw
from riskkit.folders import whole_file
from riskkit.numbers import count
from riskkit.report.answer import answer
from riskkit.report.render import render
from riskkit.results import Results
from riskkit.telling.associations import Association, associations, is_outcome_wide
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import SIMULATED, exposure_text, warning
from riskkit.telling.telling import Found
from riskkit.telling.words import in_sentence


@dataclass(frozen=True)
class IndexEntry:
    """One analysis as the index shows it.

    Attributes
    ----------
    name : str
        Of the analysis; the folder of its report.
    title, question, cohort : str
        As the analysis file and the cohort call them.
    simulated : bool
    answer : str
        The headline; empty for an analysis that was not made.
    thumbnail : str
        SVG of the main figure, made here; empty where there is none.
    facts : str
        People and events (or cases).
    created : datetime or None
    reason : str
        Why the analysis was not made, in one sentence; empty for one that was.
    published : bool
        Whether it is of published evidence, not of a cohort.
    claims : tuple of pairs
        Claims of published evidence that the analysis speaks to, each with its place under the folder of reports.
    """

    name: str
    title: str
    question: str
    cohort: str
    simulated: bool = False
    answer: str = ""
    thumbnail: str = ""
    facts: str = ""
    created: datetime | None = None
    reason: str = ""
    published: bool = False
    claims: tuple[tuple[str, str], ...] = ()


def index_entry(results: Results) -> IndexEntry:
    """The entry of an analysis that has a report, from its results."""
    manifest = results.manifest
    applied(manifest)
    analysis, cohort = manifest.analysis, manifest.cohort
    found = associations(results)
    first = next((a for a in found if a.fitted), None)
    thumbnail, facts = "", "No model could be fitted"
    if first:
        figure = _main_figure(results, first, found)
        if figure:
            drawing = draw(figure.narrow, f"index-{analysis.name}", warning(manifest))
            thumbnail = drawing.inline(figure.caption, figure.finding)
        had = f"{count(first.events)} {first.measure.event}s ({in_sentence(first.outcome_label)})"
        facts = f"{count(first.people)} people, {had}"
    return IndexEntry(
        name=analysis.name,
        title=analysis.title,
        question=analysis.question,
        cohort=cohort.title,
        simulated=cohort.simulated,
        answer=answer(results, found)[0],
        thumbnail=thumbnail,
        facts=facts,
        created=datetime.fromisoformat(manifest.provenance.created),
    )


def _main_figure(results: Results, first: Association, found: Found) -> PageFigure | None:
    """The first figure of the first exposure that the report shows, of its first outcome alone where it can be."""
    many = is_outcome_wide(found)
    own = [a for a in found if a.exposure == first.exposure] if many else [first]
    text = exposure_text(results.manifest, first.exposure)
    leading = [
        exhibit
        for telling in registry.parts("tell").values()
        for exhibit in telling.exhibits
        if exhibit.place == "leading" and (exhibit.few == "absent" if many else exhibit.few == "shown")
    ]
    made = (figure for exhibit in leading for figure in exhibit.of(results, first.exposure, text, own))
    return next((figure for figure in made if isinstance(figure, PageFigure)), None)


def write_index(folder: str | Path, entries: Sequence[IndexEntry]) -> Path:
    """Write index.html into the folder of reports; it appears whole or not at all.

    Parameters
    ----------
    folder : path
        The folder that holds each report in a folder of its analysis's name.
    entries : sequence of IndexEntry
        Shown in this order, those that were made first.
    """
    folder = Path(folder)
    made = [entry for entry in entries if not entry.reason]
    absent = [entry for entry in entries if entry.reason]
    with whole_file(folder / "index.html") as part:
        part.write_text(render("index.html.j2", made=made, absent=absent, simulated=SIMULATED), encoding="utf-8")
    return folder / "index.html"
