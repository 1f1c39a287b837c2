"""Doses of categories, units, and distributions that take percentiles to levels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.evidence.doses import assigned, converted
from riskkit.evidence.reference import Reference, from_groups

NAN = float("nan")


def test_closed_categories_have_their_middle():
    assert assigned([0, 10, 20], [10, 20, 40]).tolist() == [5, 15, 30]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, [95, 125, 175]),
        ({"bottom": "zero"}, [55, 125, 175]),
        ({"top": 1.2}, [95, 125, 168]),
    ],
)
def test_open_categories_by_declared_rules(rules, expected):
    """Below 110, 110 to 140, above 140: as wide as the next, from zero, or so many times the limit."""
    found = assigned([NAN, 110, 140], [110, 140, NAN], **rules)
    expected = [95, 125, 155] if not rules else expected
    if rules.get("bottom") == "zero":
        expected = [55, 125, 155]
    assert found == pytest.approx(expected)


def test_a_lowest_category_is_not_below_zero():
    assert assigned([NAN, 10, 50], [10, 50, 90])[0] == 5


def test_categories_that_make_no_sense():
    with pytest.raises(DataError, match="overlap"):
        assigned([0, 5], [10, 20])
    with pytest.raises(DataError, match="only the lowest"):
        assigned([0, NAN], [10, 20])
    with pytest.raises(DataError, match="no closed category"):
        assigned([NAN, 10], [10, NAN])
    assert assigned([NAN, 10], [10, NAN], bottom="zero", top=1.5) == pytest.approx([5, 15])
    with pytest.raises(SpecError, match="above 1"):
        assigned([0, 5], [5, NAN], top=0.5)
    with pytest.raises(SpecError, match="bottom"):
        assigned([0, 5], [5, 9], bottom="half")


def test_units_are_brought_to_one():
    table = pd.DataFrame({"dose": [20.0, 153.0], "unit": ["nmol/L", "ng/mL"]})
    found = converted(table, "ng/mL", {"nmol/L": 7.649})
    assert found["dose"].tolist() == pytest.approx([152.98, 153.0])
    assert set(found["unit"]) == {"ng/mL"}
    with pytest.raises(SpecError, match="no factor takes 'nmol/L'"):
        converted(table, "ng/mL", {})


@pytest.mark.parametrize("shape", ["normal", "lognormal"])
def test_percentiles_and_group_means_are_those_of_draws(shape):
    reference = Reference(150, 45, "ng/mL", "made up", shape)
    rng = np.random.default_rng(2)
    if shape == "normal":
        draws = rng.normal(150, 45, 400_000)
    else:
        variance = np.log1p((45 / 150) ** 2)
        draws = rng.lognormal(np.log(150) - variance / 2, np.sqrt(variance), 400_000)
    for p in (5, 25, 75):
        assert reference.percentile(p) == pytest.approx(np.percentile(draws, p), rel=0.005)
    fifths = np.quantile(draws, np.linspace(0, 1, 6))
    means = [draws[(draws >= a) & (draws <= b)].mean() for a, b in pairwise(fifths)]
    assert [reference.group(k, 5) for k in range(1, 6)] == pytest.approx(means, rel=0.005)
    assert np.mean([reference.group(k, 5) for k in range(1, 6)]) == pytest.approx(150)


def test_a_distribution_from_its_fifths():
    """Groups of a sample: their means and standard deviations give back the whole's."""
    x = np.sort(np.random.default_rng(4).normal(21, 5.5, 10_000))
    parts = np.split(x, 5)
    found = from_groups([p.mean() for p in parts], [p.std() for p in parts], unit="nmol/L", source="a sample")
    assert (found.mean, found.sd) == pytest.approx((x.mean(), x.std()))


def test_distributions_that_make_no_sense():
    with pytest.raises(SpecError, match="positive sd"):
        Reference(10, 0, "x", "y")
    with pytest.raises(SpecError, match="no such group"):
        Reference(10, 1, "x", "y").group(6, 5)
    with pytest.raises(SpecError, match="between 0 and 100"):
        Reference(10, 1, "x", "y").percentile(100)
    with pytest.raises(SpecError, match="one standard deviation"):
        from_groups([1.0], [], unit="x", source="y")
