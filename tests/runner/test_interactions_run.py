"""Interactions and robustness of an analysis: rows against fits made by hand, and what cannot be done as failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_project

from riskkit.cohort.cohort import Cohort
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.infer.anova import anova
from riskkit.infer.confounding import evalue, tipping_point
from riskkit.infer.curve import curve
from riskkit.infer.interaction import additive_interaction
from riskkit.questions.interactions.tell import modifiers
from riskkit.results import Results
from riskkit.runner import run

SITES = ", ".join(f'{i} = "S{i:02}"' for i in range(1, 13))
COHORT = made_cohort(
    "sex",
    "cause",
    variables={
        "ill": 'label = "Ill before", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
        "group": 'label = "Group", kind = "category", codes = { 1 = "A", 2 = "B" }',
        "rare": 'label = "Rare", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
        "site": f'label = "Site", kind = "category", codes = {{ {SITES} }}',
    },
    outcomes="""
a = { label = "Death from a", event = "cause == 'a'" }
b = { label = "Death from b", event = "cause == 'b'" }
c = { label = "Death from c", event = "cause == 'c'" }
old = { label = "Old", state = "age > 60" }
""",
)

ANALYSIS = made_analysis("""
outcomes = ["a"]
min_events = 10
[exposures.marker]
per = 5.0
groups = false
[[models]]
name = "sex"
label = "Sex"
covariates = ["sex", "ill"]
""")
FURTHER = """
[[interactions]]
modifier = "sex"
additive = { exposure = ["p10", 20], modifier = ["Men", "Women"], bootstrap = 4 }
[[interactions]]
modifier = "ill"
label = "Earlier illness"
[[interactions]]
modifier = "group"
[[interactions]]
modifier = "rare"
[robustness]
negative_controls = ["b", "c"]
leave_one_out = "site"
bootstrap = 20
influence = 3
[[robustness.confounders]]
label = "Frailty"
prevalence = [0.3, 0.1]
"""


@pytest.fixture(scope="module")
def analysis(tmp_path_factory) -> Path:
    random = np.random.default_rng(6)
    n = 900
    marker, sex = random.normal(20, 4, n), random.integers(1, 3, n)
    time = random.exponential(10 * np.exp(-0.06 * (marker - 20) * (sex == 1)))
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "age": random.uniform(40, 70, n).round(2),
            "marker": np.where(random.random(n) < 0.02, np.nan, marker.round(2)),
            "sex": sex,
            "ill": random.integers(0, 2, n),
            "group": 1,
            "rare": (np.arange(n) < 12).astype(int),
            "site": np.arange(n) % 12 + 1,
            "years": np.minimum(time, 10).round(3) + 0.001,
            "cause": np.where(time < 10, random.choice([1, 2, 3], n, p=[0.6, 0.39, 0.01]), 0),
        }
    )
    return made_project(tmp_path_factory.mktemp("modified"), frame, COHORT, ANALYSIS + FURTHER)


@pytest.fixture(scope="module")
def cohort(analysis) -> Cohort:
    return cohort_of(analysis)


@pytest.fixture(scope="module")
def results(analysis, cohort) -> Results:
    return run(analysis, cohort)


@pytest.fixture(scope="module")
def product(results, cohort):
    knots = results.manifest.exposures["marker"].knots
    return cox(f"Surv(age_entry, age_exit, a) ~ rcs(marker, {list(knots)}) * sex + ill", cohort.data)


def checks(results: Results, check: str, outcome: str = "a") -> pd.DataFrame:
    rows = results.robustness
    return rows[(rows["check"] == check) & (rows["outcome"] == outcome)].reset_index(drop=True)


def test_both_tests_are_those_of_a_fit_by_hand(results, product):
    rows = results.interactions.query("modifier == 'sex'").set_index("test")
    for name, test in (("likelihood ratio", "lr"), ("Wald", "wald")):
        asked = anova(product, test).query("term == 'marker' and part == 'interaction'").iloc[0]
        np.testing.assert_allclose(
            rows.loc[name, ["chi2", "df", "p"]].astype(float), asked[["chi2", "df", "p"]].astype(float), 1e-8
        )
    assert (rows["n"] == product.n).all()
    assert (rows["events"] == product.events).all()
    assert (rows["n_missing"] == product.n_missing).all()


def test_a_group_s_curve_is_the_product_s_over_its_own_range(results, product, cohort):
    rows = results.interaction_curves.query("modifier == 'sex' and level == 'Women'")
    by_hand = curve(product, "marker", {"sex": "Women"}, results.manifest.exposures["marker"].reference,
                    grid=rows["x"])  # fmt: skip
    np.testing.assert_allclose(rows[["estimate", "low", "high"]], by_hand[["estimate", "low", "high"]], rtol=1e-8)
    women = cohort.data.query("sex == 'Women'").dropna(subset=["marker"])
    low, high = np.percentile(women["marker"], [1, 99])
    assert low <= rows["x"].min() < rows["x"].max() <= high
    assert (rows["n"].iloc[0], rows["events"].iloc[0]) == (len(women), women["a"].sum())
    assert rows["person_years"].iloc[0] == pytest.approx(women["follow_up"].sum())


def test_additive_measures_are_of_the_declared_contrast(results, product, cohort):
    rows = results.additive.set_index(["measure", "interval"])
    low = float(np.nanpercentile(cohort.data["marker"], 10))
    found = additive_interaction(product, {"marker": low, "sex": "Men"}, {"marker": 20.0, "sex": "Women"})
    delta = found.measures.query("interval == 'delta'").set_index("measure")
    for measure in ("RERI", "AP", "S"):
        np.testing.assert_allclose(rows.loc[(measure, "delta"), "value"], delta.loc[measure, "estimate"], rtol=1e-7)
    np.testing.assert_allclose(
        rows["value"].xs("Wald", level="interval")[["exposure alone", "modifier alone", "both"]], found.ratios["ratio"]
    )
    assert ("RERI", "bootstrap") in rows.index
    assert rows["exposed"].unique() == pytest.approx([low])


def test_a_flag_is_a_modifier_with_two_levels(results):
    rows = results.interaction_curves.query("modifier == 'ill'")
    assert rows["level"].unique().tolist() == ["No", "Yes"]
    assert (modifiers(results)[1].label, modifiers(results)[1].levels) == ("Earlier illness", ("No", "Yes"))


def test_what_cannot_be_compared_is_a_row_with_its_reason(results):
    reasons = results.failures.set_index("variant")["reason"]
    assert reasons["Interaction with Group"] == "Group is A for everyone used: nothing to compare."
    assert reasons["Interaction with Rare"].endswith("events where Rare is Yes, fewer than the 10 asked for.")
    assert set(results.interactions["modifier"]) == {"sex", "ill"}


def test_a_stratum_can_be_a_modifier(analysis, cohort):
    path = analysis.with_name("strata.toml")
    head = ANALYSIS.replace("min_events", 'strata = ["sex"]\nmin_events').replace('["sex", "ill"]', '["ill"]')
    path.write_text(head + '[[interactions]]\nmodifier = "sex"\n')
    found = run(path, cohort)
    knots = list(found.manifest.exposures["marker"].knots)
    text = f"Surv(age_entry, age_exit, a) ~ rcs(marker, {knots}) + rcs(marker, {knots}):sex + ill + strata(sex)"
    asked = anova(cox(text, cohort.data), "lr").query("term == 'marker' and part == 'interaction'").iloc[0]
    row = found.interactions.query("test == 'likelihood ratio'").iloc[0]
    np.testing.assert_allclose([row["chi2"], row["df"]], asked[["chi2", "df"]].astype(float), rtol=1e-7)


def test_odds_ratios_of_a_state_are_asked_the_same(analysis, cohort):
    path = analysis.with_name("state.toml")
    text = ANALYSIS.replace('outcomes = ["a"]', 'outcomes = ["old"]')
    path.write_text(f"{text}[[interactions]]\nmodifier = 'sex'\n[robustness]\ninfluence = 1\nleave_one_out = 'ill'\n")
    found = run(path, cohort)
    fit = logistic("old ~ per(marker, 5) + sex + ill", cohort.data)
    e = evalue(*fit.tidy().iloc[1][["ratio", "low", "high"]], measure="odds ratio", rare=False)
    row = checks(found, "E-value", "old").iloc[0]
    np.testing.assert_allclose([row["value"], row["limit"]], [e.estimate, e.limit], rtol=1e-7)
    assert row["note"] == "odds ratio of a common outcome"
    assert checks(found, "left out", "old")["item"].tolist() == ["No", "Yes"]
    assert checks(found, "jackknife", "old").empty  # two groups say nothing of a standard error
    assert len(found.interactions) == 2
    assert found.interaction_curves["person_years"].isna().all()


def test_e_values_and_tipping_points_are_of_the_main_estimate(results):
    main = results.estimates.query("coding == 'linear'").iloc[0]
    ratio = main[["ratio", "low", "high"]].astype(float)
    row = checks(results, "E-value").iloc[0]
    e = evalue(*ratio, measure="hazard ratio", rare=main["events"] / main["n"] <= 0.15)
    np.testing.assert_allclose([row["value"], row["limit"]], [e.estimate, e.limit], rtol=1e-9)
    row = checks(results, "tipping point").iloc[0]
    exposed, unexposed = (0.3, 0.1) if main["ratio"] > 1 else (0.1, 0.3)
    t = tipping_point(*ratio, exposed=exposed, unexposed=unexposed)
    np.testing.assert_allclose([row["value"], row["limit"]], [t.estimate, t.limit], rtol=1e-9)
    assert row["value"] > 1


def test_without_a_site_or_the_most_influential_the_model_is_fitted_again(results, cohort):
    formula = "Surv(age_entry, age_exit, a) ~ per(marker, 5) + sex + ill"
    rows = checks(results, "left out").set_index("item")
    assert len(rows) == 12
    fit = cox(formula, cohort.data.query("site != 'S07'"))
    np.testing.assert_allclose(rows.loc["S07", ["estimate", "se"]].astype(float), [fit.coef[0], fit.se[0]], rtol=1e-7)
    assert checks(results, "jackknife")["value"].tolist() == [12]
    people = checks(results, "influence")["item"].astype(int)
    assert len(people) == 3
    fit = cox(formula, cohort.data.drop(index=people))
    np.testing.assert_allclose(checks(results, "without influential")["estimate"], fit.coef[0], rtol=1e-7)
    spread = checks(results, "bootstrap").iloc[0]
    assert spread["low"] < spread["ratio"] < spread["high"]


def test_what_other_checks_find_stays_where_one_fails(analysis, cohort):
    path = analysis.with_name("alone.toml")
    path.write_text(f"{ANALYSIS}[robustness]\nleave_one_out = 'group'\ninfluence = 2\n")
    found = run(path, cohort)
    assert found.robustness["check"].tolist() == ["main", "E-value", *["influence"] * 2, "without influential"]
    failed = found.failures.iloc[0]
    assert (failed["variant"], failed["reason"]) == (
        "Robustness: groups left out",
        "'group' is 'A' in every row used; nobody would be left.",
    )


def test_a_negative_control_is_estimated_or_says_why_not(results, cohort):
    fit = cox("Surv(age_entry, age_exit, b) ~ per(marker, 5) + sex + ill", cohort.data)
    row = checks(results, "negative control", "b").iloc[0]
    np.testing.assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-8)
    assert (row["n"], row["events"]) == (fit.n, fit.events)
    failed = results.failures.query("outcome == 'c'").iloc[0]
    assert failed["variant"] == "Negative control"
    assert failed["reason"].endswith("events, fewer than the 10 asked for.")
    assert set(results.estimates["outcome"]) == {"a"}
