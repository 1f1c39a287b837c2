"""Marginal structural models: published estimates, closed forms, and a truth that only weighting finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError

NHEFS = pd.read_csv(Path(__file__).parent.parent / "reference" / "nhefs.csv")
for _name in ("age", "smokeintensity", "smokeyrs", "wt71"):
    NHEFS[f"{_name}2"] = NHEFS[_name] ** 2
PAST = (
    "sex + race + age + age2 + C(education) + smokeintensity + smokeintensity2 + smokeyrs + smokeyrs2 + C(exercise) + "
    "C(active) + wt71 + wt712"
)


def test_the_estimates_of_hernan_and_robins_s_book() -> None:
    found = rk.treatment_weights(f"qsmk ~ {PAST}", NHEFS, numerator="qsmk ~ 1")
    assert found.weights.mean() == pytest.approx(0.9988, abs=5e-5)  # 0.33 to 4.30 in the book, chapter 12
    assert_allclose([found.weights.min(), found.weights.max()], [0.33, 4.30], atol=0.005)
    weighted = NHEFS.assign(sw=found.weights)
    fit = rk.linear("wt82_71 ~ qsmk", weighted, survey=rk.SurveyDesign(weights="sw", psu="seqn"))
    n = len(NHEFS)
    assert fit.coef[1] == pytest.approx(3.4405, abs=5e-5)
    assert fit.se[1] * np.sqrt((n - 1) / n) == pytest.approx(0.5255, abs=5e-5)  # geepack leaves n / (n - 1) out
    plain = rk.treatment_weights(f"qsmk ~ {PAST}", NHEFS)
    assert plain.weights.mean() == pytest.approx(1.996, abs=1e-3)  # as in the book: two pseudo-populations
    standardised = rk.linear(f"wt82_71 ~ qsmk + qsmk:smokeintensity + {PAST}", NHEFS)
    quit_, kept = (standardised.predict(NHEFS.assign(qsmk=a))["estimate"].mean() for a in (1, 0))
    assert quit_ - kept == pytest.approx(3.5174, abs=5e-5)


def test_one_cause_of_treatment_gives_shares_of_a_table() -> None:
    data = pd.DataFrame(
        {"sick": [0] * 6 + [1] * 4, "treated": [1, 1, 0, 0, 0, 0, 1, 1, 1, 0]}, index=list("abcdefghij")
    )
    weights = rk.treatment_weights("treated ~ sick", data).weights
    assert_allclose(weights, [3, 3, 1.5, 1.5, 1.5, 1.5, 4 / 3, 4 / 3, 4 / 3, 4])
    assert (weights.index == data.index).all()
    stabilised = rk.treatment_weights("treated ~ sick", data, numerator="treated ~ 1")
    assert_allclose(stabilised.weights, weights / 2)
    assert (stabilised.lowest, stabilised.highest) == pytest.approx((0.25, 0.75))
    cut = rk.treatment_weights("treated ~ sick", data, truncate=(20, 80))
    assert_allclose([cut.weights.min(), cut.weights.max()], np.percentile(weights, [20, 80]))
    assert cut.truncated == 1
    assert "above the 80th" in cut.notes[1]


def visits(n: int, seed: int) -> pd.DataFrame:
    """Two visits: treatment lowers the level, which decides the next; y = 1 a1 + 1 a2 + 2 u + noise."""
    random = np.random.default_rng(seed)
    u = random.normal(size=n)
    first = u + random.normal(size=n)
    a1 = random.binomial(1, 1 / (1 + np.exp(-0.8 * first)))
    second = u + random.normal(size=n) - a1
    a2 = random.binomial(1, 1 / (1 + np.exp(-0.8 * second - 0.5 * a1)))
    y = a1 + a2 + 2 * u + random.normal(size=n)
    one = pd.DataFrame({"id": range(n), "visit": 1, "level": first, "treated": a1, "before": 0, "y": y})
    one["total"] = a1 + a2
    return pd.concat([one, one.assign(visit=2, level=second, treated=a2, before=a1)], ignore_index=True)


def test_weights_of_visits_are_products_whatever_their_order() -> None:
    data = visits(500, 1)
    given = {"denominator": "treated ~ level + before + C(visit)", "numerator": "treated ~ before + C(visit)"}
    found = rk.treatment_weights(data=data, id="id", order="visit", **given).weights
    each = rk.treatment_weights(data=data, **given).weights
    assert_allclose(found[data["visit"] == 1], each[data["visit"] == 1])
    assert_allclose(
        found[data["visit"] == 2].to_numpy(),
        (each[data["visit"] == 1].to_numpy() * each[data["visit"] == 2].to_numpy()),
    )
    shuffled = data.sample(frac=1, random_state=1)
    again = rk.treatment_weights(data=shuffled, id="id", order="visit", **given).weights
    assert_allclose(again.sort_index(), found, rtol=1e-8)


def test_weighting_finds_an_effect_that_adjustment_for_the_level_hides() -> None:
    data = visits(8000, 4)
    data["w"] = rk.treatment_weights(
        "treated ~ level + before + C(visit) + level:C(visit)", data, numerator="treated ~ before + C(visit)", id="id",
        order="visit",
    ).weights  # fmt: skip
    last = data[data["visit"] == 2]
    design = rk.SurveyDesign(weights="w", psu="id")
    marginal = rk.linear("y ~ total", last, survey=design)
    assert marginal.coef[1] == pytest.approx(1, abs=3 * marginal.se[1])
    crude, adjusted = rk.linear("y ~ total", last), rk.linear("y ~ total + level", last)
    assert abs(crude.coef[1] - 1) > 5 * crude.se[1]
    assert abs(adjusted.coef[1] - 1) > 5 * adjusted.se[1]


def test_a_treatment_that_goes_on_is_chosen_once() -> None:
    data = pd.DataFrame(
        {"id": [1, 1, 1, 2, 2, 3, 3, 4, 5, 6], "visit": [1, 2, 3, 1, 2, 1, 2, 1, 1, 1],
         "treated": [0, 1, 1, 0, 0, 1, 1, 1, 0, 0]}
    )  # fmt: skip
    found = rk.treatment_weights("treated ~ 1", data, id="id", order="visit", once=True).weights
    p = 3 / 8  # three of eight visits at which treatment could begin
    no, yes = 1 / (1 - p), 1 / p
    assert_allclose(found, [no, no * yes, no * yes, no, no**2, yes, yes, yes, no, no])
    left = data.assign(treated=[0, 1, 0, 0, 0, 1, 1, 1, 0, 0])
    with pytest.raises(DataError, match="untreated after being treated"):
        rk.treatment_weights("treated ~ 1", left, id="id", order="visit", once=True)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"numerator": "sex ~ 1"}, SpecError, "the numerator is of 'sex', the denominator of 'qsmk'"),
        ({"id": "seqn"}, SpecError, "need both id= and order="),
        ({"once": True}, SpecError, "several visits"),
        ({"truncate": (99, 1)}, SpecError, "two percentiles"),
        ({"id": "sex", "order": "race"}, DataError, "rows have a 'sex' and 'race' that another has"),
    ],
)
def test_faults_are_named(options, error, said) -> None:
    with pytest.raises(error, match=said):
        rk.treatment_weights("qsmk ~ age", NHEFS, **options)


def test_missing_values_and_other_treatments_are_refused() -> None:
    with pytest.raises(DataError, match="'age' is missing in 3 rows, which would have no weight"):
        rk.treatment_weights("qsmk ~ age", NHEFS.assign(age=NHEFS["age"].where(NHEFS.index > 2)))
    with pytest.raises(DataError, match="treatment 'active' must be 0 or 1"):
        rk.treatment_weights("active ~ age", NHEFS)
