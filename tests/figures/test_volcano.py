from __future__ import annotations

import math
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
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["1", "0.01", "10⁻⁴", "10⁻⁶", "10⁻⁸"]


def test_a_p_value_of_nothing_has_a_place() -> None:
    assert outcomes(volcano(POINTS, LINES, xlabel="HR"))[-1][1] == 300


def test_no_outcome_at_all() -> None:
    assert outcomes(volcano([], LINES, xlabel="HR")) == []
