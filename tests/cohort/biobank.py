"""A small extract in UK Biobank's format, each person a case of its own, and its specification; to spoil in tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

SPEC = """
title = "Biobank"
id = "eid"
base = "participant"
withdrawals = "withdrawals"
[files.participant]
path = "participant"
format = "table"
names = "uk biobank"
[files.hesin]
path = "hesin"
format = "table"
rows = "many"
[files.hesin_diag]
path = "hesin_diag"
format = "table"
rows = "many"
[files.death]
path = "death"
format = "table"
rows = "many"
[files.death_cause]
path = "death_cause"
format = "table"
rows = "many"
[files.withdrawals]
path = "w1.csv"
format = "csv"
rows = "many"
[events.register]
file = "participant"
date = ["p40005"]
icd10 = "p40006"
icd9 = "p40013"
leave_out = { p40012 = ["0", "1", "2"] }
[events.hospital]
file = "hesin_diag"
icd10 = "diag_icd10"
icd9 = "diag_icd9"
level = "level"
levels = { primary = ["1"] }
dates_in = "hesin"
link = ["ins_index"]
date = ["epistart", "admidate"]
[events.death]
file = "death_cause"
icd10 = "cause_icd10"
level = "level"
levels = { underlying = ["1"] }
dates_in = "death"
link = ["ins_index"]
date = ["date_of_death"]
[censoring.cancer]
version = "made up"
dates = { England = 2020-12-31, Wales = 2016-12-31 }
[censoring.death]
version = "made up"
dates = { England = 2022-11-30, Wales = 2022-11-30 }
[follow_up]
baseline = "baseline"
birth_year = "birth_year"
birth_month = "birth_month"
lost = "lost"
death = "death"
country = "country"
censoring = "death"
unit = "days"
start = "first visit"
end = "event, death, loss or the end of records"
[variables.sex]
source = "participant.p31"
label = "Sex"
kind = "category"
codes = { 0 = "Female", 1 = "Male" }
[variables.birth_year]
source = "participant.p34"
label = "Year of birth"
kind = "number"
[variables.birth_month]
source = "participant.p52"
label = "Month of birth"
kind = "number"
[variables.baseline]
source = "participant.p53_i0"
label = "First visit"
kind = "date"
[variables.country]
source = "participant.p54_i0"
label = "Country"
kind = "category"
codes = { 11010 = "England", 11003 = "Wales" }
[variables.lost]
source = "participant.p191"
label = "Lost"
kind = "date"
empty = "missing"
[variables.pressure]
source = "participant.p4080_i0_a1"
label = "Systolic blood pressure"
kind = "number"
unit = "mmHg"
missing = ["-1"]
[variables.igf1]
source = "participant.p30770_i0"
label = "IGF-1"
kind = "number"
unit = "nmol/L"
[histories.cancer_history]
label = "Cancer by baseline"
sources = ["register", "hospital"]
codelist = "cancer"
[[exclusions]]
label = "No IGF-1 result"
when = "missing(igf1)"
[outcomes.lung]
label = "Lung cancer"
sources = ["register", "hospital", "death.underlying"]
codelist = "lung"
censoring = "cancer"
free_of = ["cancer_history"]
[outcomes.lung_as_main_diagnosis]
label = "Lung cancer as the main diagnosis"
sources = ["hospital.primary"]
codelist = "lung"
only = "sex == 'Female'"
[outcomes.death]
label = "Death from any cause"
sources = ["death"]
"""
CODELISTS = {
    "lung": "system,code,label\nICD-10,C33,Trachea\nICD-10,C34,Bronchus and lung\nICD-9,162,Lung\n",
    "cancer": "system,code,label\nICD-10,C34,Lung\nICD-10,C50,Breast\nICD-9,162,Lung\n",
}

# 1 in hospital before the register; 2 ill in 1995 (ICD-9); 3 another cancer, on the day of baseline; 4 lost before the
# diagnosis; 5 diagnosed after the Welsh register ends; 6 known from the death only, registered twice; 7 a diagnosis
# without a date; 8 in situ, and lung cancer as a contributory cause of death; 9 has withdrawn; 10 nothing; 11 diagnosed
# before birth; 12 no IGF-1.
IDS = list(range(1, 13))
NONE: dict[int, str] = {}


def column(default: object, some: Mapping[int, object]) -> list[object]:
    return [some.get(eid, default) for eid in IDS]


PARTICIPANT: dict[str, list[object]] = {
    "eid": list(IDS),
    "p31": column("0", {1: "1", 4: "1", 10: "1"}),
    "p34": column("1950", {}),
    "p52": column("5", {}),
    "p53_i0": column("2008-01-01", {}),
    "p54_i0": column("11010", {5: "11003"}),
    "p191": column("", {4: "2012-01-01"}),
    "p4080_i0_a1": column("131", {2: "-1"}),
    "p30770_i0": [f"{20 + eid / 4:g}" if eid != 12 else "" for eid in IDS],
    "p40005_i0": column(
        "", {1: "2010-01-01", 3: "2008-01-01", 4: "2013-05-05", 5: "2017-06-01", 8: "2009-01-01", 11: "1949-01-01"}
    ),
    "p40005_i1": column("", {1: "2011-01-01"}),
    "p40006_i0": column("", {1: "C349", 3: "C50.9", 4: "C341", 5: "C34", 8: "C349", 11: "C349"}),
    "p40006_i1": column("", {1: "C349"}),
    "p40012_i0": column("", {1: "3", 3: "3", 8: "2"}),
    "p40013_i0": column("", {}),
}
HESIN = """eid,ins_index,epistart,admidate
1,0,,2009-12-25
2,0,1995-03-03,1995-03-02
7,0,,
10,0,03/02/2012,
99,0,2010-01-01,2010-01-01
"""
HESIN_DIAG = """eid,ins_index,arr_index,level,diag_icd10,diag_icd9
1,0,0,2,C34.1,
2,0,0,1,,1629
7,0,0,1,C349,
10,0,0,1,I219D,
99,0,0,1,C349,
"""
DEATH = """eid,ins_index,date_of_death
6,0,2011-03-01
6,1,2011-04-01
8,0,2015-01-01
"""
DEATH_CAUSE = """eid,ins_index,arr_index,level,cause_icd10
6,0,0,1,C349
6,1,0,1,C349
8,0,0,1,I219
8,0,1,2,C349
"""
WITHDRAWN = "9\n77\n"


@dataclass
class Extract:
    """Files of a project; change one and `write`."""

    spec: str = SPEC
    participant: dict[str, list[object]] = field(default_factory=lambda: {k: list(v) for k, v in PARTICIPANT.items()})
    codelists: dict[str, str] = field(default_factory=lambda: dict(CODELISTS))
    files: dict[str, str] = field(
        default_factory=lambda: {
            "hesin.csv": HESIN,
            "hesin_diag.csv": HESIN_DIAG,
            "death.csv": DEATH,
            "death_cause.csv": DEATH_CAUSE,
            "w1.csv": WITHDRAWN,
        }
    )

    def write(self, root: Path) -> Path:
        """Write the project into an empty folder; return the cohort file."""
        raw = root / "build" / "raw" / "biobank"
        for folder in (raw, root / "cohorts" / "codelists"):
            folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.codelists.items():
            (root / "cohorts" / "codelists" / f"{name}.csv").write_text(text, encoding="utf-8")
        for name, text in self.files.items():
            (raw / name).write_text(text, encoding="utf-8")
        pd.DataFrame(self.participant).to_csv(raw / "participant.csv", index=False)
        file = root / "cohorts" / "biobank.toml"
        file.write_text(self.spec, encoding="utf-8")
        return file
