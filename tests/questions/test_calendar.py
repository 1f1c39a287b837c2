"""Rates by calendar year: against cells counted by hand, in the report, with few events, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

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
VARIABLES = {"year": 'label = "Year of the visit", kind = "number"'}
CALENDAR = """
[calendar]
entry = "year"
years = 5
ages = 10
"""


def people() -> pd.DataFrame:
    frame = made_people()
    return frame.assign(year=(1990 + 0.003 * frame["id"]).round(3))


def project(tmp_path: Path, calendar: str = CALENDAR, more: str = "") -> Path:
    asks = f"""
outcomes = ["death", "a"]
[exposures.marker]
spline = false
groups = false
[[models]]
name = "main"
label = "Sex"
covariates = ["sex"]
{calendar}"""
    cohort = made_cohort("sex", "cause", outcomes=OUTCOMES, variables=VARIABLES) + more
    return made_project(tmp_path, people(), cohort, made_analysis(asks))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("calendar"))


@pytest.fixture(scope="module")
def results(analysis: Path) -> Results:
    return run(analysis, cohort_of(analysis))


def by_hand(outcome: str) -> pd.DataFrame:
    """Events and person-years by period and age, a thousandth of a year at a time."""
    rows = []
    frame = people()
    event = (frame["cause"] != 0) if outcome == "death" else (frame["cause"] == 1)
    for person, had in zip(frame.itertuples(), event, strict=True):
        at = np.arange(person.years * 1000) / 1000 + 0.0005
        at = at[at < person.years]
        period = (np.floor((person.year + at) / 5) * 5).astype(int)
        band = (np.floor((person.age + at) / 10) * 10).astype(int)
        cells = pd.DataFrame({"period": period, "band": band, "time": 0.001, "events": 0})
        cells = cells.groupby(["period", "band"], as_index=False).sum()
        if had:
            end = (int((person.year + person.years) // 5) * 5, int((person.age + person.years) // 10) * 10)
            cells.loc[(cells["period"] == end[0]) & (cells["band"] == end[1]), "events"] += 1
        rows.append(cells)
    return pd.concat(rows).groupby(["period", "band"])[["time", "events"]].sum()


@pytest.mark.parametrize("outcome", ["death", "a"])
def test_rates_are_those_of_cells_counted_by_hand(results: Results, outcome: str) -> None:
    cells = by_hand(outcome)
    time, events = (cells[name].unstack("period", fill_value=0) for name in ("time", "events"))
    common = (time > 0).all(axis=1)
    time, events = time[common], events[common]
    weights = time.sum(axis=1) / time.sum().sum()
    expected = 100_000 * (events / time).mul(weights, axis=0).sum()
    found = results.calendar.query("outcome == @outcome").set_index("from_year")
    assert found.index.tolist() == expected.index.tolist() == [1990, 1995, 2000]
    assert found["events"].tolist() == events.sum().tolist()
    np.testing.assert_allclose(found["person_years"], time.sum(), rtol=2e-3)
    np.testing.assert_allclose(found["rate"], expected, rtol=5e-3)
    np.testing.assert_allclose(found["crude"], 100_000 * events.sum() / time.sum(), rtol=5e-3)
    assert (found["low"] < found["rate"]).all()
    assert (found["rate"] < found["high"]).all()
    assert (found["age_low"].iloc[0], found["age_high"].iloc[0]) == (
        common[common].index[0],
        common[common].index[-1] + 10,
    )


def test_the_report_has_a_figure_a_table_and_its_methods(results: Results) -> None:
    content = report_content(results)
    (figure,) = [each for each in content.figures if each.name == "calendar"]
    assert figure.figure.wide.axes
    assert "1990 to 1994" in figure.finding
    assert any("Incidence by calendar year" in table.caption for _, table in content.tables)
    page = page_html(results)
    assert "Rates by calendar year" in page
    assert "Fay MP, Feuer EJ" in page


def test_nothing_is_said_where_it_was_not_asked(tmp_path: Path) -> None:
    path = project(tmp_path, "")
    plain = run(path, cohort_of(path))
    assert plain.calendar.empty
    assert "calendar year" not in page_html(plain)


def test_rates_of_few_events_are_withheld_with_their_counts(tmp_path: Path) -> None:
    path = project(
        tmp_path, '[calendar]\nentry = "year"\nyears = 1\nages = 30\n', "\n[disclosure]\nmin_count = 20\nround_to = 5\n"
    )
    found = run(path, cohort_of(path))
    shown = protect(found).calendar
    few = found.calendar["events"].between(1, 19)
    assert few.any()
    assert shown.loc[few, ["events", "rate", "crude", "low", "high", "person_years"]].isna().all(axis=None)
    known = shown[shown["events"] > 0]
    assert (known["events"] % 5 == 0).all()
    np.testing.assert_allclose(known["crude"] * known["person_years"] / 100_000, known["events"])  # as they are shown
    assert (known["rate"].map(lambda rate: float(f"{rate:.2g}")) == known["rate"]).all()


def test_no_age_in_every_year_is_a_failure_with_what_to_write(tmp_path: Path) -> None:
    path = project(tmp_path, '[calendar]\nentry = "year"\nyears = 1\nages = 1\n')
    late = people()
    late.loc[late["year"] > 1992, "age"] += 40
    late.to_csv(path.parent.parent / "build/raw/made/people.csv", index=False)
    failed = run(path, cohort_of(path)).failures
    assert set(failed["variant"]) == {"Rates by calendar year"}
    assert failed["reason"].str.contains("Write longer periods").all()


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        ('entry = "yeer"', r"calendar.entry: cohort 'made' has no variable 'yeer'. Did you mean 'year'"),
        ('entry = "sex"', r"calendar.entry: 'sex' is a category. Make a number of it"),
        ('entry = "year"\nyears = 0', "calendar.years: must be at least 1; got 0"),
        ("years = 5", "calendar.entry: is required and missing"),
    ],
)
def test_faults_are_told_by_their_place(tmp_path: Path, calendar: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_analysis(project(tmp_path, f"[calendar]\n{calendar}\n"))
