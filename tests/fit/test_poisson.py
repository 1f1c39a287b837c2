"""Poisson regression against R's glm and sandwich, closed forms, and a Cox model it must agree with."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.cox import cox
from riskkit.fit.poisson import poisson

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "glm.json").read_text())
RATES = pd.read_csv(REFERENCE / "glm_lungdk.csv", dtype={"period": str})
INFERT = pd.read_csv(REFERENCE / "glm_infert.csv")
FORMULAS = {"rates": "D ~ age + period", "quadratic": "D ~ ns(age, 4) + period"}


@pytest.mark.parametrize("name", FORMULAS)
def test_rates_are_glm_s(name):
    fit, expected = poisson(FORMULAS[name], RATES, time="Y"), R["poisson"][name]
    np.testing.assert_allclose(fit.coef, expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, expected["cov"], rtol=1e-8, atol=1e-14)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-11)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], rel=1e-11)
    assert fit.score_test.chi2 == pytest.approx(expected["score"], rel=1e-8)
    assert fit.ratio_name == "rate ratio"
    assert fit.events == RATES["D"].sum()
    assert fit.person_years == pytest.approx(RATES["Y"].sum())
    robust = poisson(FORMULAS[name], RATES, time="Y", robust=True)
    np.testing.assert_allclose(robust.vcov, expected["robust"], rtol=1e-8, atol=1e-14)


def test_cluster_robust_rates_are_sandwich_s():
    fit = poisson(FORMULAS["rates"], RATES, time="Y", cluster="period")
    # Each period's own coefficient makes its scores sum to zero, so only their rounding is left there.
    np.testing.assert_allclose(fit.vcov, R["poisson"]["rates"]["cluster"], rtol=1e-6, atol=1e-14)


def test_modified_poisson_has_risk_ratios_and_sandwich_s_covariance():
    expected = R["poisson"]["risks"]
    fit = poisson("case ~ age + spontaneous + induced", INFERT, robust=True)
    np.testing.assert_allclose(fit.coef, expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, expected["robust"], rtol=1e-8, atol=1e-14)
    assert fit.ratio_name == "risk ratio"
    clustered = poisson("case ~ age + spontaneous + induced", INFERT, cluster="stratum")
    np.testing.assert_allclose(clustered.vcov, expected["cluster"], rtol=1e-8, atol=1e-14)
    assert clustered.ratio_name == "risk ratio"


def test_the_risk_ratio_of_a_table_has_its_binomial_standard_error():
    table = pd.DataFrame({"y": [1] * 12 + [0] * 88 + [1] * 30 + [0] * 70, "x": ["no"] * 100 + ["yes"] * 100})
    fit = poisson("y ~ x", table, robust=True)
    assert np.exp(fit.params["x=yes"]) == pytest.approx(30 / 12)
    assert fit.se[1] ** 2 == pytest.approx(1 / 30 - 1 / 100 + 1 / 12 - 1 / 100)  # Zou 2004, the delta method's


def test_the_rate_ratio_of_two_groups_in_closed_form():
    data = pd.DataFrame({"d": [40, 12], "g": ["a", "b"], "t": [2000.0, 900.0]})
    fit = poisson("d ~ g", data, time="t")
    np.testing.assert_allclose(np.exp(fit.coef), [40 / 2000, (12 / 900) / (40 / 2000)])
    assert fit.se[1] ** 2 == pytest.approx(1 / 40 + 1 / 12)


def test_survival_outcomes_bring_their_person_time():
    random = np.random.default_rng(2)
    data = pd.DataFrame({"g": random.choice(["a", "b"], 400), "entry": random.uniform(40, 60, 400)})
    data["exit"] = data["entry"] + random.exponential(np.where(data["g"] == "b", 4, 8))
    data["event"], data["pt"] = random.binomial(1, 0.6, 400), data["exit"] - data["entry"]
    by_surv = poisson("Surv(entry, exit, event) ~ g", data)
    by_time = poisson("event ~ g", data, time="pt")
    np.testing.assert_allclose(by_surv.coef, by_time.coef, rtol=1e-12)
    rate = data.groupby("g")[["event", "pt"]].sum()
    rate = rate["event"] / rate["pt"]
    assert np.exp(by_surv.params["g=b"]) == pytest.approx(rate["b"] / rate["a"])
    days = poisson("event ~ g", data.assign(pt=data["pt"] * 365.25), time="pt", time_unit="days")
    assert days.person_years == pytest.approx(by_time.person_years)
    np.testing.assert_allclose(days.coef[1:], by_time.coef[1:], atol=1e-12)


def test_an_offset_adds_to_the_person_time():
    data = RATES.assign(half=np.log(0.5))
    plain, halved = (poisson(f, data, time="Y") for f in ("D ~ age", "D ~ age + offset(half)"))
    np.testing.assert_allclose(halved.coef - plain.coef, [np.log(2), 0], atol=1e-10)


def test_firth_s_estimates_are_the_optimum_of_their_definition():
    expected = R["firth"]["poisson"]
    fit = poisson("y ~ g + x", pd.DataFrame(R["firth"]["data"]), penalty="firth")
    assert fit.loglik == pytest.approx(expected["loglik"], abs=1e-9)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], abs=1e-9)
    np.testing.assert_allclose(fit.coef, expected["coef"], atol=2e-4)  # a general optimiser stops that far off


def test_a_group_without_events_is_named():
    data = pd.DataFrame({"d": [4, 7, 0, 0], "g": ["a", "a", "b", "b"], "t": [10.0, 20, 15, 5]})
    with pytest.raises(FitError, match=r"separation.*'g=b' towards minus infinity"):
        poisson("d ~ g", data, time="t")
    half = poisson("d ~ g", data, time="t", penalty="firth")
    assert np.exp(half.params["g=b"]) == pytest.approx((0.5 / 20) / (11.5 / 30))  # half an event in each group


@pytest.mark.parametrize(
    ("formula", "options", "error", "said"),
    [
        ("D ~ age", {"time": "y"}, SpecError, "no column 'y' in the data"),
        ("D ~ age", {"time": "zero"}, DataError, "person-time 'zero' must be positive"),
        ("Y ~ age", {}, DataError, "'Y' must be counts of events"),
        ("minus ~ age", {}, DataError, "must be counts of events"),
        ("zero ~ age", {}, FitError, "there are no events among the 110 rows"),
        ("Surv(Y, event) ~ age", {"time": "Y"}, SpecError, "person-time is given twice"),
        ("Surv(zero, event) ~ age", {}, DataError, "110 rows have no person-time"),
        ("D ~ age + strata(period)", {}, SpecError, "has no strata"),
        ("D ~ age", {"time": "Y", "time_unit": "weeks"}, SpecError, "time_unit='weeks' is not one of"),
    ],
)
def test_faults_are_named(formula, options, error, said):
    data = RATES.head(110).assign(zero=0.0, minus=-1, event=1)
    with pytest.raises(error, match=said):
        poisson(formula, data, **options)


def test_follow_up_split_at_every_event_gives_the_cox_model_s_estimates():
    random = np.random.default_rng(11)
    people = pd.DataFrame({"x": random.normal(size=60), "t": random.exponential(5, 60).round(1) + 0.1})
    people["d"] = random.binomial(1, 0.7, 60)
    spells = [
        {"x": row.x, "event": int(row.d and row.t == t), "interval": f"{t:05.1f}"}
        for t in np.unique(people.loc[people["d"] == 1, "t"])
        for row in people[people["t"] >= t].itertuples()
    ]
    split = poisson("event ~ x + C(interval)", pd.DataFrame(spells))
    whole = cox("Surv(t, d) ~ x", people, ties="breslow")
    assert split.params["x"] == pytest.approx(whole.params["x"], rel=1e-8)  # Whitehead 1980, Appl Stat 29:268
    assert split.se[1] == pytest.approx(whole.se[0], rel=1e-8)


def test_rows_without_person_time_are_counted_as_missing():
    fit = poisson("D ~ age", RATES.assign(Y=RATES["Y"].where(RATES.index > 4)), time="Y")
    assert fit.n_missing == 5
    assert fit.n == len(RATES) - 5
