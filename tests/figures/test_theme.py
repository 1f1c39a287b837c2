from __future__ import annotations

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from riskkit.figures.theme import (
    MOST_TICKS,
    panel_limits,
    panel_ticks,
    ratio_axis,
    ratio_limits,
    ratio_ticks,
    styled,
    wrapped,
)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.45, 2.2, [0.5, 0.7, 1, 1.5, 2]),
        (0.88, 1.12, [0.9, 0.95, 1, 1.05, 1.1]),
        (0.68, 1.25, [0.7, 0.8, 0.9, 1, 1.1, 1.2]),
        (0.2, 9, [0.25, 0.5, 1, 2, 4, 8]),
        (0.00018, 5470, [0.01, 1, 100]),
    ],
)
def test_ticks_are_those_a_reader_expects(low: float, high: float, ticks: list[float]) -> None:
    assert ratio_ticks(low, high) == ticks


@pytest.mark.parametrize("low", [1e-9, 0.0002, 0.0005, 0.01, 0.1, 0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("high", [1.03, 1.1, 1.4, 2.5, 7, 40, 3000, 6000])
def test_any_range_has_ticks_inside_it_and_never_too_many(low: float, high: float) -> None:
    ticks = ratio_ticks(low, high)
    assert 2 <= len(ticks) <= MOST_TICKS
    assert 1 in ticks
    assert low * 0.999 <= min(ticks)
    assert max(ticks) <= high * 1.001


def test_a_ratio_axis_is_logarithmic_with_plain_numbers() -> None:
    ax = Figure().add_subplot()
    ratio_axis(ax, "y", 0.3, 2.2, ticks_from=0.6)
    assert ax.get_yscale() == "log"
    assert [ax.yaxis.get_major_formatter()(tick) for tick in ax.get_yticks()] == ["0.6", "0.8", "1", "1.25", "1.5", "2"]


def test_a_wide_interval_may_stretch_an_axis_only_so_far() -> None:
    low, high = ratio_limits([0.8, 1.5], [0.5, 0.01], [1.2, 900])
    assert low == pytest.approx(0.5 / 1.05)
    assert high == pytest.approx(1.5 * 1.6 * 1.05)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1 / 3, 3, [0.5, 1, 2]),
        (0.6, 2.2, [1, 2]),
        (0.7, 1.6, [1, 1.5]),
        (0.75, 1.3, [0.8, 1, 1.25]),
        (0.9, 1.1, [0.9, 1, 1.1]),
    ],
)
def test_a_panel_has_few_ticks_around_1(low: float, high: float, ticks: list[float]) -> None:
    assert panel_ticks(low, high) == ticks


def test_a_panel_ends_at_0_33_and_3() -> None:
    assert panel_limits([0.1, 9], [0.01, 5], [0.2, 20]) == (1 / 3, 3)
    assert panel_limits([0.95], [0.93], [0.97]) == pytest.approx(ratio_limits([0.95], [0.93], [0.97]))


def test_limits_hold_what_is_not_a_number() -> None:
    assert ratio_limits([float("nan")], [float("nan")], [float("nan")]) == (0.5, 2.0)


def test_the_theme_leaves_no_trace() -> None:
    before = mpl.rcParams["font.size"]
    with styled():
        assert mpl.rcParams["font.size"] == 7.5
    assert mpl.rcParams["font.size"] == before


def test_wrapping_keeps_lines_that_are_there() -> None:
    assert wrapped("Death from any cause\np = 0.03", 12) == "Death from\nany cause\np = 0.03"
