from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from riskkit.design.design import build
from riskkit.errors import SpecError
from riskkit.infer.curve import curve
from riskkit.infer.nadir import nadir
from riskkit.infer.ushape import fieller, ushape

X = pd.DataFrame({"x": np.linspace(1, 100, 1000), "y": 0.0})
VCOV = [[4e-4, -4e-6], [-4e-6, 4.5e-8]]


@pytest.mark.parametrize("sign", [1, -1])
def test_interval_is_fiellers_for_a_quadratic(parabola, sign):
    b1, b2 = sign * -0.12, sign * 0.0012
    fit = parabola(b1, b2, VCOV)
    found = nadir(fit, "x", direction="lowest" if sign > 0 else "highest")
    low, high = fieller(b1, b2, VCOV, stats.norm.ppf(0.975))
    assert found.x == pytest.approx(50, abs=0.01)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)
    # Fieller's ends are where |b1 + 2 b2 x| is 1.96 of its standard errors.
    for end in (low, high):
        row = np.array([1, 2 * end])
        assert abs(row @ [b1, b2]) / np.sqrt(row @ VCOV @ row) == pytest.approx(1.959964, rel=1e-6)
    assert found.open_ends == (False, False)
    assert not found.at_boundary


def test_fieller_is_unbounded_without_a_clear_square():
    assert fieller(-0.12, 0.0003, VCOV, 1.96) is None


def test_probability_of_an_interior_point_is_bivariate_normal_for_a_quadratic(parabola):
    # Interior means: slope below zero at the lower limit and above zero at the upper one.
    fit = parabola(-0.03, 0.0003, VCOV)
    found = nadir(fit, "x", limits=(10, 90))
    slopes = np.array([[1, 20], [1, 180]])
    mean, covariance = slopes @ [-0.03, 0.0003], slopes @ np.array(VCOV) @ slopes.T
    flip = np.diag([1, -1])
    exact = stats.multivariate_normal(flip @ mean, flip @ covariance @ flip).cdf([0, 0])
    assert found.interior == pytest.approx(exact, abs=0.02)  # four standard errors of 10,000 draws
    assert 0.3 < exact < 0.95


def test_a_straight_line_is_lowest_at_the_boundary(by_hand):
    design = build("y ~ x", X)
    found = nadir(by_hand("cox", design, [0.02], [[1e-6]]), "x")
    assert found.at_boundary
    assert found.x == found.limits[0] == pytest.approx(np.quantile(X["x"], 0.05))
    assert found.interior == 0
    assert "lower end of the range examined" in found.sentence("ng/mL")
    down = nadir(by_hand("cox", design, [0.02], [[1e-6]]), "x", direction="highest")
    assert down.x == down.limits[1]


def test_a_flat_curve_bounds_nothing_and_says_so(quadratic, by_hand):
    flat = by_hand("cox", quadratic.design, np.zeros(4), quadratic.vcov)
    found = nadir(flat, "x")
    assert (found.low, found.high) == found.limits
    assert found.open_ends == (True, True)
    assert "the data do not say where" in found.sentence()


def test_places_that_are_flat_but_clearly_not_lowest_are_left_out(by_hand):
    # Falls to 30, rises to 60 and stays there: the slope's test alone would accept all of the plateau.
    design = build("y ~ rcs(x, [5, 20, 30, 40, 60, 75, 95])", X)
    x = X["x"].to_numpy()
    truth = -1.5 * np.exp(-(((x - 30) / 12) ** 2))
    coef, *_ = np.linalg.lstsq(design.x - design.x.mean(axis=0), truth - truth.mean(), rcond=None)
    centred = design.x - design.x.mean(axis=0)
    found = nadir(by_hand("cox", design, coef, np.linalg.inv(centred.T @ centred)), "x")
    assert 25 < found.low < 30 < found.high < 36


def test_light_fit_seed_and_reference(quadratic):
    found, again = nadir(quadratic, "x"), nadir(quadratic.light(), "x")
    assert found == again
    assert found.x == pytest.approx(50, abs=0.2)
    frame = curve(quadratic, "x", reference="nadir")
    assert frame["reference"].iloc[0] == found.x
    assert frame["ratio"].min() == 1


def test_bad_input_is_explained(quadratic):
    with pytest.raises(SpecError, match="lowest"):
        nadir(quadratic, "x", direction="down")
    with pytest.raises(SpecError, match="must lie below"):
        nadir(quadratic, "x", limits=("p95", "p5"))
    with pytest.raises(SpecError, match="shape is"):
        ushape(quadratic, "x", shape="J")
