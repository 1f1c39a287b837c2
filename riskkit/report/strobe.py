"""The STROBE checklist for cohort and cross-sectional studies: where each item is met, with honest blanks.

von Elm E, Altman DG, Egger M, et al. (2007) The Strengthening the Reporting of Observational Studies in Epidemiology
(STROBE) statement. Lancet 370:1453-1457. The items are paraphrased.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from riskkit import registry
from riskkit.manifest import Manifest
from riskkit.report.methods import outcomes_heading
from riskkit.results import Results
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import ChecklistItem as Item
from riskkit.telling.blocks import Link
from riskkit.telling.telling import methods_link

FINDINGS = Link("findings", "Key findings")
FLOW = Link("people", "Who was studied")
LIMITATIONS = Link("limitations", "Limitations")
PROVENANCE = Link("provenance", "Provenance")
AUTHORS = "For the authors to write."


def design_of(manifest: Manifest) -> str:
    """Which of STROBE's checklists applies."""
    if manifest.cohort.sampled is not None and manifest.cohort.sampled.set is not None:
        return "case-control"
    return "cohort" if manifest.measure.timed else "cross-sectional"


def introduction(results: Results) -> str:
    """What stands above the checklist."""
    design = design_of(results.manifest)
    return f"Where this report meets the items for {design} studies [@vonelm], and where it does not."


def checklist(results: Results) -> tuple[Item, ...]:
    """The 22 items for this analysis."""
    manifest = results.manifest
    main = Link("e1", next(iter(manifest.exposures.values())).label)
    described = bool((results.characteristics["kind"] != "people").any())
    groups = bool((results.estimates["coding"] == "groups").any())
    outcomes = methods_link(outcomes_heading(manifest))
    timed = manifest.measure.timed
    met: dict[int, list[Link]] = defaultdict(list)
    for telling in registry.parts("tell").values():
        for item, link in telling.strobe(results) if telling.strobe else ():
            met[item].append(link)
    return (
        Item(1, "Title and abstract", "the design, and a balanced summary", "in part", (FINDINGS,),
             "The headline answer is a summary of results; an abstract is for the authors to write."),
        Item(2, "Background", "scientific background and rationale", "not met", (), AUTHORS),
        Item(3, "Objectives", "specific objectives", "met", (Link("question", "The question"),)),
        Item(4, "Study design", "key elements of the design", "met", (methods_link("Design and people"),)),
        Item(5, "Setting", f"places, dates, periods of recruitment{' and follow-up' if timed else ''}", "met",
             (methods_link("Design and people"), outcomes),
             "As far as the cohort file says."),
        Item(6, "Participants", f"who was eligible, how they were selected{' and followed' if timed else ''}", "met",
             (FLOW, outcomes)),
        Item(7, "Variables", "outcomes, exposures, confounders, defined", "met",
             (outcomes, methods_link("Exposure"), methods_link("Models"))),
        Item(8, "Data sources and measurement", "how each variable was measured", "in part",
             (PROVENANCE, LIMITATIONS),
             "Files and notes on variables are given; methods of assay and interview are for the authors to describe."),
        Item(9, "Bias", "efforts against sources of bias", "in part", (LIMITATIONS, *met[9]),
             "" if met[9] else "There is no sensitivity analysis, and no check of robustness."),
        Item(10, "Study size", "how the size was arrived at", "in part", (FLOW,),
             "Everyone eligible was used; no size was calculated beforehand."),
        Item(11, "Quantitative variables", "how they were handled, and groups chosen", "met",
             (methods_link("Exposure"),)),
        Item(12, "Statistical methods", "all methods, confounding, subgroups, missing data, losses, sensitivity",
             "met" if met[17] else "in part",
             (methods_link("Models"), methods_link("Tests and intervals"), methods_link("Missing data"), *met[12]),
             "" if met[17] else "There are no subgroups, interactions or sensitivity analyses."),
        Item(13, "Participants (results)", "numbers at each stage, with reasons; a flow diagram", "met", (FLOW,)),
        Item(14, "Descriptive data", f"characteristics, missing data{', follow-up time' if timed else ''}",
             "met" if described else "in part", (FLOW,),
             "" if described else "The analysis asks for no table of characteristics."),
        Item(15, "Outcome data", "numbers of outcome events over time" if timed else "numbers with each outcome", "met",
             (main,)),
        Item(16, "Main results", "unadjusted and adjusted estimates with precision; group limits; absolute risks",
             "in part", (main, *met[16]),
             "The least adjusted model stands for the unadjusted"
             + ("." if met[16] else "; absolute rates are crude, by group." if groups
                else "; there are no absolute rates.")),
        Item(17, "Other analyses", "subgroups, interactions, sensitivity analyses", "met" if met[17] else "not met",
             (main, *met[17]) if met[17] else (), "" if met[17] else "The analysis asks for none."),
        Item(18, "Key results", "summarised with reference to the objectives", "met", (FINDINGS,)),
        Item(19, "Limitations", "sources of bias and imprecision, their direction and size", "in part",
             (LIMITATIONS,), "Direction and size of biases are for the authors to discuss."),
        Item(20, "Interpretation", "a cautious overall interpretation, with other evidence", "not met", (), AUTHORS),
        Item(21, "Generalisability", "external validity", "not met", (), AUTHORS),
        Item(22, "Funding", "sources of funding and the role of the funders", "not met", (), AUTHORS),
    )  # fmt: skip


def strobe_table(items: Sequence[Item], design: str) -> Table:
    """The checklist as a table, with the names of the places in the report."""
    columns = tuple(Column(text, numeric=False) for text in ("Item", "Asks for", "Met", "Where, and what is missing"))
    rows = []
    for item in items:
        where = ", ".join(link.label for link in item.where)
        there = ". ".join(text for text in (where, item.remark) if text)
        rows.append(Row((f"{item.number}. {item.topic}", item.asks, item.status, there)))
    return Table(f"STROBE checklist for {design} studies", columns, tuple(rows))
