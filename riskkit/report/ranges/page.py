"""The report of reference ranges as a page with its figures, tables and data, its check, and its entry in the index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from riskkit.figures.svg import draw
from riskkit.folders import whole_folder
from riskkit.numbers import count
from riskkit.report.check import Checked, compare
from riskkit.report.document import laid_document, write_laid
from riskkit.report.drawing import Drawn, Progress, draw_figures
from riskkit.report.index import IndexEntry
from riskkit.report.ranges.content import RangesContent, answer, ranges_content
from riskkit.report.render import render
from riskkit.runner.ranges.results import RangesResults
from riskkit.tables.sheet import without_formulas


def write_ranges_report(results: RangesResults, folder: str | Path, on_progress: Progress | None = None) -> Path:
    """Write the report of reference ranges; the folder appears whole or not at all.

    Parameters
    ----------
    results : RangesResults
        As they may be shown.
    folder : path
        Replaced if it is there. It gets index.html, figures/, tables/ and data/, as other reports do.
    on_progress : callable, optional
        Called with the name of each figure that was drawn.

    Returns
    -------
    Path
        Of index.html.
    """
    folder = Path(folder)
    with whole_folder(folder) as new:
        for name in ("figures", "data", "tables"):
            (new / name).mkdir()
        content = ranges_content(results)
        drawings = draw_figures(content.figures, new / "figures", content.front.warning, on_progress)
        (new / "index.html").write_text(ranges_html(content, results, drawings), encoding="utf-8")
        for name, table in content.tables:
            (new / "tables" / f"{name}.csv").write_text(table.to_csv(), encoding="utf-8")
        for name, frame in results.frames.items():
            without_formulas(frame).to_csv(new / "data" / f"{name}.csv", index=False)
            frame.to_parquet(new / "data" / f"{name}.parquet", index=False)
    return folder / "index.html"


def ranges_html(content: RangesContent, results: RangesResults, drawings: Mapping[str, Drawn]) -> str:
    """The page with the drawings of its figures, by their ids; those without one are left out."""
    return render("ranges.html.j2", content=content, drawings=drawings, frames=tuple(results.frames))


def check_ranges(results: RangesResults, folder: str | Path) -> Checked:
    """Derive every number of the report again from the stored results, and say which differ.

    Raises
    ------
    DataError
        If there is no report.
    """
    content = ranges_content(results)
    document = laid_document(content, content.front)
    return compare(folder, content, ranges_html(content, results, {}), results.frames, document)


def write_ranges_docx(results: RangesResults, folder: str | Path) -> Path:
    """Write the report as a Word document beside its page.

    Raises
    ------
    DataError
        If the page is not there, or of other results.
    """
    content = ranges_content(results)
    return write_laid(content, content.front, folder)


def ranges_entry(results: RangesResults) -> IndexEntry:
    """The entry of reference ranges in the index, with its first chart."""
    content = ranges_content(results)
    thumbnail = ""
    if content.figures:
        figure = content.figures[0]
        name = f"index-{results.spec.name}"
        thumbnail = draw(figure.figure.narrow, name, content.front.warning).inline(figure.caption, figure.finding)
    people = results.frames["people"]
    facts = "; ".join(
        f"{count(own['n'].sum(min_count=len(own)))} people" for _, own in people.groupby("sample", sort=False)
    )
    said = answer(results)
    return IndexEntry(
        results.spec.name, results.spec.title, results.spec.question, content.front.above, results.simulated,
        said[0] if said else "", thumbnail, facts, datetime.fromisoformat(results.provenance.created),
    )  # fmt: skip
