"""What lies under the pooled estimates of a claim: each study's part, the order of time, confounding, small studies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from riskkit.evidence.meta import Meta, meta
from riskkit.evidence.omission import meta_cumulative, meta_leave_one_out
from riskkit.evidence.small_studies import egger, funnel_contours, meta_bias, trim_and_fill
from riskkit.evidence.verdicts import End
from riskkit.figures.funnel import funnel
from riskkit.infer.confounding import evalue
from riskkit.numbers import p_phrase, per_cent, ratio, ratio_interval
from riskkit.report.evidence.read import Evidence
from riskkit.report.evidence.words import ENDS, ends
from riskkit.spec.evidence import ClaimSpec
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, PageFigure, Paragraph

AGAIN = 3  # estimates, with fewer of which leaving one out, or a funnel, shows nothing
TESTED = 10  # estimates, with fewer of which tests of a funnel see nothing
MATTERS = 1.1  # the smallest ratio that matters, in the bias analysis


def pool_blocks(evidence: Evidence, claim: ClaimSpec) -> Iterator[Block]:
    """Of every end that is pooled: again without each estimate and as they were published, a funnel, confounding."""
    for end in ends(claim):
        used = evidence.rows(claim.id, end)
        used = used[used["used"]]
        if used.empty:
            continue
        fit = _fit(evidence, used)
        if fit.n >= AGAIN:
            yield _again(claim, end, fit)
            yield from _funnel(claim, end, fit, used)
        told = _confounding(evidence, claim, end, fit)
        if told:
            yield Paragraph(told)


def _fit(evidence: Evidence, used: pd.DataFrame) -> Meta:
    pooling = evidence.spec.pooling
    table = used[["id", "study", "year", "contrast", "ratio", "low", "high"]].reset_index(drop=True)
    few = len(used) < AGAIN and pooling.test == "knapp-hartung"
    return meta(table, study="id", method=pooling.method, test="normal" if few else pooling.test)


def _again(claim: ClaimSpec, end: End, fit: Meta) -> Table:
    assert fit.table is not None
    names = dict(zip(fit.study, fit.table["study"], strict=True))
    years = dict(zip(fit.study, fit.table["year"], strict=True))
    columns = (Column("Estimate", numeric=False), Column("Pooled without it"), Column("Pooled up to it"))
    without = meta_leave_one_out(fit).set_index("study")
    upto = meta_cumulative(fit, by="year").set_index("study")
    rows = []
    for id, row in upto.iterrows():
        one = without.loc[id]
        rows.append(
            Row(
                (
                    f"{names[id]} ({years[id]})" if str(years[id]) not in names[id] else names[id],
                    ratio_interval(one["ratio"], one["low"], one["high"]),
                    ratio_interval(row["ratio"], row["low"], row["high"]),
                )
            )
        )
    where = f"{ENDS[end]}, pooled" if ENDS[end] else "Pooled"
    few = " Limits of two estimates by Hartung and Knapp have one degree of freedom." if fit.n < 5 else ""
    note = f"From the earliest published down; the first stands alone.{few}"
    return Table(
        f"{where} without each estimate, and as they were published: {claim.claim}", columns, tuple(rows), (note,)
    )


def _funnel(claim: ClaimSpec, end: End, fit: Meta, used: pd.DataFrame) -> Iterator[Block]:
    se = np.sqrt(fit.variance)
    ratios, pooled = np.exp(fit.estimate), float(np.exp(fit.coef[0]))
    columns = (Column("Study", numeric=False), Column("Ratio"), Column("Standard error of its logarithm"))
    rows = tuple(
        Row((study, ratio(value), f"{error:.3f}"))
        for study, value, error in zip(used["study"], ratios, se, strict=True)
    )
    told = (
        f"With {fit.n} estimates, fewer than {TESTED}, a funnel cannot tell whether studies are missing; neither "
        "Egger's test nor trim and fill was made."
    )
    if fit.n >= TESTED:
        tested, filled = egger(fit), trim_and_fill(fit)
        told = (
            f"Egger's test of asymmetry: {p_phrase(tested.p)}. Trim and fill adds {filled.filled} "
            f"{'study' if filled.filled == 1 else 'studies'}, and the pooled ratio is then "
            f"{ratio_interval(filled.ratio, filled.low, filled.high)}."
        )
    where = f"{ENDS[end]}. " if ENDS[end] else ""
    caption = (
        f"{where}Contour funnel: published ratios by their standard errors. Outside a shade an estimate differs from 1 "
        "at the level in the legend; dashed: the pooled ratio. Asymmetry has other causes than unpublished studies."
    )
    draw = partial(funnel, ratios.tolist(), se.tolist(), pooled, funnel_contours(fit), "Ratio (log scale)")
    yield PageFigure("funnel", draw, caption, told, Table("The points of this funnel.", columns, rows), claim.id)
    yield Paragraph(told)


def _confounding(evidence: Evidence, claim: ClaimSpec, end: End, fit: Meta) -> str:
    """How strong confounding would have to be to explain the pooled ratio, or most of the true ones."""
    designs = {evidence.estimate(id).design for id in fit.study}
    if designs & {"mendelian randomisation", "trial"}:
        return ""
    row = evidence.pooled(claim.id, end)
    assert row is not None
    value = evalue(row["ratio"], row["low"], row["high"])
    where = f"{ENDS[end]}: " if ENDS[end] else ""
    told = (
        f"{where}unmeasured confounding would have to be tied to exposure and outcome by risk ratios of "
        f"{ratio(value.estimate)} each, beyond what studies adjusted for, to explain the pooled ratio away (E-value)"
    )
    told += f"; {ratio(value.limit)} to bring its interval to 1." if value.limit > 1 else "; its interval holds 1."
    told = f"{told[:1].upper()}{told[1:]} Ratios are read as risk ratios; of a common outcome the E-value is smaller."
    if fit.n >= AGAIN and fit.tau2 > 0 and not row["low"] <= 1 <= row["high"]:
        threshold = MATTERS if row["ratio"] > 1 else 1 / MATTERS
        bias = meta_bias(fit, threshold)
        side = "above" if threshold > 1 else "below"
        share = per_cent(100 * bias["share"]) if bias["share"] < 0.995 else "over 99"
        told += (
            f" If true ratios of studies are lognormal, {share}% of them are {side} "
            f"{ratio(threshold)}; confounding that moves each by a factor of {ratio(bias['bias'])} would leave 10% "
            f"(rough with {fit.n} estimates)."
        )
    return told
