from __future__ import annotations

import math

import pytest

from riskkit import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9, "0.90"), (1, "1.00"), (12.345, "12.35"), (0.004, "<0.01"), (0.0, "0.00"), (123.4, "123"), (4e5, ">1,000")],
)
def test_ratio(value: float, text: str) -> None:
    assert numbers.ratio(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_ratio_that_is_no_number_is_a_dash(value: float) -> None:
    assert numbers.ratio(value) == numbers.NOTHING
    assert numbers.ratio_interval(value, 1, 2) == numbers.NOTHING


def test_ratio_interval() -> None:
    assert numbers.ratio_interval(0.881, 0.8249, 0.9351) == "0.88 (0.82–0.94)"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.41, "0.41"), (0.0312, "0.03"), (0.0044, "0.004"), (0.00099, "<0.001"), (0.0, "<0.001"), (0.999, ">0.99"),
        (0.0496, "0.050"), (0.049, "0.049"), (0.0504, "0.050"), (0.0099, "0.01"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_p_value(p: float, text: str) -> None:
    assert numbers.p_value(p) == text


def test_p_phrase_is_never_broken_over_lines() -> None:
    assert numbers.p_phrase(0.03) == "p\u00a0=\u00a00.03"
    assert numbers.p_phrase(1e-9, "trend p") == "trend p\u00a0<\u00a00.001"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (148.2, "ng/mL", "148\u00a0ng/mL"), (81.34, None, "81.3"), (4120.4, None, "4,120"), (0.01234, None, "0.0123"),
        (60.0, None, "60"), (-3.25, None, "−3.25"), (0.0, None, "0"), (12.0, "%", "12%"), (math.nan, "kg", "–"),
    ],
)  # fmt: skip
def test_measure(value: float, unit: str | None, text: str) -> None:
    assert numbers.measure(value, unit) == text


def test_measures_share_their_decimals() -> None:
    assert numbers.measures([5.4512, 0.8541]) == ["5.45", "0.85"]
    assert numbers.measures([169.744, 336.2]) == ["170", "336"]
    assert numbers.measures([]) == []


def test_count_and_level() -> None:
    assert numbers.count(12345) == "12,345"
    assert numbers.count(math.nan) == "–"
    assert numbers.level(0.95) == "95%"
    assert numbers.level(0.999) == "99.9%"
