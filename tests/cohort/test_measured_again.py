"""Values measured again: kept beside the person, and visits that cannot be are errors or left out by rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import made_cohort
from numpy.testing import assert_allclose

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.repeats import visits_of
from riskkit.errors import DataError, SpecError
from riskkit.spec.cohort import load_cohort_spec

PEOPLE = pd.DataFrame(
    {"id": [1, 2, 3, 4], "age": [50.0, 60, 45, 70], "marker": [20.0, 30, np.nan, 25], "years": [10.0, 4, 8, 6],
     "cause": [0, 1, 0, 2]}
)  # fmt: skip
VISITS = """id,time,value
2,0,30
2,2.5,28
1,-1,18
1,3,22
1,6,
1,7,26
3,0,11
9,1,5
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
OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "A", event = "cause == 'a'", time = "of_a" }
"""
OF_A = {"of_a": 'label = "Time to a", kind = "number", unit = "years"'}


def project(root: Path, visits: str = VISITS, more: str = "", file: str = FILE) -> Path:
    raw = root / "build/raw/made"
    raw.mkdir(parents=True)
    (root / "cohorts").mkdir()
    PEOPLE.assign(of_a=np.minimum(PEOPLE["years"], 3.0)).to_csv(raw / "people.csv", index=False)
    (raw / "visits.csv").write_text(visits, encoding="utf-8")
    path = root / "cohorts/made.toml"
    path.write_text(made_cohort("cause", outcomes=OUTCOMES, variables=OF_A) + file + more, encoding="utf-8")
    return path


def test_visits_stand_beside_the_person_and_come_back_in_order(tmp_path: Path) -> None:
    cohort = load_cohort(project(tmp_path))
    about = cohort.repeats["marker"]
    assert (about.visits, about.n, about.values, about.left_out) == (3, 3, 5, 0)
    visits = visits_of(cohort.data, about)
    assert visits["row"].tolist() == [0, 0, 0, 0, 1, 1, 2, 3]
    assert_allclose(visits["time"], [-1, 0, 3, 7, 0, 2.5, 0, 0])
    assert_allclose(visits["value"], [18, 20, 22, 26, 30, 28, 11, 25])
    assert any("1 of 8 visits are of nobody in the cohort" in remark for remark in cohort.remarks)
    cohort.write(tmp_path / "made.parquet")
    again = Cohort.read(tmp_path / "made.parquet")
    assert again.repeats == cohort.repeats
    pd.testing.assert_frame_equal(visits_of(again.data, about), visits)


def test_ages_and_other_units_are_turned_into_time_since_the_start(tmp_path: Path) -> None:
    months = "id,age,value\n1,636,22\n2,750,28\n"
    file = FILE.replace('time = "time"', 'age = "age"\nunit = "months"')
    cohort = load_cohort(project(tmp_path, months, file=file))
    visits = visits_of(cohort.data, cohort.repeats["marker"])
    assert_allclose(visits.loc[visits["time"] > 0, "time"], [3, 2.5])


@pytest.mark.parametrize(
    ("visits", "said"),
    [
        ("id,time,value\n1,3,22\n1,2,23\n", "1 visits are before the one above them of the same person, first of id 1"),
        ("id,time,value\n1,3,22\n1,3,23\n", "1 visits have the time of another of the same person, first of id 1"),
        ("id,time,value\n1,11,22\n", "1 visits are after death or the end of the person's follow-up, first of id 1"),
        ("id,time,value\n2,3.5,22\n", "1 visits are after the outcome 'a', first of id 2"),
        ("id,time,value\n1,0,22\n", "another value than 'marker', first of id 1: 22 and 20"),
        ("id,time,value\n1,,22\n", "1 cell"),
        ("id,time,value\n8,1,22\n", "not one of its 1 visits is of a person of the cohort"),
        ("id,when,value\n1,1,22\n", "there is no column 'time'"),
        ("id,time,value\n1,1,high\n", "1 cell"),
    ],
)
def test_visits_that_cannot_be_are_errors(tmp_path: Path, visits: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        load_cohort(project(tmp_path, visits))
    assert "repeats.marker" in str(error.value)


def test_rules_of_the_file_leave_out_and_sort(tmp_path: Path) -> None:
    visits = "id,time,value\n1,11,99\n1,3,22\n1,2,23\n2,3.5,27\n"
    rules = 'out_of_order = "sort"\nafter_end = "leave out"\nafter_outcome = "leave out"\n'
    cohort = load_cohort(project(tmp_path, visits, rules))
    assert cohort.repeats["marker"].left_out == 1
    found = visits_of(cohort.data, cohort.repeats["marker"])
    assert_allclose(found.loc[found["row"] == 0, "value"], [20, 23, 22])
    assert_allclose(found.loc[found["row"] == 1, "value"], [30, 27])  # another outcome's models may use it


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (FILE.replace("repeats.marker", "repeats.markr"), "there is no variable 'markr'.*Did you mean 'marker'"),
        (FILE.replace("repeats.marker", "repeats.cause"), "'cause' is a category; a level is a number"),
        (FILE.replace('file = "visits"', 'file = "visit"'), "there is no file 'visit'"),
        (FILE.replace('rows = "many"\n', ""), "'visits' has one row a person; write rows = 'many'"),
        (FILE + 'age = "age"\n', "needs one of `date`, `age` and `time`"),
        (FILE.replace('time = "time"', 'date = "time"'), "needs `baseline` in .follow_up., a variable of dates"),
        (FILE + 'after_end = "ignore"\n', "after_end: must be 'error' or 'leave out'"),
    ],
)
def test_faults_of_the_table_are_told_by_their_place(tmp_path: Path, file: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_cohort_spec(project(tmp_path, file=file))
