"""Standardised ratios and rates against R, closed forms, and our own Poisson model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.infer.rates import count_limits
from riskkit.infer.standardised_rates import fay_feuer

R = json.loads((REFERENCE / "rates.json").read_text())
CELLS = pd.DataFrame(R["cells"]).rename(columns={"lex.dur": "years", "lex.Xst": "lung"})
RATES = pd.DataFrame(R["rates"]).rename(columns={"age": "age_from", "year": "per_from", "lung": "rate"})
BY = ["age_from", "per_from"]


def test_nickel_workers_have_the_ratio_the_tests_and_the_limits_of_r() -> None:
    e = rk.expected(CELLS, RATES, by=BY, time="years", per=1e6)
    period = np.digitize(CELLS["per_from"], [1946, 1961])
    found = rk.smr(CELLS["lung"], e, by=period)
    assert found.table["observed"].tolist() == [*R["by"]["lex.Xst"], R["observed"]]
    assert_allclose(found.table["expected"], [*R["by"]["expected"], R["expected"]], rtol=1e-9)
    assert found.heterogeneity.chi2 == pytest.approx(R["heterogeneity"], rel=1e-9)
    assert found.trend.chi2 == pytest.approx(R["trend"], rel=1e-9)
    assert (found.heterogeneity.df, found.trend.df) == (2, 1)


def test_the_tests_are_score_tests_of_our_own_poisson_model() -> None:
    data = pd.DataFrame({"o": [4, 9, 7, 20], "e": [5.5, 8.0, 9.1, 11.0], "g": list("abcd"), "dose": [0, 1, 3, 10]})
    data["log_e"] = np.log(data["e"])
    found = rk.smr(data["o"], data["e"], by=data["g"], scores=data["dose"])
    factor = rk.poisson("o ~ C(g) + offset(log_e)", data)
    line = rk.poisson("o ~ dose + offset(log_e)", data)
    assert found.heterogeneity.chi2 == pytest.approx(factor.score_test.chi2, rel=1e-10)
    assert found.trend.chi2 == pytest.approx(line.score_test.chi2, rel=1e-10)


def test_limits_of_counts_are_those_of_r() -> None:
    counts = np.array([0.0, 1, 3, 10, 77])
    assert_allclose(np.column_stack(count_limits(counts)), R["exact"], rtol=1e-10)
    assert_allclose(np.column_stack(count_limits(counts, "mid-p")), R["midp"], rtol=1e-8)


@pytest.mark.parametrize("method", ["exact", "mid-p"])
def test_p_is_below_alpha_just_where_the_limits_exclude_one(method) -> None:
    for observed in range(12):
        low, high = (float(v[0]) for v in count_limits(np.array([float(observed)]), method))
        for mean, p in ((low, 0.05), (high, 0.05)):
            if mean > 0 and not (method == "mid-p" and observed == 0):
                assert rk.smr(observed, mean, method=method).table["p"][0] == pytest.approx(p, rel=1e-6)


def test_one_ratio_of_published_counts() -> None:
    found = rk.smr(81, 52.3)
    assert found.table["group"].tolist() == ["all"]
    assert found.table["ratio"][0] == pytest.approx(81 / 52.3)
    assert found.heterogeneity is None


def test_reference_rates_that_make_the_expected_are_given_back() -> None:
    e = rk.expected(CELLS, RATES, by=BY, time="years", per=1e6)
    by_hand = CELLS.merge(RATES, on=BY)
    assert e.sum() == pytest.approx(float((by_hand["years"] * by_hand["rate"] / 1e6).sum()))
    text = RATES.assign(age_from=RATES["age_from"].astype(str))
    with pytest.raises(DataError, match="'age_from' is float64 in the data and object in the reference"):
        rk.expected(CELLS.assign(age_from=CELLS["age_from"].astype(float)), text, by=BY, time="years")


def test_a_hole_in_the_reference_is_named_unless_nobody_is_there() -> None:
    hole = RATES[(RATES["age_from"] != 60) | (RATES["per_from"] != 1951)]
    with pytest.raises(DataError, match=r"no rate for 1 rows with person-time, first age_from=60.*, per_from=1951"):
        rk.expected(CELLS, hole, by=BY, time="years")
    there = (CELLS["age_from"] == 60) & (CELLS["per_from"] == 1951)
    nobody = CELLS.assign(years=CELLS["years"].where(~there, 0.0))
    assert rk.expected(nobody, hole, by=BY, time="years")[there].tolist() == [0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reference": pd.concat([RATES, RATES[:1]])}, "have 1 cells twice"),
        ({"reference": RATES.assign(rate=-1.0)}, "'rate' is missing or negative"),
        ({"data": CELLS.assign(years=np.nan)}, "'years' is missing or negative"),
    ],
)
def test_faults_of_tables_are_named(change, said) -> None:
    arguments = {"data": CELLS, "reference": RATES} | change
    with pytest.raises(DataError, match=said):
        rk.expected(arguments["data"], arguments["reference"], by=BY, time="years")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (([1.5], [2]), DataError, "whole numbers"),
        (([1, 2], [2]), SpecError, "2 observed and 1 expected"),
        (([1, 2], [0, 2], ["a", "b"]), DataError, "no events are expected in a"),
        (([1, 2], [1, 2], ["a", None]), DataError, "group is missing in 1"),
        (([1, 2], [1, 2], ["a", "b"], [3, 3]), SpecError, "scores are 2 different numbers"),
    ],
)
def test_faults_of_ratios_are_named(arguments, error, said) -> None:
    observed, e, *rest = arguments
    with pytest.raises(error, match=said):
        rk.smr(observed, e, **dict(zip(("by", "scores"), rest, strict=False)))
    with pytest.raises(SpecError, match="method='midp' is not one of exact, mid-p"):
        rk.smr(1, 1, method="midp")


# epitools::ageadjust.direct shows crude rate, rate, lower and upper limit of Fay and Feuer
DOWN = pd.DataFrame({"order": [1, 2, 3], "cases": [107, 25, 3], "births": [230061, 329449, 114920]})
STANDARD = pd.DataFrame({"order": [1, 2, 3], "weight": [319933, 931318, 786511]})


def test_directly_standardised_rates_are_those_of_epitools() -> None:
    found = rk.standardised_rates(DOWN, STANDARD, events="cases", time="births", by="order").iloc[0]
    assert_allclose(found[["crude", "rate", "low", "high"]].astype(float), R["adjusted"], rtol=1e-9)
    few = fay_feuer(np.array([0.0, 2, 1]), np.array([0.3, 0.5, 0.2]) / [120, 900.5, 80])
    assert_allclose([few[0], few[2], few[3]], R["few"][1:], rtol=1e-9)


def test_with_one_cell_fay_and_feuer_s_limits_are_exact_and_the_rate_crude() -> None:
    one = pd.DataFrame({"one": [1], "weight": [3.0]})
    found = rk.standardised_rates(DOWN.assign(one=1), one, events="cases", time="births", by="one", per=1e5)
    assert_allclose(found[["rate", "low", "high"]].iloc[0], found[["crude", "crude_low", "crude_high"]].iloc[0])
    assert found["rate"][0] == pytest.approx(135 / 674430 * 1e5)


def test_groups_are_compared_with_the_one_asked_for() -> None:
    half = pd.concat([DOWN.assign(sex="F"), DOWN.assign(sex="M", cases=DOWN["cases"] * 2)])
    found = rk.standardised_rates(
        half, STANDARD, events="cases", time="births", by=["order"], group="sex", reference="F"
    )
    assert_allclose(found["ratio"], [1, 2])
    log_se = np.log(found["ratio_high"][1] / 2) / 1.959963984540054
    assert log_se == pytest.approx(np.sqrt(((found["se"] / found["rate"]) ** 2).sum()))


@pytest.mark.parametrize(
    ("data", "standard", "said"),
    [
        (DOWN[:2], STANDARD, r"group all has no person-time in the cell order = 3"),
        (DOWN, STANDARD[:2], "the standard has no cell order = 3"),
        (DOWN, pd.concat([STANDARD, STANDARD]), "has 3 cells twice"),
        (DOWN.assign(cases=-1), STANDARD, "'cases' is missing or negative"),
    ],
)
def test_a_standard_that_does_not_fit_is_refused(data, standard, said) -> None:
    with pytest.raises(DataError, match=said):
        rk.standardised_rates(data, standard, events="cases", time="births", by="order")
