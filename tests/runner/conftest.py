"""One analysis of the made cohort, run once for all tests of what a run does."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.cohort.cohort import Cohort
from riskkit.results import Results
from riskkit.runner import run

COHORT = made_cohort(
    "again",
    "bmi",
    "sex",
    "cause",
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
c = { label = "Death from c", event = "cause == 'c'" }
""",
)

ANALYSIS = made_analysis("""
outcomes = ["death", "a", "c"]
characteristics = ["age", "sex"]
min_events = 10
[exposures.marker]
per = "5 nmol/L"
repeat = "again"
simex = ["death"]
[[models]]
name = "sex"
label = "Sex"
covariates = ["age", "sex"]
[[models]]
name = "full"
label = "+ BMI"
add = ["bmi"]
[[subgroups]]
name = "men"
label = "Men"
by = "Sex"
when = "sex == 'Men'"
without = ["sex"]
[[sensitivity]]
name = "late"
label = "First 2 years left out"
lag = 2.0
[[sensitivity]]
name = "trimmed"
label = "Extremes left out"
trim = [5.0, 95.0]
""")


@pytest.fixture(scope="session")
def analysis(tmp_path_factory) -> Path:
    return made_project(tmp_path_factory.mktemp("made"), made_people(), COHORT, ANALYSIS)


@pytest.fixture(scope="session")
def cohort(analysis) -> Cohort:
    return cohort_of(analysis)


@pytest.fixture(scope="session")
def results(analysis, cohort) -> Results:
    return run(analysis, cohort)
