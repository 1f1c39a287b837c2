"""A report is one list of blocks. Page, Word document, CSV files, check and contents all walk the same list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count as counter
from typing import Literal

from matplotlib.figure import Figure as Drawing

from riskkit.tables.table import Table


@dataclass(frozen=True)
class Heading:
    """A heading: of level 2 it begins a section, which the contents list; of level 3 a part of one.

    `anchor` is its place on the page; `contents` what the list calls it, where that is shorter; `on_page` says that
    only a page has what stands under it.
    """

    text: str
    level: Literal[2, 3] = 3
    anchor: str = ""
    contents: str = ""
    on_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more; marks such as [@cox] cite works."""

    text: str


@dataclass(frozen=True, eq=False)
class PageFigure:
    """A figure before it has a number.

    Attributes
    ----------
    name : str
        Of its files and ids.
    draw : callable
        Draws it when called with narrow=False (for a page) or narrow=True (for a telephone); the same numbers. It can
        be pickled, so that another process may do it.
    caption : str
        What is shown and how to read it.
    finding : str
        What there is to see, for those who cannot see it.
    table : Table
        The numbers behind it.
    about : str
        The exposure it is of, which its id names; empty where it is of all.
    """

    name: str
    draw: Callable[..., Drawing]
    caption: str
    finding: str
    table: Table
    about: str = ""

    @property
    def wide(self) -> Drawing:
        """For a page."""
        return self.draw(narrow=False)

    @property
    def narrow(self) -> Drawing:
        """For a telephone."""
        return self.draw(narrow=True)


@dataclass(frozen=True)
class Item:
    """One of a list: its text, where its numbers stand (an anchor, or a figure or table), and what adds to it."""

    text: str
    at: str | PageFigure | Table = ""
    place: str = "table"
    asides: tuple[str, ...] = ()
    doi: str = ""


@dataclass(frozen=True)
class Items:
    """A list; `numbered` where it is referred to by number."""

    items: tuple[Item, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Figure:
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


@dataclass(frozen=True)
class Fold:
    """Blocks that the reader of a page opens; elsewhere they stand as they are."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class OnPage:
    """A part that only a page has, by the name of its template."""

    template: str


@dataclass(frozen=True)
class Link:
    """A place on the page and what it is called."""

    anchor: str
    label: str


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a reporting checklist: what it asks for, how far it is met, where, and what to know."""

    number: int
    topic: str
    asks: str
    status: Literal["met", "in part", "not met"]
    where: tuple[Link, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Checklist:
    """A reporting checklist; `table` is the same with the names of the places."""

    items: tuple[ChecklistItem, ...]
    table: Table


Block = Heading | Paragraph | Items | PageFigure | Table | Figure | Numbered | Fold | Checklist | OnPage


def walk(blocks: Iterable[Block]) -> Iterator[Block]:
    """Every block in order, those inside folds too."""
    for block in blocks:
        if isinstance(block, Fold):
            yield from walk(block.blocks)
        else:
            yield block


def tables(blocks: Iterable[Block]) -> Iterator[tuple[str, Table]]:
    """Every table in the order of the report, those behind figures too, each with its place on the page."""
    for block in walk(blocks):
        match block:
            case Figure():
                yield block.table_id, block.table
            case Numbered():
                yield block.id, block.table
            case Checklist():
                yield "strobe", block.table


def numbered(blocks: Iterable[Block], mark: str = "") -> tuple[Block, ...]:
    """Number figures and tables in the order in which they come, and lead the items that speak of them there.

    Parameters
    ----------
    blocks : iterable of Block
    mark : str
        What every figure of simulated data says; empty where the data are real.
    """
    blocks = tuple(blocks)
    figures, numbers = counter(1), counter(1)
    place: dict[int, Figure | Numbered] = {}

    def count(inside: Iterable[Block], folded: bool) -> None:
        for block in inside:
            if isinstance(block, Fold):
                count(block.blocks, True)
            elif isinstance(block, PageFigure):
                place[id(block)] = _figure(block, next(figures), mark, folded)
            elif isinstance(block, Table):
                place[id(block)] = Numbered(next(numbers), block)

    def put(block: Block) -> Block:
        match block:
            case Fold():
                return replace(block, blocks=tuple(map(put, block.blocks)))
            case PageFigure() | Table():
                return place[id(block)]
            case Items():
                return replace(block, items=tuple(map(lead, block.items)))
        return block

    def lead(item: Item) -> Item:
        return item if isinstance(item.at, str) else replace(item, at=place[id(item.at)].id)

    count(blocks, False)
    return tuple(map(put, blocks))


def _figure(figure: PageFigure, number: int, mark: str, folded: bool) -> Figure:
    id = "-".join(part for part in (f"figure-{number}", _slug(figure.about), figure.name) if part)
    caption = f"{mark}. {figure.caption}" if mark else figure.caption
    return Figure(number, id, figure, caption, folded)


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
