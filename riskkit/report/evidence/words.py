"""How the report of published evidence prints its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from riskkit.evidence.verdicts import End
from riskkit.numbers import HARD, NOTHING, measure, ratio, ratio_interval
from riskkit.report.evidence.own import OwnFinding
from riskkit.report.evidence.read import Evidence
from riskkit.spec.evidence import ClaimSpec
from riskkit.telling.words import quantity

ENDS: dict[End, str] = {"line": "", "low": "Low end", "high": "High end"}


def ends(claim: ClaimSpec) -> tuple[End, ...]:
    """The ends that a claim is asked at."""
    return ("low", "high") if claim.expects == "U" else ("line",)


def by_end(claim: ClaimSpec, told: dict[End, str]) -> str:
    """A cell with a line an end; a dash where there is nothing at all."""
    if not any(told.values()):
        return NOTHING
    if claim.expects != "U":
        return told["line"]
    lines = (f"{end.capitalize()}: {told.get(end) or NOTHING}" for end in ends(claim))
    return "\n".join(lines).replace(" ", HARD)


def pooled_told(evidence: Evidence, claim: ClaimSpec) -> str:
    """The pooled ratio; of agents, how many reports tell of which change."""
    if claim.agents is not None:
        shifts = evidence.ledger.agents
        directions = shifts[shifts["claim"] == claim.id]["direction"]
        names = {"up": "up", "down": "down", "none": "unchanged"}
        found = [f"{(directions == d).sum()} {name}" for d, name in names.items() if (directions == d).any()]
        return f"Reports: {', '.join(found)}" if found else NOTHING
    told: dict[End, str] = {}
    for end in ends(claim):
        row = evidence.pooled(claim.id, end)
        told[end] = "" if row is None else ratio_interval(row["ratio"], row["low"], row["high"])
        rows = evidence.rows(claim.id, end)
        if row is None and len(rows):
            told[end] = f"{ratio(rows['ratio'].iloc[0])}, not pooled" if len(rows) == 1 else "not pooled"
    return by_end(claim, told)


def studies(evidence: Evidence, claim: ClaimSpec, end: End) -> int:
    """How many studies are pooled at an end; two estimates of one study are one."""
    rows, pooled = evidence.rows(claim.id, end), evidence.pooled(claim.id, end)
    if pooled is not None and not rows["used"].any():
        return int(pooled["studies"])  # of a curve
    return int(rows.loc[rows["used"], "study"].nunique())


def studies_told(evidence: Evidence, claim: ClaimSpec) -> str:
    """How many studies are pooled, and of how many estimates where these are more; of agents, the reports."""
    if claim.agents is not None:
        return str((evidence.ledger.agents["claim"] == claim.id).sum())
    told: dict[End, str] = {}
    for end in ends(claim):
        number, used = studies(evidence, claim, end), int(evidence.rows(claim.id, end)["used"].sum())
        told[end] = str(number) if number == used or not used else f"{number} ({quantity(used, 'estimate')})"
    return by_end(claim, told)


def predicted_told(evidence: Evidence, claim: ClaimSpec) -> str:
    """The prediction intervals."""
    told: dict[End, str] = {}
    for end in ends(claim):
        row = evidence.pooled(claim.id, end)
        told[end] = "" if row is None or math.isnan(row["predicted_low"]) else interval(row)
    return by_end(claim, told)


def interval(row: pd.Series) -> str:
    """A prediction interval: 1.04–1.97."""
    return f"{ratio(row['predicted_low'])}–{ratio(row['predicted_high'])}"


def own_told(claim: ClaimSpec, found: Iterable[OwnFinding]) -> str:
    """One's own estimates, those of simulated people or those of real ones."""
    told: dict[End, str] = {}
    for each in found:
        e = each.estimate
        text = ratio_interval(e.ratio, e.low, e.high)
        told[e.end] = f"{told[e.end]}, {text}" if e.end in told else text
    return by_end(claim, told)


def change_told(change: float, low: float, high: float, direction: str) -> str:
    """A change in per cent as printed, with its limits or range; else its direction."""
    if math.isfinite(change):
        limits = f" ({measure(low)} to {measure(high)})" if math.isfinite(low) else ""
        return f"{'+' if change > 0 else ''}{measure(change)}%{limits}"
    if math.isfinite(low):
        return f"{measure(low)}% to {measure(high)}%"
    return {"up": "up", "down": "down", "none": "no clear change"}[direction]
