"""A run with survey weights: rows against fits made by hand, people whom the cohort left out still in the design."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_project

from riskkit.cohort.cohort import Cohort
from riskkit.design.survey import SurveyDesign
from riskkit.errors import SpecError
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.results import Results
from riskkit.runner.run import run

COHORT = made_cohort(
    variables={
        "w": 'label = "Weight", kind = "number", unit = "people"',
        "stratum": 'label = "Stratum", kind = "number"',
        "psu": 'label = "Unit", kind = "number"',
        "died": 'label = "Died", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
    },
    outcomes="""
death = { label = "Death", event = "died" }
ill = { label = "Illness at baseline", state = "died" }
[[exclusions]]
label = "Not of the clinic"
when = "stratum == 1 and psu == 1"
[design]
weights = "w"
strata = "stratum"
psu = "psu"
nested = true
population = "everybody"
""",
)
ANALYSIS = made_analysis("""
outcomes = ["death"]
survey = true
[exposures.marker]
per = "5 nmol/L"
groups = 3
reference_group = 2
[[models]]
name = "crude"
label = "Crude"
covariates = []
[[models]]
name = "aged"
label = "Age"
covariates = ["age"]
""")
PEOPLE = 800


@pytest.fixture(scope="module")
def analysis(tmp_path_factory) -> Path:
    random = np.random.default_rng(4)
    unit = np.arange(PEOPLE) % 20
    marker = random.normal(20, 4, PEOPLE)
    time = random.exponential(np.exp(2 - 0.05 * (marker - 20) + random.normal(0, 0.4, 20)[unit]))
    people = {
        "id": np.arange(PEOPLE),
        "age": random.uniform(40, 70, PEOPLE).round(2),
        "marker": marker.round(2),
        "years": np.minimum(time, 10).round(3) + 0.001,
        "died": (time < 10).astype(int),
        "w": random.uniform(1, 5, PEOPLE).round(2),
        "stratum": unit // 2,
        "psu": unit % 2,
    }
    return made_project(tmp_path_factory.mktemp("sampled"), pd.DataFrame(people), COHORT, ANALYSIS)


@pytest.fixture(scope="module")
def cohort(analysis) -> Cohort:
    return cohort_of(analysis)


def ran(analysis: Path, cohort: Cohort, text: str) -> Results:
    analysis.write_text(text)
    return run(analysis, cohort)


@pytest.fixture(scope="module")
def results(analysis, cohort) -> Results:
    return ran(analysis, cohort, ANALYSIS)


@pytest.fixture(scope="module")
def everyone(analysis) -> tuple[pd.DataFrame, SurveyDesign]:
    """The whole sample, and the people of the cohort as a subpopulation of it."""
    people = pd.read_csv(analysis.parent.parent / "build/raw/made/people.csv")
    people["age_exit"] = people["age"] + people["years"]
    inside = "not (stratum == 1 and psu == 1)"
    return people, SurveyDesign("w", strata="stratum", psu="psu", nested=True, subpopulation=inside)


def test_a_weighted_estimate_is_that_of_the_subpopulation_of_everyone_sampled(results, everyone):
    people, design = everyone
    fit = cox("Surv(age, age_exit, died) ~ per(marker, 5)", people, survey=design)
    row = results.weighted.query("coding == 'linear'")
    assert len(row) == 1
    assert (row["model"].iloc[0], row["time_scale"].iloc[0], row["level"].iloc[0]) == ("aged", "age", "per 5 nmol/L")
    expected = fit.tidy().iloc[0]
    for name in ("estimate", "se", "ratio", "low", "high", "p"):
        assert row[name].iloc[0] == pytest.approx(expected[name], rel=1e-8)
    kept = people.query(design.subpopulation)
    counts = (len(kept), kept["died"].sum(), 19, 10, 9)
    assert tuple(row[name].iloc[0] for name in ("n", "events", "psus", "strata", "df_resid")) == counts
    assert row["population"].iloc[0] == pytest.approx(kept["w"].sum())


def test_groups_curves_and_tests_are_those_of_the_same_fits(results, everyone):
    people, design = everyone
    described = results.manifest.exposures["marker"]
    spline = cox(f"Surv(age, age_exit, died) ~ rcs(marker, {list(described.knots)})", people, survey=design)
    expected = curve(spline, "marker", reference=described.reference, grid=results.weighted_curves["x"])
    np.testing.assert_allclose(results.weighted_curves["high"], expected["high"], rtol=1e-8)
    tests = anova(spline).query("term == 'marker'")
    found = results.weighted_tests.query("coding == 'spline'")
    np.testing.assert_allclose(found[["chi2", "df", "p"]], tests[["chi2", "df", "p"]], rtol=1e-7)
    groups = cox(f"Surv(age, age_exit, died) ~ groups(marker, {list(described.cuts)}, ref=2)", people, survey=design)
    rows = results.weighted.query("coding == 'groups'")
    assert rows["level"].tolist() == ["Q1", "Q3"]
    np.testing.assert_allclose(rows[["estimate", "se"]], groups.tidy()[["estimate", "se"]], rtol=1e-8)


def test_a_state_is_weighted_in_a_logistic_model(analysis, cohort, everyone):
    people, design = everyone
    results = ran(analysis, cohort, ANALYSIS.replace('"death"', '"ill"'))
    fit = logistic("died ~ per(marker, 5) + age", people, survey=design)
    row = results.weighted.query("coding == 'linear'").iloc[0]
    assert (row["estimate"], row["se"]) == pytest.approx((fit.coef[1], fit.se[1]), rel=1e-8)


def test_a_design_that_a_model_cannot_have_is_a_failure_with_its_reason(analysis, cohort):
    assert cohort.design is not None
    lonely = replace(cohort, design=replace(cohort.design, units=()))
    results = ran(analysis, lonely, ANALYSIS)
    assert results.weighted.empty
    assert results.failures["coding"].tolist() == ["spline", "groups", "linear"]
    assert results.failures["reason"].str.startswith("Weighted by the survey design: 1 of 10 strata have one PSU").all()
    assert len(results.estimates) == 2 * (3 + 1)  # the unweighted models stand


def test_an_analysis_that_does_not_ask_has_none(analysis, cohort):
    results = ran(analysis, cohort, ANALYSIS.replace("survey = true\n", ""))
    assert results.weighted.empty
    assert results.weighted_curves.empty
    assert results.weighted_tests.empty


def test_curves_and_lines_are_needed_to_set_them_side_by_side(analysis, cohort):
    with pytest.raises(SpecError, match=r"exposures\.marker: survey = true sets"):
        ran(analysis, cohort, ANALYSIS.replace('per = "5 nmol/L"', "per = false"))
