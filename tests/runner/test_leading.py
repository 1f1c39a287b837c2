"""The closer look at the leading outcomes: each number against the same asked of the cohort's data by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.cohort.cohort import Cohort
from riskkit.errors import FitError, SpecError
from riskkit.questions.incidence import run as incidence
from riskkit.questions.incidence.run import incidence_by_group
from riskkit.questions.two_lines import run as two_lines
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis
from riskkit.study.leading import LED, leading_pairs
from riskkit.study.study import make_study

COHORT = made_cohort(
    "sex",
    "cause",
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
""",
)
ANALYSIS = made_analysis("""
outcomes = ["death", "a"]
competing = "death"
[exposures.marker]
groups = 3
spline = 3
[[models]]
name = "full"
label = "Sex"
covariates = ["sex"]
""")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_project(tmp_path_factory.mktemp("closer"), made_people(), COHORT, ANALYSIS)


@pytest.fixture(scope="module")
def cohort(analysis: Path) -> Cohort:
    return cohort_of(analysis)


@pytest.fixture(scope="module")
def results(analysis: Path, cohort: Cohort) -> Results:
    return run(analysis, cohort)


def test_incidence_is_that_of_each_group_s_people_where_other_deaths_compete(results: Results, cohort: Cohort) -> None:
    data = cohort.data
    top = data[data["marker"] > np.quantile(data["marker"], 2 / 3)]
    rows = results.incidence.query("outcome == 'a' and level == 'Q3'")
    own, other = top["a"] == 1, (top["death"] == 1) & (top["a"] == 0)
    at = rows["time"].to_numpy()
    wanted = rk.incidence(top["age_exit"], own, entry=top["age_entry"], competing=other, at=at, start=at[0])
    for name in ("estimate", "low", "high", "n_at_risk"):
        np.testing.assert_allclose(rows[name], wanted[name])
    assert (rows["n"].iloc[0], rows["events"].iloc[0]) == (len(top), own.sum())
    alone = results.incidence.query("outcome == 'death' and level == 'Q3'")
    death = rk.incidence(top["age_exit"], top["death"], entry=top["age_entry"], at=at, start=at[0])
    np.testing.assert_allclose(alone["estimate"], death["estimate"])


def test_incidence_starts_and_ends_where_ten_of_every_group_are_at_risk(results: Results, cohort: Cohort) -> None:
    rows = results.incidence.query("outcome == 'a'")
    assert rows["n_at_risk"].min() >= 10
    group = np.searchsorted(np.quantile(cohort.data["marker"], [1 / 3, 2 / 3]), cohort.data["marker"])
    for beyond in (rows["time"].min() - 1, rows["time"].max() + 1):
        at_risk = (cohort.data["age_entry"] < beyond) & (cohort.data["age_exit"] >= beyond)
        assert np.bincount(group, at_risk).min() < 10


def test_smooths_and_lines_are_those_of_the_main_model(results: Results, cohort: Cohort) -> None:
    fit = rk.cox("Surv(age_entry, age_exit, a) ~ marker + sex", cohort.data)
    sd = results.manifest.exposures["marker"].per
    wanted, found = rk.schoenfeld_smooth(fit, "marker"), results.schoenfeld.query("outcome == 'a'")
    np.testing.assert_allclose(found["estimate"], sd * wanted["estimate"], rtol=1e-6)
    np.testing.assert_allclose(found["time"], wanted["time"])
    spline = rk.cox("Surv(age_entry, age_exit, a) ~ rcs(marker, 3) + sex", cohort.data)
    lines, row = rk.two_lines(spline, "marker"), results.two_lines.query("outcome == 'a'").iloc[0]
    np.testing.assert_allclose([row["breakpoint"], row["p"]], [lines.breakpoint, lines.p], rtol=1e-6)
    np.testing.assert_allclose(row["above_slope"], lines.upper.estimate, rtol=1e-5)


def test_what_cannot_be_had_is_a_row_with_its_reason_and_the_rest_stays(results, analysis, cohort, monkeypatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise FitError("not to be had.")

    def lost(study: object, exposure: str, outcome: str) -> pd.DataFrame:
        return refused() if outcome == "a" else incidence_by_group(study, exposure, outcome)

    monkeypatch.setattr(incidence, "incidence_by_group", lost)
    monkeypatch.setattr(two_lines, "two_lines", refused)
    found = run(analysis, cohort)
    assert found.failures["variant"].tolist() == ["Cumulative incidence", "Two-lines test", "Two-lines test"]
    assert set(found.failures["reason"]) == {"not to be had."}
    assert set(found.incidence["outcome"]) == {"death"}
    assert len(found.schoenfeld) == len(results.schoenfeld)


def test_what_no_fit_can_raise_ends_the_run(analysis, cohort, monkeypatch) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise SpecError("a fault of the file.")

    monkeypatch.setattr(two_lines, "two_lines", wrong)
    with pytest.raises(SpecError, match="a fault of the file"):
        run(analysis, cohort)


def test_of_many_outcomes_the_clearest_lead(analysis, cohort) -> None:
    names = [f"o{i}" for i in range(20)]
    study = make_study(load_analysis(analysis)[0], cohort, "age")
    key = {"exposure": "x", "outcome": names, "time_scale": "age", "model": "full", "coding": "linear"}
    p = np.random.default_rng(1).permutation(20) / 100
    fits, tests = pd.DataFrame(key), pd.DataFrame({**key, "part": "overall", "p": p})
    led = [outcome for _, outcome in leading_pairs(study, {"fits": fits, "tests": tests})]
    assert led == [name for name, each in zip(names, p, strict=True) if each < LED / 100]
    assert len(leading_pairs(study, {"fits": fits.iloc[:12], "tests": tests})) == 12
    assert leading_pairs(study, {"fits": fits.iloc[:0], "tests": tests}) == []
