"""The ledger of claims: what is published and what one's own data say of each, and a verdict by declared rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskkit.errors import did_you_mean
from riskkit.evidence.meta import Meta, heterogeneity, meta, prediction_interval
from riskkit.evidence.reference import Reference
from riskkit.evidence.side_tables import Shift
from riskkit.evidence.table import Estimate, Published
from riskkit.evidence.verdicts import End, Lean, judge, lean
from riskkit.spec.evidence import ClaimSpec, EvidenceSpec, SelectionSpec
from riskkit.spec.load import Fault

PRINTED = 0.95  # level of published limits
POOLED = ("claim", "end", "studies", "estimate", "se", "ratio", "low", "high", "p", "tau2", "i2")
PREDICTED = ("predicted_low", "predicted_high", "lean", "note")
OWN = ("claim", "end", "analysis", "ratio", "low", "high", "simulated")
ROW = (
    "claim",
    "end",
    "id",
    "study",
    "year",
    "contrast",
    "measure",
    "ratio",
    "low",
    "high",
    "weight",
    "used",
    "why",
    "lean",
)


@dataclass(frozen=True)
class OwnEstimate:
    """What an analysis of one's own says of a claim.

    Attributes
    ----------
    claim : str
        Its id.
    end : {"line", "low", "high"}
        Of a U, which end against the middle.
    analysis : str
    ratio, low, high : float
    simulated : bool
        Such an estimate is shown and never counts.
    cohort : str
        Its title.
    per, unit : float and str
        Of a straight line: what the ratio is per; NaN of other contrasts.
    """

    claim: str
    end: End
    analysis: str
    ratio: float
    low: float
    high: float
    simulated: bool = False
    cohort: str = ""
    per: float = float("nan")
    unit: str = ""


@dataclass(frozen=True)
class CurveEnd:
    """What a curve across studies, of a table of levels with counts, says at an end of a claim.

    Attributes
    ----------
    end : {"line", "low", "high"}
    studies : int
    estimate, se, ratio, low, high, p : float
    i2 : float
        Of the whole curve.
    predicted_low, predicted_high : float
        For a new study; NaN where there are fewer than three.
    note : str
        What is compared: "curve, 12 against 0 g/day".
    """

    end: End
    studies: int
    estimate: float
    se: float
    ratio: float
    low: float
    high: float
    p: float
    i2: float
    predicted_low: float
    predicted_high: float
    note: str


@dataclass(frozen=True, eq=False)
class Ledger:
    """The ledger as tidy frames, in the order of the claims.

    Attributes
    ----------
    claims : DataFrame, one row a claim
        claim question text said_in expects verdict because.
    pooled : DataFrame, one row an end of a claim with rows to pool
        claim end studies estimate se ratio low high p tau2 i2 predicted_low predicted_high lean note.
    rows : DataFrame, one row a published estimate that a claim selects
        claim end id study year contrast measure ratio low high weight used why lean; ratios as pooled (converted where
        the claim says onto what), `used` false with its reason where a row is not pooled.
    own : DataFrame, one row an estimate of one's own
        claim end analysis ratio low high simulated lean.
    together : DataFrame, one row an end of a claim with real estimates of one's own that compare the same
        The columns of `pooled`: published estimates and one's own.
    agents : DataFrame, one row a report of an agent
        claim id agent population change low high direction lean.
    """

    claims: pd.DataFrame
    pooled: pd.DataFrame
    rows: pd.DataFrame
    own: pd.DataFrame
    together: pd.DataFrame
    agents: pd.DataFrame


def selection_faults(spec: EvidenceSpec, published: Published, agents: Sequence[Shift] = ()) -> Iterator[Fault]:
    """Words of claims that no row of the tables has, by their place in the file."""
    known = {
        "outcome": {row.outcome for row in published.rows},
        "exposure": {row.exposure for row in published.rows},
        "designs": {row.design for row in published.rows},
    }
    for i, claim in enumerate(spec.claims):
        for field in ("published", "low", "high"):
            selection: SelectionSpec | None = getattr(claim, field)
            if selection is None:
                continue
            place = ("claims", i, field)
            exposure = selection.exposure or spec.exposure
            for name, word in (("outcome", selection.outcome), ("exposure", exposure)):
                if word not in known[name]:
                    yield Fault((*place, name), f"no row has '{word}'.{did_you_mean(word, known[name])}")
            some = published.select(outcome=selection.outcome, exposure=exposure)
            words = {row.contrast.words for row in some}
            for contrast in selection.contrast if some else ():
                if contrast not in words:
                    hint = did_you_mean(contrast, words)
                    yield Fault(
                        (*place, "contrast"), f"no row of {exposure} and {selection.outcome} is '{contrast}'.{hint}"
                    )
        if claim.agents is not None and agents:
            for name, wanted, there in (
                ("agents", claim.agents.agents, {shift.agent for shift in agents}),
                ("classes", claim.agents.classes, {shift.kind for shift in agents}),
            ):
                for word in wanted:
                    if word not in there:
                        yield Fault(("claims", i, "agents", name), f"no row has '{word}'.{did_you_mean(word, there)}")


def make_ledger(
    spec: EvidenceSpec,
    published: Published,
    *,
    agents: Sequence[Shift] = (),
    reference: Reference | None = None,
    own: Iterable[OwnEstimate] = (),
    curves: Mapping[str, Sequence[CurveEnd]] | None = None,
) -> Ledger:
    """Judge every claim of an evidence file by its tables and one's own estimates.

    Parameters
    ----------
    spec : EvidenceSpec
    published : Published
    agents : sequence of Shift
    reference : Reference, optional
        The declared distribution of the exposure, where claims bring estimates onto a scale.
    own : iterable of OwnEstimate
        Of claims that are in the file; others are ignored.
    curves : mapping of claim to sequence of CurveEnd, optional
        What curves of printed levels say; they stand for the pooled estimate of an end that selects no rows.
    """
    ours = tuple(own)
    claims: list[dict[str, Any]] = []
    pooled: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    mine: list[dict[str, Any]] = []
    both: list[dict[str, Any]] = []
    shifts: list[dict[str, Any]] = []
    for claim in spec.claims:
        leans: dict[End, list[Lean]] = {}
        for end, selection in _ends(claim):
            leans[end] = []
            if selection is not None:
                whole, parts = _published(claim, end, selection, spec, published, reference)
                pooled += whole
                rows += parts
                leans[end] += [row["lean"] for row in whole]
                single = {row["lean"] for row in parts if row["used"]}
                if {"for", "against"} <= single:  # one study alone adds nothing to the pool; two that differ do
                    leans[end] += ["for", "against"]
            for at in (curves or {}).get(claim.id, ()):
                if at.end == end and selection is None:
                    leaning = lean(claim.expects, at.low, at.high)
                    pooled.append({"claim": claim.id, **vars(at), "tau2": np.nan, "lean": leaning})
                    leans[end].append(leaning)
            for estimate in ours:
                if estimate.claim == claim.id and estimate.end == end:
                    leaning = lean(claim.expects, estimate.low, estimate.high)
                    mine.append({**{name: getattr(estimate, name) for name in OWN}, "lean": leaning})
                    if not estimate.simulated:
                        leans[end].append(leaning)
            if selection is not None:
                here = [one for one in ours if (one.claim, one.end) == (claim.id, end) and not one.simulated]
                both += _together(claim, end, selection, spec, parts, here, reference, published)
        if claim.agents is not None:
            leans = {"line": []}
            for shift in _selected(claim, agents):
                shifts.append(_shift(claim, shift))
                leans["line"].append(shifts[-1]["lean"])
        verdict, because = judge(claim, leans)
        claims.append(
            {
                "claim": claim.id,
                "question": claim.question,
                "text": claim.claim,
                "said_in": claim.said_in,
                "expects": claim.expects or "",
                "verdict": verdict,
                "because": because,
            }
        )
    agent_columns = ("claim", "id", "agent", "population", "change", "low", "high", "direction", "lean")
    return Ledger(
        claims=pd.DataFrame(claims),
        pooled=pd.DataFrame(pooled, columns=[*POOLED, *PREDICTED]),
        rows=pd.DataFrame(rows, columns=list(ROW)),
        own=pd.DataFrame(mine, columns=[*OWN, "lean"]),
        together=pd.DataFrame(both, columns=[*POOLED, *PREDICTED]),
        agents=pd.DataFrame(shifts, columns=list(agent_columns)),
    )


def _ends(claim: ClaimSpec) -> tuple[tuple[End, SelectionSpec | None], ...]:
    if claim.expects == "U":
        return ("low", claim.low), ("high", claim.high)
    return (("line", claim.published),)


def _published(
    claim: ClaimSpec,
    end: End,
    selection: SelectionSpec,
    spec: EvidenceSpec,
    published: Published,
    reference: Reference | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The pooled estimate of one end (none or one), and the rows it is of."""
    found = [
        row
        for contrast in selection.contrast
        for row in published.select(
            outcome=selection.outcome,
            contrast=contrast,
            exposure=selection.exposure or spec.exposure,
            designs=selection.designs,
        )
        if selection.subgroup in (None, row.subgroup)
    ]
    rows: list[dict[str, Any]] = []
    cohorts: set[str] = set()
    for row in found:
        ratio, low, high, why = _brought(row, selection, spec, reference)
        if not row.pool:
            why = row.why
        elif not why and row.cohort in cohorts and not row.subgroup:
            why = f"{row.cohort} is pooled already, by another contrast"
        if not why:
            cohorts.add(row.cohort)
        rows.append(
            {
                "claim": claim.id,
                "end": end,
                "id": row.id,
                "study": row.study,
                "year": row.year,
                "contrast": row.contrast.words,
                "measure": row.measure,
                "ratio": ratio,
                "low": low,
                "high": high,
                "weight": np.nan,
                "used": not why,
                "why": why,
                "lean": lean(claim.expects, low, high),
            }
        )
    used = [row for row in rows if row["used"]]
    if not used:
        return [], rows
    fit, note = _pool(used, spec)
    for each, weight in zip(used, fit.weights, strict=True):
        each["weight"] = float(weight)
    return [_pooled_row(claim, end, fit, note, spec, used)], rows


def _together(
    claim: ClaimSpec,
    end: End,
    selection: SelectionSpec,
    spec: EvidenceSpec,
    rows: Sequence[Mapping[str, Any]],
    here: Sequence[OwnEstimate],
    reference: Reference | None,
    published: Published,
) -> list[dict[str, Any]]:
    """Published estimates and real ones of one's own, pooled: none or one row.

    Both ends of a U are compared with the middle everywhere; a ratio per increment is brought to that of the claim.
    What is of the same cohort as a published estimate, or compares something else, is not pooled with it.
    """
    used = [dict(row) for row in rows if row["used"]]
    cohorts = {row.cohort.lower() for row in published.rows if row.id in {each["id"] for each in used}}
    added = []
    for one in here:
        power = 1.0 if claim.expects == "U" else _power(one, selection, spec, used, reference, published)
        if np.isnan(power) or np.isnan(one.low) or any(name in one.cohort.lower() for name in cohorts):
            continue
        low, high = sorted((one.low**power, one.high**power))
        added.append({"id": one.analysis, "ratio": one.ratio**power, "low": low, "high": high})
    if not used or not added:
        return []
    fit, note = _pool([*used, *added], spec)
    return [_pooled_row(claim, end, fit, note, spec, used)]


def _power(
    one: OwnEstimate,
    selection: SelectionSpec,
    spec: EvidenceSpec,
    used: Sequence[Mapping[str, Any]],
    reference: Reference | None,
    published: Published,
) -> float:
    """To what power one's own ratio per increment is that of the claim's; NaN where they do not compare."""
    factors = dict(spec.reference.factors) if spec.reference else {}
    if selection.onto is not None and reference is not None:
        amount, unit = selection.onto, reference.unit
    else:
        contrasts = {row.contrast for row in published.rows if row.id in {each["id"] for each in used}}
        only = contrasts.pop() if len(contrasts) == 1 else None
        if only is None or only.kind != "per unit" or only.per is None:
            return float("nan")
        amount, unit = only.per, only.unit
    if one.unit == unit:
        return amount / one.per
    home = reference.unit if reference else ""
    known = {**factors, home: 1.0}
    return amount * known[unit] / (one.per * known[one.unit]) if {unit, one.unit} <= set(known) else float("nan")


def _pool(used: list[dict[str, Any]], spec: EvidenceSpec) -> tuple[Meta, str]:
    table = pd.DataFrame(used)[["id", "ratio", "low", "high"]]
    few = len(used) < 3 and spec.pooling.test == "knapp-hartung"
    fit = meta(table, study="id", method=spec.pooling.method, test="normal" if few else spec.pooling.test)
    note = {1: "one study", 2: "two studies: a normal interval"}.get(len(used), "") if few else ""
    return fit, note


def _pooled_row(
    claim: ClaimSpec, end: End, fit: Meta, note: str, spec: EvidenceSpec, used: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    level = spec.pooling.level
    mean = fit.tidy(level).drop(columns="term").iloc[0].to_dict()
    spread = heterogeneity(fit, level)
    row: dict[str, Any] = {"claim": claim.id, "end": end, "studies": fit.n, **{str(k): v for k, v in mean.items()}}
    row |= {"tau2": spread.tau2, "i2": spread.i2, "predicted_low": np.nan, "predicted_high": np.nan}
    if fit.n == 1 and level == PRINTED:  # its own limits, which need not be symmetrical
        row |= {name: used[0][name] for name in ("ratio", "low", "high")}
    if fit.n > 2:
        new = prediction_interval(fit, level).iloc[0]
        row |= {"predicted_low": float(new["low"]), "predicted_high": float(new["high"])}
    return {**row, "lean": lean(claim.expects, float(row["low"]), float(row["high"])), "note": note}


def _brought(
    row: Estimate, selection: SelectionSpec, spec: EvidenceSpec, reference: Reference | None
) -> tuple[float, float, float, str]:
    """Ratio and limits as the claim wants them, and why they cannot be (empty where they can)."""
    if selection.onto is None:
        return row.ratio, row.low, row.high, ""
    assert spec.reference is not None
    if reference is None:
        return row.ratio, row.low, row.high, "the distribution of the exposure was not given"
    apart = row.contrast.difference(reference, spec.reference.factors)
    if apart is None or apart == 0:
        return row.ratio, row.low, row.high, f"'{row.contrast.words}' has no place on the scale of {reference.unit}"
    power = selection.onto / apart
    ends = sorted((row.low**power, row.high**power))
    return row.ratio**power, ends[0], ends[1], ""


def _selected(claim: ClaimSpec, agents: Sequence[Shift]) -> Iterator[Shift]:
    assert claim.agents is not None
    for shift in agents:
        if shift.agent in claim.agents.agents or shift.kind in claim.agents.classes:
            yield shift


def _shift(claim: ClaimSpec, shift: Shift) -> dict[str, Any]:
    wanted = "up" if claim.expects == "raises" else "down"
    leaning = "open" if shift.direction == "none" else "for" if shift.direction == wanted else "against"
    return {
        "claim": claim.id,
        "id": shift.id,
        "agent": shift.agent,
        "population": shift.population,
        "change": shift.change,
        "low": shift.low,
        "high": shift.high,
        "direction": shift.direction,
        "lean": leaning,
    }
