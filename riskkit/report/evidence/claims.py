"""One claim of the report of published evidence: its verdict, and folded its forest, estimates, funnel and sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pandas as pd

from riskkit.numbers import level, ratio, ratio_interval
from riskkit.report.evidence.curve import curve_blocks
from riskkit.report.evidence.forests import forest_figure
from riskkit.report.evidence.pools import pool_blocks
from riskkit.report.evidence.read import Evidence
from riskkit.report.evidence.words import ENDS, change_told, ends, studies
from riskkit.spec.evidence import ClaimSpec
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Fold, Heading, Paragraph

Number = Callable[[str], str]  # the number of a citation in the references, as in [3]


def anchor(claim: ClaimSpec) -> str:
    """The place of a claim on the page."""
    return f"claim-{claim.id}"


def claim_blocks(evidence: Evidence, claim: ClaimSpec, mark: Number, number: Number) -> Iterator[Block]:
    """What is said of one claim; `mark` cites a work in a paragraph, `number` in a table."""
    yield Heading(claim.claim, anchor=anchor(claim))
    yield Paragraph(_verdict_told(evidence, claim))
    inside = tuple(_folded(evidence, claim, mark, number))
    if inside:
        yield Fold("Forest, estimates and sources" if claim.agents is None else "Reports and sources", inside)


def _verdict_told(evidence: Evidence, claim: ClaimSpec) -> str:
    row = evidence.ledger.claims.set_index("claim").loc[claim.id]
    verdict = str(row["verdict"])
    because = str(row["because"]).rstrip(".")
    said = f"Verdict: {verdict}. {because[:1].upper()}{because[1:]}. Said in: {claim.said_in.rstrip('.')}."
    counts = [studies(evidence, claim, end) for end in ends(claim)]
    real = [each for each in evidence.findings(claim.id) if not each.estimate.simulated]
    if claim.agents is None and max(counts) == 1 and not real:
        said += " No end rests on more than one study." if claim.expects == "U" else " It rests on one study."
    ours = evidence.ledger.own
    leans = ours.loc[(ours["claim"] == claim.id) & ~ours["simulated"].astype(bool), "lean"]
    if len(leans) and (leans == "open").all():
        said += " Real data here do not tell it from no difference."
    said += "".join(f" {told}" for told in _caution(evidence, claim))
    return f"{said} {claim.note}" if claim.note else said


def _caution(evidence: Evidence, claim: ClaimSpec) -> Iterator[str]:
    """What a reader must know of the intervals behind a verdict: two studies, and limits that are printed as 1."""
    for end in ends(claim):
        row = evidence.pooled(claim.id, end)
        if row is None:
            continue
        where = f"the {ENDS[end].lower()}" if ENDS[end] else "the pooled ratio"
        if row["studies"] == 2 and evidence.spec.pooling.test == "knapp-hartung" and row["lean"] != "open":
            of = f"Of {where} two" if ENDS[end] else "Two"
            yield f"{of} estimates are pooled, with normal limits, which are too narrow for so few."
        both = evidence.together(claim.id, end)
        if both is not None and row["lean"] != "open" and both["lean"] == "open":
            yield f"Pooled with real people here, the interval of {where} holds 1."
        for name in ("low", "high"):
            if row["lean"] != "open" and ratio(row[name]) == "1.00":
                yield f"The limit of {where} that is printed as 1.00 is {row[name]:.4f}."


def _folded(evidence: Evidence, claim: ClaimSpec, mark: Number, number: Number) -> Iterator[Block]:
    if claim.agents is not None:
        chosen = set(evidence.ledger.agents.loc[evidence.ledger.agents["claim"] == claim.id, "id"])
        yield agents_table(evidence, chosen, f"What was reported: {claim.claim}", number)
        return
    rows = evidence.rows(claim.id)
    figure = forest_figure(evidence, claim)
    if figure is not None:
        yield figure
    yield from curve_blocks(evidence, claim)
    if len(rows):
        yield _estimates_table(evidence, claim, rows, number)
    if evidence.findings(claim.id):
        yield _own_table(evidence, claim)
    yield from pool_blocks(evidence, claim)
    if len(rows):
        sources: dict[str, str] = {}
        for id in rows["id"]:
            each = evidence.estimate(id)
            sources.setdefault(f"{each.study} ({each.place}){mark(each.citation)}", "")
        yield Paragraph(f"Sources, and what was seen of each: {'; '.join(sources)}.")


def _estimates_table(evidence: Evidence, claim: ClaimSpec, rows: pd.DataFrame, number: Number) -> Table:
    columns = (
        Column("Study", numeric=False),
        Column("People", numeric=False),
        Column("Contrast", numeric=False),
        Column("As printed", numeric=False),
        Column("Pooled?", numeric=False),
        Column("Reference", numeric=False),
    )
    printed: list[Row] = []
    for end in ends(claim):
        if claim.expects == "U" and (rows["end"] == end).any():
            printed.append(Row((f"{ENDS[end]} against the middle",), "heading"))
        for row in rows[rows["end"] == end].itertuples():
            each = evidence.estimate(row.id)
            people = f"{each.cohort}{f', {each.subgroup}' if each.subgroup else ''}"
            bias = "; ".join(f"{what.replace('_', ' ')} {judged}" for what, judged in each.bias)
            bias = f"\nrisk of bias: {bias}" if bias else ""
            own = f"{each.measure} {ratio_interval(each.ratio, each.low, each.high)}"
            own += "\ncorrected for regression dilution" if each.corrected else ""
            brought = each.ratio != row.ratio
            own += f"\nhere as {ratio_interval(row.ratio, row.low, row.high)}" if brought else ""
            cells = (f"{each.study}\n{each.design}", f"{people}{bias}", row.contrast, own)
            printed.append(Row((*cells, "yes" if row.used else f"no: {row.why}", number(each.citation))))
    return Table(
        f"Published estimates that this claim selects: {claim.claim}",
        columns,
        tuple(printed),
        notes=("Selected are rows of the table with the claim's outcome, exposure, contrasts and designs.",),
    )


def _own_table(evidence: Evidence, claim: ClaimSpec) -> Table:
    columns = tuple(Column(name, numeric=False) for name in ("Analysis", "Outcome", "Contrast", "Ratio", "Counts?"))
    cohorts = {evidence.estimate(id).cohort for id in evidence.rows(claim.id)["id"]}
    rows, same = [], False
    for each in evidence.findings(claim.id):
        e = each.estimate
        same = same or (not e.simulated and any(cohort.lower() in each.cohort.lower() for cohort in cohorts))
        printed = f"{ratio_interval(e.ratio, e.low, e.high)}\n{level(each.level)} CI"
        counts = "no: simulated people" if e.simulated else "yes"
        contrast = f"{ENDS[e.end]}: {each.contrast}" if ENDS[e.end] else each.contrast
        place = f"../{quote(e.analysis)}/index.html#{each.anchor}" if each.anchor else ""
        rows.append(Row((f"{e.analysis}\n{each.cohort}", each.outcome, contrast, printed, counts), link=place))
    notes = ["Of the main model on the main time scale; the report of each analysis has the others."]
    if same:
        notes.append("A published estimate is of the same cohort: the two are not independent.")
    return Table(f"Analyses made here: {claim.claim}", columns, tuple(rows), tuple(notes))


def agents_table(evidence: Evidence, chosen: set[str] | None, caption: str, number: Number) -> Table:
    """Agents and what was reported of them; all, or those chosen by their ids."""
    names = ("Agent", "Given to", "Change", "Compared with", "Reference")
    columns = tuple(Column(name, numeric=False) for name in names)
    rows: list[Row] = []
    kind = ""
    for shift in sorted(evidence.agents, key=lambda shift: shift.kind):
        if chosen is not None and shift.id not in chosen:
            continue
        if shift.kind != kind:
            kind = shift.kind
            rows.append(Row((kind[:1].upper() + kind[1:],), "heading"))
        given = ", ".join(part for part in (shift.dose, shift.duration) if part)
        change = change_told(shift.change, shift.low, shift.high, shift.direction)
        cells = (f"{shift.agent}\n{given}" if given else shift.agent, shift.population, change)
        rows.append(Row((*cells, f"{shift.comparator}\n{shift.design}", number(shift.citation))))
    notes = (
        f"Changes of {evidence.spec.exposure} in per cent, as reported; in brackets limits, or a range over studies.",
    )
    return Table(caption, columns, tuple(rows), notes)
