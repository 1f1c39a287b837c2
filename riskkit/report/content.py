"""What a report says, before it has a form: what stands above it, and one list of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from riskkit import registry
from riskkit.manifest import Manifest
from riskkit.report.answer import answer
from riskkit.report.disclosed import disclosure_told
from riskkit.report.failures import left_out_table, left_out_told
from riskkit.report.limitations import limitations
from riskkit.report.methods import methods
from riskkit.report.sections import section
from riskkit.report.strobe import checklist, design_of, introduction, strobe_table
from riskkit.results import Results
from riskkit.tables.table import Table
from riskkit.telling.associations import associations
from riskkit.telling.blocks import (
    Block,
    Checklist,
    Figure,
    Heading,
    Item,
    Items,
    OnPage,
    Paragraph,
    numbered,
    tables,
    walk,
)
from riskkit.telling.exposure_text import UNREAL, warning
from riskkit.telling.references import Bibliography, bibliography, citations, made_told
from riskkit.telling.telling import Found, methods_link
from riskkit.telling.words import CAUTION, people, reading


@dataclass(frozen=True, eq=False, kw_only=True)
class Laid:
    """What reports of every kind have: blocks with their figures, tables and sections, and the works they cite.

    Attributes
    ----------
    blocks : tuple of Block
        All but what stands above it, in order.
    bibliography : Bibliography
        Of the marks in paragraphs.
    created : datetime
    """

    blocks: tuple[Block, ...]
    bibliography: Bibliography
    created: datetime

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure, in order."""
        return tuple(block for block in walk(self.blocks) if isinstance(block, Figure))

    @property
    def tables(self) -> tuple[tuple[str, Table], ...]:
        """Every table in order, those behind figures too, each with its place on the page."""
        return tuple(tables(self.blocks))

    @property
    def contents(self) -> tuple[Heading, ...]:
        """The sections."""
        return tuple(block for block in self.blocks if isinstance(block, Heading) and block.level == 2)


@dataclass(frozen=True, eq=False, kw_only=True)
class Content(Laid):
    """Everything a report says; a page and a document are made from it.

    Attributes
    ----------
    manifest : Manifest
        Of the results.
    warning, unreal : str
        What every sheet of simulated data says, and what it means; empty where the data are real.
    answer : tuple of str
        The headline.
    people : str
        Who was studied.
    disclosure : str
        Which rule on small numbers was applied; empty where there is none.
    """

    manifest: Manifest
    warning: str
    unreal: str
    answer: tuple[str, ...]
    people: str
    disclosure: str


def report_content(results: Results) -> Content:
    """Write the sentences and lay out the tables and figures of a report; nothing is drawn yet."""
    manifest, found, told = results.manifest, associations(results), registry.parts("tell").values()
    works = {key: work for telling in told for key, work in telling.works.items()}
    described = (*methods(results), ("STROBE", introduction(results)))
    cited = bibliography([text for _, text in described], manifest, works)
    return Content(
        manifest=manifest,
        warning=warning(manifest),
        unreal=UNREAL if warning(manifest) else "",
        answer=answer(results, found),
        people=people(found),
        disclosure=disclosure_told(results),
        blocks=numbered(_blocks(results, found, cited), warning(manifest)),
        bibliography=cited,
        created=datetime.fromisoformat(manifest.provenance.created),
    )


def _blocks(results: Results, found: Found, cited: Bibliography) -> Iterator[Block]:
    manifest, told = results.manifest, registry.parts("tell").values()
    sections = [
        section(results, exposure, f"e{i}", [a for a in found if a.exposure == exposure])
        for i, exposure in enumerate(manifest.exposures, start=1)
    ]
    yield Heading("Key findings", 2, "findings")
    for each in sections:
        yield from each.findings
    yield Paragraph(f"{reading(found)} {CAUTION}".strip())
    yield Heading("Who was studied", 2, "people")
    for telling in told:
        yield from telling.people(results, found) if telling.people else ()
    for each in sections:
        yield from each.blocks
    for telling in told:
        yield from telling.sections(results, found) if telling.sections else ()
    if len(results.splines):
        yield Heading("Explore the curves", 2, "explorer", "Explore", on_page=True)
        yield OnPage("explorer")
    yield Heading("Checks", 2, "checks")
    for telling in told:
        yield from telling.checks(results, found) if telling.checks else ()
    yield Heading("Models not fitted")
    yield Paragraph(left_out_told(results))
    failures = left_out_table(results)
    if failures:
        yield failures
    yield Heading("Methods", 2, "methods")
    for heading, text in methods(results):
        yield Heading(heading, anchor=methods_link(heading).anchor)
        yield Paragraph(text)
    yield Heading("Limitations", 2, "limitations")
    yield Items(tuple(map(Item, limitations(results, found))))
    yield Heading("STROBE checklist", 2, "strobe", "STROBE")
    yield Paragraph(introduction(results))
    items = checklist(results)
    yield Checklist(items, strobe_table(items, design_of(manifest)))
    yield Heading("References", 2, "references")
    yield Items(tuple(Item(work.text, doi=work.doi) for work in cited.works.values()), numbered=True)
    yield Heading("How to cite", 2, "cite")
    for text in citations(results):
        yield Paragraph(text)
    yield Heading("Provenance", 2, "provenance")
    yield Paragraph(made_told(manifest))
    yield OnPage("provenance")
