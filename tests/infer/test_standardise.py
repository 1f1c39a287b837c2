from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from numpy.testing import assert_allclose
from scipy import special

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.infer import gformula
from riskkit.infer.shift import Shift

R = json.loads((REFERENCE / "absolute.json").read_text())
MELANOMA = pd.read_csv(REFERENCE / "absolute_melanoma.csv")
MELANOMA["died"], MELANOMA["other"] = MELANOMA["status"].eq(1), MELANOMA["status"].eq(2)
SAME = "C(sex, ref='Female') + age + logthick + invasion"
TIMES = [1000, 2500]


def people(n: int = 600, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x, sex, entry = random.lognormal(0, 0.4, n), random.choice(["Men", "Women"], n), random.uniform(40, 65, n)
    rate = 0.03 * np.exp(0.5 * (x - 1) ** 2 + 0.3 * (sex == "Men"))
    one, two, left = random.exponential(1 / rate), random.exponential(30 / x, n), random.uniform(2, 25, n)
    exit_ = entry + np.minimum(np.minimum(one, two), left)
    return pd.DataFrame(
        {
            "entry": entry, "exit": exit_, "mi": one < np.minimum(two, left), "death": two < np.minimum(one, left),
            "x": x, "sex": sex, "age": entry - 50, "w": random.choice([1, 2, 3], n), "clinic": np.arange(n) % 40,
            "stratum": np.arange(n) % 4,
        }
    )  # fmt: skip


PEOPLE = people()
TERMS = "rcs(x, 3) * sex + age"


def both(data: pd.DataFrame = PEOPLE, terms: str = TERMS, **options: Any) -> dict[str, Fit]:
    return {name: rk.cox(f"Surv(entry, exit, {name}) ~ {terms}", data, **options) for name in ("mi", "death")}


def melanoma() -> dict[str, Fit]:
    return {name: rk.cox(f"Surv(time, {name}) ~ {SAME}", MELANOMA) for name in ("died", "other")}


@pytest.mark.parametrize(("cause", "number"), [("died", "1"), ("other", "2")])
def test_it_is_risk_regression_s_ate(cause: str, number: str) -> None:
    for effect in ("risk", "difference", "ratio"):
        found = rk.standardise(melanoma(), "sex", ["Female", "Male"], TIMES, effect=effect).query("cause == @cause")
        frozen = pd.DataFrame(R["ate"][number][effect])
        if effect == "risk":
            frozen = frozen.sort_values(["time", "treatment"])
        assert_allclose(found["estimate"], frozen["estimate"], rtol=1e-7)
        assert_allclose(found["se"], frozen["se"], rtol=1e-6)


def test_the_numbers_of_the_issue() -> None:
    risk = rk.standardise(melanoma(), "sex", ["Female", "Male"], TIMES).query("cause == 'died'")
    assert_allclose(risk["estimate"], [0.10724, 0.15959, 0.24946, 0.34640], atol=1e-5)
    difference = rk.standardise(melanoma(), "sex", ["Female", "Male"], [1000], effect="difference").iloc[0]
    assert_allclose([difference["estimate"], difference["se"]], [0.05235, 0.03678], atol=1e-5)
    assert_allclose(difference["number_needed"], 1 / difference["estimate"])


def test_it_is_the_mean_of_absolute_risks_with_interactions_read_from_the_fits_or_the_data() -> None:
    fits, times = both(), [60, 70]
    found = rk.standardise(fits, "x", [0.8, "p95"], times, start=55)
    again = rk.standardise(fits, "x", [0.8, "p95"], times, start=55, over=PEOPLE, drawn=True)
    pd.testing.assert_frame_equal(found, again, rtol=1e-12)
    given = rk.standardise(fits, "x", [0.8, "p95"], times, start=55, over=PEOPLE)
    assert_allclose(given["estimate"], found["estimate"], rtol=1e-12)
    for level, value in ((0.8, 0.8), ("p95", fits["mi"].summaries["x"].percentiles[95])):
        each = rk.absolute_risk(fits, PEOPLE.assign(x=value), times, start=55)
        wanted = each.groupby(["cause", "time"], sort=False)["estimate"].mean()
        assert_allclose(found[found["level"].astype(str) == str(level)]["estimate"], wanted, rtol=1e-12)


def test_every_coding_can_be_set() -> None:
    cut = float(np.median(PEOPLE["x"]))
    for terms, exposure, levels in (
        ("groups(x, 2) + sex", "x", ["Q1", "Q2"]),
        ("groups(x, 2) + sex", "x", [0.5, 2.0]),
        ("above + sex", "above", [False, True]),
        ("C(half) + sex", "half", ["low", "high"]),
    ):
        data = PEOPLE.assign(above=PEOPLE["x"] > cut, half=np.where(PEOPLE["x"] > cut, "high", "low"))
        fits = both(data, terms)
        found = rk.standardise(fits, exposure, levels, [65], start=50)["estimate"]
        wanted = rk.standardise(both(data, "above + sex"), "above", [False, True], [65], start=50)["estimate"]
        assert_allclose(found, wanted, rtol=1e-7)
    for terms in ("log(x) + sex", "ns(x, 3) * sex", "bs(x, 4) + sex", "sex + rcs(x, 3):sex", "x * age"):
        fits = both(terms=terms)
        shifted = rk.standardise(fits, "x", [0.8], [65], start=50, shift="+10%")
        pd.testing.assert_frame_equal(
            shifted, rk.standardise(fits, "x", [0.8], [65], start=50, shift="+10%", over=PEOPLE, drawn=True), rtol=1e-9
        )


def test_few_points_stand_for_all_people(monkeypatch: pytest.MonkeyPatch) -> None:
    data = people(3000, seed=2)
    fits = both(data)
    asked = {"levels": [0.7, 1.2], "times": [60, 70], "start": 50, "effect": "difference"}
    few = rk.standardise(fits, "x", **asked)
    monkeypatch.setattr(gformula, "ALONE", 10**9)
    pd.testing.assert_frame_equal(few, rk.standardise(fits, "x", **asked), rtol=1e-9)


def test_the_standard_error_is_made_of_derivatives_by_the_weights() -> None:
    data = people(60, seed=3)

    def asked(weights: pd.Series, effect: str) -> pd.DataFrame:
        fits = both(data.assign(w=weights), "x + sex", weights="w")
        return rk.standardise(fits, "x", [0.8, 1.3], [62], start=50, effect=effect)

    for effect in ("risk", "ratio", "rmst", "years_lost", "years_lost_difference", "paf"):
        step, variance = 1e-4, 0.0
        for row in data.index:
            less, more = (asked(data["w"].where(data.index != row, data["w"] * (1 + s)), effect) for s in (-step, step))
            variance = variance + ((more["estimate"] - less["estimate"]) / (2 * step)) ** 2
        assert_allclose(asked(data["w"].astype(float), effect)["se"], np.sqrt(variance), rtol=1e-5)


def test_weights_are_people_and_clusters_are_units() -> None:
    expanded = PEOPLE.loc[PEOPLE.index.repeat(PEOPLE["w"])].assign(one=lambda d: d.index).reset_index(drop=True)
    given = {"terms": "rcs(x, [0.6, 1.0, 1.6]) * sex + age", "ties": "breslow"}
    weighted = rk.standardise(both(weights="w", **given), "x", [0.8, 1.3], [65], start=50)
    repeated = rk.standardise(both(expanded, cluster="one", **given), "x", [0.8, 1.3], [65], start=50)
    pd.testing.assert_frame_equal(weighted, repeated, rtol=1e-8)
    alone = rk.cox("Surv(entry, exit, mi) ~ x + sex", PEOPLE, weights="w", weight_kind="frequency")
    counted = rk.standardise(alone, "x", [0.8, 1.3], [65], start=50)
    each = rk.cox("Surv(entry, exit, mi) ~ x + sex", expanded)
    pd.testing.assert_frame_equal(counted, rk.standardise(each, "x", [0.8, 1.3], [65], start=50), rtol=1e-8)
    with pytest.raises(FitError, match="give every person a row"):
        rk.standardise(both(weights="w", weight_kind="frequency"), "x", [0.8, 1.3], [65], start=50)


def test_time_lost_and_time_free_of_events_are_survfit_s() -> None:
    late = pd.read_csv(REFERENCE / "incidence.csv")
    fits = {name: rk.cox(f"Surv(entry, exit, {name}) ~ x", late, ties="breslow") for name in ("event", "competing")}
    none = {name: _without_slope(fit, late) for name, fit in fits.items()}
    lost = rk.standardise(none, "x", [0], [75], start=50, effect="years_lost")
    free = rk.standardise(none, "x", [0], [75], start=50, effect="rmst")
    assert_allclose(lost["estimate"], R["lost"][1:], rtol=1e-6)
    assert_allclose(free["estimate"], R["lost"][0], rtol=1e-6)
    # Everyone stands there twice; Greenwood's variance and the influence function's agree nearly.
    assert_allclose(np.sqrt(2) * free["se"], R["alone"]["se"], rtol=0.03)


def _without_slope(fit: Fit, data: pd.DataFrame) -> Fit:
    """A fit to an exposure that is worth nothing: the slope is so near zero that the baseline is that of no model."""
    event = fit.recipe.formula.response[-1]
    twins = pd.concat([data.assign(x=1.0), data.assign(x=-1.0)], ignore_index=True)
    return rk.cox(f"Surv(entry, exit, {event}) ~ x", twins, ties="breslow", cluster=None)


def test_a_logistic_model_is_standardised_by_a_sum() -> None:
    fit = rk.logistic("mi ~ rcs(x, 3) * sex + age", PEOPLE, robust=True)
    found = rk.standardise(fit, "x", [0.8, 1.3])
    for value, estimate in zip((0.8, 1.3), found["estimate"], strict=True):
        eta = fit.recipe.matrix(PEOPLE.assign(x=value)) @ fit.coef
        assert_allclose(estimate, special.expit(eta).mean(), rtol=1e-12)
    assert list(found.columns) == ["level", "estimate", "se", "low", "high"]
    difference = rk.standardise(fit, "x", [0.8, 1.3], effect="difference", bootstrap=300, progress=False).iloc[0]
    assert_allclose(difference["se"], difference["se_bootstrap"], rtol=0.1)


def test_its_standard_error_is_the_jackknife_s() -> None:
    def asked(weights: pd.Series) -> pd.DataFrame:
        fit = rk.logistic("mi ~ x + sex", data.assign(w=weights), weights="w")
        return rk.standardise(fit, "x", [0.8, 1.3], effect="ratio")

    data, step, variance = people(80, seed=4), 1e-4, 0.0
    for row in data.index:
        less, more = (asked(data["w"].where(data.index != row, data["w"] * (1 + s))) for s in (-step, step))
        variance = variance + ((more["estimate"] - less["estimate"]) / (2 * step)) ** 2
    assert_allclose(asked(data["w"].astype(float))["se"], np.sqrt(variance), rtol=1e-5)


def test_a_poisson_model_gives_rates_per_unit_of_time() -> None:
    data = PEOPLE.assign(years=PEOPLE["exit"] - PEOPLE["entry"], events=PEOPLE["mi"].astype(int))
    fit = rk.poisson("events ~ x + sex", data, time="years")
    found = rk.standardise(fit, "x", [0.8, 1.3])
    for value, estimate in zip((0.8, 1.3), found["estimate"], strict=True):
        assert_allclose(estimate, np.exp(fit.recipe.matrix(PEOPLE.assign(x=value)) @ fit.coef).mean(), rtol=1e-12)
    ratio = rk.standardise(rk.poisson("events ~ x", data, time="years", robust=True), "x", [1, 2], effect="ratio")
    assert_allclose(np.log(ratio["estimate"]), rk.poisson("events ~ x", data, time="years").coef[1], rtol=1e-10)
    robust = rk.poisson("events ~ x", data, time="years", robust=True)
    assert_allclose(ratio["se"] / ratio["estimate"], robust.se[1], rtol=1e-10)


def test_the_attributable_fraction_is_of_the_risk_as_it_is() -> None:
    fit = rk.logistic("mi ~ sex", PEOPLE)
    found = rk.standardise(fit, "sex", ["Women"], effect="paf").iloc[0]
    prevalence = PEOPLE.groupby("sex")["mi"].mean()
    assert_allclose(found["estimate"], 1 - prevalence["Women"] / PEOPLE["mi"].mean(), rtol=1e-10)
    assert found["reference"] == "as they are"
    assert found["low"] < found["estimate"] < found["high"] < 1


def test_a_shift_moves_each_level_within_the_support_and_says_who_was_held_back() -> None:
    fit = rk.logistic("mi ~ x + sex", PEOPLE)
    low, high = fit.summaries["x"].percentiles[1], fit.summaries["x"].percentiles[99]
    x = PEOPLE["x"].to_numpy()
    for change, wanted in {"+10%": 1.1 * x, "-0.5": x - 0.5, "to 1": np.ones(x.size), "−20%": 0.8 * x}.items():
        bounded = np.clip(wanted, np.minimum(x, low), np.maximum(x, high))
        found = rk.standardise(fit, "x", shift=change, effect="risk").iloc[0]
        assert_allclose(
            found["estimate"], rk.standardise(fit, "x", ["as they are"], over=PEOPLE.assign(x=bounded))["estimate"][0]
        )
        assert_allclose(found["capped"], np.mean(bounded != wanted))
    table = rk.standardise(fit, "x", shift={0.5: 0.6, 1.5: 1.4}, effect="risk")["estimate"][0]
    moved = np.clip(x + np.interp(x, [0.5, 1.5], [0.1, -0.1]), np.minimum(x, low), np.maximum(x, high))
    assert_allclose(table, rk.standardise(fit, "x", ["as they are"], over=PEOPLE.assign(x=moved))["estimate"][0])


def test_a_share_of_people_treated_and_an_uncertain_change() -> None:
    fits = both(terms="x + sex")
    asked = {"times": [65], "start": 50, "effect": "difference"}
    all_, half = (rk.standardise(fits, "x", shift=Shift("+20%", share=s), **asked) for s in (1.0, 0.5))
    assert_allclose(half["estimate"], all_["estimate"] / 2, rtol=1e-10)
    assert_allclose(half["se"], all_["se"] / 2, rtol=1e-10)
    assert (half["treated"] == 0.5).all()
    wide = rk.standardise(fits, "x", shift=Shift("+20%", low="+10%", high="+30%"), **asked)
    assert_allclose(wide["estimate"], all_["estimate"], rtol=1e-9)
    ends = [rk.standardise(fits, "x", shift=change, **asked)["estimate"] for change in ("+25%", "+15%")]
    slope = (ends[0] - ends[1]) / 10
    assert_allclose(wide["se"], np.sqrt(all_["se"] ** 2 + (slope * 20 / (2 * 1.96)) ** 2), rtol=0.01)


def test_a_survey_and_pooled_fits_and_strata() -> None:
    survey = rk.SurveyDesign(weights="w", strata="stratum", psu="clinic", nested=False)
    fits = both(terms="x + sex", survey=survey)
    found = rk.standardise(fits, "x", [0.8, 1.3], [65], start=50, effect="difference")
    plain = rk.standardise(both(terms="x + sex", weights="w"), "x", [0.8, 1.3], [65], start=50, effect="difference")
    assert_allclose(found["estimate"], plain["estimate"], rtol=1e-8)
    clinics = PEOPLE.groupby("clinic")
    totals = np.zeros((40, 2))
    for number, (clinic, rows) in enumerate(clinics.groups.items()):
        for sign in (1, -1):
            moved = PEOPLE["w"] * np.where(PEOPLE.index.isin(rows), 1 + sign * 1e-4, 1)
            again = both(PEOPLE.assign(w=moved), "x + sex", weights="w")
            value = rk.standardise(again, "x", [0.8, 1.3], [65], start=50, effect="difference")["estimate"]
            totals[number] += sign * value.to_numpy() / 2e-4
        assert clinic == number
    variance = sum(10 / 9 * ((t := totals[s::4]) - t.mean(axis=0)).T @ (t - t.mean(axis=0)) for s in range(4))
    assert_allclose(found["se"], np.sqrt(np.diag(variance)), rtol=1e-5)

    first, second = both(terms="x + strata(sex)"), both(people(seed=7), terms="x + strata(sex)")
    pooled = {name: rk.pool([first[name], second[name]]) for name in first}
    together = rk.standardise(pooled, "x", [0.8], [65], start=50)
    apart = [rk.standardise(fits, "x", [0.8], [65], start=50) for fits in (first, second)]
    loglog = [np.log(-np.log(one["estimate"])) for one in apart]
    assert_allclose(np.log(-np.log(together["estimate"])), np.mean(loglog, axis=0), rtol=1e-10)
    within = np.mean([(one["se"] / (one["estimate"] * np.log(one["estimate"]))) ** 2 for one in apart], axis=0)
    total = np.sqrt(within + 1.5 * np.var(loglog, axis=0, ddof=1))
    value = together["estimate"]
    assert_allclose(together["se"], total * np.abs(value * np.log(value)), rtol=1e-10)


def test_the_bootstrap_agrees_and_is_the_same_with_any_number_of_workers() -> None:
    fits = both(terms="x + sex")
    asked = {"levels": [0.8, 1.3], "times": [65], "start": 50, "effect": "difference", "progress": False}
    found = rk.standardise(fits, "x", bootstrap=150, workers=1, **asked)
    assert_allclose(found["se"], found["se_bootstrap"], rtol=0.15)
    pd.testing.assert_frame_equal(found, rk.standardise(fits, "x", bootstrap=150, workers=2, **asked))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": [9]}, "level 9 of 'x' is outside what the fit has seen"),
        ({"exposure": "sex", "levels": ["Mne"]}, "no level 'Mne'"),
        ({"exposure": "igf"}, "in none of the models"),
        ({"levels": None}, "give levels"),
        ({"levels": [1, 1]}, "each level or shift once"),
        ({"levels": [1], "effect": "difference"}, "one level"),
        ({"reference": 1}, "compares nothing"),
        ({"effect": "paf", "reference": 1}, "leave it out"),
        ({"effect": "odds"}, "effect='odds' is not one of"),
        ({"estimator": "km"}, "estimator='km' is not one of"),
        ({"times": None}, "give one time or more"),
        ({"times": [120]}, "is followed until"),
        ({"start": 20}, "nobody is at risk"),
        ({"start": 70}, "is not after the start"),
        ({"weights": "w"}, "weights and drawn"),
        ({"over": PEOPLE.head(0)}, "over has no rows"),
        ({"over": PEOPLE.drop(columns="age")}, "no column 'age'"),
        ({"over": PEOPLE, "weights": -PEOPLE["w"]}, "zero or more"),
        ({"over": PEOPLE.set_index(PEOPLE.index + 10**6), "drawn": True}, "in none of the fits"),
        ({"shift": "10%"}, "is no change"),
        ({"shift": "to 10%"}, "is no change"),
        ({"exposure": "sex", "levels": ["Men"], "shift": "+1"}, "have no curve"),
    ],
)
def test_bad_questions_are_refused(changes: dict[str, Any], message: str) -> None:
    asked = {"exposure": "x", "levels": [0.8, 1.3], "times": [65], "start": 50, **changes}
    with pytest.raises((SpecError, DataError), match=message):
        rk.standardise(both(), asked.pop("exposure"), **asked)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"share": 0.0}, "share is above 0"),
        ({"low": "+5%"}, "both limits"),
        ({"low": "+15%", "high": "+20%"}, "written as the change is"),
        ({"change": {}}, "finite level"),
        ({"change": {"a": 1}}, "a level for each level"),
        ({"change": {1: 2}, "low": "+1", "high": "+2"}, "no limits"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Shift(**{"change": "+10%", **given})


def test_models_without_absolute_risks_are_refused() -> None:
    matched = rk.clogit("mi ~ x + strata(stratum)", PEOPLE)
    for fit, message in (
        (matched, "not of a clogit model"),
        (rk.cox("Surv(entry, exit, mi) ~ ps(x)", PEOPLE), "penalised splines"),
        (rk.logistic("mi ~ x", PEOPLE, penalty="firth"), "firth"),
        (rk.cox("Surv(entry, exit, mi) ~ x", PEOPLE).light(), "let go of"),
    ):
        with pytest.raises(FitError, match=message):
            rk.standardise(fit, "x", [0.8, 1.3], None if fit.model == "logistic" else [65])
    with pytest.raises(SpecError, match="has no time"):
        rk.standardise(rk.logistic("mi ~ x", PEOPLE), "x", [1], [10])
    with pytest.raises(FitError, match="goes alone"):
        rk.standardise({"a": rk.logistic("mi ~ x", PEOPLE), "b": both()["mi"]}, "x", [1], [10])


@pytest.mark.parametrize("effect", ["risk", "difference", "years_lost", "paf"])
def test_one_cause_alone_is_answered_as_among_all(effect: str) -> None:
    causes, name = both(), "death"
    whole = rk.standardise(causes, "x", [0.8, 1.3], [70], start=60, effect=effect)
    alone = rk.standardise(causes, "x", [0.8, 1.3], [70], start=60, effect=effect, cause=name)
    pd.testing.assert_frame_equal(whole[whole["cause"] == name].reset_index(drop=True), alone, rtol=1e-9)
    risks = rk.absolute_risk(causes, PEOPLE.head(40), [65, 70], start=60)
    own = rk.absolute_risk(causes, PEOPLE.head(40), [65, 70], start=60, cause=name)
    pd.testing.assert_frame_equal(risks[risks["cause"] == name].reset_index(drop=True), own, rtol=1e-9)
    with pytest.raises(SpecError, match="there is no 'deaht' among"):
        rk.absolute_risk(causes, PEOPLE, [70], start=60, cause="deaht")
    with pytest.raises(SpecError, match="free of every cause"):
        rk.standardise(causes, "x", [0.8], [70], start=60, effect="rmst", cause=name)


def test_the_attributable_fraction_of_an_adjusted_model_is_a_closed_sum_and_the_bootstrap_agrees() -> None:
    fit = rk.logistic("mi ~ rcs(x, 3) + sex + age", PEOPLE)
    found = rk.standardise(fit, "x", [0.8], effect="paf", bootstrap=300, progress=False).iloc[0]
    without = special.expit(fit.recipe.matrix(PEOPLE.assign(x=0.8)) @ fit.coef).mean()
    assert_allclose(found["estimate"], 1 - without / PEOPLE["mi"].mean(), rtol=1e-9)  # a logistic model keeps the mean
    assert_allclose(found["se"], found["se_bootstrap"], rtol=0.15)


def test_split_follow_up_changes_nothing_where_people_are_averaged_over_once() -> None:
    whole = PEOPLE.assign(id=np.arange(len(PEOPLE)))
    middle = (whole["entry"] + whole["exit"]) / 2
    first, second = whole.assign(exit=middle, mi=False, death=False), whole.assign(entry=middle)
    split = pd.concat([first, second], ignore_index=True)
    asked = {"levels": [0.8, 1.3], "times": [60, 70], "start": 50, "effect": "difference"}
    one = rk.standardise(both(whole, "x + sex", cluster="id"), "x", **asked)
    two = rk.standardise(both(split, "x + sex", cluster="id"), "x", over=split.head(len(whole)), drawn=True, **asked)
    pd.testing.assert_frame_equal(one, two, rtol=1e-7)
