from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from five_people import DEATHS, PEOPLE, MakeCohort

from riskkit.cohort.build import build, load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.flow import FlowStep
from riskkit.errors import DataError, DataUnavailable
from riskkit.spec.cohort import load_cohort_spec


def error_of(file: Path) -> str:
    with pytest.raises(DataError) as error:
        load_cohort(file)
    assert str(error.value).startswith(f"{file}: ")
    return str(error.value).removeprefix(f"{file}: ")


def test_one_row_a_person_with_everything_worked_out(five: MakeCohort) -> None:
    cohort = load_cohort(five())
    expected = pd.DataFrame(
        {
            "id": np.array([1, 2, 5]),
            "age": [40.0, 90, 33],
            "sex": pd.Categorical(["Male", "Female", "Female"], categories=["Female", "Male"]),
            "crp": [0.1, 2.5, 1.0],
            "months": [12.0, 6, 3],
            "died": [0.0, 1, 0],
            "log_crp": [math.log(0.1), math.log(2.5), 0.0],
            "follow_up": [1.0, 0.5, 0.25],
            "age_entry": [40.0, 90, 33],
            "age_exit": [41.0, 90.5, 33.25],
            "death": np.array([0, 1, 0], dtype=np.int8),
            "death_at_risk": [True, True, True],
            "death_of_men": np.array([0, 0, 0], dtype=np.int8),
            "death_of_men_at_risk": [True, False, False],
        }
    )
    pd.testing.assert_frame_equal(cohort.data, expected)
    assert (cohort.name, cohort.title, cohort.simulated, cohort.time_unit) == ("five", "Five people", False, "years")
    assert repr(cohort) == "<Cohort five: 3 people, 6 variables, 2 outcomes>"


def test_the_flow_adds_up(five: MakeCohort) -> None:
    cohort = load_cohort(five())
    assert cohort.flow == (
        FlowStep("Records in PEOPLE.CSV", 0, 5),
        FlowStep("Not followed", 1, 4),
        FlowStep("Aged under 20", 1, 3),
    )
    for before, after in pairwise(cohort.flow):
        assert before.remaining - after.removed == after.remaining
    assert cohort.flow[-1].remaining == len(cohort.data)


def test_an_inner_file_is_a_step_of_the_flow(five: MakeCohort) -> None:
    cohort = load_cohort(five((('label = "the deaths"', 'label = "the deaths"\njoin = "inner"'),)))
    assert cohort.flow[:3] == (
        FlowStep("Records in PEOPLE.CSV", 0, 5),
        FlowStep("No record in the deaths", 1, 4),
        FlowStep("Not followed", 0, 4),
    )


def test_missing_values_are_counted_by_reason_among_those_in_the_cohort(five: MakeCohort) -> None:
    keep_all = (('when = "missing(months)"', 'when = "age > 900"'), ('"age < 20"', '"age > 900"'))
    cut = SPEC_WITHOUT_FOLLOW_UP
    cohort = load_cohort(five((*keep_all, *cut), people=PEOPLE.replace("33", "999")))
    found = {name: variable.missing for name, variable in cohort.variables.items()}
    assert found == {
        "age": {"code 999": 1},
        "sex": {"code 9": 1},
        "crp": {"blank": 1, "outside 0 to 50 mg/L": 1},
        "months": {"no record in the deaths": 1},
        "died": {"no record in the deaths": 1},
        "log_crp": {"not derivable": 2},
    }
    assert cohort.variables["age"].top_coded == 1
    assert cohort.variables["age"].note == "90 means 90 or older. At entry."
    assert cohort.variables["crp"].bottom_coded == 1
    assert cohort.time_unit is None
    assert load_cohort(five()).variables["crp"].missing == {}


SPEC_WITHOUT_FOLLOW_UP = (
    ('[follow_up]\ntime = "months"\nage = "age"\nunit = "years"\nstart = "entry"\nend = "death or the end"\n', ""),
    ('[outcomes.death]\nlabel = "Death"\nevent = "died"\n', ""),
    ('[outcomes.death_of_men]\nlabel = "Death of men"\nevent = "died"\nonly = "sex == \'Male\'"\n', ""),
)


def test_an_own_time_and_a_restriction_of_an_outcome(five: MakeCohort) -> None:
    own = (('event = "died"\nonly', 'event = "died"\ntime = "weeks"\nonly'),)
    weeks = '[derived.weeks]\nlabel = "W"\nkind = "number"\nunit = "days"\nexpression = "months * 365.25 / 24"\n'
    cohort = load_cohort(five((*own, ("[derived.log_crp]", weeks + "[derived.log_crp]"))))
    outcome = cohort.outcomes["death_of_men"]
    assert (outcome.time, outcome.age_exit) == ("death_of_men_follow_up", "death_of_men_age_exit")
    assert (outcome.at_risk, outcome.only) == ("death_of_men_at_risk", "sex == 'Male'")
    np.testing.assert_allclose(cohort.data["death_of_men_follow_up"], [0.5, np.nan, np.nan])
    np.testing.assert_allclose(cohort.data["death_of_men_age_exit"], [40.5, np.nan, np.nan])
    assert outcome.flow == (
        FlowStep("People of the cohort", 0, 3),
        FlowStep("Not of those it can happen to: sex == 'Male'", 2, 1),
    )
    assert (cohort.outcomes["death"].time, cohort.outcomes["death"].age_exit) == ("follow_up", "age_exit")


def test_cases_the_first_that_holds_counts_and_unknown_counts_for_nobody(five: MakeCohort) -> None:
    cases = """[derived.group]
label = "Group"
kind = "category"
cases = [
  { when = "crp > 2", then = "high" }, { when = "crp > 0.5", then = "middle" }, { when = "crp > 0", then = "low" },
]
[derived.half]
label = "Half"
kind = "number"
cases = [{ when = "crp < 1", then = 0 }, { when = "crp > 1", then = "log(crp - 1)" }]
[derived.known]
label = "Known"
kind = "flag"
cases = [{ when = "missing(crp)", then = false }, { when = "crp < 2", then = true }]
"""
    everyone = (('when = "missing(months)"', 'when = "age > 900"'), ('"age < 20"', '"age > 900"'))
    cohort = load_cohort(five((*everyone, *SPEC_WITHOUT_FOLLOW_UP, ("[derived.log_crp]", cases + "[derived.log_crp]"))))
    group = cohort.data["group"]
    assert group.cat.categories.tolist() == ["high", "middle", "low"]
    assert group.astype(object).where(group.notna(), None).tolist() == ["low", "high", None, None, "middle"]
    np.testing.assert_array_equal(cohort.data["half"], [0, math.log(1.5), np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(cohort.data["known"], [1, np.nan, 0, 0, 1])


def test_a_cohort_survives_its_file_and_writes_the_same_bytes(five: MakeCohort, tmp_path: Path) -> None:
    cohort = load_cohort(five())
    cohort.write(tmp_path / "out" / "a.parquet")
    load_cohort(five()).write(tmp_path / "out" / "b.parquet")
    back = Cohort.read(tmp_path / "out" / "a.parquet")
    pd.testing.assert_frame_equal(back.data, cohort.data)
    assert back.describe() == cohort.describe()
    for field in ("flow", "variables", "outcomes", "follow_up", "sources"):
        assert getattr(back, field) == getattr(cohort, field)
    assert (tmp_path / "out" / "a.parquet").read_bytes() == (tmp_path / "out" / "b.parquet").read_bytes()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.parquet", "b.parquet"]


def test_a_file_that_is_no_cohort(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.parquet: there is no such file\. Build the cohort first"):
        Cohort.read(tmp_path / "a.parquet")
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_text("nonsense")
    for name in ("b", "c"):
        with pytest.raises(DataError, match=rf"{name}\.parquet: is not a cohort this riskkit wrote"):
            Cohort.read(tmp_path / f"{name}.parquet")


def test_a_missing_raw_file(five: MakeCohort, tmp_path: Path) -> None:
    spec = load_cohort_spec(five(raw=False))
    with pytest.raises(
        DataUnavailable, match=r"PEOPLE\.CSV: there is no such file\. Put it there, or run 'riskkit fetch"
    ):
        build(spec, tmp_path)


def test_a_cut_off_line_of_a_fixed_width_file(five: MakeCohort) -> None:
    message = error_of(five(deaths=DEATHS.replace("002   61", "002   6")))
    assert "Deaths.dat: line 2 has 7 characters where a record has 8: the file is cut off" in message


def test_a_duplicated_identifier(five: MakeCohort) -> None:
    message = error_of(five(people=PEOPLE + "2,1,50,1\n2,1,50,1\n"))
    assert "people.csv: 1 identifier(s) stand in more than one record, such as 2 (3 records)." in message


def test_no_identifier_in_common(five: MakeCohort) -> None:
    message = error_of(five(deaths="101  120\n102  061\n"))
    assert "Deaths.dat: not one of the 5 people of PEOPLE.CSV has a record here. Correct id (or id_columns)" in message


def test_an_unknown_code(five: MakeCohort) -> None:
    message = error_of(five(people=PEOPLE.replace("1,1,40", "1,7,40").replace("3,1,19", "3,7,19")))
    assert "people.csv: variable 'sex' (SEX): 2 cell(s) have an unknown code: '7'. Say what it means in" in message


def test_a_cell_that_is_no_number(five: MakeCohort) -> None:
    message = error_of(five(people=PEOPLE.replace("2.5", "'2,5'").replace("'2,5'", "2;5")))
    assert "people.csv: variable 'crp' (CRP): 1 cell(s) are no number: '2;5'. If they stand for missing" in message


def test_a_blank_cell_where_none_may_be(five: MakeCohort) -> None:
    message = error_of(five((('outside = "missing"', 'blank = "error"'),)))
    assert "variable 'crp' (CRP): 1 cell(s) are blank. If they are missing values, write blank = 'missing'." in message


def test_an_implausible_value(five: MakeCohort) -> None:
    message = error_of(five(people=PEOPLE.replace("60,70", "120,70")))
    assert (
        "variable 'age' (AGE): 1 of 5 values are outside the plausible range 18 to 90 years; they run from" in message
    )
    assert "19 to 120. Correct unit and range" in message
    assert "declared unit" not in message


def test_a_wrong_unit(five: MakeCohort) -> None:
    in_days = "ID,SEX,AGE,CRP\n1,1,14610,1\n2,2,21915,2\n3,1,7305,3\n4,2,18263,4\n5,2,12784,5\n"
    message = error_of(five(people=in_days))
    assert "5 of 5 values are outside the plausible range 18 to 90 years; they run from 7305 to 21915." in message
    assert "The median is 14610: the declared unit is probably wrong." in message


@pytest.mark.parametrize(
    ("months", "message"),
    [
        (" -4", "1 people leave before they enter: 'months' is negative (id 5). Correct the data, or exclude them"),
        ("  0", "1 people leave when they enter: 'months' is 0 (id 5). They cannot be analysed; exclude them: when ="),
    ],
)
def test_an_exit_before_or_at_entry(five: MakeCohort, months: str, message: str) -> None:
    assert message in error_of(five(deaths=DEATHS.replace("005   30", f"005 {months}0")))


def test_missing_follow_up_or_age_must_be_excluded(five: MakeCohort) -> None:
    message = error_of(five((('when = "missing(months)"', 'when = "age > 90"'),)))
    assert "'months' is missing for 1 people (id 4). Exclude them: when = 'missing(months)'." in message
    message = error_of(five(people=PEOPLE.replace("1,1,40", "1,1,999")))
    assert "'age' is missing for 1 people (id 1). Exclude them: when = 'missing(age)'." in message


def test_an_event_nobody_can_tell(five: MakeCohort) -> None:
    message = error_of(five(deaths=DEATHS.replace("001  120", "001  12 ")))
    assert "outcomes.death.event 'died' is unknown for 1 people (id 1): a value is missing." in message


def test_nobody_left(five: MakeCohort) -> None:
    message = error_of(five((('"age < 20"', '"age < 91"'),)))
    assert message == "nobody is left after the step 'Aged under 20', which removes 4 people. Correct it."


def test_a_derived_value_that_cannot_be_worked_out(five: MakeCohort) -> None:
    message = error_of(five(people=PEOPLE.replace("40,0.1", "40,0")))
    assert message.startswith("derived.log_crp: expression 'log(crp)': no finite result for 1 row(s)")


def test_text_identifiers(five: MakeCohort) -> None:
    people = PEOPLE.replace("\n1,", "\nA1,")
    cohort = load_cohort(
        five(
            people=people,
            deaths=DEATHS.replace("001", "A1 ")
            .replace("00", "")
            .replace("2   61", "2     61")
            .replace("3  120", "3    120")
            .replace("5   30", "5     30"),
        )
    )
    assert cohort.data["id"].tolist() == ["A1", "2", "5"]
