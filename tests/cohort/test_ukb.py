"""Dated records to outcomes: twelve people whose answers were worked out by hand from a calendar."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from biobank import Extract

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.flow import FlowStep

COLUMNS = ["lung", "lung_at_risk", "lung_follow_up", "lung_age_exit"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return load_cohort(Extract().write(tmp_path_factory.mktemp("biobank")))


def test_the_first_of_all_sources_and_what_ends_follow_up(cohort: Cohort) -> None:
    found = cohort.data.set_index("id")
    days = {1: 724, 4: 1461, 5: 3287, 6: 1155, 8: 2557, 10: 4748}  # from 2008-01-01
    at_risk = found[found["lung_at_risk"]]
    assert at_risk["lung_follow_up"].to_dict() == days
    assert at_risk["lung"].to_dict() == {1: 1, 4: 0, 5: 0, 6: 1, 8: 0, 10: 0}
    age_entry = 21050  # 1950-05-15 to 2008-01-01
    assert found["age_entry"].unique().tolist() == [age_entry]
    assert at_risk["lung_age_exit"].to_dict() == {eid: age_entry + time for eid, time in days.items()}
    others = found[~found["lung_at_risk"]]
    assert others.index.tolist() == [2, 3, 7, 11]
    assert others["lung"].sum() == 0
    assert others[["lung_follow_up", "lung_age_exit"]].isna().all(axis=None)


def test_why_people_are_not_at_risk_of_an_outcome(cohort: Cohort) -> None:
    assert cohort.outcomes["lung"].flow == (
        FlowStep("People of the cohort", 0, 10),
        # 2 and 3 had it; of 7 and 11 nobody knows when.
        FlowStep("Cancer by baseline", 4, 6),
        FlowStep("Had it by baseline", 0, 6),
        FlowStep("Recorded without a usable date", 0, 6),
        FlowStep("Not followed for a day: dead, lost or records ended by baseline", 0, 6),
    )
    assert cohort.outcomes["lung_as_main_diagnosis"].flow[1:4] == (
        FlowStep("Not of those it can happen to: sex == 'Female'", 3, 7),
        FlowStep("Had it by baseline", 1, 6),
        FlowStep("Recorded without a usable date", 1, 5),
    )
    assert cohort.data.loc[cohort.data["lung_as_main_diagnosis_at_risk"], "id"].tolist() == [3, 5, 6, 8, 11]


def test_a_history_is_a_variable_and_unknown_where_its_date_is(cohort: Cohort) -> None:
    history = cohort.data.set_index("id")["cancer_history"]
    np.testing.assert_array_equal(history[[1, 2, 3, 4, 7, 10, 11]], [0, 1, 1, 0, np.nan, 0, np.nan])
    assert cohort.variables["cancer_history"].missing == {"not derivable": 2}


def test_deaths_count_whatever_their_cause_and_end_the_follow_up_of_the_cohort(cohort: Cohort) -> None:
    found = cohort.data.set_index("id")
    assert found.index[found["death"] == 1].tolist() == [6, 8]
    pd.testing.assert_series_equal(found["death_follow_up"], found["follow_up"], check_names=False)
    assert found["follow_up"][[4, 5, 6, 8]].tolist() == [1461, 5447, 1155, 2557]  # 5: 2022-11-30


def test_the_flow_begins_with_withdrawals_and_the_rest_is_said(cohort: Cohort) -> None:
    assert cohort.flow == (
        FlowStep("Records in participant", 0, 12),
        FlowStep("Withdrew consent", 1, 11),
        FlowStep("No IGF-1 result", 1, 10),
        FlowStep("Not followed for a day: dead, lost or records ended by baseline", 0, 10),
    )
    said = "\n".join(cohort.remarks)
    assert re.findall(r"(\S+): 1 records are of nobody in the table of people, such as 99", said) == [
        "hesin_diag.csv",
        "hesin.csv",
    ]
    assert (
        "hesin_diag.csv (hospital): records of 1 people that count for an outcome or history are without a date" in said
    )
    assert (
        "participant.csv (register): records of 1 people that count for an outcome or history are from before" in said
    )
    assert "w1.csv: 1 of 2 withdrawn are not in the table of people." in said


def test_special_codes_are_missing_with_their_reason_and_dates_are_not_kept(cohort: Cohort) -> None:
    assert cohort.variables["pressure"].missing == {"code -1": 1}
    assert not {"baseline", "lost"} & {*cohort.data.columns, *cohort.variables}
    assert cohort.follow_up is not None
    assert cohort.follow_up.censoring["cancer"] == {
        "version": "made up", "England": "2020-12-31", "Wales": "2016-12-31",
    }  # fmt: skip


def test_a_written_cohort_reads_back(cohort: Cohort, tmp_path: Path) -> None:
    cohort.write(tmp_path / "c.parquet")
    again = Cohort.read(tmp_path / "c.parquet")
    assert again.describe() == cohort.describe()
    assert (again.outcomes, again.remarks, again.follow_up) == (cohort.outcomes, cohort.remarks, cohort.follow_up)
    pd.testing.assert_frame_equal(again.data, cohort.data)


def legacy(name: str) -> str:
    found = re.fullmatch(r"p(\d+)(?:_i(\d+))?(?:_a(\d+))?", name)
    return f"{found[1]}-{found[2] or 0}.{found[3] or 0}" if found else name


@pytest.mark.parametrize("rename", [legacy, lambda name: f"participant.{name}"], ids=["legacy", "prefixed"])
def test_every_naming_scheme_gives_the_same_cohort(cohort: Cohort, tmp_path: Path, rename) -> None:
    extract = Extract()
    extract.participant = {rename(name): values for name, values in extract.participant.items()}
    other = load_cohort(extract.write(tmp_path))
    pd.testing.assert_frame_equal(other.data, cohort.data)
    assert other.remarks == cohort.remarks


def test_parquet_gives_the_same_cohort_as_csv(cohort: Cohort, tmp_path: Path) -> None:
    file = Extract().write(tmp_path)
    raw = tmp_path / "build" / "raw" / "biobank"
    for path in raw.glob("*.csv"):
        if path.name == "w1.csv":
            continue
        table = pd.read_csv(path)
        for name in table.columns.intersection(["p53_i0", "p191", "p40005_i0", "p40005_i1", "epistart", "admidate"]):
            table[name] = pd.to_datetime(table[name].replace("03/02/2012", "2012-02-03")).dt.date
        table.to_parquet(path.with_suffix(".parquet"))  # an empty column, such as p40013_i0, has no type
        path.unlink()
    other = load_cohort(file)
    pd.testing.assert_frame_equal(other.data, cohort.data)


def test_record_tables_may_be_compressed_or_tab_separated(cohort: Cohort, tmp_path: Path) -> None:
    file = Extract().write(tmp_path)
    raw = tmp_path / "build" / "raw" / "biobank"
    pd.read_csv(raw / "hesin.csv", dtype=str).to_csv(raw / "hesin.csv.gz", index=False)
    pd.read_csv(raw / "death.csv", dtype=str).to_csv(raw / "death.txt", sep="\t", index=False)
    for name in ("hesin.csv", "death.csv"):
        (raw / name).unlink()
    pd.testing.assert_frame_equal(load_cohort(file).data, cohort.data)


def test_prevalent_disease_can_exclude_from_everything_and_be_a_covariate(tmp_path: Path) -> None:
    extract = Extract()
    derived = """
[derived.ill]
label = "Cancer, or high blood pressure"
kind = "flag"
expression = "cancer_history or pressure > 180"
[[exclusions]]
label = "Cancer by baseline"
when = "cancer_history"
"""
    extract.spec = extract.spec.replace("[[exclusions]]", derived + "[[exclusions]]", 1)
    cohort = load_cohort(extract.write(tmp_path))
    assert FlowStep("Cancer by baseline", 2, 9) in cohort.flow
    assert not {2, 3} & set(cohort.data["id"])
    assert cohort.data["ill"].isna().sum() == 2  # 7 and 11: nobody knows when


def test_without_a_code_list_every_record_of_a_level_counts(tmp_path: Path) -> None:
    extract = Extract()
    extract.spec += '[outcomes.admitted]\nlabel = "In hospital"\nsources = ["hospital.primary"]\n'
    found = load_cohort(extract.write(tmp_path)).data.set_index("id")
    assert found.index[~found["admitted_at_risk"]].tolist() == [2, 7]  # before baseline; without a date
    assert found.index[found["admitted"] == 1].tolist() == [10]
    assert found.loc[10, "admitted_follow_up"] == 1494  # 03/02/2012
