"""The STROBE checklist for cohort and cross-sectional studies: where each item is met, with honest blanks.

von Elm E, Altman DG, Egger M, et al. (2007) The Strengthening the Reporting of Observational Studies in Epidemiology
(STROBE) statement. Lancet 370:1453-1457. The items are paraphrased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from riskkit.report.methods import outcomes_heading
from riskkit.results import Results
from riskkit.tables.measure import MEASURES
from riskkit.tables.table import Column, Row, Table

Status = Literal["met", "in part", "not met"]


@dataclass(frozen=True)
class Link:
    """A place on the page and what it is called."""

    anchor: str
    label: str


@dataclass(frozen=True)
class Item:
    """One of the 22 items.

    Attributes
    ----------
    number : int
    topic, asks : str
        The item's name, and what it asks for.
    status : {"met", "in part", "not met"}
    where : tuple of Link
    remark : str
        What is missing and whose it is to write, or what the reader should know.
    """

    number: int
    topic: str
    asks: str
    status: Status
    where: tuple[Link, ...] = ()
    remark: str = ""


FINDINGS = Link("findings", "Key findings")
FLOW = Link("people", "Who was studied")
LIMITATIONS = Link("limitations", "Limitations")
PROVENANCE = Link("provenance", "Provenance")
CHECKS = Link("checks", "Checks")
AUTHORS = "For the authors to write."


def introduction(results: Results) -> str:
    """What stands above the checklist."""
    design = "cohort" if MEASURES[results.manifest["analysis"]["measure"]].timed else "cross-sectional"
    return f"Where this report meets the items for {design} studies [@vonelm], and where it does not."


def checklist(results: Results) -> tuple[Item, ...]:
    """The 22 items for this analysis."""
    manifest = results.manifest
    analysis = manifest["analysis"]
    main = Link("e1", next(iter(manifest["exposures"].values()))["label"])
    described = bool((results.characteristics["kind"] != "people").any())
    groups = bool((results.estimates["coding"] == "groups").any())
    variants = bool(analysis["subgroups"] or analysis["sensitivity"])
    outcomes = _methods(outcomes_heading(manifest))
    timed = MEASURES[analysis["measure"]].timed
    changed = [_methods("Subgroups and sensitivity analyses")] if variants else []
    sampled = [] if results.weighted_tests.empty else [_methods("Survey design")]
    return (
        Item(1, "Title and abstract", "the design, and a balanced summary", "in part", (FINDINGS,),
             "The headline answer is a summary of results; an abstract is for the authors to write."),
        Item(2, "Background", "scientific background and rationale", "not met", (), AUTHORS),
        Item(3, "Objectives", "specific objectives", "met", (Link("question", "The question"),)),
        Item(4, "Study design", "key elements of the design", "met", (_methods("Design and people"),)),
        Item(5, "Setting", f"places, dates, periods of recruitment{' and follow-up' if timed else ''}", "met",
             (_methods("Design and people"), outcomes),
             "As far as the cohort file says."),
        Item(6, "Participants", f"who was eligible, how they were selected{' and followed' if timed else ''}", "met",
             (FLOW, outcomes)),
        Item(7, "Variables", "outcomes, exposures, confounders, defined", "met",
             (outcomes, _methods("Exposure"), _methods("Models"))),
        Item(8, "Data sources and measurement", "how each variable was measured", "in part",
             (PROVENANCE, LIMITATIONS),
             "Files and notes on variables are given; methods of assay and interview are for the authors to describe."),
        Item(9, "Bias", "efforts against sources of bias", "in part", (LIMITATIONS, *changed),
             "" if changed else "There is no sensitivity analysis."),
        Item(10, "Study size", "how the size was arrived at", "in part", (FLOW,),
             "Everyone eligible was used; no size was calculated beforehand."),
        Item(11, "Quantitative variables", "how they were handled, and groups chosen", "met", (_methods("Exposure"),)),
        Item(12, "Statistical methods", "all methods, confounding, subgroups, missing data, losses, sensitivity",
             "met" if changed else "in part",
             (_methods("Models"), *sampled, _methods("Tests and intervals"), _methods("Missing data"), *changed),
             "" if changed else "There are no subgroups or sensitivity analyses."),
        Item(13, "Participants (results)", "numbers at each stage, with reasons; a flow diagram", "met", (FLOW,)),
        Item(14, "Descriptive data", f"characteristics, missing data{', follow-up time' if timed else ''}",
             "met" if described else "in part", (FLOW,),
             "" if described else "The analysis asks for no table of characteristics."),
        Item(15, "Outcome data", "numbers of outcome events over time" if timed else "numbers with each outcome", "met",
             (main,)),
        Item(16, "Main results", "unadjusted and adjusted estimates with precision; group limits; absolute risks",
             "in part", (main,),
             "The least adjusted model stands for the unadjusted; "
             + ("absolute rates are crude, by group." if groups else "there are no absolute rates.")),
        Item(17, "Other analyses", "subgroups, interactions, sensitivity analyses", "met" if changed else "not met",
             (main, CHECKS) if changed else (), "" if changed else "The analysis asks for none."),
        Item(18, "Key results", "summarised with reference to the objectives", "met", (FINDINGS,)),
        Item(19, "Limitations", "sources of bias and imprecision, their direction and size", "in part",
             (LIMITATIONS,), "Direction and size of biases are for the authors to discuss."),
        Item(20, "Interpretation", "a cautious overall interpretation, with other evidence", "not met", (), AUTHORS),
        Item(21, "Generalisability", "external validity", "not met", (), AUTHORS),
        Item(22, "Funding", "sources of funding and the role of the funders", "not met", (), AUTHORS),
    )  # fmt: skip


def strobe_table(items: Sequence[Item]) -> Table:
    """The checklist as a table, with the names of the places in the report."""
    columns = tuple(Column(text, numeric=False) for text in ("Item", "Asks for", "Met", "Where, and what is missing"))
    rows = []
    for item in items:
        where = ", ".join(link.label for link in item.where)
        there = ". ".join(text for text in (where, item.remark) if text)
        rows.append(Row((f"{item.number}. {item.topic}", item.asks, item.status, there)))
    return Table("STROBE checklist for cohort studies", columns, tuple(rows))


def methods_anchor(heading: str) -> str:
    """The place of a paragraph of the methods."""
    return f"methods-{heading.lower().replace(' ', '-')}"


def _methods(heading: str) -> Link:
    return Link(methods_anchor(heading), f"Methods: {heading.lower()}")
