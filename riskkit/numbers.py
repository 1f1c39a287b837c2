"""How numbers are printed, in figures, tables and sentences alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOTHING = "–"
HARD = "\u00a0"  # a space at which no line is broken
MINUS = "−"


def ratio(value: float) -> str:
    """A ratio with 2 decimals: 0.90; one that would round to nothing as <0.01, a huge one without decimals."""
    if not math.isfinite(value):
        return NOTHING
    if 0 < value < 0.005:
        return "<0.01"
    return f"{value:.2f}" if value < 100 else ">1,000" if value > 1000 else f"{value:.0f}"


def ratio_interval(value: float, low: float, high: float) -> str:
    """A ratio with its interval, for tables and figures: 0.90 (0.85–0.95); 3.00 (no interval) where there is none."""
    if not math.isfinite(value):
        return NOTHING
    if math.isnan(low) and math.isnan(high):
        return f"{ratio(value)} (no interval)"
    return f"{ratio(value)} ({ratio(low)}–{ratio(high)})"


def p_value(p: float) -> str:
    """A p value: 0.41, 0.03, 0.004, <0.001.

    Three decimals are kept from 0.045 to 0.055, where two would hide on which side of 0.05 it lies.
    """
    if not math.isfinite(p):
        return NOTHING
    if p < 0.001:
        return "<0.001"
    if p >= 0.995:
        return ">0.99"
    return f"{p:.3f}" if p < 0.0095 or 0.045 <= p < 0.055 else f"{p:.2f}"


def p_phrase(p: float, name: str = "p") -> str:
    """A p value with its sign, never broken over lines: p = 0.03, p < 0.001."""
    text = p_value(p)
    return HARD.join([name, text[0], text[1:]] if text[0] in "<>" else [name, "=", text])


def count(value: float) -> str:
    """A number of people, events or person-years: 12,345."""
    return f"{value:,.0f}".replace("-", MINUS) if math.isfinite(value) else NOTHING


def per_cent(value: float) -> str:
    """A percentage with one decimal: 12.3."""
    return f"{value:.1f}" if math.isfinite(value) else NOTHING


def share(value: float, percent: float) -> str:
    """A number of people and what per cent they are: 1,234 (12.3)."""
    return f"{count(value)} ({per_cent(percent)})" if math.isfinite(value) else NOTHING


def level(value: float) -> str:
    """A confidence level: 95%."""
    return f"{100 * value:g}%"


def measure(value: float, unit: str | None = None) -> str:
    """A measurement to three significant digits, whole numbers kept whole: 148 ng/mL, 81.3, 0.0123, 4,120."""
    if not math.isfinite(value):
        return NOTHING
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(digits, 0)}f}"
    if "." in text and float(value).is_integer():
        text = f"{value:,.0f}"
    return with_unit(text.replace("-", MINUS), unit)


def measures(values: Sequence[float]) -> list[str]:
    """Measurements of one kind with the same number of decimals: three significant digits of the largest."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    digits = max(2 - math.floor(math.log10(largest)), 0) if largest else 0
    return [f"{value:,.{digits}f}".replace("-", MINUS) if math.isfinite(value) else NOTHING for value in values]


def with_unit(text: str, unit: str | None) -> str:
    """A printed number and its unit: 148 ng/mL, 12%."""
    if not unit:
        return text
    return f"{text}%" if unit == "%" else f"{text}{HARD}{unit}"
