"""Knots and bases against Hmisc, and the properties that define a restricted cubic spline."""

import json
from pathlib import Path

import numpy as np
import pytest

from riskkit.design.splines import knots, rcs, rcs_slope
from riskkit.errors import DataError, SpecError

R = json.loads((Path(__file__).parent.parent / "reference" / "design.json").read_text())


@pytest.mark.parametrize("case", R["knots"], ids=lambda case: f"{case['sample']}-{case['k']}")
def test_knots_are_hmisc_s(case):
    np.testing.assert_allclose(knots(R["samples"][case["sample"]], case["k"]), case["knots"], rtol=1e-12)


def test_basis_is_hmisc_s():
    np.testing.assert_allclose(rcs(R["x"], R["kn"]), R["basis"], rtol=1e-12, atol=1e-13)


def test_knots_ignore_missing_values():
    values = np.array(R["samples"]["smooth"])
    np.testing.assert_array_equal(knots(np.r_[values, np.nan, np.nan], 5), knots(values, 5))


def test_basis_is_linear_beyond_the_outer_knots():
    x = np.array([50.0, 60, 70, 80])
    np.testing.assert_allclose(np.diff(rcs(x, R["kn"]), n=2, axis=0), 0, atol=1e-10)
    assert (rcs([-5.0, 3.0, 10.0], R["kn"])[:, 1:] == 0).all()


def test_slope_is_the_derivative():
    x = np.linspace(5, 50, 91) + 0.013  # off the knots, where the third derivative jumps
    h = 1e-5
    numeric = (rcs(x + h, R["kn"]) - rcs(x - h, R["kn"])) / (2 * h)
    np.testing.assert_allclose(rcs_slope(x, R["kn"]), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("wrong", [[1, 2], [1, 3, 2], [1, 2, np.nan], "abc"])
def test_bad_knots_are_refused(wrong):
    with pytest.raises(SpecError, match="knots must be"):
        rcs([1.0, 2.0], wrong)


def test_bad_numbers_of_knots_and_ties_are_refused():
    with pytest.raises(SpecError, match="3 to 10 knots, not 2"):
        knots(np.arange(100), 2)
    with pytest.raises(DataError, match="more than 7 distinct values; there are 4"):
        knots(np.tile([1, 2, 3, 4], 50), 5)
