from __future__ import annotations

import numpy as np
import pytest
from results_example import example_results

from riskkit.figures.panels import Panel
from riskkit.figures.shape import LARGEST, box_sides, shape
from riskkit.telling.associations import main_rows

RESULTS = example_results(1, 2)
GROUPS = main_rows(RESULTS.estimates, RESULTS.manifest, "igf1", "groups")
PANELS = [Panel("all_causes", "Death from any cause"), Panel("cardiovascular", "Cardiovascular death")]


def test_boxes_stand_at_the_medians_with_ratios_along_the_top_and_events_along_the_foot() -> None:
    ax = shape(GROUPS, PANELS, xlabel="IGF-I", ylabel="HR").axes[0]
    rows = GROUPS[GROUPS["outcome"] == "all_causes"]
    boxes = [line.get_xydata()[0].tolist() for line in ax.get_lines() if line.get_label() == "box"]
    assert boxes == rows[["x", "ratio"]].to_numpy().tolist()
    texts = {(text.get_text(), *text.xy) for text in ax.texts}
    for row in rows.itertuples():
        assert {(f"{row.ratio:.2f}", row.x, 1), (f"{row.events:,}", row.x, 0)} <= texts


def test_no_number_stands_on_the_line_at_1() -> None:
    figure = shape(GROUPS, PANELS, xlabel="IGF-I", ylabel="HR")
    figure.draw_without_rendering()
    for ax in figure.axes:
        at = ax.transData.transform((0, 1))[1]
        numbers = [text for text in ax.texts if text.get_text().replace(",", "").replace(".", "").isdigit()]
        assert len(numbers) == 10
        assert not any(text.get_window_extent().y0 <= at <= text.get_window_extent().y1 for text in numbers)


def test_without_floating_risks_the_reference_has_no_interval() -> None:
    ax = shape(GROUPS, PANELS, xlabel="x", ylabel="y").axes[0]
    spans = [np.ptp(line.get_ydata()) for line in ax.get_lines() if line.get_label() == "interval"]
    assert spans[0] == 0
    assert min(spans[1:]) > 0


def test_floating_risks_give_every_group_an_interval() -> None:
    fse = np.full(len(GROUPS), 0.05)
    low, high = GROUPS["ratio"] * np.exp(-1.96 * fse), GROUPS["ratio"] * np.exp(1.96 * fse)
    floating = GROUPS.assign(float_se=fse, float_low=low, float_high=high)
    ax = shape(floating, PANELS, xlabel="x", ylabel="y").axes[0]
    first = next(line for line in ax.get_lines() if line.get_label() == "interval")
    assert first.get_ydata().tolist() == pytest.approx([np.exp(-0.098), np.exp(0.098)])


def test_areas_are_proportional_to_events_or_to_information() -> None:
    sides = box_sides(GROUPS)
    big = GROUPS["events"].to_numpy() > 300  # the smallest boxes are kept visible
    areas = sides[big] ** 2 / GROUPS["events"].to_numpy()[big]
    assert areas == pytest.approx(areas[0])
    fse = np.linspace(0.05, 0.1, len(GROUPS))
    sides = box_sides(GROUPS.assign(float_se=fse, float_low=1.0, float_high=1.0))
    assert sides == pytest.approx(LARGEST * 0.05 / fse)


def test_numbers_of_crowded_groups_are_turned_upright() -> None:
    crowded = GROUPS.assign(x=100 + np.arange(len(GROUPS)) % 5 * 1.0 + (np.arange(len(GROUPS)) % 5 == 4) * 300)
    turned = shape(crowded, PANELS, xlabel="x", ylabel="y").axes[0].texts[-1]
    assert turned.get_rotation() == 90
    level = shape(GROUPS, PANELS, xlabel="x", ylabel="y").axes[0].texts[-1]
    assert level.get_rotation() == 0
