"""Outcomes that are states at baseline: logistic models, cases and people, and who is left out for which reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from made_cohort import cohort_of, made_analysis, made_cohort, made_project

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.flow import FlowStep
from riskkit.errors import SpecError
from riskkit.fit.logistic import logistic
from riskkit.infer.nadir import nadir
from riskkit.infer.ushape import ushape
from riskkit.infer.verdict import ShapeVerdict
from riskkit.questions.people.tell import how_much_missing, missing_told
from riskkit.report.check import passages
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

VARIABLES = {
    "waist": 'label = "Waist", kind = "number", unit = "cm"',
    "hours": 'label = "Fasting", kind = "number", unit = "hours"',
    "centre": 'label = "Centre", kind = "category", codes = { 1 = "A", 2 = "B", 3 = "C" }',
}
OUTCOMES = """
wide = { label = "Wide waist", state = "waist > 100" }
death = { label = "Death", event = "years < 5" }
"""
COHORT = made_cohort(variables=VARIABLES, outcomes=OUTCOMES)

ANALYSIS = made_analysis("""
outcomes = ["wide"]
characteristics = ["age"]
[exposures.marker]
per = 5.0
[[models]]
name = "age"
label = "Age"
covariates = ["age"]
[[models]]
name = "centre"
label = "+ centre"
add = ["centre"]
[[exclusions]]
label = "Fasted for less than 6 hours"
when = "hours < 6"
[[subgroups]]
name = "old"
label = "Over 55"
by = "Age"
when = "age > 55"
codings = ["linear", "spline"]
[[subgroups]]
name = "young"
label = "55 or under"
by = "Age"
when = "age <= 55"
""")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory) -> Path:
    random = np.random.default_rng(3)
    n = 1200
    marker, age = random.normal(20, 4, n).round(2), random.uniform(40, 70, n).round(1)
    waist = (95 + 0.8 * (marker - 20) + 0.2 * (age - 55) + random.normal(0, 10, n)).round(1)
    centre = np.where(np.arange(n) < 15, 3, random.integers(1, 3, n))
    waist[centre == 3] = 120.0  # everybody of centre C is a case
    waist[50:90] = np.nan
    frame = pd.DataFrame({"id": np.arange(n), "age": age, "marker": marker, "waist": waist, "centre": centre})
    frame["hours"] = np.where(np.arange(n) % 10 == 0, 4, 12)
    frame["years"] = random.uniform(1, 10, n).round(2)
    return made_project(tmp_path_factory.mktemp("states"), frame, COHORT, ANALYSIS)


@pytest.fixture(scope="module")
def cohort(analysis) -> Cohort:
    return cohort_of(analysis)


@pytest.fixture(scope="module")
def results(analysis, cohort) -> Results:
    return run(analysis, cohort)


def test_the_estimate_is_that_of_statsmodels(results: Results, cohort: Cohort) -> None:
    data = cohort.data.query("hours >= 6").dropna(subset=["waist"])
    x = np.column_stack([np.ones(len(data)), data["marker"] / 5, data["age"]])
    fit = sm.Logit(data["waist"] > 100, x).fit(disp=0)
    row = results.estimates.query("model == 'age' and coding == 'linear'").iloc[0]
    np.testing.assert_allclose([row["estimate"], row["se"]], [fit.params.iloc[1], fit.bse.iloc[1]], rtol=1e-7)
    assert (row["time_scale"], row["n"], row["events"]) == ("none", len(data), (data["waist"] > 100).sum())
    assert np.isnan(row["person_years"])


def test_people_whose_state_is_not_known_are_counted_as_missing(results: Results) -> None:
    assert set(results.fits["n_missing"]) == {36}  # 40 without a waist, a tenth of whom had not fasted
    missing = results.missing.set_index("variable")
    assert missing.loc["wide", ["n", "n_missing"]].tolist() == [1080, 36]
    assert missing.loc["", "n_missing"] == 0  # no covariate
    last = how_much_missing(results).rows[-1]
    assert last.cells == ("Outcome: Wide waist", "36 (3.3)")
    assert "none lacked a covariate" in missing_told(results)


def test_exclusions_of_the_analysis_are_steps_of_the_flow(results: Results, cohort: Cohort) -> None:
    step = results.manifest.cohort.flow[-1]
    assert step == FlowStep("Fasted for less than 6 hours", 120, 1080)
    assert len(cohort.data) == 1200


def test_a_category_of_cases_only_is_left_out_as_is_one_without_any(results: Results, cohort: Cohort) -> None:
    row = results.fits.query("model == 'centre' and coding == 'linear'").iloc[0]
    data = cohort.data.query("hours >= 6").dropna(subset=["waist"])
    assert row["n_without_events"] == (data["centre"] == "C").sum()
    assert row["n"] == (data["centre"] != "C").sum()


def test_a_subgroup_that_asks_for_a_spline_has_a_shape_of_its_own(results: Results, cohort: Cohort) -> None:
    old = cohort.data.query("hours >= 6 and age > 55 and centre != 'C'")
    coding = results.manifest.exposures["marker"]
    fit = logistic(f"wide ~ rcs(marker, {coding.knots}) + age + centre", old)
    row = results.variant_shapes.iloc[0]
    assert len(results.variant_shapes) == 1
    assert (row["outcome"], row["variant"], row["model"]) == ("wide", "old", "centre")
    limits = (coding.low, coding.high)
    u = ushape(fit, "marker", limits=limits)
    assert ShapeVerdict.from_row(row) == u.heights  # from numbers alone, words and all
    assert (row["verdict_answer"], row["verdict_p"], row["slopes_p"]) == (u.answer, u.p, u.slopes_p)
    assert row["verdict_x"] == nadir(fit, "marker", limits=limits).x


def test_hazards_are_not_tested_and_statsmodels_gives_the_second_opinion(results: Results) -> None:
    assert "proportional hazards" not in set(results.tests["part"])
    assert results.cross_check.empty  # its main model lacks the people of centre C


def test_the_page_speaks_of_odds_and_cases(results: Results) -> None:
    said = passages(page_html(results))
    text = " ".join(passage for _, passage in said if not passage.startswith("{")).lower()  # the rest is data
    for word in ("hazard", "person-year", "follow-up", "cox", "events", "time scale", "risk is"):
        assert word not in text, word
    for word in ("odds ratio", "cases", "prevalence", "logistic regression", "cross-sectional", "at baseline"):
        assert word in text, word


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["wide"]', '["wide", "death"]', "'wide' is a state at baseline .odds ratios., 'death' has follow-up"),
        ('["wide"]', '["wide"]\ntime_scales = ["age"]', "the outcomes are states at baseline and have none"),
        ('["wide"]', '["death"]\ntime_scales = ["none"]', "'none' is for states at baseline"),
        ('["wide"]', '["wide"]\nstrata = ["centre"]', "a logistic model has none"),
        ('"hours < 6"', '"hour < 6"', "exclusions.1..when.*no variable 'hour'. Did you mean 'hours'"),
        ("[[exclusions]]", '[[sensitivity]]\nname="l"\nlabel="L"\nlag=2.0\n[[exclusions]]', "there is no follow-up"),
    ],
)
def test_what_does_not_go_together_is_refused(analysis: Path, old: str, new: str, message: str) -> None:
    other = analysis.with_name("other.toml")
    other.write_text(ANALYSIS.replace(old, new))
    with pytest.raises(SpecError, match=f"(?s){message}"):
        load_analysis(other)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ('state = "waist > 100", event = "waist > 100"', "needs one of `event`, `state`"),
        ('state = "waist > 100", time = "years"', "a `state` has none"),
        ('state = "wast > 100"', "Did you mean 'waist'"),
    ],
)
def test_a_state_is_declared_alone(tmp_path: Path, state: str, message: str) -> None:
    path = tmp_path / "made.toml"
    path.write_text(COHORT.replace('state = "waist > 100"', state))
    with pytest.raises(SpecError, match=message):
        load_cohort(path)


def test_a_cohort_without_follow_up_has_states_only(analysis: Path, tmp_path: Path) -> None:
    path = made_project(
        tmp_path,
        pd.read_csv(analysis.parent.parent / "build/raw/made/people.csv"),
        made_cohort(variables=VARIABLES, outcomes=OUTCOMES, follow_up=""),
        ANALYSIS.replace('"wide"', '"death"'),
    )
    made = cohort_of(path)
    found = run(path, made)
    assert set(found.fits["model"]) == {"age", "centre"}
    assert set(found.fits["events"]) == {int((made.data.query("hours >= 6")["years"] < 5).sum())}
    assert found.cross_check["software"].iloc[0] == "statsmodels"
