"""The verdict on a claim, from a closed set, by rules that are declared here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from riskkit.spec.evidence import ClaimSpec

Verdict = Literal[
    "supported",
    "supported at one end only",
    "contradicted",
    "mixed",
    "too little here",
    "not testable here",
]
Lean = Literal["for", "against", "open"]
End = Literal["line", "low", "high"]
VERDICTS: tuple[Verdict, ...] = (
    "supported",
    "supported at one end only",
    "contradicted",
    "mixed",
    "too little here",
    "not testable here",
)
RULES = (
    "An interval leans for a claim when it leaves out 1 on the claim's side, against it when it leaves out 1 on the "
    "other, and is open when it holds 1. Intervals that count are those of the pooled estimate and of real data here. "
    "A claim is supported when one of them leans for it and none against; contradicted when one leans against it and "
    "none for it; mixed when they, or single studies, lean either way; too little is here when all are open or there "
    "are none. Of a U both ends are asked whether risk there is above the middle: supported when both are, at one end "
    "only when one is and the other is open, contradicted when an end is below the middle. Of agents, each report "
    "counts by the direction of change that it prints. Simulated data and rows that are marked or not pooled never "
    "count."
)


def lean(expects: str | None, low: float, high: float) -> Lean:
    """Which way an interval of a ratio leans; of a U, each end is expected above 1."""
    if np.isnan(low) or np.isnan(high):
        return "open"
    above, below = low > 1, high < 1
    if expects == "below 1":
        above, below = below, above
    return "for" if above else "against" if below else "open"


def judge(claim: ClaimSpec, leans: Mapping[End, Sequence[Lean]]) -> tuple[Verdict, str]:
    """The verdict on a claim from the leanings at its ends, and the reason in words (the rules are in `RULES`)."""
    if claim.not_testable is not None:
        return "not testable here", claim.not_testable
    ends = {end: _combined(found) for end, found in leans.items()}
    if claim.expects == "U":
        return _judge_u(ends)
    found = next(iter(ends.values()), None)
    if claim.expects in ("raises", "lowers") and found is not None:
        return _judge_agents(found)
    said: dict[str | None, tuple[Verdict, str]] = {
        "for": ("supported", "an interval leaves out 1 on the claim's side, and none on the other"),
        "against": ("contradicted", "an interval leaves out 1 on the other side, and none on the claim's"),
        "mixed": ("mixed", "intervals leave out 1 on either side"),
        "open": ("too little here", "every interval holds 1"),
        None: ("too little here", claim.missing or "there is no estimate with limits"),
    }
    return said[found]


def _judge_agents(found: str) -> tuple[Verdict, str]:
    said: dict[str, tuple[Verdict, str]] = {
        "for": ("supported", "reports tell of a change the claimed way, and none of one the other way"),
        "against": ("contradicted", "reports tell of a change the other way, and none of one the claimed way"),
        "mixed": ("mixed", "reports tell of changes either way"),
        "open": ("too little here", "no report tells of a change"),
    }
    return said[found]


def _judge_u(ends: Mapping[End, str | None]) -> tuple[Verdict, str]:
    names = {"low": "the low end", "high": "the high end"}
    says = {
        "for": "is above the middle",
        "against": "is below the middle",
        "mixed": "is above and below the middle in different estimates",
        "open": "is not told from the middle",
        None: "has no estimate with limits",
    }
    because = "; ".join(f"{names[end]} {says[ends.get(end)]}" for end in ("low", "high"))
    found = [ends.get("low"), ends.get("high")]
    if "mixed" in found:
        return "mixed", because
    if "against" in found:
        return "contradicted", because
    if found == ["for", "for"]:
        return "supported", because
    return ("supported at one end only" if "for" in found else "too little here"), because


def _combined(leans: Sequence[Lean]) -> str | None:
    if not leans:
        return None
    clear = {each for each in leans if each != "open"}
    return "mixed" if len(clear) > 1 else clear.pop() if clear else "open"
