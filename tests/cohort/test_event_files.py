"""The files of records are read by their very names, and by columns that only one of them has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from biobank import DEATH_CAUSE, HESIN, HESIN_DIAG, Extract

from riskkit.cohort.build import load_cohort
from riskkit.errors import DataError


def events(root: Path) -> dict[str, int]:
    data = load_cohort(root / "cohorts" / "biobank.toml").data
    return {outcome: int(data[outcome].sum()) for outcome in ("lung", "lung_as_main_diagnosis", "death")}


@pytest.mark.parametrize("name", ["study [12]", "study *", "study ?"])
def test_a_folder_whose_name_is_a_pattern_is_read_and_not_its_neighbour(tmp_path: Path, name: str) -> None:
    Extract().write(tmp_path / name)
    neighbour = Extract()
    for table in ("hesin_diag.csv", "death_cause.csv"):
        neighbour.files[table] = re.sub("[CI][0-9]+", "Z99", neighbour.files[table])
    neighbour.write(tmp_path / "study 1")
    found = events(tmp_path / name)
    assert sum(found.values()) > 0
    (tmp_path / "plain").mkdir()
    Extract().write(tmp_path / "plain")
    assert found == events(tmp_path / "plain")


def twice(text: str, column: str, like: str) -> str:
    """A table with a further, empty column of the same name, or of one that differs by capitals."""
    first, *others = text.splitlines()
    assert column in first.split(",")
    return "\n".join([f"{first},{like}", *(f"{line}," for line in others)]) + "\n"


@pytest.mark.parametrize(
    ("file", "text", "column", "like"),
    [
        ("hesin_diag.csv", HESIN_DIAG, "diag_icd10", "diag_icd10"),
        ("hesin_diag.csv", HESIN_DIAG, "diag_icd10", "DIAG_ICD10"),
        ("hesin.csv", HESIN, "epistart", "epistart"),
        ("death_cause.csv", DEATH_CAUSE, "cause_icd10", "cause_icd10"),
    ],
)
def test_two_columns_of_one_name_are_refused(tmp_path: Path, file: str, text: str, column: str, like: str) -> None:
    extract = Extract()
    extract.files |= {file: twice(text, column, like)}
    path = extract.write(tmp_path)
    with pytest.raises(DataError, match=rf"{file}: 2 columns are called '{like}': {column}, {like}. Rename them."):
        load_cohort(path)
