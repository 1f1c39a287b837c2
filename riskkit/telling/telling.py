"""What a kind of question contributes to a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from riskkit.results import Results
from riskkit.tables.table import Table
from riskkit.telling.associations import Association
from riskkit.telling.blocks import Block, Link, PageFigure
from riskkit.telling.exposure_text import ExposureText
from riskkit.telling.references import Work

Found = Sequence[Association]
Maker = Callable[[Results, str, ExposureText, Found], PageFigure | Table | Sequence[PageFigure] | None]
Place = Literal["leading", "describing", "tables", "comparing", "last"]


@dataclass(frozen=True)
class Exhibit:
    """Figures or tables of one exposure with its outcomes.

    Attributes
    ----------
    make : callable
        Makes them from results, the exposure, its texts and its associations; None, or none, where there are none.
    place : {"leading", "describing", "tables", "comparing", "last"}
        Where in the section of the exposure: before its tables, after what leads, the tables, what compares, the end.
    few, many : {"shown", "folded", "absent"}
        How it stands where outcomes can be told one by one, and where there are more than that.
    said : callable, optional
        The key finding that it proves, in a sentence; empty for none.
    """

    make: Maker
    place: Place
    few: Literal["shown", "absent"] = "shown"
    many: Literal["shown", "folded", "absent"] = "folded"
    said: Callable[[Results, str, Found], str] | None = None

    def of(self, results: Results, exposure: str, text: ExposureText, found: Found) -> Sequence[PageFigure | Table]:
        """What there is to show."""
        made = self.make(results, exposure, text, found)
        return () if made is None else (made,) if isinstance(made, PageFigure | Table) else made


@dataclass(frozen=True)
class Telling:
    """What a kind of question contributes to a report; each part may be left out.

    Attributes
    ----------
    exhibits : tuple of Exhibit
    answer : callable
        The headline where this kind of question leads the report, in sentences; none where it does not.
    people, checks : callable
        Blocks of the sections on who was studied and on checks.
    sections : callable
        Blocks of sections of its own, after those of the exposures, each begun by its heading of level 2.
    methods : callable
        Headings and paragraphs. Under a heading that the methods have anyway, the paragraph goes on.
    limits : callable
        What limits the conclusions, in sentences.
    strobe : callable
        The items of STROBE that it meets, each with the place where it does.
    works : mapping of key to Work
        What its texts cite.
    """

    exhibits: tuple[Exhibit, ...] = ()
    answer: Callable[[Results, Found], tuple[str, ...]] | None = None
    people: Callable[[Results, Found], Iterator[Block]] | None = None
    checks: Callable[[Results, Found], Iterator[Block]] | None = None
    sections: Callable[[Results, Found], Iterator[Block]] | None = None
    methods: Callable[[Results], Iterator[tuple[str, str]]] | None = None
    limits: Callable[[Results], Iterator[str]] | None = None
    strobe: Callable[[Results], Iterator[tuple[int, Link]]] | None = None
    works: Mapping[str, Work] = field(default_factory=dict)


def methods_link(heading: str) -> Link:
    """The place of a paragraph of the methods."""
    return Link(f"methods-{heading.lower().replace(' ', '-')}", f"Methods: {heading.lower()}")
