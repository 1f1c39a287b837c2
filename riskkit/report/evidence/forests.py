"""The forest of a claim: published estimates, pooled ones, one's own, with risk of bias beside them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from riskkit.evidence.verdicts import End
from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.numbers import level, per_cent, ratio_interval
from riskkit.report.evidence.read import Evidence
from riskkit.report.evidence.words import ENDS, ends, interval
from riskkit.spec.evidence import ClaimSpec
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import PageFigure
from riskkit.telling.words import quantity


def forest_figure(evidence: Evidence, claim: ClaimSpec) -> PageFigure | None:
    """Every estimate of a claim under each other; None where there is none."""
    rows = [row for end in ends(claim) for row in _forest_rows(evidence, claim, end)]
    if not rows:
        return None
    measures = sorted(set(evidence.rows(claim.id)["measure"]))
    name = measures[0] if len(measures) == 1 and not evidence.findings(claim.id) else "ratio"
    ci = f"{level(evidence.spec.pooling.level)} CI"
    judged = _judged(evidence, claim)
    letters = tuple("ABCDEFGH"[: len(judged)])
    heads = ForestHeads(
        "Study and contrast", "Weight", f"{name[:1].upper()}{name[1:]} ({ci})", "", f"{name} (log scale)", letters
    )
    caption = (
        f"{claim.claim} Boxes: published estimates with their limits, the area by their weight in the pool; outlined: "
        f"not pooled. Diamond: the pooled estimate with its {ci}; dashed through it: the prediction interval, where "
        "there are three estimates or more. Intervals that leave the axis end in an arrow."
    )
    if any(evidence.together(claim.id, end) is not None for end in ends(claim)):
        caption += " A second diamond: with real people here."
    if judged:
        named = "; ".join(f"{a}, {what.replace('_', ' ')}" for a, what in zip(letters, judged, strict=True))
        caption += f" Risk of bias (+ low, ? some, − high) of {named}."
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


def _judged(evidence: Evidence, claim: ClaimSpec) -> tuple[str, ...]:
    """The kinds of bias that some estimate of the claim was judged for."""
    rows = [evidence.estimate(id) for id in evidence.rows(claim.id)["id"]]
    return tuple(dict.fromkeys(what for row in rows for what, _ in row.bias))


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
            marks=tuple(dict(each.bias).get(what, "") for what in _judged(evidence, claim)),
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
    both = evidence.together(claim.id, end)
    if both is not None:
        label = f"Published and real people here ({quantity(int(both['studies']), 'estimate')})"
        yield ForestRow(label, both["ratio"], both["low"], both["high"], 1.0, diamond=True)


def _drawn(rows: list[ForestRow], heads: ForestHeads) -> Table:
    """The numbers of a forest."""
    columns = (Column("Study and contrast", numeric=False), Column("Weight"), Column(heads.ratio))
    printed: list[Row] = []
    for row in rows:
        if row.heading:
            printed.append(Row((row.heading,), "heading"))
        printed.append(Row((row.label, row.detail, ratio_interval(row.ratio, row.low, row.high)), strong=row.diamond))
    return Table("The estimates of this forest.", columns, tuple(printed))
