"""What a report says, before it has a form: its sentences, tables and figures in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskkit.report.associations import associations
from riskkit.report.checks import left_out_told, opinion_table, opinion_told, proportional_hazards
from riskkit.report.figure import UNREAL, warning
from riskkit.report.imputed import how_much_missing, imputation_checks, missing_told
from riskkit.report.limitations import limitations
from riskkit.report.methods import methods
from riskkit.report.numbered import Numbered, Numberer, Shown
from riskkit.report.over_time import over_time_figure
from riskkit.report.people import characteristics_table, disclosure_told, flow_figure
from riskkit.report.references import Bibliography, bibliography, citations, made_told
from riskkit.report.sections import Section, report_section
from riskkit.report.strobe import Item, checklist, introduction, methods_anchor, strobe_table
from riskkit.report.tables import left_out_table
from riskkit.report.words import CAUTION, headline, people, reading
from riskkit.results import Results
from riskkit.tables.table import Table


@dataclass(frozen=True, eq=False)
class Content:
    """Everything a report says; a page and a document are made from it.

    Attributes
    ----------
    manifest : dict
        Of the results.
    warning, unreal : str
        What every sheet of simulated data says, and what it means; empty where the data are real.
    answer : tuple of str
        The headline.
    people, reading : str
        Who was studied; how the findings are to be read.
    disclosure : str
        Which rule on small numbers was applied; empty where there is none.
    figures : tuple of Shown
        All of them in order; the others say where they stand.
    flow : Shown
    baseline : Numbered or None
        The table of characteristics.
    missing_told, missing
        What is missing of the main model's variables.
    sections : tuple of Section
        One for each exposure.
    proportional : str
        What the tests of proportional hazards say; empty where there are none.
    over_time : tuple of Shown
        The ratio of each exposure over time.
    imputation, imputation_figures
        How what is missing was imputed, with diagnostics; None and empty where nothing was.
    opinion, opinion_table
        What other software says, empty and None where it was not asked.
    left_out : str
    failures : Numbered or None
        The models that were not fitted, in words and with their reasons.
    methods : tuple of (heading, anchor, text)
        Its texts and the introduction of the checklist hold marks of the works they cite; see `Bibliography`.
    limitations : tuple of str
    strobe_introduction : str
    strobe : tuple of Item
    bibliography : Bibliography
    citations : tuple of str
        How to cite the report and its data.
    made : str
    created : datetime
    """

    manifest: dict[str, Any]
    warning: str
    unreal: str
    answer: tuple[str, ...]
    people: str
    reading: str
    disclosure: str
    figures: tuple[Shown, ...]
    flow: Shown
    baseline: Numbered | None
    missing_told: str
    missing: Numbered | None
    sections: tuple[Section, ...]
    proportional: str
    over_time: tuple[Shown, ...]
    imputation: Numbered | None
    imputation_figures: tuple[Shown, ...]
    opinion: str
    opinion_table: Numbered | None
    left_out: str
    failures: Numbered | None
    methods: tuple[tuple[str, str, str], ...]
    limitations: tuple[str, ...]
    strobe_introduction: str
    strobe: tuple[Item, ...]
    bibliography: Bibliography
    citations: tuple[str, ...]
    made: str
    created: datetime

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Every table in the order of the report, those behind figures too, each with its place on the page."""
        shown: list[Shown | Numbered | None] = [self.flow, self.baseline, self.missing]
        for s in self.sections:
            shown += [*s.figures, s.main, s.shapes, s.variant_shapes, *s.comparisons, *s.folded_figures, s.models]
        checked = (*self.over_time, self.imputation, *self.imputation_figures, self.opinion_table, self.failures)
        for each in (*shown, *checked):
            if each:
                yield each.table_id if isinstance(each, Shown) else each.id, each.table
        yield "strobe", strobe_table(self.strobe)


def report_content(results: Results) -> Content:
    """Write the sentences and lay out the tables and figures of a report; nothing is drawn yet."""
    manifest = results.manifest
    found = associations(results)
    numberer = Numberer(warning(manifest))
    told = methods(results)
    flow = numberer.figure(flow_figure(results, found))
    baseline = numberer.table(characteristics_table(results))
    missing = numberer.table(how_much_missing(results))
    sections = tuple(
        report_section(results, exposure, f"e{i}", [a for a in found if a.exposure == exposure], numberer)
        for i, exposure in enumerate(manifest["exposures"], start=1)
    )
    changes = {e: over_time_figure(results, e, [a for a in found if a.exposure == e]) for e in manifest["exposures"]}
    over_time = tuple(numberer.figure(figure, exposure) for exposure, figure in changes.items() if figure)
    imputation, diagnostics = imputation_checks(results)
    drawn = tuple(numberer.figure(figure) for figure in diagnostics)
    return Content(
        manifest=manifest,
        warning=warning(manifest),
        unreal=UNREAL if warning(manifest) else "",
        answer=headline(found),
        people=people(found),
        disclosure=disclosure_told(results),
        reading=f"{reading(found)} {CAUTION}".strip(),
        figures=tuple(numberer.figures),
        flow=flow,
        baseline=baseline,
        missing_told=missing_told(results),
        missing=missing,
        sections=sections,
        imputation=numberer.table(imputation),
        imputation_figures=drawn,
        proportional=proportional_hazards(found),
        over_time=over_time,
        opinion=opinion_told(results),
        opinion_table=numberer.table(opinion_table(results)),
        left_out=left_out_told(results),
        failures=numberer.table(left_out_table(results)),
        methods=tuple((heading, methods_anchor(heading), paragraph) for heading, paragraph in told),
        limitations=limitations(results, found),
        strobe_introduction=introduction(results),
        strobe=checklist(results),
        bibliography=bibliography([*(paragraph for _, paragraph in told), introduction(results)], manifest),
        citations=citations(results),
        made=made_told(manifest),
        created=datetime.fromisoformat(manifest["provenance"]["created"]),
    )
