"""How risks, differences and levels are printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from riskkit.manifest import Manifest
from riskkit.numbers import HARD, MINUS, NOTHING, measure
from riskkit.questions.absolute.spec import AbsoluteSpec, competing
from riskkit.telling.words import in_sentence

THOUSAND = 1000
ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def per_thousand(share: float) -> str:
    """A risk as people of a thousand: 54, 3.2, 0.21, <0.01."""
    if not math.isfinite(share):
        return NOTHING
    people = share * THOUSAND
    if people < 0.01:
        return "<0.01" if people > 0 else "0"
    return f"{people:.0f}" if people >= 9.95 else f"{people:.1f}" if people >= 0.995 else f"{people:.2f}"


def risk_interval(row: Mapping[Any, Any]) -> str:
    """A risk with its interval: 54 (48 to 61)."""
    return f"{per_thousand(row['estimate'])} ({per_thousand(row['low'])} to {per_thousand(row['high'])})"


def signed(share: float) -> str:
    """A difference of risks as people of a thousand, with its sign: +5.2, −12, 0.0."""
    if not math.isfinite(share):
        return NOTHING
    people = share * THOUSAND
    digits = 0 if abs(people) >= 9.95 else 1 if abs(people) >= 0.095 or people == 0 else 2
    text = f"{people:+.{digits}f}"
    return f"{0:.{digits}f}" if float(text) == 0 else text.replace("-", MINUS)


def difference_interval(row: Mapping[Any, Any]) -> str:
    """A difference with its interval: +5.2 (−1.0 to +11)."""
    return f"{signed(row['estimate'])} ({signed(row['low'])} to {signed(row['high'])})"


def level_text(level: str, x: float, unit: str | None) -> str:
    """A level as a reader knows it: 5th percentile (98 ng/mL), or 98 ng/mL."""
    at = measure(x, unit)
    if level == "median":
        return f"median ({at})"
    if level.startswith("p"):
        number = level[1:]
        teen = number.isdigit() and 10 <= int(number) <= 20
        ending = "th" if teen or not number.isdigit() else ORDINALS.get(int(number) % 10, "th")
        return f"{number}{ending} percentile ({at})"
    return at


def age_text(age: float) -> str:
    """From when a risk is, as a table heads it: From age 60; From entry."""
    return f"From age {age:g}" if math.isfinite(age) else "From entry"


def people_text(age: float) -> str:
    """Of whom a risk is: people aged 60, people at entry."""
    return f"people aged{HARD}{age:g}" if math.isfinite(age) else "people"


def within_text(horizon: float) -> str:
    """Over how long: within 10 years; at baseline, of a state."""
    if not math.isfinite(horizon):
        return "at baseline"
    return f"within {horizon:g}{HARD}year{'' if horizon == 1 else 's'}"


def competing_text(manifest: Manifest, outcome: str) -> str:
    """What competes with an outcome, in a sentence; empty where nothing does."""
    other = competing(manifest.analysis)
    if other is None or other == outcome or other not in manifest.cohort.outcomes or not manifest.measure.timed:
        return ""
    return in_sentence(manifest.cohort.outcomes[other].label)


def main_age(asked: AbsoluteSpec) -> float:
    """The age that sentences and icons tell of, the middle one; NaN where risks are from entry."""
    ages = sorted(asked.ages)
    return ages[(len(ages) - 1) // 2] if ages else math.nan
