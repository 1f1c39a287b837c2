"""Files of several rounds of a survey, one below the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskkit.cohort.build import load_cohort
from riskkit.errors import DataError, SpecError

SPEC = """
title = "Two rounds"
id = "id"
base = "people"
[files.people]
path = "people_1.csv"
format = "csv"
[files.people_2]
continues = "people"
path = "people_2.csv"
format = "csv"
[files.blood]
path = "blood_1.csv"
format = "csv"
join = "inner"
label = "blood"
[files.blood_2]
continues = "blood"
path = "blood_2.csv"
format = "csv"
[variables]
age = { source = "people.age", label = "Age", kind = "number", unit = "years" }
iron = { source = "blood.iron", label = "Iron", kind = "number", unit = "g" }
"""
FILES = {
    "people_1.csv": "id,age,old\n1,40,x\n2,50,y\n",
    "people_2.csv": "age,id\n60,3\n70,4\n",
    "blood_1.csv": "id,iron\n2,20\n",
    "blood_2.csv": "id,iron\n4,\n3,30\n",
}


def write(folder: Path, spec: str = SPEC, **files: str) -> Path:
    for name, text in (FILES | {f"{key}.csv": text for key, text in files.items()}).items():
        (folder / name).write_text(text)
    path = folder / "rounds.toml"
    path.write_text(spec)
    return path


def test_records_of_later_rounds_follow_and_their_files_are_sources(tmp_path: Path) -> None:
    cohort = load_cohort(write(tmp_path), tmp_path)
    assert cohort.data[["id", "age"]].to_numpy().tolist() == [[2, 50], [3, 60], [4, 70]]
    assert cohort.data["iron"].tolist()[:2] == [20, 30]
    assert cohort.variables["iron"].missing == {"blank": 1}
    assert [(step.label, step.removed, step.remaining) for step in cohort.flow] == [
        ("Records in people_1.csv", 0, 4), ("No record in blood", 1, 3),
    ]  # fmt: skip
    assert [source.file for source in cohort.sources] == list(FILES)


def test_nobody_is_in_two_rounds(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"people_1.csv: 1 people have a record in it and in a file that .* such as 2"):
        load_cohort(write(tmp_path, people_2="age,id\n60,3\n50,2\n"), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('continues = "blood"', 'continues = "bloood"', "no file 'bloood' to continue. Did you mean 'blood'"),
        ('blood_2.csv"\nformat = "csv"', 'blood_2.csv"\nformat = "parquet"', "must be 'csv', as that of 'blood'"),
        ('"people.age"', '"people_2.age"', "there is no file 'people_2'. Did you mean 'people'"),
    ],
)
def test_faults_of_continuing_files(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SPEC
    with pytest.raises(SpecError, match=message):
        load_cohort(write(tmp_path, SPEC.replace(old, new)), tmp_path)
