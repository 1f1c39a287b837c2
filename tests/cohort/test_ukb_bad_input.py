"""What real extracts have wrong with them: an error that names it, or people left out and counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from biobank import DEATH, HESIN, HESIN_DIAG, SPEC, Extract

import riskkit as rk
from riskkit.cohort.build import load_cohort
from riskkit.errors import DataError, DataUnavailable, RiskkitError, SpecError

Spoil = Callable[[Extract], None]


def error_of(root: Path, spoil: Spoil, kind: type[RiskkitError] = DataError) -> str:
    extract = Extract()
    spoil(extract)
    with pytest.raises(kind) as error:
        load_cohort(extract.write(root))
    return str(error.value)


def cell(column: str, row: int, value: object) -> Spoil:
    return lambda extract: extract.participant[column].__setitem__(row, value)


def without(column: str) -> Spoil:
    return lambda extract: extract.participant.__delitem__(column)


def renamed(old: str, new: str) -> Spoil:
    return lambda extract: extract.participant.update({new: extract.participant.pop(old)})


def table(name: str, text: str, old: str, new: str) -> Spoil:
    assert old in text
    return lambda extract: extract.files.__setitem__(name, text.replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("eid"), "participant.csv: there is no column 'eid'."),
        (cell("eid", 1, 1), "participant.csv: 1 identifier(s) stand in more than one record, such as 1 (2 records)."),
        (
            cell("p53_i0", 4, "2931-01-01"),
            "participant.csv: variable 'baseline' (p53_i0): 1 date(s) lie in the future, such as 2931-01-01.",
        ),
        (cell("p53_i0", 4, "1949-12-01"), "'baseline' is before birth for 1 people (id 5). Correct the dates"),
        (cell("p191", 4, "1950-01-01"), "'lost' is before birth for 1 people (id 5)."),
        (
            cell("p53_i0", 4, "last May"),
            "variable 'baseline' (p53_i0): 1 cell(s) are no date like 2009-12-31: 'last",
        ),
        (cell("p53_i0", 4, "2008-02-30"), "(p53_i0): 1 cell(s) are no date like 2009-12-31: '2008-02-30'"),
        (cell("p53_i0", 4, ""), "'baseline' is missing for 1 people (id 5). Exclude them: when = 'missing(baseline)'."),
        (cell("p52", 4, "13"), "'birth_month' has 1 value(s) that are no month, such as 13."),
        (cell("p54_i0", 4, ""), "'country' is missing for 1 people (id 5). Exclude them"),
        (
            renamed("p30770_i0", "30770-0.0"),
            "participant.csv: its columns are named in 2 ways: 'p31' (platform) and '30770-0.0' (legacy)",
        ),
        (
            renamed("p31", "participant.p31"),
            "its columns are named in 2 ways: 'p34' (platform) and 'participant.p31' (prefixed).",
        ),
        (
            lambda extract: extract.participant.__setitem__("p30770_i0", [""] * 12),
            "variable 'igf1' (p30770_i0): not one of the 12 cells has a value. Export the column again",
        ),
        (
            lambda extract: extract.participant.__setitem__("p4080_i0_a1", ["-1"] * 12),
            "variable 'pressure' (p4080_i0_a1): not one of the 12 cells has a value.",
        ),
        (cell("p30770_i0", 3, "high"), "variable 'igf1' (p30770_i0): 1 cell(s) are no number: 'high'."),
        (without("p40005_i0"), "participant.csv: there is no column 'p40005_i0'. Did you mean"),
        (table("hesin_diag.csv", HESIN_DIAG, "diag_icd9", "icd9"), "hesin_diag.csv: there is no column 'diag_icd9'."),
        (table("hesin.csv", HESIN, "admidate", "admission"), "hesin.csv: there is no column 'admidate'."),
        (
            table("hesin.csv", HESIN, "1995-03-03", "3 March"),
            "hesin_diag.csv: its records cannot be read. Invalid Input Error: column epistart: '3 March' is no date",
        ),
        (
            table("death.csv", DEATH, "date_of_death", "day"),
            "death.csv: there is no column 'date_of_death'.",
        ),
        (
            lambda extract: extract.files.update({"w1.csv": "9,2020-01-01\n"}),
            "w1.csv: '9,2020-01-01' is no identifier. Give one a line",
        ),
        (
            lambda extract: extract.files.update({"hesin_diag.csv": f"{HESIN_DIAG.splitlines()[0]}\n90,0,0,1,C34,\n"}),
            "hesin_diag.csv: not one of its 1 records is of one of the people. Correct the column of id.",
        ),
        (
            lambda extract: extract.files.update({"hesin.tsv": HESIN.replace(",", "\t")}),
            "hesin.csv and hesin.tsv are both there. Keep one of them.",
        ),
    ],
)
def test_the_message_names_the_file_the_field_and_what_to_do(tmp_path: Path, spoil: Spoil, message: str) -> None:
    assert message in error_of(tmp_path, spoil)


def test_a_missing_record_table(tmp_path: Path) -> None:
    message = error_of(tmp_path, lambda extract: extract.files.pop("death.csv"), DataUnavailable)
    assert "death" in message
    assert "is not in" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "ICD-10,C34",
            "ICD-10,C3A",
            "lung.csv: 1 fault(s)\n  line 3: 'C3A' is no code of ICD-10; write it as",
        ),
        ("ICD-10,C34", "ICD-10,C3O", "line 3: 'C3O' is no code of ICD-10"),
        ("ICD-10,C34", "ICD-1O,C34", "line 3: 'ICD-1O' is no system. Did you mean 'ICD-10'?"),
        ("ICD-9,162", "ICD-9,C34", "line 4: 'C34' is no code of ICD-9; write it as 174, 174.9 or 1749."),
        ("ICD-10,C33", "ICD-10,C34.1", "line 2: 'C341' is counted already, as C34 stands here too. Remove one."),
        ("system,code,label", "system;code;label", "must begin with the header system,code,label"),
    ],
)
def test_a_code_list_with_a_typo(tmp_path: Path, old: str, new: str, message: str) -> None:
    extract = Extract()
    assert old in extract.codelists["lung"]
    extract.codelists["lung"] = extract.codelists["lung"].replace(old, new)
    with pytest.raises(SpecError) as error:
        load_cohort(extract.write(tmp_path))
    assert message in str(error.value)


def test_a_code_list_that_is_not_there(tmp_path: Path) -> None:
    message = error_of(tmp_path, lambda e: setattr(e, "spec", SPEC.replace('"lung"', '"lungs"')), SpecError)
    assert "lungs.csv: there is no such code list. Did you mean 'lung'?" in message


@pytest.mark.parametrize(
    ("date", "kind"), [("", "without a date"), ("2931-01-01", "in the future"), ("1901-01-01", "from before birth")]
)
def test_a_diagnosis_at_an_unusable_date_is_counted_and_its_person_is_not_at_risk(
    tmp_path: Path, date: str, kind: str
) -> None:
    extract = Extract()
    extract.files["hesin.csv"] += f"8,0,{date},\n"
    extract.files["hesin_diag.csv"] += "8,0,0,1,C340,\n"
    cohort = load_cohort(extract.write(tmp_path))
    assert not cohort.data.set_index("id").loc[8, "lung_as_main_diagnosis_at_risk"]
    count = 2 if kind == "without a date" else 1  # 7 has one, too
    assert f"hesin_diag.csv (hospital): records of {count} people that count for an outcome or history are {kind}" in (
        "\n".join(cohort.remarks)
    )


def test_a_date_of_birth_a_few_days_after_a_diagnosis_is_the_assumed_day_and_no_fault(tmp_path: Path) -> None:
    extract = Extract()
    extract.files["hesin.csv"] += "8,0,1950-05-03,\n"
    extract.files["hesin_diag.csv"] += "8,0,0,1,C340,\n"
    cohort = load_cohort(extract.write(tmp_path))
    assert cohort.outcomes["lung_as_main_diagnosis"].flow[2].removed == 2  # had it by baseline


def test_a_person_lost_on_the_day_of_baseline_is_a_step_of_the_flow(tmp_path: Path) -> None:
    extract = Extract()
    cell("p191", 9, "2008-01-01")(extract)
    cohort = load_cohort(extract.write(tmp_path))
    assert (cohort.flow[-1].removed, cohort.flow[-1].remaining) == (1, 9)
    assert 10 not in cohort.data["id"].tolist()


ANALYSIS = """
title = "Three cases"
question = "Can three cases be analysed?"
cohort = "biobank"
outcomes = ["lung"]
time_scales = ["follow_up"]
exposures = { igf1 = { spline = false, groups = false, per = 5 } }
models = [{ name = "sex", label = "Sex", covariates = ["sex"] }]
"""


def test_an_outcome_with_three_cases_is_built_and_the_run_says_why_it_is_not_fitted(tmp_path: Path) -> None:
    extract = Extract()
    for eid, day in ((4, "2009-01-01"), (5, "2010-01-01")):
        cell("p40005_i0", eid - 1, day)(extract)
    cell("p40005_i0", 0, "2010-01-01")(extract)
    extract.files["death.csv"] = DEATH.replace("6,0", "99,0").replace("6,1", "99,1")
    extract.files["death_cause.csv"] = extract.files["death_cause.csv"].replace("6,0,0,1,C349", "6,0,0,1,I219")
    cohort = load_cohort(extract.write(tmp_path))
    assert cohort.data["lung"].sum() == 3
    (tmp_path / "analyses").mkdir()
    (tmp_path / "analyses" / "three.toml").write_text(ANALYSIS, encoding="utf-8")
    failures = rk.run(tmp_path / "analyses" / "three.toml", cohort).failures
    assert failures["outcome"].tolist() == ["lung"]
    assert "3 events" in failures["reason"].iloc[0]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'sources = ["death"]',
            'sources = ["deaths"]',
            "outcomes.death.sources[1]: there is no table [events] 'deaths'.",
        ),
        ('"hospital.primary"', '"hospital.main"', "there is no level of [events.hospital] 'main'. Known: primary."),
        ('free_of = ["cancer_history"]', 'free_of = ["cancer"]', "there is no table [histories] 'cancer'."),
        (
            'censoring = "cancer"',
            'censoring = "cancers"',
            "outcomes.lung.censoring: there is no table [censoring] 'cancers'",
        ),
        (
            'baseline = "baseline"',
            'baseline = "birth_year"',
            "follow_up.baseline: 'birth_year' is a number; it must be a date.",
        ),
        ('lost = "lost"', 'lost = "loss"', "follow_up.lost: there is no variable 'loss'. Did you mean 'lost'?"),
        (
            'birth_month = "birth_month"\n',
            "",
            "follow_up.birth_month: is required and missing: it goes with `baseline`.",
        ),
        (", Wales = 2016-12-31", "", "censoring.cancer.dates: must have a date for each level of the country: England"),
        ('sources = ["death"]', 'event = "igf1 > 1"', "outcomes.death.event: this cohort is followed by dates"),
        (
            'sources = ["death"]',
            "",
            "outcomes.death: needs one of `event`, `state` (at baseline) and `sources`, and no more than one.",
        ),
        ('dates_in = "death"', 'dates_in = "deaths"', "events.death.dates_in: there is no file 'deaths'."),
        ('source = "participant.p31"', 'source = "participant.sex"', "'sex' is no field of UK Biobank such as p31"),
        ('source = "participant.p31"', 'source = "hesin.p31"', "variables.sex.source: there is no file 'hesin'."),
        ("[variables.pressure]", "[variables.lung_at_risk]", "is taken (made for outcomes.lung)"),
    ],
)
def test_a_fault_of_the_cohort_file(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in SPEC
    assert fault in error_of(tmp_path, lambda e: setattr(e, "spec", SPEC.replace(old, new)), SpecError)


def test_a_numeric_column_of_dates_in_parquet_is_refused(tmp_path: Path) -> None:
    file = Extract().write(tmp_path)
    raw = tmp_path / "build" / "raw" / "biobank"
    pd.read_csv(raw / "participant.csv").assign(p53_i0=20080101).to_parquet(raw / "participant.parquet")
    (raw / "participant.csv").unlink()
    with pytest.raises(DataError, match="column 'p53_i0' holds numbers where dates are wanted"):
        load_cohort(file)
