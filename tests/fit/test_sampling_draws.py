"""Samples drawn from a cohort, and the weights that undo the drawing: closed forms and repeated draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError

FOLLOW = "Surv(entry, exit, event)"


def cohort(n: int = 2000, seed: int = 3, rate: float = 0.02) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x, entry = random.normal(size=n), random.uniform(0, 3, n)
    waited, left = random.exponential(1 / (rate * np.exp(0.5 * x))), random.uniform(2, 8, n)
    return pd.DataFrame(
        {"entry": entry, "exit": entry + np.minimum(waited, left), "event": (waited < left).astype(int), "x": x,
         "sex": random.choice(["M", "F"], n), "age": random.uniform(40, 60, n)},
        index=[f"p{i}" for i in range(n)],
    )  # fmt: skip


PEOPLE = cohort()


def test_a_case_cohort_has_its_subcohort_and_all_cases_and_repeats_with_its_seed() -> None:
    found = rk.sample_case_cohort(PEOPLE, event="event", size=300, seed=5)
    assert found["subcohort"].sum() == 300
    assert found["event"].sum() == PEOPLE["event"].sum()
    assert (found["subcohort"] | (found["event"] == 1)).all()
    pd.testing.assert_frame_equal(found, rk.sample_case_cohort(PEOPLE, event="event", size=300, seed=5))
    by = rk.sample_case_cohort(PEOPLE, event="event", size={"M": 100, "F": 50}, strata="sex")
    assert by[by["subcohort"]]["sex"].value_counts().to_dict() == {"M": 100, "F": 50}


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"size": 5000}, DataError, "asked for 5,000 of the 2,000 people"),
        ({"size": {"M": 10, "X": 5}, "strata": "sex"}, DataError, "of the 0 people of sex=X"),
        ({"size": {"M": 10}, "strata": "sex"}, SpecError, "no number for sex=F"),
        ({"size": 10, "strata": "sex"}, SpecError, "with strata one for each"),
    ],
)
def test_impossible_subcohorts_are_refused(options, error, said) -> None:
    with pytest.raises(error, match=said):
        rk.sample_case_cohort(PEOPLE, event="event", **options)


def test_controls_are_at_risk_matched_near_and_different_people() -> None:
    sets = rk.sample_controls(PEOPLE, controls=3, match=["sex"], within={"age": 2}, seed=2)
    case = sets[sets["case"] == 1].set_index("set")
    assert len(case) == PEOPLE["event"].sum()
    assert (case.index.to_numpy() == np.arange(len(case))).all()
    of_case = case.loc[sets["set"]]
    time = of_case["exit"].to_numpy()
    assert ((sets["entry"] < time) & (sets["exit"] >= time)).all()
    assert (sets["sex"].to_numpy() == of_case["sex"].to_numpy()).all()
    assert (np.abs(sets["age"].to_numpy() - of_case["age"].to_numpy()) <= 2).all()
    assert not sets.reset_index().duplicated(["set", "index"]).any()
    assert sets.groupby("set").size().max() == 4
    fit = rk.cox(
        f"{FOLLOW} ~ x", sets[sets.groupby("set")["case"].transform("size") > 1], sampling=rk.NestedCaseControl()
    )
    assert fit.coef[0] == pytest.approx(0.5, abs=4 * fit.se[0])


def test_counter_matched_sets_have_so_many_of_each_stratum_and_weights_that_add_up_to_the_risk_set() -> None:
    high = PEOPLE.assign(high=PEOPLE["x"] > 1)
    sets = rk.sample_controls(high, controls=2, counter="high")
    sizes = sets.groupby(["set", "high"]).size().unstack()
    assert (sizes == 2).all(axis=None)
    case = sets[sets["case"] == 1]
    at_risk = [((PEOPLE["entry"] < t) & (PEOPLE["exit"] >= t)).sum() for t in case["exit"]]
    assert_allclose(sets.groupby("set")["weight"].sum(), at_risk)
    fit = rk.cox(f"{FOLLOW} ~ x", sets, sampling=rk.NestedCaseControl(weights="weight"))
    assert fit.coef[0] == pytest.approx(0.5, abs=4 * fit.se[0])


def test_samuelsen_s_probability_of_a_few_people_is_that_worked_by_hand() -> None:
    few = pd.DataFrame({"exit": [1.0, 2, 3, 4, 5], "event": [0, 1, 0, 1, 0], "in": [0, 1, 1, 1, 1]})
    # at 2: persons 2, 3, 4 besides the case, of whom one is drawn; at 4: person 4 alone
    found = rk.ncc_weights(few, "in", follow_up="Surv(exit, event)")
    assert_allclose(found, [np.nan, 1, 3, 1, 1])
    two = rk.ncc_weights(few, "in", follow_up="Surv(exit, event)", controls=2)
    assert_allclose(two, [np.nan, 1, 1.5, 1, 1])


@pytest.mark.parametrize("matching", [{}, {"match": ["sex"], "within": {"age": 5}}])
def test_samuelsen_s_probability_is_how_often_people_are_drawn(matching) -> None:
    people = cohort(150, rate=0.05)
    draws = [rk.sample_controls(people, controls=2, seed=s, **matching) for s in range(400)]
    often = sum(people.index.isin(sets.index).astype(float) for sets in draws) / len(draws)
    everyone = rk.ncc_weights(people.assign(all=often > 0), "all", controls=2, **matching)
    p = 1 / everyone[often > 0]
    z = (often[often > 0] - p) / np.sqrt(np.maximum(p * (1 - p), 1e-9) / len(draws))
    assert np.abs(z[p < 1]).max() < 4.5
    assert abs(z[p < 1].mean()) < 0.3


@pytest.mark.parametrize("method", ["samuelsen", "glm"])
def test_weights_make_the_sample_the_cohort_again(method) -> None:
    people = cohort(6000, seed=8)
    sets = rk.sample_controls(people, controls=4, match=["sex"])
    people["sampled"] = people.index.isin(sets.index)
    people["w"] = rk.ncc_weights(people, "sampled", controls=4, match=["sex"], method=method)
    sample = people[people["sampled"]]
    assert sample["w"].sum() == pytest.approx(len(people), rel=0.1)
    weighted = rk.cox(f"{FOLLOW} ~ x + C(sex)", sample, weights="w", robust=True)
    whole = rk.cox(f"{FOLLOW} ~ x + C(sex)", people)
    assert weighted.coef[0] == pytest.approx(whole.coef[0], abs=3 * weighted.se[0])
    at = pd.DataFrame({"x": [0.0], "sex": ["F"]})
    ours, theirs = rk.baseline(weighted, at).iloc[-1], rk.baseline(whole, at).iloc[-1]
    assert ours["cumhaz"] == pytest.approx(theirs["cumhaz"], rel=0.1)


def test_glm_weights_are_those_of_a_logistic_model_of_people_without_the_event() -> None:
    sets = rk.sample_controls(PEOPLE, controls=2)
    people = PEOPLE.assign(sampled=PEOPLE.index.isin(sets.index).astype(int))
    found = rk.ncc_weights(people, "sampled", controls=2, method="glm")
    free = people[people["event"] == 0]
    fit = rk.logistic("sampled ~ entry + exit", free)
    p = 1 / (1 + np.exp(-fit.predict(free)["estimate"]))
    assert_allclose(found[free.index][free["sampled"] == 1], 1 / p[free["sampled"] == 1], rtol=1e-10)
    assert (found[people["event"] == 1] == 1).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sampled": 0}, "people with the event are not in 'sampled'"),
        ({"exit": np.nan}, "'exit' is missing in 2000 rows"),
        ({"sampled": np.nan}, "'sampled' is missing"),
    ],
)
def test_samples_that_cannot_be_are_refused(change, said) -> None:
    with pytest.raises(DataError, match=said):
        rk.ncc_weights(PEOPLE.assign(sampled=1).assign(**change), "sampled")


def test_a_control_who_was_in_no_risk_set_is_refused() -> None:
    few = pd.DataFrame({"exit": [1.0, 2, 3], "event": [0, 1, 0], "in": [1, 1, 1]}, index=list("abc"))
    with pytest.raises(DataError, match="1 controls were in no case's risk set, first a"):
        rk.ncc_weights(few, "in", follow_up="Surv(exit, event)")
    with pytest.raises(SpecError, match="not one of samuelsen, glm"):
        rk.ncc_weights(few, "in", follow_up="Surv(exit, event)", method="km")
    with pytest.raises(SpecError, match="controls is a whole number"):
        rk.sample_controls(few, follow_up="Surv(exit, event)", controls=0)
    with pytest.raises(DataError, match="there are no events"):
        rk.sample_controls(few.assign(event=0), follow_up="Surv(exit, event)")
