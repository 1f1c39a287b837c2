"""What a report says of one exposure: its findings, and its section of figures and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from riskkit import registry
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.tables.table import Table
from riskkit.telling.associations import is_outcome_wide
from riskkit.telling.blocks import Block, Fold, Heading, Item, Items, PageFigure
from riskkit.telling.exposure_text import exposure_text
from riskkit.telling.telling import Exhibit, Found
from riskkit.telling.words import asides, finding, standing, standings

PLACES = ("leading", "describing", "tables", "comparing", "last")


@dataclass(frozen=True)
class Section:
    """One exposure: what its key findings say, and the blocks of its section."""

    findings: tuple[Block, ...]
    blocks: tuple[Block, ...]


def section(results: Results, exposure: str, anchor: str, own: Found) -> Section:
    """Lay out one exposure with its outcomes.

    The first exposure is shown whole, of others what their answer rests on. Of many outcomes the page shows what holds
    all of them, and folds small multiples, a readable number at a time.
    """
    text = exposure_text(results.manifest, exposure)
    many, first = is_outcome_wide(own), exposure == next(iter(results.manifest.exposures))
    shown: dict[str, list[Block]] = {place: [] for place in PLACES}
    folded: list[tuple[int, PageFigure]] = []  # by the first of the outcomes that they show
    said: list[Item] = []
    for exhibit, start, found in _exhibits(own, many):
        made = [
            replace(each, about=exposure) if isinstance(each, PageFigure) else each
            for each in exhibit.of(results, exposure, text, found)
        ]
        fold = exhibit.many == "folded" if many else not first and exhibit.place in ("describing", "comparing")
        for each in made:
            if fold and isinstance(each, PageFigure):
                folded.append((start, each))
            else:
                shown[exhibit.place].append(each)
        spoken = exhibit.said(results, exposure, own) if made and exhibit.said else ""
        if spoken and all(item.text != spoken for item in said):
            said.append(Item(spoken, made[0], "table" if isinstance(made[0], Table) else "figure"))
    last = shown.pop("last")
    figures = tuple(figure for _, figure in sorted(folded, key=lambda each: each[0]))
    more = [Fold(f"{len(figures)} more figures", figures)] if figures else []
    blocks = (
        Heading(text.label, 2, anchor),
        *(block for place in shown.values() for block in place),
        *more,
        *last,
    )
    return Section(_findings(text.label, own, said, many), blocks)


def _exhibits(own: Found, many: bool) -> Iterator[tuple[Exhibit, int, Found]]:
    """The exhibits in the order of the report, those that are folded for a readable number of outcomes at a time."""
    every = [exhibit for telling in registry.parts("tell").values() for exhibit in telling.exhibits]
    for exhibit in every:
        kept = exhibit.many if many else exhibit.few
        if kept == "shown":
            yield exhibit, 0, own
        elif kept == "folded":
            for start in range(0, len(own), READABLE):
                yield exhibit, start, own[start : start + READABLE]


def _findings(label: str, own: Found, said: list[Item], many: bool) -> tuple[Block, ...]:
    """The heading and key findings of one exposure; where there are many, only those that stand out are unfolded."""
    of: dict[str, list[Item]] = {}
    for a in own:
        of.setdefault(standing(a) if many else "", []).append(Item(finding(a), a.anchor, asides=asides(a)))
    folds = tuple(
        Fold(f"{words}: {len(of[where])}", (Items(tuple(of[where])),))
        for where, words in standings(own).items()
        if where in of
    )
    return (Heading(label), Items((*of.get("", ()), *said)), *folds)
