from __future__ import annotations

import numpy as np
import pytest
from closer_example import AGES, closer_frames

from riskkit.figures.panels import Panel
from riskkit.questions.incidence.figure import APART, incidence, outer_and_middle
from riskkit.questions.over_time.figure import over_time

FRAMES = closer_frames(["igf1"], ["death", "stroke"], "lifestyle")
PANELS = (Panel("death", "Death"), Panel("stroke", "Stroke"))


def test_the_lowest_middle_and_highest_group_have_their_steps_and_the_outer_ones_their_bands() -> None:
    ax, _ = incidence(FRAMES["incidence"], PANELS, xlabel="Age").axes
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert list(lines) == ["Q1", "Q3", "Q5"]
    assert np.allclose(lines["Q3"].get_ydata(), 1 - np.exp(-3 * (AGES - 30) / 2000))
    assert {line.get_drawstyle() for line in lines.values()} == {"steps-post"}
    assert [band.get_label() for band in ax.collections] == ["Q1 band", "Q5 band"]
    assert ax.get_xlim() == (30, 90)


def test_numbers_at_risk_stand_under_the_ticks() -> None:
    ax = incidence(FRAMES["incidence"], PANELS, xlabel="Age").axes[0]
    at_risk = [text for text in ax.texts if text.get_text().replace(",", "").isdigit()]
    assert len(at_risk) == 3 * len(ax.get_xticks())
    for text in at_risk:
        assert int(text.get_text().replace(",", "")) == int(1200 - 13 * (text.xy[0] - 30))


def test_labels_of_groups_that_end_together_do_not_touch() -> None:
    same = FRAMES["incidence"].assign(estimate=lambda rows: rows["estimate"] / rows["events"])
    ax = incidence(same, PANELS, xlabel="Age", narrow=True).axes[0]
    heights = sorted(text.xy[1] for text in ax.texts if text.get_text().startswith("Q") and text.xy[0] == 1)
    assert len(heights) == 3
    assert np.diff(heights).min() > APART * 0.999
    assert heights[-1] <= 1


def test_a_ratio_over_time_lies_over_the_constant_one() -> None:
    constant = {"death": 0.9, "stroke": 1.1}
    figure = over_time(FRAMES["schoenfeld"], PANELS, constant, xlabel="Age", ylabel="Ratio")
    for ax, panel in zip(figure.axes, PANELS, strict=True):
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert list(lines["constant"].get_ydata()) == [constant[panel.key]] * 2
        assert list(lines["no difference"].get_ydata()) == [1, 1]
        assert np.allclose(np.log(lines["ratio"].get_ydata()[[0, -1]]), [0.1, -0.1])


@pytest.mark.parametrize(
    ("groups", "kept"), [("A", "A"), ("AB", "AB"), ("ABC", "ABC"), ("ABCD", "ABD"), ("ABCDEFGHIJ", "AEJ")]
)
def test_the_middle_of_an_even_number_is_the_lower_one(groups: str, kept: str) -> None:
    assert outer_and_middle(list(groups)) == list(kept)
