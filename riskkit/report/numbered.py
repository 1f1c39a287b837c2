"""Figures and tables with their numbers in a report, the figures drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count as counter
from pathlib import Path

from riskkit.figures.svg import draw
from riskkit.report.figure import PageFigure
from riskkit.tables.table import Table

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Shown:
    """A figure as it stands in a report.

    Attributes
    ----------
    number : int
    name, id : str
        The figure's kind, and the name of its files.
    wide, narrow : str
        SVG for a page; empty where nothing was drawn, the narrow one also where it is not wanted.
    caption, finding : str
        How to read it, and what there is to see.
    table : Table
        The numbers behind it.
    """

    number: int
    name: str
    id: str
    wide: str
    narrow: str
    caption: str
    finding: str
    table: Table

    @property
    def table_id(self) -> str:
        """The place of the table behind it, and the name of its file."""
        return f"{self.id}-table"


@dataclass(frozen=True)
class Numbered:
    """A table with its number in the report."""

    number: int
    table: Table

    @property
    def id(self) -> str:
        """Its place, and the name of its file."""
        return f"table-{self.number}"


class Numberer:
    """Numbers the figures and the tables of a report in the order in which they come, and draws the figures.

    Parameters
    ----------
    folder : path or None
        For the figures' files. Without one nothing is drawn.
    mark : str
        What every figure of simulated data says; empty where the data are real.
    on_progress : callable, optional
        Called with what is being made.
    """

    def __init__(self, folder: Path | None, mark: str, on_progress: Progress | None = None) -> None:
        self._folder, self._mark, self._on_progress = folder, mark, on_progress
        self._figures, self._tables = counter(1), counter(1)

    def table(self, table: Table | None) -> Numbered | None:
        """The table with the next number; None for none."""
        return Numbered(next(self._tables), table) if table else None

    def figure(self, figure: PageFigure, about: str = "", folded: bool = False) -> Shown:
        """The figure with the next number, of a folded one only the wide drawing."""
        number = next(self._figures)
        if self._on_progress:
            of = f" of {about}" if about else ""
            self._on_progress(f"figure {number}: {figure.name}{of}")
        name = "-".join(part for part in (f"figure-{number}", _slug(about), figure.name) if part)
        caption = f"{self._mark}. {figure.caption}" if self._mark else figure.caption
        wide = narrow = ""
        if self._folder:
            drawing, title = draw(figure.wide, name, self._mark), f"Figure {number}. {caption}"
            drawing.write(self._folder)
            wide = drawing.inline(title, figure.finding)
            if not folded:
                narrow = draw(figure.narrow, f"{name}-narrow", self._mark).inline(title, figure.finding)
        return Shown(number, figure.name, name, wide, narrow, caption, figure.finding, figure.table)


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
