from __future__ import annotations

import math

import pytest
from matplotlib.figure import Figure

from riskkit.figures.forest import LARGEST, ForestHeads, ForestRow, forest

ROWS = [
    ForestRow("Death from any cause", 0.9, 0.85, 0.95, 400.0, "2,400", "<0.001"),
    ForestRow("Death from cancer", 1.1, 0.9, 4.0, 100.0, "520", "0.41", heading="Cancer"),
    ForestRow("Stroke", math.nan, math.nan, math.nan, math.nan),
]
HEADS = ForestHeads("Outcome", "Events", "HR (95% CI)", "p", "Hazard ratio per SD")


def plotted(figure: Figure, label: str) -> list[list[list[float]]]:
    return [line.get_xydata().tolist() for line in figure.axes[0].get_lines() if line.get_label() == label]


def test_estimates_stand_on_the_line_of_their_texts() -> None:
    figure = forest(ROWS, HEADS)
    (first,), (second,) = plotted(figure, "box")
    assert (first[0], second[0]) == (0.9, 1.1)
    heights = {text.get_text(): text.get_position()[1] for text in figure.axes[1].texts}
    assert first[1] == heights["Death from any cause"] == heights["0.90 (0.85–0.95)"] == heights["2,400"]
    assert second[1] == heights["Death from cancer"] == heights["1.10 (0.90–4.00)"]
    assert heights["Death from any cause"] < heights["Cancer"] < heights["Death from cancer"] < heights["Stroke"]


def test_an_interval_that_leaves_the_axis_ends_in_an_arrow() -> None:
    figure = forest(ROWS, HEADS)
    arrows = [line for line in figure.axes[0].get_lines() if line.get_label() == "cut"]
    assert [arrow.get_marker() for arrow in arrows] == [">"]
    assert arrows[0].get_xdata()[0] == pytest.approx(figure.axes[0].get_xlim()[1])
    assert max(x for line in plotted(figure, "interval") for x, _ in line) < 4


def test_what_was_not_estimated_says_so() -> None:
    figure = forest(ROWS, HEADS)
    assert "not estimated" in [text.get_text() for text in figure.axes[1].texts]
    assert len(plotted(figure, "box")) == 2


def test_areas_are_proportional_to_information() -> None:
    sides = [line.get_markersize() for line in forest(ROWS, HEADS).axes[0].get_lines() if line.get_label() == "box"]
    assert sides == pytest.approx([LARGEST, LARGEST / 2])


def test_columns_do_not_run_into_each_other() -> None:
    figure = forest(ROWS, HEADS)
    figure.canvas.draw()
    texts = figure.axes[1].texts
    boxes = {text.get_text(): text.get_window_extent() for text in texts}
    plot = figure.axes[0].get_window_extent()
    assert boxes["Death from any cause"].x1 < boxes["2,400"].x0
    assert boxes["2,400"].x1 <= plot.x0
    assert plot.x1 <= boxes["0.90 (0.85–0.95)"].x0
    assert boxes["0.90 (0.85–0.95)"].x1 < boxes["<0.001"].x0


def test_a_narrow_forest_keeps_the_counts_in_its_labels() -> None:
    figure = forest(ROWS, HEADS, narrow=True)
    texts = [text.get_text().replace("\n", " ") for text in figure.axes[1].texts]
    assert "Death from any cause (2,400)" in texts
    assert "<0.001" not in texts
