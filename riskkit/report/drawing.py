"""The figures of a report, drawn side by side on all processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

import joblib

from riskkit.figures.svg import draw
from riskkit.telling.blocks import Figure

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Drawn:
    """SVG of a figure for a page and for a telephone; the latter is empty for a folded one."""

    wide: str
    narrow: str


def draw_figures(
    figures: Sequence[Figure], folder: Path, mark: str = "", on_progress: Progress | None = None
) -> dict[str, Drawn]:
    """Draw the figures, write the files of each, and give what stands in the page by its id.

    Parameters
    ----------
    figures : sequence of Figure
    folder : path
        For ID.svg, ID.pdf and ID.png.
    mark : str
        Stamped on each.
    on_progress : callable, optional
        Called with each that was drawn.
    """
    drawn = {}
    # the standard library's pool, not joblib's: where processes are forked they have matplotlib imported already
    workers = max(1, min(joblib.cpu_count(), len(figures)))
    with ProcessPoolExecutor(workers, initializer=_end_with_parent) as pool:
        for shown, drawing in zip(figures, pool.map(partial(_draw, folder=folder, mark=mark), figures), strict=True):
            drawn[shown.id] = drawing
            if on_progress:
                on_progress(shown.id)
    return drawn


def _end_with_parent() -> None:
    """Have a worker end when its parent is killed; it would wait for work for ever, and keep the report's lock."""
    parent = parent_process()
    if parent is not None:

        def end() -> None:
            parent.join()
            os._exit(1)

        Thread(target=end, daemon=True).start()


def _draw(shown: Figure, folder: Path, mark: str) -> Drawn:
    title = f"Figure {shown.number}. {shown.caption}"
    wide = draw(shown.figure.wide, shown.id, mark)
    wide.write(folder)
    narrow = "" if shown.folded else draw(shown.figure.narrow, f"{shown.id}-narrow", mark).inline(title, shown.finding)
    return Drawn(wide.inline(title, shown.finding), narrow)
