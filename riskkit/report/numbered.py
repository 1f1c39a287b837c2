"""Figures and tables with their numbers in a report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count as counter

from riskkit.report.figure import PageFigure
from riskkit.tables.table import Table


@dataclass(frozen=True)
class Shown:
    """A figure as it stands in a report.

    Attributes
    ----------
    number : int
    id : str
        Its place, and the name of its files.
    figure : PageFigure
    caption : str
        The figure's, after what every figure of simulated data says.
    folded : bool
        Opened by the reader: one drawing serves every width.
    """

    number: int
    id: str
    figure: PageFigure
    caption: str
    folded: bool

    @property
    def name(self) -> str:
        """The figure's kind."""
        return self.figure.name

    @property
    def finding(self) -> str:
        """What there is to see."""
        return self.figure.finding

    @property
    def table(self) -> Table:
        """The numbers behind it."""
        return self.figure.table

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
    """Numbers the figures and the tables of a report in the order in which they come.

    Parameters
    ----------
    mark : str
        What every figure of simulated data says; empty where the data are real.

    Attributes
    ----------
    figures : list of Shown
        Those that have a number.
    """

    def __init__(self, mark: str) -> None:
        self.figures: list[Shown] = []
        self._mark, self._tables = mark, counter(1)

    def table(self, table: Table | None) -> Numbered | None:
        """The table with the next number; None for none."""
        return Numbered(next(self._tables), table) if table else None

    def figure(self, figure: PageFigure, about: str = "", folded: bool = False) -> Shown:
        """The figure with the next number."""
        number = len(self.figures) + 1
        id = "-".join(part for part in (f"figure-{number}", _slug(about), figure.name) if part)
        caption = f"{self._mark}. {figure.caption}" if self._mark else figure.caption
        self.figures.append(Shown(number, id, figure, caption, folded))
        return self.figures[-1]


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
