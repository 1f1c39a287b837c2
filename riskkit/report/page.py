"""The report of an analysis: one self-contained page, with its figures and data beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from riskkit.folders import whole_folder
from riskkit.report.content import Content, report_content
from riskkit.report.drawing import Drawn, Progress, draw_figures
from riskkit.report.explorer import Explorer, explorer
from riskkit.report.render import render
from riskkit.report.replicate import replication
from riskkit.report.scripts import policy, searching
from riskkit.results import Results, reported
from riskkit.tables.sheet import without_formulas


def write_report(results: Results, folder: str | Path, on_progress: Progress | None = None) -> Path:
    """Write the report of an analysis; the folder appears whole or not at all.

    Parameters
    ----------
    results : Results
    folder : path
        Replaced if it is there. It gets index.html, figures/ (SVG, PDF, and PNG at 300 dpi), tables/ (every table
        as CSV, as it is printed), data/ (every frame of the results as CSV and Parquet) and replicate.R (which makes
        the estimates again in R).
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
        content = report_content(results)
        drawings = draw_figures(content.figures, new / "figures", content.warning, on_progress)
        html = content_html(content, drawings, explorer(results))
        (new / "index.html").write_text(html, encoding="utf-8")
        (new / "replicate.R").write_text(replication(results), encoding="utf-8")
        for name, table in content.tables:
            (new / "tables" / f"{name}.csv").write_text(table.to_csv(), encoding="utf-8")
        for name in reported():
            frame = results.frames[name]
            without_formulas(frame).to_csv(new / "data" / f"{name}.csv", index=False)
            frame.to_parquet(new / "data" / f"{name}.parquet", index=False)
    return folder / "index.html"


def page_html(results: Results) -> str:
    """The page as HTML, with its words and tables only: nothing is drawn."""
    return content_html(report_content(results), {}, explorer(results))


def content_html(content: Content, drawings: Mapping[str, Drawn], explored: Explorer | None) -> str:
    """What a report says, as a page with the drawings of its figures, by their ids; those without one are left out."""
    scripts = (*searching(content.tables), *(explored.scripts if explored else ()))
    return render(
        "page.html.j2", content=content, drawings=drawings, frames=reported(), explorer=explored, scripts=scripts,
        policy=policy(scripts),
    )  # fmt: skip
