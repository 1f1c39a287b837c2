"""Levels over visits in an analysis: the same numbers as by hand, in the report, with few events, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.disclosure import protect
from riskkit.errors import SpecError
from riskkit.report.content import report_content
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
"""
FILE = """
[files.visits]
path = "visits.csv"
format = "csv"
rows = "many"
[repeats.marker]
file = "visits"
value = "value"
time = "time"
"""
ASKED = """
[repeats]
levels = ["marker@current", "marker@lag2", "marker@mean", "marker@area", "marker@change"]
"""


def visits() -> pd.DataFrame:
    """A visit at 2 and at 4 years of those still there; before death the marker falls."""
    random = np.random.default_rng(3)
    people, parts = made_people(), []
    for time in (2.0, 4.0):
        here = people[people["years"] > time]
        fall = np.where((here["cause"] > 0) & (here["years"] - time < 2), 8.0, 0.0)
        value = here["marker"] + random.normal(0, 2, len(here)) - fall
        parts.append(pd.DataFrame({"id": here["id"], "time": time, "value": value.round(2)}))
    return pd.concat(parts).sort_values(["id", "time"])


def project(tmp_path: Path, asked: str = ASKED, more: str = "", scale: str = "age") -> Path:
    asks = f"""
outcomes = ["death", "a"]
time_scales = ["{scale}"]
[exposures.marker]
spline = false
groups = false
per = 5
[[models]]
name = "main"
label = "Sex and BMI"
covariates = ["sex", "bmi"]
{asked}"""
    cohort = made_cohort("sex", "bmi", "cause", outcomes=OUTCOMES) + FILE + more
    path = made_project(tmp_path, made_people(), cohort, made_analysis(asks))
    visits().to_csv(tmp_path / "build/raw/made/visits.csv", index=False)
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = project(tmp_path_factory.mktemp("repeats"))
    return run(path, cohort_of(path))


def test_the_level_at_the_start_is_the_main_line(results: Results) -> None:
    found = results.repeats[results.repeats["level"] == "baseline"].set_index("outcome")
    main = results.estimates[results.estimates["coding"] == "linear"].set_index("outcome")
    columns = ["n", "events", "person_years", "estimate", "se", "p"]
    pd.testing.assert_frame_equal(found[columns], main.loc[found.index, columns], rtol=1e-7)
    assert (found["per"] == "5 nmol/L").all()


@pytest.mark.parametrize("scale", ["age", "follow_up"])
def test_levels_are_those_of_rows_made_by_hand(tmp_path: Path, scale: str) -> None:
    path = project(tmp_path, scale=scale)
    found = run(path, cohort_of(path)).repeats.query("outcome == 'a'").set_index("level")
    people = made_people().dropna(subset=["bmi"]).assign(a=lambda d: (d["cause"] == 1).astype(int))
    people["entry"] = people["age"] if scale == "age" else 0.0
    people["exit"] = people["entry"] + people["years"]
    seen = pd.concat([people.assign(time=0.0, value=people["marker"])[["id", "time", "value"]], visits()])
    seen = seen[seen["id"].isin(people["id"])].sort_values(["id", "time"])
    seen["time"] += people.set_index("id")["entry"].loc[seen["id"]].to_numpy()
    rows = rk.over_visits(
        people, seen, ["current", "lag2", "mean", "area", "change"], value="value", follow_up="Surv(entry, exit, a)"
    )
    for level, per in (("current", 5), ("lag2", 5), ("mean", 5), ("area", 50), ("change", 5)):
        known = rows[rows[f"value_{level}"].notna()]
        fit = rk.cox(f"Surv(entry, exit, a) ~ per(value_{level}, {per}) + C(sex) + bmi", known)
        row = found.loc[level]
        assert row["estimate"] == pytest.approx(fit.coef[0], rel=1e-6)
        assert row["se"] == pytest.approx(fit.se[0], rel=1e-6)
        assert row["n"] == known["id"].nunique()
        assert row["n"] + row["n_left_out"] == len(people)
        assert row["events"] == known["a"].sum()
        assert row["person_years"] == pytest.approx((known["exit"] - known["entry"]).sum(), rel=1e-9)
    assert found.loc["area", "per"] == "5 nmol/L for 10 years"
    assert found.loc["lag2", "n_left_out"] == (people["years"] <= 2).sum()


def test_the_report_says_what_a_fall_before_the_outcome_does(results: Results) -> None:
    content = report_content(results)
    (figure,) = [each for each in content.figures if each.name == "levels"]
    assert "by the last value at least 2 years before" in figure.figure.finding
    assert "do not meet" in figure.figure.finding
    assert figure.figure.wide.axes
    assert figure.figure.narrow.axes
    page = page_html(results)
    assert "Levels that change" in page
    assert "Rothman KJ" in page
    assert "per 5 nmol/L for 10 years" in page
    plain = Results(results.manifest, {**results.frames, "repeats": results.repeats.iloc[:0]})
    assert "Levels that change" not in page_html(plain)


def test_where_intervals_meet_nothing_is_concluded(results: Results) -> None:
    rows = results.repeats.copy()
    rows.loc[rows["level"] == "current", ["ratio", "low", "high"]] = (1.0, 0.1, 9.0)
    meeting = Results(results.manifest, {**results.frames, "repeats": rows})
    (figure,) = [each for each in report_content(meeting).figures if each.name == "levels"]
    assert "do not show that the level changed shortly before the outcome in those who had it, nor that it did not" in (
        figure.figure.finding
    )


def test_few_events_and_few_left_out_are_withheld(tmp_path: Path) -> None:
    path = project(tmp_path, more="\n[disclosure]\nmin_count = 10\nround_to = 5\n")
    found = run(path, cohort_of(path))
    early = {"n": -4, "events": -2, "n_left_out": 4}
    rows = found.repeats.copy()
    start, lag = ((rows["outcome"] == "a") & (rows["level"] == level) for level in ("baseline", "lag2"))
    for name, change in early.items():
        rows.loc[lag, name] = int(rows.loc[start, name].iloc[0]) + change
    shown = protect(Results(found.manifest, {**found.frames, "repeats": rows})).repeats
    assert not ((shown["outcome"] == "a") & (shown["level"] == "lag2")).any()
    kept = shown[shown["level"] == "lag2"]
    assert len(kept) == 1
    assert (kept[["n", "events"]] % 5 == 0).all(axis=None)
    whole = found.repeats.merge(shown, on=["outcome", "level"], suffixes=("", "_shown"))
    assert (whole["estimate"] != whole["estimate_shown"]).any()


def test_too_few_events_are_a_failure_that_names_the_level(tmp_path: Path) -> None:
    path = project(tmp_path, '[repeats]\nlevels = ["marker@lag9.9"]\noutcomes = ["a"]\n')
    found = run(path, cohort_of(path))
    assert found.repeats["level"].tolist() == ["baseline"]
    failed = found.failures[found.failures["variant"] == "Levels over visits: lag9.9"]
    assert failed["reason"].str.contains("events, fewer than the 20 asked for").all()
    assert len(failed) == 1


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ('"marker"', "'marker' names no level; write 'marker@current'"),
        ('"markr@lag2"', "'markr' is no exposure of this analysis. Did you mean 'marker'"),
        ('"marker@lagg2"', "'lagg2' is none of baseline, current"),
        ('"marker@lag0"', "'lag0' is no lag; write 'current'"),
        ('"marker@baseline"', "is there anyway"),
        ('"marker@since"', "is a time, no level"),
        ('"marker@lag2", "marker@lag2"', "'marker@lag2' is named twice"),
        ("", "must be a list of at least 1"),
    ],
)
def test_levels_that_cannot_be_are_refused(tmp_path: Path, levels: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_analysis(project(tmp_path, f"[repeats]\nlevels = [{levels}]\n"))


def test_what_was_measured_once_has_no_levels(tmp_path: Path) -> None:
    path = project(tmp_path)
    cohort = path.parent.parent / "cohorts/made.toml"
    cohort.write_text(made_cohort("sex", "bmi", "cause", outcomes=OUTCOMES), encoding="utf-8")
    with pytest.raises(SpecError, match=r"cohort 'made' has no \[repeats.marker\]"):
        load_analysis(path)
