from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from riskkit.design.design import build
from riskkit.infer.anova import anova
from riskkit.infer.ushape import ushape
from riskkit.numbers import p_phrase

X = pd.DataFrame({"x": np.linspace(1, 100, 1000), "y": 0.0})
VCOV = [[4e-4, -4e-6], [-4e-6, 4.5e-8]]


def test_slopes_of_a_quadratic_are_lind_and_mehlums(parabola):
    b1, b2 = -0.06, 0.0009
    result = ushape(parabola(b1, b2, VCOV), "x", limits=(10, 90))
    v = np.array(VCOV)
    t = [(b1 + 2 * b2 * x) / np.sqrt(v[0, 0] + 4 * x**2 * v[1, 1] + 4 * x * v[0, 1]) for x in (10, 90)]
    assert result.lower.p == pytest.approx(stats.norm.cdf(t[0]), rel=1e-6)
    assert result.upper.p == pytest.approx(stats.norm.sf(t[1]), rel=1e-6)
    assert result.slopes_p == max(result.lower.p, result.upper.p)


def test_without_a_turn_in_the_coding_the_test_is_that_of_the_line(by_hand):
    # A straight line has no lowest point but an end: the other end is tested as its coefficient is.
    fit = by_hand("cox", build("y ~ x", X), [0.02], [[9e-5]], df_resid=12.0)
    result = ushape(fit, "x")
    assert result.heights.upper.p == pytest.approx(fit.tidy()["p"].item(), rel=1e-8)
    assert result.p == result.heights.lower.p == 1
    again = ushape(fit.light(), "x")
    assert again == result


def test_verdicts(quadratic, by_hand):
    sure = ushape(quadratic, "x")
    assert sure.p < 0.001
    said = sure.verdict("ng/mL").replace("\u00a0", " ")
    assert said.startswith(
        "Evidence for a U shape (p < 0.001): risk is higher at both ends of the range than in between: "
    )
    assert "the lowest point is at 50" in said
    assert ushape(quadratic, "x", shape="inverse U").p > 0.999
    vague = ushape(by_hand("cox", quadratic.design, quadratic.coef, 1e4 * quadratic.vcov), "x")
    assert vague.verdict().startswith(f"No evidence for a U shape ({p_phrase(vague.p)}): the shape is undecided: ")
    assert "no effect" not in vague.verdict()
    upside_down = by_hand("cox", quadratic.design, -quadratic.coef, quadratic.vcov)
    result = ushape(upside_down, "x", shape="inverse U")
    assert result.p == pytest.approx(sure.p, rel=1e-9)
    assert "risk is lower at both ends of the range than in between" in result.verdict()


@pytest.mark.parametrize("bend", [np.log, np.sqrt, lambda x: -1 / (x + 15), lambda x: -np.exp(-x / 15), np.exp2])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_monotone_curve_that_merely_bends_is_not_called_a_u(by_hand, bend, sign):
    design = build("y ~ rcs(x, 5)", X)
    x = X["x"].to_numpy() / (10 if bend is np.exp2 else 1)
    truth = sign * 2 * stats.zscore(bend(x))
    centred = design.x - design.x.mean(axis=0)
    coef, *_ = np.linalg.lstsq(centred, truth, rcond=None)
    fit = by_hand("cox", design, coef, np.linalg.inv(centred.T @ centred) * 4)
    nonlinear = anova(fit).set_index("part").loc["nonlinear", "p"].iloc[0]
    assert nonlinear < 1e-4
    for shape in ("U", "inverse U"):
        assert ushape(fit, "x", shape=shape).p > 0.05
