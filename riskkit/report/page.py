"""The report of an analysis: one self-contained page, with its figures and data beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from riskkit.report.content import Progress, report_content
from riskkit.report.render import render
from riskkit.results import Results


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
        (partial / "index.html").write_text(page_html(results, partial / "figures", on_progress), encoding="utf-8")
        for name, frame in results.frames().items():
            frame.to_csv(partial / "data" / f"{name}.csv", index=False)
            frame.to_parquet(partial / "data" / f"{name}.parquet", index=False)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder / "index.html"


def page_html(results: Results, figures: Path | None = None, on_progress: Progress | None = None) -> str:
    """The page as HTML.

    Parameters
    ----------
    results : Results
    figures : path, optional
        Folder for the figures' files. Without one nothing is drawn: the page has its words and tables only.
    on_progress : callable, optional
    """
    content = report_content(results, figures, on_progress)
    return render("page.html.j2", **vars(content), frames=Results.frame_names())
