"""An end of the range against the lowest point: closed forms, t distributions, and its level by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from riskkit.design.design import build
from riskkit.infer.heights import heights, search_grid, spread, supremum
from riskkit.infer.linear import coded

X = pd.DataFrame({"x": np.linspace(1, 100, 1000), "y": 0.0})
VCOV = [[4e-4, -4e-6], [-4e-6, 4.5e-8]]


def of(fit, limits=(10, 90)):
    grid = search_grid(fit, "x", limits)
    return grid, coded(fit, {"x": grid})


@pytest.mark.parametrize("df", [np.inf, 7.0])
def test_of_a_straight_line_it_is_the_difference_of_the_ends(by_hand, df):
    # Every point gives the same standardised difference, so that nothing is paid for the search.
    fit = by_hand("cox", build("y ~ x", X), [0.02], [[4e-5]], df_resid=df)
    grid, rows = of(fit)
    found = heights(fit, grid, rows, -1)[0]
    t, se = stats.norm if np.isinf(df) else stats.t(df), 80 * np.sqrt(4e-5)
    assert found.estimate == pytest.approx(1.6)
    assert (found.low, found.high) == pytest.approx((1.6 - t.ppf(0.975) * se, 1.6 + t.ppf(0.975) * se), rel=1e-8)
    assert found.p == pytest.approx(2 * t.sf(1.6 / se), rel=1e-8)
    assert found.clear
    other = heights(fit, grid, rows, 0)[0]
    assert (other.estimate, other.low, other.p, other.clear) == (0, 0, 1, False)


def test_supremum_over_a_parabola_is_that_over_an_arc(parabola):
    # Standardised differences of a parabola lie on an arc of a circle, of which the largest projection of a normal
    # vector is known: P(max >= t) = P(N >= t) + (length / 2 pi) exp(-t^2 / 2).
    fit = parabola(-0.06, 0.0009, VCOV)
    _, rows = of(fit)
    differences = (rows[0] - rows)[1:]
    unit = differences @ np.linalg.cholesky(np.array(VCOV))
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    length = np.arccos(unit[0] @ unit[-1])
    assert 1 < length < np.pi
    found = supremum(fit, differences)
    for t in (1.0, 2.0, 3.0):
        exact = stats.norm.sf(t) + length / (2 * np.pi) * np.exp(-(t**2) / 2)
        assert found.p(t) == pytest.approx(exact, abs=4 * 0.008 * np.exp(-(t**2) / 2))  # 4,000 directions
        assert found.critical(found.p(t)) == pytest.approx(t, abs=1e-6)
    assert found.p(0) == 1


def test_supremum_of_t_is_what_drawing_t_vectors_gives(quadratic):
    fit = replace(quadratic, df_resid=9.0)
    _, rows = of(fit)
    differences = (rows[0] - rows)[1:]
    random = np.random.default_rng(3)
    drawn = (
        random.multivariate_normal(np.zeros(4), fit.vcov, 20_000) / np.sqrt(random.chisquare(9, 20_000) / 9)[:, None]
    )
    se = np.sqrt(np.einsum("ij,jk,ik->i", differences, fit.vcov, differences))
    largest = (drawn @ differences.T / se).max(axis=1)
    for t in (1.5, 2.5):
        assert supremum(fit, differences).p(t) == pytest.approx((largest >= t).mean(), abs=0.01)


def test_against_the_highest_point_is_the_mirror_of_against_the_lowest(quadratic, by_hand):
    upside_down = by_hand("cox", quadratic.design, -quadratic.coef, quadratic.vcov)
    grid, rows = of(quadratic)
    up, down = heights(quadratic, grid, rows, 0)[0], heights(upside_down, grid, rows, 0)[1]
    assert (down.estimate, down.low, down.high) == pytest.approx((-up.estimate, -up.high, -up.low))
    assert down.p == pytest.approx(up.p)
    assert up.low < 0.001 * (50**2 - 10**2) * 0.7 < up.high


def drawn(fit, truth, number):
    """Estimates of the same model around a truth, as many as asked for."""
    root = np.linalg.cholesky(fit.vcov)
    normal = np.random.default_rng(11).standard_normal((number, fit.coef.size))
    return [replace(fit, coef=truth + root @ z) for z in normal]


def test_under_a_flat_curve_p_values_are_uniform_and_intervals_hold_zero(quadratic):
    # Two-sided p values of a one-sided test: the upper half of them is 1.
    grid, rows = of(quadratic)
    p = np.array([heights(fit, grid, rows, 0)[0].p for fit in drawn(quadratic, np.zeros(4), 300)])
    assert stats.kstest(p[p < 0.9] / 0.9, "uniform").pvalue > 0.01
    assert abs((p < 0.2).mean() - 0.1) < 4 * np.sqrt(0.1 * 0.9 / 300)


def test_intervals_hold_their_level_wherever_the_lowest_point_is(quadratic):
    grid, rows = of(quadratic)
    truth = quadratic.coef / 40  # a shallow U: where it is lowest is hardly known
    true = float((rows @ truth)[0] - (rows @ truth).min())
    found = [heights(fit, grid, rows, 0)[0] for fit in drawn(quadratic, truth, 300)]
    held = np.mean([each.low <= true <= each.high for each in found])
    assert held > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 300)
    limits = [spread(fit, rows) for fit in drawn(quadratic, truth, 100)]
    assert np.mean([limit >= np.ptp(rows @ truth) for limit in limits]) > 0.95
