from __future__ import annotations

from pathlib import Path

import pytest

from riskkit.errors import SpecError
from riskkit.spec.cohort import load_cohort_spec
from riskkit.spec.tables import same_code

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
title = "A cohort"
id = "ID"
base = "people"

[files.people]
path = "people.csv"
format = "csv"

[files.deaths]
path = "deaths.dat"
format = "fixed"
id_columns = [1, 5]
record_length = 10

[variables.age]
source = "people.AGE"
label = "Age"
kind = "number"
unit = "years"
range = [18, 90]

[variables.sex]
source = "people.SEX"
label = "Sex"
kind = "category"
codes = { 1 = "Male", 2 = "Female" }

[variables.months]
source = "deaths.M"
columns = [6, 8]
label = "Months"
kind = "number"
unit = "months"

[variables.died]
source = "deaths.D"
columns = [9, 9]
label = "Died"
kind = "flag"
codes = { 0 = "no", 1 = "yes" }

[derived.old]
label = "Old"
kind = "flag"
expression = "age >= 65"

[[exclusions]]
label = "Under 20"
when = "age < 20"

[follow_up]
time = "months"
age = "age"
unit = "years"
start = "a"
end = "b"

[outcomes.death]
label = "Death"
event = "died"
"""


def load(folder: Path, *changes: tuple[str, str], extra: str = "") -> object:
    text = GOOD
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    file = folder / "mine.toml"
    file.write_text(text + extra, encoding="utf-8")
    return load_cohort_spec(file)


def faults(folder: Path, *changes: tuple[str, str], extra: str = "") -> list[str]:
    with pytest.raises(SpecError) as error:
        load(folder, *changes, extra=extra)
    first, *lines = str(error.value).splitlines()
    lines = [line.strip() for line in lines if "checked once these are mended" not in line]
    assert first.startswith(f"{folder / 'mine.toml'}: {len(lines)} fault")
    return lines


def test_reads_a_cohort(tmp_path: Path) -> None:
    spec = load_cohort_spec(ROOT / "cohorts" / "nhanes3.toml")
    assert (spec.name, spec.base, spec.files["lab"].record_length) == ("nhanes3", "igf", 1977)
    assert spec.path == ROOT / "cohorts" / "nhanes3.toml"
    assert spec.variables["sex"].levels == ("Male", "Female")
    assert spec.derived["smoking"].levels == ("Never", "Former", "Current")
    assert load(tmp_path).name == "mine"  # type: ignore[attr-defined]


def test_several_faults_are_listed_at_once(tmp_path: Path) -> None:
    changes = [
        ('label = "Age"', 'lable = "Age"\nlabel = "Age"'),
        ('source = "people.SEX"', 'source = "poeple.SEX"'),
        ("columns = [6, 8]", "columns = [6, 18]"),
        ('when = "age < 20"', 'when = "agee < 20"'),
        ('time = "months"', 'time = "month"'),
    ]
    assert faults(tmp_path, *changes) == [
        "variables.age.lable: unknown field. Did you mean 'label'?",
        "variables.sex.source: there is no file 'poeple'. Did you mean 'people'?",
        "variables.months.columns: must be [first, last], counted from 1, at most 10; got [6, 18]",
        "exclusions[1].when: expression 'agee < 20': there is no variable 'agee'. Did you mean 'age'?",
        "follow_up.time: there is no variable 'month'. Did you mean 'months'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'title = "A',
            'name = "a b"\ntitle = "A',
            "name: must be letters, digits, - and _; the file's name, unless given;",
        ),
        ('title = "A', 'name = "another"\ntitle = "A', "name: is 'another', but the file is "),
        ('source = "people.SEX"', 'source = "SEX"', "variables.sex.source: must be 'file.COLUMN'; got 'SEX'"),
        ('base = "people"', 'base = "peple"', "base: there is no file 'peple'. Did you mean 'people'?"),
        (
            "id_columns = [1, 5]\n",
            "",
            "files.deaths.id_columns: is required and missing: a file of fixed width needs it.",
        ),
        ("record_length = 10\n", "", "files.deaths.record_length: is required and missing: a file of fixed"),
        (
            'format = "csv"',
            'format = "csv"\nrecord_length = 3',
            "files.people.record_length: is for files of fixed width",
        ),
        (
            'format = "csv"',
            'format = "xlsx"',
            "files.people.format: must be 'fixed', 'csv', 'xpt', 'sas7bdat', 'dta', 'parquet' or",
        ),
        ('path = "people.csv"', 'path = "../people.csv"', "files.people.path: must be the name of a file without its"),
        (
            'format = "csv"',
            'format = "csv"\naddress = "file:///etc/passwd"',
            "files.people.address: must begin with https",
        ),
        (
            "record_length = 10",
            "record_length = 10\nshortest_record = 11",
            "files.deaths.shortest_record: must be at most",
        ),
        ("columns = [6, 8]\n", "", "variables.months.columns: is required and missing: the first and last position"),
        ('label = "Sex"', 'label = "Sex"\ncolumns = [1, 2]', "variables.sex.columns: is for files of fixed width;"),
        ("columns = [6, 8]", "columns = [8, 6]", "variables.months.columns: must be [first, last], counted from 1"),
        (
            'codes = { 1 = "Male", 2 = "Female" }',
            "",
            "variables.sex.codes: is required and missing: what each code means",
        ),
        (
            'codes = { 0 = "no", 1 = "yes" }',
            'codes = { 0 = "No", 1 = "Yes" }',
            "variables.died.codes: must mean 'yes' or",
        ),
        (
            '2 = "Female" }',
            '2 = "Female", 02 = "F" }',
            "variables.sex.codes: the code '2' stands in codes and missing more",
        ),
        ('2 = "Female" }', '2 = "Female" }\nmissing = ["2"]', "variables.sex.codes: the code '2' stands in codes and"),
        (
            "range = [18, 90]",
            'codes = { 1 = "x" }',
            "variables.age.codes: is for categories and flags; this is a number",
        ),
        ("range = [18, 90]", "range = [90, 18]", "variables.age.range: must be [lowest, highest]; got [90, 18]"),
        (
            'label = "Sex"',
            'label = "Sex"\nunit = "kg"',
            "variables.sex.unit: is for numbers; this is a category. Leave",
        ),
        (
            "[variables.age]",
            "[variables.follow_up]",
            "variables.follow_up: the name 'follow_up' is taken (made by riskkit)",
        ),
        ("[derived.old]", "[derived.sex]", "derived.sex: the name 'sex' is taken (in [variables]). Choose another."),
        ("[outcomes.death]", "[outcomes.log]", "outcomes.log: 'log' cannot be a name: use a letter, then letters"),
        ("[outcomes.death]", '[outcomes."a b"]', "outcomes.\"a b\": 'a b' cannot be a name"),
        ('"age >= 65"', '"age + 1"', ""),
        (
            'kind = "flag"\nexpression',
            'kind = "category"\nexpression',
            "derived.old.expression: gives no category. Write",
        ),
        (
            'kind = "flag"\nexpression',
            'kind = "number"\nexpression',
            "derived.old.expression: expression 'age >= 65' is a",
        ),
        ('expression = "age >= 65"', "", "derived.old: needs either `expression` or `cases`, and not both."),
        (
            '"age >= 65"',
            '"old == 1"',
            "derived.old.expression: expression 'old == 1': 'old' is derived here or further",
        ),
        ('"age < 20"', '"age <"', "exclusions[1].when: expression 'age <': cannot be read at position 6."),
        (
            '"age < 20"',
            "\"sex == 'male'\"",
            "exclusions[1].when: expression 'sex == 'male'': 'sex' has no level 'male'",
        ),
        (
            'event = "died"',
            'event = "sex"',
            "outcomes.death.event: expression 'sex': sex is text where a number is needed.",
        ),
        (
            'event = "died"',
            'event = "died"\nonly = "sx == 1"',
            "outcomes.death.only: expression 'sx == 1': there is no var",
        ),
        (
            'event = "died"',
            'event = "died"\ntime = "age2"',
            "outcomes.death.time: there is no variable 'age2'. Did you",
        ),
        (
            'unit = "months"',
            'unit = "weeks"',
            "follow_up.time: 'months' has unit 'weeks'. A time must be a number with unit",
        ),
        (
            'time = "months"',
            'time = "sex"',
            "follow_up.time: 'sex' has no unit. A time must be a number with unit 'days'",
        ),
    ],
)
def test_each_fault_says_where_and_what_to_write(tmp_path: Path, old: str, new: str, fault: str) -> None:
    if not fault:  # a flag made of a number can only be checked on the people themselves
        load(tmp_path, (old, new))
        return
    assert any(line.startswith(fault) for line in faults(tmp_path, (old, new)))


@pytest.mark.parametrize(
    ("kind", "then", "fault"),
    [
        ("category", "3", "must be a label in quotes; got 3"),
        ("flag", "'yes'", "must be true or false; got 'yes'"),
        ("number", "true", "must be a number or an expression in quotes; got true"),
        ("number", "'log(aeg)'", "expression 'log(aeg)': there is no variable 'aeg'. Did you mean 'age'?"),
    ],
)
def test_cases_give_what_their_kind_asks_for(tmp_path: Path, kind: str, then: str, fault: str) -> None:
    extra = f'[derived.new]\nlabel = "New"\nkind = "{kind}"\ncases = [{{ when = "age > 3", then = {then} }}]\n'
    assert faults(tmp_path, extra=extra) == [f"derived.new.cases[1].then: {fault}"]


def test_an_own_time_needs_follow_up(tmp_path: Path) -> None:
    follow_up = GOOD[GOOD.index("[follow_up]") : GOOD.index("[outcomes.death]")]
    lines = faults(tmp_path, (follow_up, ""), ('event = "died"', 'event = "died"\ntime = "months"'))
    assert lines == ["outcomes.death.time: needs a table [follow_up], which says when observation starts."]


def test_codes_written_as_numbers_are_compared_as_numbers() -> None:
    assert len({same_code(code) for code in ("1", "01", " 1 ", "1.0", 1.0)}) == 1
    assert same_code("1E5") == "1E5"
    assert same_code("E10") == "E10"
    assert same_code("1234567890123456789") == "1234567890123456789"
