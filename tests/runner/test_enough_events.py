"""Events per coefficient: a curve and groups need ten for each, else the straight line stands alone, else nothing."""

from __future__ import annotations

from pathlib import Path

from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.results import Results
from riskkit.runner import run
from riskkit.telling.associations import associations
from riskkit.telling.words import finding

COHORT = made_cohort(
    "bmi",
    "sex",
    "cause",
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
""",
)
ANALYSIS = """
outcomes = ["death"]
min_events = {least}
[exposures.marker]
spline = 7
[[models]]
name = "sex"
label = "Sex"
covariates = ["sex"]
"""


def ran(folder: Path, least: int, n: int) -> Results:
    text = made_analysis(ANALYSIS.format(least=least))
    path = made_project(folder, made_people().head(n), COHORT, text)
    return run(path, cohort_of(path))


def test_with_too_few_events_for_a_curve_the_line_stands_alone(tmp_path: Path) -> None:
    people = made_people()
    first = people["cause"].ne(0).cumsum()
    n = int((first <= 59).sum())  # one event fewer than ten for each of six coefficients
    results = ran(tmp_path, 20, n)
    reasons = dict(zip(results.failures["coding"], results.failures["reason"], strict=True))
    assert reasons == {
        "spline": "59 events, fewer than the 60 asked for, 10 for each of the 6 coefficients of the spline."
    }
    (a,) = associations(results)
    assert a.tested_by == "linear"
    assert "hazard ratio per SD" in finding(a)
    n = int((first <= 60).sum())
    assert ran(tmp_path / "more", 20, n).failures.empty


def test_with_too_few_for_groups_too_and_then_for_anything(tmp_path: Path) -> None:
    first = made_people()["cause"].ne(0).cumsum()
    results = ran(tmp_path, 5, int((first <= 12).sum()))
    assert set(results.failures["coding"]) == {"spline", "groups"}
    assert set(results.estimates["coding"]) == {"linear"}
    none = ran(tmp_path / "none", 5, int((first <= 9).sum()))
    assert "9 events, fewer than the 10 asked for." in set(none.failures["reason"])
    assert none.estimates.empty
