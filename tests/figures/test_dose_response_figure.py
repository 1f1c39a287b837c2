"""The dose-response figure: points by precision, rings at references, a second scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskkit.figures.dose_response import LARGEST, dose_response
from riskkit.figures.spline import Lowest, Reference

CURVE = pd.DataFrame({"x": np.linspace(10, 30, 21)})
CURVE = CURVE.assign(ratio=np.exp(((CURVE["x"] - 20) / 10) ** 2 / 4))
CURVE = CURVE.assign(low=CURVE["ratio"] / 1.1, high=CURVE["ratio"] * 1.1)
POINTS = pd.DataFrame(
    {
        "study": ["A", "A", "A", "B", "B"],
        "dose": [20.0, 12.0, 28.0, 18.0, 26.0],
        "ratio": [1.0, 1.2, 1.1, 1.02, 1.3],
        "se": [np.nan, 0.1, 0.2, np.nan, 0.4],
        "own": [False, False, False, True, True],
    }
)


def drawn(**options):
    options = {"lowest": Lowest(20.0, 18.0, None), **options}
    return dose_response(CURVE, POINTS, xlabel="dose", ylabel="ratio", reference=Reference(20.0, "here"), **options)


def test_points_have_the_area_of_their_precision():
    ax = drawn().axes[0]
    sizes = {line.get_xdata()[0]: line.get_markersize() for line in ax.lines if "level" in str(line.get_label())}
    assert sizes[12.0] == pytest.approx(LARGEST)
    assert sizes[12.0] ** 2 / sizes[28.0] ** 2 == pytest.approx((1 / 0.1**2) / (1 / 0.2**2))
    rings = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "reference of a study"]
    assert rings == [20.0, 18.0]


def test_ones_own_levels_are_marked_apart():
    ax = drawn().axes[0]
    looks = {line.get_label(): line.get_markerfacecolor() for line in ax.lines if "level" in str(line.get_label())}
    assert looks["own level"] != looks["level"]


def test_a_second_scale_is_in_its_unit():
    figure = drawn(also=("ng/mL", 0.13074))
    (above,) = figure.axes[0].child_axes
    figure.draw_without_rendering()
    assert above.get_xlabel() == "ng/mL"
    assert np.array(above.get_xlim()) * 0.13074 == pytest.approx(figure.axes[0].get_xlim())


@pytest.mark.parametrize("narrow", [False, True])
def test_another_curve_is_dashed(narrow):
    figure = drawn(other=CURVE.assign(ratio=1.0), labels=("all", "published"), narrow=narrow)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "published")
    assert line.get_linestyle() == "--"
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["all", "published"]
