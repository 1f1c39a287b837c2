"""One claim of the report of published evidence: its verdict, and folded its forest, estimates, funnel and sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from riskkit.evidence.meta import Meta, meta
from riskkit.evidence.small_studies import egger, funnel_contours, trim_and_fill
from riskkit.evidence.verdicts import End
from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.figures.funnel import funnel
from riskkit.numbers import level, p_phrase, per_cent, ratio, ratio_interval
from riskkit.report.evidence.curve import curve_blocks
from riskkit.report.evidence.read import Evidence
from riskkit.report.evidence.words import ENDS, change_told, ends, interval, studies
from riskkit.spec.evidence import ClaimSpec
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Fold, Heading, PageFigure, Paragraph
from riskkit.telling.words import quantity

FUNNEL = 10  # studies, below which a funnel tells nothing
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
    return f"{said} {claim.note}" if claim.note else said


def _folded(evidence: Evidence, claim: ClaimSpec, mark: Number, number: Number) -> Iterator[Block]:
    if claim.agents is not None:
        chosen = set(evidence.ledger.agents.loc[evidence.ledger.agents["claim"] == claim.id, "id"])
        yield agents_table(evidence, chosen, f"What was reported: {claim.claim}", number)
        return
    rows = evidence.rows(claim.id)
    figure = _forest(evidence, claim)
    if figure is not None:
        yield figure
    yield from curve_blocks(evidence, claim)
    if len(rows):
        yield _estimates_table(evidence, claim, rows, number)
    if evidence.findings(claim.id):
        yield _own_table(evidence, claim)
    for end in ends(claim):
        used = evidence.rows(claim.id, end)
        used = used[used["used"]]
        if used["study"].nunique() >= FUNNEL:
            yield from _funnel(evidence, claim, ENDS[end], used)
    if len(rows):
        sources: dict[str, str] = {}
        for id in rows["id"]:
            each = evidence.estimate(id)
            sources.setdefault(f"{each.study} ({each.place}){mark(each.citation)}", "")
        yield Paragraph(f"Sources, and what was seen of each: {'; '.join(sources)}.")


def _forest(evidence: Evidence, claim: ClaimSpec) -> PageFigure | None:
    rows = [row for end in ends(claim) for row in _forest_rows(evidence, claim, end)]
    if not rows:
        return None
    measures = sorted(set(evidence.rows(claim.id)["measure"]))
    name = measures[0] if len(measures) == 1 and not evidence.findings(claim.id) else "ratio"
    ci = f"{level(evidence.spec.pooling.level)} CI"
    heads = ForestHeads(
        "Study and contrast", "Weight", f"{name[:1].upper()}{name[1:]} ({ci})", "", f"{name} (log scale)"
    )
    caption = (
        f"{claim.claim} Boxes: published estimates with their limits, the area by their weight in the pool; outlined: "
        f"not pooled. Diamond: the pooled estimate with its {ci}; dashed through it: the prediction interval, where "
        "there are three estimates or more. Intervals that leave the axis end in an arrow."
    )
    if any(each.estimate.simulated for each in evidence.findings(claim.id)):
        caption += " Orange: simulated people, who never count."
    pooled = [evidence.pooled(claim.id, end) for end in ends(claim)]
    finding = "; ".join(
        f"{ENDS[end] or 'Pooled'}: {ratio_interval(row['ratio'], row['low'], row['high'])}"
        for end, row in zip(ends(claim), pooled, strict=True)
        if row is not None
    )
    return PageFigure(
        "forest", partial(forest, rows, heads), caption, finding or "Nothing is pooled.", _drawn(rows, heads), claim.id
    )


def _forest_rows(evidence: Evidence, claim: ClaimSpec, end: End) -> Iterator[ForestRow]:
    heading = f"{ENDS[end]} against the middle" if claim.expects == "U" else ""
    for row in evidence.rows(claim.id, end).sort_values("used", ascending=False, kind="stable").itertuples():
        each = evidence.estimate(row.id)
        who = f" ({each.subgroup})" if each.subgroup else ""
        yield ForestRow(
            f"{row.study}{who}: {row.contrast}",
            row.ratio,
            row.low,
            row.high,
            row.weight if row.used else 1.0,
            f"{per_cent(row.weight)}%" if row.used else "",
            heading=heading,
            strong=bool(row.used),
        )
        heading = ""
    pooled = evidence.pooled(claim.id, end)
    if pooled is not None:
        new = np.isfinite(pooled["predicted_low"])
        number = int(pooled["studies"])
        label = f"Pooled ({quantity(number, 'estimate')})"
        if evidence.rows(claim.id, end).empty:
            note = str(pooled["note"])
            label = f"{note[:1].upper()}{note[1:]} ({number} studies)"
        label += f"; predicted {interval(pooled)}" if new else ""
        predicted = (pooled["predicted_low"], pooled["predicted_high"]) if new else None
        yield ForestRow(label, pooled["ratio"], pooled["low"], pooled["high"], 1.0, diamond=True, predicted=predicted)
    for ours in sorted(evidence.findings(claim.id, end), key=lambda found: found.estimate.simulated):
        e = ours.estimate
        who = "Simulated people, not counted" if e.simulated else "Real people here"
        yield ForestRow(
            f"{who} ({e.analysis}): {ours.contrast}",
            e.ratio,
            e.low,
            e.high,
            1.0,
            heading=heading,
            strong=not e.simulated,
            moved=e.simulated,
        )
        heading = ""


def _drawn(rows: list[ForestRow], heads: ForestHeads) -> Table:
    """The numbers of a forest."""
    columns = (Column("Study and contrast", numeric=False), Column("Weight"), Column(heads.ratio))
    printed: list[Row] = []
    for row in rows:
        if row.heading:
            printed.append(Row((row.heading,), "heading"))
        printed.append(Row((row.label, row.detail, ratio_interval(row.ratio, row.low, row.high)), strong=row.diamond))
    return Table("The estimates of this forest.", columns, tuple(printed))


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
            bias = "".join(f"\nRisk of bias, {what.replace('_', ' ')}: {judged}" for what, judged in each.bias)
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
        rows.append(Row((f"{e.analysis}\n{each.cohort}", each.outcome, contrast, printed, counts)))
    notes = ["Of the main model on the main time scale; the report of each analysis has the others."]
    if same:
        notes.append("A published estimate is of the same cohort: the two are not independent.")
    return Table(f"Analyses made here: {claim.claim}", columns, tuple(rows), tuple(notes))


def _funnel(evidence: Evidence, claim: ClaimSpec, end: str, used: pd.DataFrame) -> Iterator[Block]:
    pooling = evidence.spec.pooling
    fit: Meta = meta(used[["id", "ratio", "low", "high"]], study="id", method=pooling.method, test=pooling.test)
    se, tested, filled = np.sqrt(fit.variance), egger(fit), trim_and_fill(fit)
    ratios, pooled = np.exp(fit.estimate), float(np.exp(fit.coef[0]))
    columns = (Column("Study", numeric=False), Column("Ratio"), Column("Standard error of its logarithm"))
    rows = tuple(
        Row((study, ratio(value), f"{error:.3f}"))
        for study, value, error in zip(used["study"], ratios, se, strict=True)
    )
    told = (
        f"Egger's test of asymmetry: {p_phrase(tested.p)}. Trim and fill adds {filled.filled} "
        f"{'study' if filled.filled == 1 else 'studies'}, and the pooled ratio is then "
        f"{ratio_interval(filled.ratio, filled.low, filled.high)}."
    )
    where = f"{end}. " if end else ""
    caption = (
        f"{where}Contour funnel: published ratios by their standard errors. Outside a shade an estimate differs from 1 "
        "at the level in the legend; dashed: the pooled ratio. Asymmetry has other causes than unpublished studies."
    )
    draw = partial(funnel, ratios.tolist(), se.tolist(), pooled, funnel_contours(fit), "Ratio (log scale)")
    yield PageFigure("funnel", draw, caption, told, Table("The points of this funnel.", columns, rows), claim.id)
    yield Paragraph(told)


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
