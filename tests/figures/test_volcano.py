from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from riskkit.figures.theme import MAIN
from riskkit.figures.volcano import Point, Threshold, volcano

POINTS = [
    Point("Prostate cancer", 1.1, 1e-8, named=True, strong=True),
    Point("Breast cancer", 1.1, 2e-8, named=True, strong=True),
    Point("Liver cancer", 0.85, 0.004, named=True, strong=False),
    Point("Brain cancer", 1.02, 0.6, named=False, strong=False),
    Point("Not fitted", math.nan, math.nan, named=False, strong=False),
    Point("Below any number", 0.9, 0.0, named=False, strong=False),
]
LINES = [Threshold(0.05, "p = 0.05"), Threshold(0.0018, "Holm")]


def outcomes(figure: Figure) -> list[tuple[float, float, str]]:
    lines = [line for line in figure.axes[0].get_lines() if line.get_label() == "outcome"]
    return [(line.get_xdata()[0], line.get_ydata()[0], line.get_markerfacecolor()) for line in lines]


def test_points_stand_at_their_ratio_and_p_value() -> None:
    figure = volcano(POINTS[:5], LINES, xlabel="HR")
    drawn = outcomes(figure)
    assert [(x, y) for x, y, _ in drawn] == [(p.ratio, pytest.approx(-math.log10(p.p))) for p in POINTS[:4]]
    assert [face == MAIN for *_, face in drawn] == [True, True, False, False]
    assert drawn[2][2] == "white"
    thresholds = [line.get_ydata()[0] for line in figure.axes[0].get_lines() if line.get_label() == "threshold"]
    assert thresholds == pytest.approx([-math.log10(0.05), -math.log10(0.0018)])


@pytest.mark.parametrize("narrow", [False, True])
def test_labels_do_not_overlap_and_stay_inside(narrow: bool) -> None:
    figure = volcano(POINTS[:5], LINES, xlabel="HR", narrow=narrow)
    figure.draw_without_rendering()
    named = [t for t in figure.axes[0].texts if "cancer" in t.get_text()]
    assert {t.get_text().replace("\n", " ") for t in named} == {"Prostate cancer", "Breast cancer", "Liver cancer"}
    boxes = [text.get_window_extent() for text in named]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
    whole = figure.bbox
    everything = [
        *boxes,
        figure.axes[0].yaxis.label.get_window_extent(),
        figure.axes[0].xaxis.label.get_window_extent(),
    ]
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 for box in everything)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("holm", [0.05 / 30, 0.0018, 0.03])
def test_labels_of_thresholds_near_each_other_do_not_overlap(holm: float, narrow: bool) -> None:
    lines = [Threshold(0.05, "p = 0.05"), Threshold(0.05 / 30, "false discovery rate 5%"), Threshold(holm, "Holm")]
    figure = volcano(POINTS[3:4], lines, xlabel="HR", narrow=narrow)
    figure.draw_without_rendering()
    said = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    labels = [said[line.label] for line in sorted(lines, key=lambda line: -line.p)]
    assert all(below.y1 <= above.y0 for below, above in pairwise(labels))  # in the order of their lines
    assert labels[-1].y1 <= figure.bbox.y1
    line = figure.axes[0].transData.transform((1, -math.log10(0.05)))[1]
    assert 0 < said["p = 0.05"].y0 - line < 5  # a label with room stands on its line


def test_ticks_are_p_values() -> None:
    figure = volcano(POINTS[:5], LINES, xlabel="HR")
    figure.draw_without_rendering()
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["1", "0.01", "1e-4", "1e-6", "1e-8"]


NULL = [Point(f"Cancer {i}", math.exp(0.01 * (i - 14)), (i + 1) / 30, named=False, strong=False) for i in range(29)]


@pytest.mark.parametrize(
    ("ratio", "p", "marker", "told"),
    [
        (1.3, 1e-9, "o", ""),
        (0.4, 0.2, "<", "Rare cancer (ratio 0.4)"),
        (40.0, 0.2, ">", "Rare cancer (ratio 40)"),
        (1.1, 3e-60, "^", "Rare cancer (p ≈ 1e-60)"),
        (0.02, 0.0, "<", "Rare cancer (ratio 0.02, p < 1e-300)"),
    ],
)
@pytest.mark.parametrize("narrow", [False, True])
def test_an_outcome_far_from_all_others_is_an_arrow_at_the_edge_with_its_numbers(
    ratio: float, p: float, marker: str, told: str, narrow: bool
) -> None:
    figure = volcano([*NULL, Point("Rare cancer", ratio, p, False, False)], LINES, xlabel="HR", narrow=narrow)
    figure.draw_without_rendering()
    (ax,) = figure.axes
    lines = [line for line in ax.get_lines() if line.get_label() == "outcome"]
    assert {line.get_marker() for line in lines[:-1]} == {"o"}
    assert lines[-1].get_marker() == marker
    assert [" ".join(text.get_text().split()) for text in ax.texts if "Rare" in text.get_text()] == [told] * bool(told)
    spread = [ax.transAxes.inverted().transform(ax.transData.transform(line.get_xydata()[0])) for line in lines]
    assert all(0 < x < 1 and 0 < y < 1 for x, y in spread)
    assert spread[-2][0] - spread[0][0] > 0.15  # the others are not flattened
    assert all(
        figure.bbox.x0 <= t.get_window_extent().x0 and t.get_window_extent().x1 <= figure.bbox.x1 for t in ax.texts
    )


def test_an_axis_of_many_powers_of_ten_has_round_ones() -> None:
    figure = volcano([replace(p, p=p.p * 1e-60) for p in NULL], LINES, xlabel="HR")
    figure.draw_without_rendering()
    ticks = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert ticks == ["1", "1e-10", "1e-20", "1e-30", "1e-40", "1e-50", "1e-60"]


def test_a_p_value_of_nothing_has_a_place() -> None:
    assert outcomes(volcano(POINTS, LINES, xlabel="HR"))[-1][1] == 300


def test_no_outcome_at_all() -> None:
    assert outcomes(volcano([], LINES, xlabel="HR")) == []
