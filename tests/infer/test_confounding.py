"""E-values and tipping points: published examples, closed forms, and tables in which a confounder explains all."""

from __future__ import annotations

from math import inf, isnan, sqrt

import pytest

from riskkit.errors import SpecError
from riskkit.infer.confounding import bias_factor, evalue, tipping_point


def test_published_e_values():
    """VanderWeele and Ding (2017): bottle-feeding and infant death; breastfeeding and childhood leukaemia."""
    found = evalue(3.9, 1.8, 8.7)
    assert (round(found.estimate, 2), round(found.limit, 1)) == (7.26, 3.0)
    found = evalue(0.80, 0.71, 0.91)
    assert (round(found.estimate, 2), round(found.limit, 2)) == (1.81, 1.43)


def test_an_interval_that_holds_the_null_needs_no_confounding():
    assert evalue(1.2, 0.9, 1.6).limit == 1
    assert evalue(0.8, 0.6, 1.0).limit == 1
    assert evalue(1.0, 0.9, 1.1).estimate == 1
    assert isnan(evalue(1.2).limit)


def test_a_ratio_and_its_inverse_have_one_e_value():
    up, down = evalue(2.5, 1.5, 4.0), evalue(0.4, 0.25, 1 / 1.5)
    assert up.estimate == pytest.approx(down.estimate, rel=1e-14)
    assert up.limit == pytest.approx(down.limit, rel=1e-14)


def test_common_outcomes_are_brought_to_risk_ratios():
    odds = evalue(4.0, measure="odds ratio", rare=False)
    assert odds.ratio == 2
    assert odds.estimate == pytest.approx(2 + sqrt(2))
    hazard = evalue(0.25, measure="hazard ratio", rare=False)
    assert hazard.ratio == pytest.approx((1 - sqrt(0.5)) / (1 - 0.25))
    assert evalue(0.25, measure="hazard ratio", rare=True).ratio == 0.25
    assert hazard.scale == "hazard ratio of a common outcome"


def test_another_null_than_one():
    found = evalue(3.0, 2.2, 4.1, null=2.0)
    assert found.estimate == pytest.approx(1.5 + sqrt(0.75))
    assert found.limit == pytest.approx(1.1 + sqrt(0.11))
    common = evalue(4.0, 2.25, 9.0, measure="odds ratio", rare=False, null=2.25)
    assert common.ratio == 2
    assert common.estimate == pytest.approx(4 / 3 + sqrt(4 / 3 * (4 / 3 - 1)))
    assert common.limit == 1


def test_the_bound_holds_with_equality():
    """Ding and VanderWeele: a confounder as strong as the E-value on both sides can take all of the ratio away."""
    e = evalue(2.0).estimate
    assert e * e / (e + e - 1) == pytest.approx(2.0)


@pytest.mark.parametrize(("exposed", "unexposed", "strength"), [(0.6, 0.2, 5.0), (0.1, 0.7, 3.0), (0.9, 0.4, 0.2)])
def test_a_confounder_that_makes_the_ratio_tips_it(exposed, unexposed, strength):
    """People whose risk depends on the confounder alone: its strength is the tipping point."""
    risk = {group: 0.02 * (share * strength + 1 - share) for group, share in (("x", exposed), ("0", unexposed))}
    crude = risk["x"] / risk["0"]
    assert bias_factor(strength, exposed, unexposed) == pytest.approx(crude)
    assert tipping_point(crude, exposed=exposed, unexposed=unexposed).estimate == pytest.approx(strength)


def test_prevalences_that_cannot_tip():
    assert tipping_point(2.0, exposed=0.4, unexposed=0.2).estimate == inf  # at most 0.4 / 0.2, never reached
    assert tipping_point(2.0, exposed=0.3, unexposed=0.3).estimate == inf
    assert tipping_point(1.9, exposed=0.4, unexposed=0.2).estimate == pytest.approx(1 + 0.9 / 0.02)


def test_the_limit_tips_first():
    found = tipping_point(1.5, 1.1, 2.0, exposed=0.6, unexposed=0.3)
    assert found.estimate == pytest.approx(1 + 0.5 / 0.15)
    assert found.limit == pytest.approx(1 + 0.1 / 0.27)
    assert tipping_point(1.5, 0.9, 2.0, exposed=0.6, unexposed=0.3).limit == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: evalue(-1.0), "positive ratio"),
        (lambda: evalue(float("nan")), "positive ratio"),
        (lambda: evalue(2.0, 2.1, 3.0), "do not hold the estimate"),
        (lambda: evalue(2.0, measure="hazard ratio"), "say whether the outcome is rare"),
        (lambda: evalue(2.0, measure="hazards ratio"), "Did you mean 'hazard ratio'"),
        (lambda: evalue(2.0, null=0), "null is a positive ratio"),
        (lambda: bias_factor(2.0, 1.2, 0.1), "exposed is the share"),
        (lambda: tipping_point(2.0, exposed=0.5, unexposed=-0.1), "unexposed is the share"),
    ],
)
def test_what_makes_no_sense_is_refused(call, said):
    with pytest.raises(SpecError, match=said):
        call()
