"""A cohort made for tests: people with an age, a marker and years of follow-up, and the project that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort

HEAD = """
title = "Made for tests"
id = "id"
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
"""
VARIABLES = {
    "age": 'label = "Age", kind = "number", unit = "years"',
    "marker": 'label = "Marker", kind = "number", unit = "nmol/L"',
    "years": 'label = "Follow-up", kind = "number", unit = "years"',
    "again": 'label = "Marker at the second visit", kind = "number", unit = "nmol/L"',
    "bmi": 'label = "BMI", kind = "number", unit = "kg/m2"',
    "sex": 'label = "Sex", kind = "category", codes = { 1 = "Men", 2 = "Women" }',
    "cause": 'label = "Cause", kind = "category", codes = { 0 = "no", 1 = "a", 2 = "b", 3 = "c" }',
}
FOLLOW_UP = """
[follow_up]
time = "years"
age = "age"
unit = "years"
start = "visit"
end = "death"
"""
QUESTION = """
title = "Marker and death"
question = "Do they go together?"
cohort = "made"
"""


def made_cohort(
    *also: str, outcomes: str, variables: Mapping[str, str] | None = None, follow_up: str = FOLLOW_UP
) -> str:
    """The specification of a cohort with age, marker, years, those `also` named, and variables of the test's own."""
    known = {name: VARIABLES[name] for name in ("age", "marker", "years", *also)}
    lines = [f'{name} = {{ source = "people.{name}", {is_} }}' for name, is_ in {**known, **(variables or {})}.items()]
    return "\n".join([HEAD, *lines, follow_up, "[outcomes]", outcomes])


def made_analysis(asks: str) -> str:
    """The file of an analysis of that cohort which asks this."""
    return QUESTION + asks.lstrip()


def made_people(n: int = 1500) -> pd.DataFrame:
    """People whose risk rises with the usual level of a marker, which was measured twice in three of ten.

    Of those who die within ten years half do of cause 1, nearly all others of 2, and a few of 3.
    """
    random = np.random.default_rng(8)
    usual = random.normal(20, 4, n)
    marker = usual + random.normal(0, 2.5, n)
    age = random.uniform(40, 70, n)
    time = random.exponential(12 * np.exp(-0.06 * (age - 55) - 0.05 * (usual - 20)))
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "age": age.round(2),
            "marker": marker.round(2),
            "again": np.where(random.random(n) < 0.3, (usual + random.normal(0, 2.5, n)).round(2), np.nan),
            "bmi": np.where(random.random(n) < 0.05, np.nan, random.normal(27, 4, n).round(1)),
            "sex": random.integers(1, 3, n),
            "years": np.minimum(time, 10).round(3) + 0.001,
            "cause": np.where(time < 10, random.choice([1, 2, 3], n, p=[0.5, 0.495, 0.005]), 0),
        }
    )


def made_project(root: Path, people: pd.DataFrame, cohort: str, analysis: str) -> Path:
    """Write people, cohort and analysis where a project has them; return the file of the analysis."""
    for folder in ("cohorts", "analyses", "build/raw/made"):
        (root / folder).mkdir(parents=True)
    people.to_csv(root / "build/raw/made/people.csv", index=False)
    (root / "cohorts/made.toml").write_text(cohort, encoding="utf-8")
    path = root / "analyses/marker.toml"
    path.write_text(analysis, encoding="utf-8")
    return path


def cohort_of(analysis: Path) -> Cohort:
    """The cohort of the project in which this analysis is."""
    return load_cohort(analysis.parent.parent / "cohorts/made.toml")
