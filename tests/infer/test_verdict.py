"""The verdict on a shape: its answer follows from its parts, its words from its numbers; none contradicts another."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.errors import SpecError
from riskkit.infer.ushape import ushape
from riskkit.infer.verdict import ANSWERS, ShapeVerdict

X = pd.DataFrame({"x": np.linspace(1, 100, 1000), "y": 0.0})
DESIGN = build("y ~ rcs(x, 5)", X)
CENTRED = DESIGN.x - DESIGN.x.mean(axis=0)
INFORMATION = CENTRED.T @ CENTRED

CURVES = {
    "U-shaped": lambda x: 0.001 * (x - 50) ** 2,
    "inverse U-shaped": lambda x: -0.001 * (x - 50) ** 2,
    "falling": lambda x: -0.02 * x,
    "rising": lambda x: 0.02 * x,
    "falls then levels off": lambda x: 1.5 * np.exp(-x / 12),
    "level then rises": lambda x: 1.5 * np.exp((x - 100) / 12),
    "flat": lambda x: 0 * x,
}
UPSIDE_DOWN = {
    "U-shaped": "inverse U-shaped",
    "inverse U-shaped": "U-shaped",
    "falling": "rising",
    "rising": "falling",
    "falls then levels off": "rises then levels off",
    "level then rises": "level then falls",
    "flat": "flat",
    "undecided": "undecided",
}


@pytest.fixture
def fitted(by_hand):
    """A fit of five knots to a curve, as exact as its information says."""

    def make(curve, times=1.0, sign=1.0):
        coef, *_ = np.linalg.lstsq(CENTRED, sign * curve(X["x"].to_numpy()), rcond=None)
        return by_hand("cox", DESIGN, coef, np.linalg.inv(INFORMATION * times))

    return make


@pytest.mark.parametrize("answer", CURVES)
def test_curves_that_are_known_well_get_their_answer(fitted, answer):
    times = 30 if answer == "flat" else 1
    assert ushape(fitted(CURVES[answer], times), "x").answer == answer
    assert ushape(fitted(CURVES[answer], times, sign=-1), "x", shape="inverse U").answer == UPSIDE_DOWN[answer]


def test_what_is_hardly_known_is_undecided_and_not_flat(fitted):
    vague = ushape(fitted(CURVES["flat"], times=0.01), "x")
    assert vague.answer == "undecided"
    assert "the data do not locate the lowest point" in vague.verdict()
    known = fitted(CURVES["flat"], times=30)
    assert ushape(known, "x", flat_within=None).answer == "undecided"
    assert ushape(known, "x", flat_within=1.0001).answer == "undecided"
    flat = ushape(known, "x", flat_within=2.0).heights
    assert re.search(r"differ by a hazard ratio above 1\.\d\d \(95% confidence\), and 2.00 was stated", flat.sentence())
    with pytest.raises(SpecError, match="flat_within is a ratio above 1"):
        ushape(fitted(CURVES["flat"]), "x", flat_within=0.8)


def random_fits(by_hand, number):
    """Curves of all sorts with estimates of all precisions."""
    random = np.random.default_rng(8)
    scale = np.linalg.cholesky(np.linalg.inv(INFORMATION))
    for _ in range(number):
        yield by_hand("cox", DESIGN, random.uniform(0, 4) * scale @ random.standard_normal(4), scale @ scale.T)


def test_no_two_statements_contradict_each_other(by_hand):
    seen = set()
    for fit in random_fits(by_hand, 150):
        for shape in ("U", "inverse U"):
            u = ushape(fit, "x", shape=shape)
            told = u.heights
            seen.add(told.answer)
            assert told.answer in ANSWERS
            # The end is clear of the turning point just when the turning point's interval leaves out the end.
            assert (told.lower.clear, told.upper.clear) == tuple(not is_open for is_open in u.nadir.open_ends)
            assert all(end.clear == (end.p < 0.05) for end in (told.lower, told.upper, told.opposite_lower))
            wanted = "U-shaped" if shape == "U" else "inverse U-shaped"
            assert (told.answer == wanted) == (u.p < 0.05) == (not any(u.nadir.open_ends))
            assert u.verdict().startswith("Evidence" if told.answer == wanted else "No evidence")
            for word, clear in (("rises over", told.upper.clear), ("falls over", told.lower.clear)):
                if shape == "U" and word in told.sentence():
                    assert clear
            assert bool(re.search("not clearly|itself", told.parts()[0])) != told.lower.clear
            for end in (told.lower, told.upper):
                assert min(end.low, end.high) <= end.estimate <= max(end.low, end.high)
            assert told.low <= told.x <= told.high
    assert len(seen) >= 8


def test_it_is_made_again_from_its_row_with_the_same_words(by_hand):
    for fit in random_fits(by_hand, 10):
        told = ushape(fit, "x").heights
        stored = pd.DataFrame([told.row() | {"outcome": "death"}]).iloc[0]
        again = ShapeVerdict.from_row(stored)
        assert again == told or (np.isnan(again.flat_within) and np.isnan(told.flat_within))
        assert again.sentence("ng/mL", "prevalence") == told.sentence("ng/mL", "prevalence")
        assert stored["verdict_answer"] == told.answer
        assert stored["verdict_p"] == told.p


def test_upside_down_everything_is_mirrored(by_hand):
    for fit in random_fits(by_hand, 20):
        mirror = by_hand("cox", DESIGN, -fit.coef, fit.vcov)
        one, other = ushape(fit, "x"), ushape(mirror, "x", shape="inverse U")
        assert other.answer == UPSIDE_DOWN[one.answer]
        assert other.p == pytest.approx(one.p, rel=1e-9)
        assert other.heights.lower.high == pytest.approx(-one.heights.lower.low, abs=1e-12)


def test_words(fitted):
    def told(name, **how):
        return ushape(fitted(CURVES[name], 0.5), "x", **how).heights.sentence("ng/mL").replace("\u00a0", " ")

    number, interval = r"\d\.\d\d", r"\(95% CI (above )?\d+\.\d\d to \d+\.\d\d\)"
    end, again = (rf"{what} is {number} {interval}" for what in ("the hazard ratio against the lowest point", "it"))
    assert re.fullmatch(
        rf"Risk is higher at both ends of the range than in between: at 5.95 ng/mL {end}; at 95.0 ng/mL {again}; "
        r"the lowest point is at [\d.]+ ng/mL \(95% CI [\d.]+ to [\d.]+\)\.",
        told("U-shaped"),
    )
    assert re.fullmatch(
        rf"Lower risk with rising levels, then a plateau that may turn: at 5.95 ng/mL {end}; at 95.0 ng/mL {again}, "
        r"not clearly above 1; the lowest point is at [\d.]+ ng/mL or above\.",
        told("falls then levels off"),
    )
    assert "against the highest point is 0." in told("inverse U-shaped")
    assert "against the highest point is 0." in told("inverse U-shaped", shape="inverse U")
    assert told("rising").startswith("Risk rises over the range: ")
    assert told("rising").endswith("ng/mL or below.")
