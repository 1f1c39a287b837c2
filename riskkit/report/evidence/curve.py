"""The dose-response curve of a claim: its figure, the numbers behind it, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.dose_response import dose_response
from riskkit.figures.spline import Lowest, Reference
from riskkit.numbers import count, level, measure, p_phrase, ratio_interval
from riskkit.report.evidence.curves import ClaimCurve, Drawn
from riskkit.report.evidence.read import Evidence
from riskkit.spec.evidence import ClaimSpec
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, PageFigure, Paragraph
from riskkit.telling.words import listed

TABLED = 7  # points of a curve that its table has


def curve_blocks(evidence: Evidence, claim: ClaimSpec) -> Iterator[Block]:
    """The curve of a claim, or why there is none."""
    found = evidence.curves.get(claim.id)
    if found is None:
        if len(evidence.rows(claim.id)) or evidence.findings(claim.id):
            yield Paragraph(f"No dose-response curve: {no_levels(evidence)}.")
        return
    main = found.main
    if main is None:
        yield Paragraph(f"No dose-response curve: {found.why.rstrip('.')}.{_left_out(found)}")
        return
    yield _figure(evidence, claim, found, main)
    yield Paragraph(" ".join(_told(evidence, found, main)))
    yield _studies_table(evidence, claim, found)


def no_levels(evidence: Evidence) -> str:
    """Why a claim has no curve across studies."""
    if evidence.doses is None:
        return "no table of levels with counts is published here"
    return "no table of levels with counts is published here for this claim"


def _figure(evidence: Evidence, claim: ClaimSpec, found: ClaimCurve, main: Drawn) -> PageFigure:
    ours, both = found.points["own"].any(), found.together is not None and found.published is not None
    where = f"{evidence.spec.exposure} ({found.unit})"
    xlabel = f"{where}, level in {_people(evidence)} at the same percentile" if found.placed else where
    name = main.fit.ratio_name
    turning, located = main.shape.heights, main.located
    below, above = turning.open_ends
    lowest = Lowest(turning.x, None if below else turning.low, None if above else turning.high)
    draw = partial(
        dose_response,
        main.curve,
        found.points,
        xlabel=xlabel,
        ylabel=f"{name[:1].upper()}{name[1:]} (log scale)",
        reference=Reference(found.reference, f"reference, {measure(found.reference, found.unit)}"),
        lowest=lowest if located and not (below and above) else None,
        other=_alone(found) if both else None,
        labels=("published and here together" if ours else "published studies", "published studies alone"),
        also=_also(evidence, found),
    )
    caption = (
        f"{claim.claim} Line: the mean curve of {count(len(main.fit.study))} studies with its "
        f"{level(main.shape.level)} band. Points: levels of studies, the area by their precision (1 / SE²), each study "
        "moved so that its own reference (a ring) lies on the curve."
    )
    if both:
        caption += " Dashed: published studies alone."
    if found.placed:
        caption += (
            " Levels are not printed ones: groups stand at the percentiles that they are of, read as levels of "
            f"{_people(evidence)}."
        )
    return PageFigure("dose-response", draw, caption, _shape_told(found, main), _curve_table(found), claim.id)


def _alone(found: ClaimCurve) -> pd.DataFrame:
    assert found.published is not None
    return found.published.curve


def _also(evidence: Evidence, found: ClaimCurve) -> tuple[str, float] | None:
    """A second scale, in the one other unit that a factor is declared for."""
    declared = evidence.spec.reference if found.placed else evidence.spec.doses
    others = {unit: factor for unit, factor in declared.factors.items() if unit != found.unit} if declared else {}
    if len(others) != 1:
        return None
    unit, factor = next(iter(others.items()))
    return unit, factor


def _told(evidence: Evidence, found: ClaimCurve, main: Drawn) -> Iterator[str]:
    fit, q = main.fit, main.heterogeneity
    yield _shape_told(found, main)
    how = "one curve for all studies, since fewer than two have levels enough for one of their own"
    if fit.estimator != "common":
        how = "random effects, one stage, by restricted maximum likelihood"
        how = how if fit.estimator == "REML" else how.replace("restricted ", "")
    elif evidence.spec.pooling.method == "common":
        how = "one curve for all studies"
    test = fit.df_resid != float("inf")
    df = f"{fit.df_resid:.0f} {'degree' if fit.df_resid == 1 else 'degrees'} of freedom"
    limits = f"; t with {df}, widened by how badly studies fit" if test else ""
    yield f"Fitted: {how}{limits}."
    if q["df"] > 0:
        yield f"Q {q['q']:.1f} on {q['df']:.0f} df, {p_phrase(q['p'])}; I² {q['i2']:.0f}%."
    if main.fits.df:
        yield f"Test that each study's levels lie on a curve of this form: {p_phrase(main.fits.p)}."
    with_ours = " and the groups of real people here" if found.together else ""
    if found.placed:
        yield (
            f"It is of the contrasts that are pooled above{with_ours}, so it does not count in the verdict "
            "again; it asks more: both ends of one curve against its lowest point. Levels are as exact as the "
            "reference distribution is right for these studies."
        )
    left = _left_out(found)
    if left:
        yield left.strip()
    for note in fit.notes:
        if "seem to be of the same people" in note or "limits" in note:
            yield f"{note[:1].upper()}{note[1:]}"


def _shape_told(found: ClaimCurve, main: Drawn) -> str:
    said = main.shape.verdict(found.unit)
    if main.located:
        return said
    head = said.split(": ", 1)[0]
    ends = [f"{measure(x, found.unit)}: {ratio_interval(*found.at(x))}" for x in found.range]
    return (
        f"{head}. Against {measure(found.reference, found.unit)}, at the ends: {'; '.join(ends)}. Where the curve is "
        "lowest is not told: no study prints more levels than the curve has coefficients, so its form lies between "
        "them, not in the data."
    )


def _curve_table(found: ClaimCurve) -> Table:
    columns = [Column(f"Level ({found.unit})", numeric=False)]
    each = [("Published", found.published), ("Published and here together", found.together)]
    shown = [(name, drawn) for name, drawn in each if drawn is not None]
    columns += [Column(name, numeric=False) for name, _ in shown]
    at = np.linspace(*found.range, TABLED)
    rows = []
    for x in at:
        cells = [measure(float(x))]
        for _, drawn in shown:
            row = drawn.curve.iloc[int(np.abs(drawn.curve["x"] - x).argmin())]
            cells.append(ratio_interval(row["ratio"], row["low"], row["high"]))
        rows.append(Row(tuple(cells)))
    note = f"Against {measure(found.reference, found.unit)}."
    return Table("The curve of this figure.", tuple(columns), tuple(rows), (note,))


def _studies_table(evidence: Evidence, claim: ClaimSpec, found: ClaimCurve) -> Table:
    columns = (
        Column("Study and level", numeric=False),
        Column("Ratio to its own reference", numeric=False),
    )
    rows: list[Row] = []
    assert found.main is not None
    table = found.main.fit.table
    assert table is not None
    own = set(found.points.loc[found.points["own"], "study"])
    for study, levels in table.groupby("study", sort=False):
        name = f"{found.names.get(str(study), study)}{' (real people here)' if study in own else ''}"
        rows.append(Row((name,), "heading"))
        for row in levels.sort_values("dose").itertuples():
            half = 1.959963984540054 * row.se
            printed = "1 (reference)"
            if np.isfinite(row.se):
                printed = ratio_interval(*(float(np.exp(row.estimate + move)) for move in (0.0, -half, half)))
            rows.append(Row((measure(row.dose, found.unit), printed), "indented"))
    return Table(f"Levels behind the curve: {claim.claim}", columns, tuple(rows))


def _left_out(found: ClaimCurve) -> str:
    if not found.left_out:
        return ""
    return f" Not on the curve: {listed([f'{study} ({why})' for study, why in found.left_out])}."


def _people(evidence: Evidence) -> str:
    return evidence.spec.reference.population if evidence.spec.reference else "the reference population"
