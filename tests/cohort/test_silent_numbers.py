"""Files that used to give numbers which were wrong without a word: each gives the right ones, or a message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError
from riskkit.fit.cox import cox

FLAG = 'label = "{0}", kind = "flag", codes = {{ 0 = "no", 1 = "yes" }}'
DEATH = 'death = { label = "Death", event = "died == 1" }'
MI = 'infarction = { label = "Infarction", event = "mi == 1", time = "mi_years" }'
MI_TIME = {"mi": FLAG.format("Infarction"), "mi_years": 'label = "Until it", kind = "number", unit = "years"'}
ANALYSIS = made_analysis(
    'outcomes = ["death"]\n[exposures.marker]\n[[models]]\nname = "m"\nlabel = "M"\ncovariates = []'
)


def people(**changes: object) -> pd.DataFrame:
    made = made_people(600)
    return made.assign(died=(made["cause"] > 0).astype(int)).assign(**changes)


def build(
    root: Path, made: pd.DataFrame, outcomes: str = DEATH, swap: tuple[str, str] = ("", ""), **variables: str
) -> Cohort:
    text = made_cohort("sex", outcomes=outcomes, variables={"died": FLAG.format("Died"), **variables})
    return cohort_of(made_project(root, made, text.replace(*swap), ANALYSIS))


def refused(root: Path, made: pd.DataFrame, **said: object) -> str:
    with pytest.raises(DataError) as refusal:
        build(root, made, **said)  # type: ignore[arg-type]
    return str(refusal.value)


@pytest.fixture
def registry() -> pd.DataFrame:
    """The time of infarctions is blank where none happened, as registers have it."""
    made = people()
    mi = (made["cause"] == 1).astype(int)
    return made.assign(mi=mi, mi_years=np.where(mi == 1, made["years"] / 2, np.nan))


def test_a_blank_time_of_the_event_is_the_end_of_follow_up(tmp_path: Path, registry: pd.DataFrame) -> None:
    cohort = build(tmp_path, registry, outcomes=MI, **MI_TIME)
    right = registry.assign(time=registry["mi_years"].fillna(registry["years"]), marker=registry["marker"])
    fits = (
        cox("Surv(infarction_follow_up, infarction) ~ marker", cohort.data),
        cox("Surv(time, mi) ~ marker", right),
    )
    assert (fits[0].n, fits[0].events) == (600, 182)
    assert fits[0].params.iloc[0] == pytest.approx(fits[1].params.iloc[0], rel=1e-10)
    ages = cohort.data["age_entry"] + cohort.data["infarction_follow_up"]
    assert cohort.data["infarction_age_exit"].to_numpy() == pytest.approx(ages.to_numpy())


def test_the_event_may_be_that_its_time_is_there(tmp_path: Path, registry: pd.DataFrame) -> None:
    cohort = build(tmp_path, registry, outcomes=MI.replace("mi == 1", "not missing(mi_years)"), **MI_TIME)
    assert (len(cohort.data), int(cohort.data["infarction"].sum())) == (600, 182)


def test_cases_without_their_time_are_named_and_the_advice_leaves_only_them_out(
    tmp_path: Path, registry: pd.DataFrame
) -> None:
    case = registry.index[registry["mi"] == 1][0]
    registry.loc[case, "mi_years"] = np.nan
    message = refused(tmp_path / "a", registry, outcomes=MI, **MI_TIME)
    assert f"the event happened to 1 people (id {case}), and 'mi_years', its time, is missing" in message
    only = message.partition("only = '")[2].rpartition("'")[0]
    cohort = build(tmp_path / "b", registry, outcomes=MI.replace(" }", f', only = "{only}" }}'), **MI_TIME)
    assert (cohort.data["infarction_at_risk"].sum(), cohort.data["infarction"].sum()) == (599, 181)


def test_no_advice_leaves_cases_only(tmp_path: Path, registry: pd.DataFrame) -> None:
    outcomes = MI.replace(', time = "mi_years"', "")
    message = refused(tmp_path, registry, outcomes=outcomes, swap=('time = "years"', 'time = "mi_years"'), **MI_TIME)
    assert "missing for all 418 others" in message
    assert "exclude" not in message.casefold()
    assert "write time = 'mi_years' in outcomes.infarction" in message


def test_a_flag_that_only_cases_have_is_no_reason_to_exclude_the_others(tmp_path: Path) -> None:
    made = people()
    made["died"] = made["died"].where(made["died"] == 1)
    message = refused(tmp_path / "a", made)
    assert "All others have the event, so a blank probably says that it did not happen." in message
    assert "exclude" not in message.casefold()
    event = message.partition("write event = '")[2].partition("'")[0]
    cohort = build(tmp_path / "b", made, outcomes=DEATH.replace("died == 1", event))
    assert (len(cohort.data), cohort.data["death"].sum()) == (600, 347)


@pytest.mark.parametrize(
    ("changes", "swap", "expected"),
    [
        (
            {"years": lambda p: p["years"] * 365.25},
            ('label = "Follow-up", kind = "number", unit = "years"', 'label = "F", kind = "number", unit = "months"'),
            "'years' is follow-up of over 100 years for 441 of 600 people",
        ),
        ({"age": lambda p: p["age"] * 12}, ("", ""), "'age' is an age under 0 or over 120 years for 600 of 600 people"),
        (
            {"age": lambda p: p["age"].where(p["id"] != 3, 999)},
            ("", ""),
            "variables.age: 1 of 600 people have 999 (id 3), and all others 40 to 69.99",
        ),
        ({"years": lambda p: p["years"].where(p["id"] != 3, 99999)}, ("", ""), "(id 3); it runs to 99,999 years"),
        ({"marker": lambda p: p["marker"].astype(str).where(p["id"] != 3, "1e400")}, ("", ""), "no number: '1e400'"),
    ],
    ids=["days as months", "months as years", "age 999", "99,999 years", "1e400"],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, changes: dict[str, object], swap: tuple[str, str], expected: str
) -> None:
    assert expected in refused(tmp_path, people(**changes), swap=swap)


@pytest.mark.parametrize("code", [-9, 99, 999, 8888])
def test_a_code_of_missing_values_that_is_not_declared(tmp_path: Path, code: int) -> None:
    made = people()
    coded = made.assign(marker=made["marker"].where(made["id"] % 33 > 0, code))
    message = refused(tmp_path / "a", coded)
    assert f"variables.marker: 19 of 600 people have {code} (id 0, 33, 66, ...), and all others" in message
    declared = build(tmp_path / "b", coded, swap=('"nmol/L"', f'"nmol/L", missing = ["{code}"]'))
    left = made[made["id"] % 33 > 0]
    fits = [cox("Surv(years, death) ~ marker", declared.data), cox("Surv(years, died) ~ marker", left)]
    assert fits[0].params.iloc[0] == pytest.approx(fits[1].params.iloc[0], rel=1e-10)
    as_it_is = build(tmp_path / "c", coded, swap=('"nmol/L"', '"nmol/L", range = [-10, 9000]'))
    assert as_it_is.data["marker"].isna().sum() == 0


def test_values_far_out_heaped_codes_and_late_events_are_in_doubt(tmp_path: Path, registry: pd.DataFrame) -> None:
    made = registry.assign(weight=np.linspace(60, 130, 600).round(1), mi_years=registry["mi_years"] * 2.5)
    made.loc[made["id"] % 20 == 0, "weight"] = 99
    made.loc[7, "weight"] = 950
    cohort = build(tmp_path, made, outcomes=MI, **MI_TIME, weight='label = "Weight", kind = "number", unit = "kg"')
    told = [str(doubt) for doubt in cohort.doubts]
    assert any(text.startswith("'weight' is far from all others") and "1 person (id 7)" in text for text in told)
    at_99 = int((made["weight"] == 99).sum())
    assert any("'weight' is exactly 99" in text and f"{at_99} people (id 0, 20, 40, ...)" in text for text in told)
    assert any("'mi_years' after 'years'" in text and "182 people" in text for text in told)
    assert all(doubt.ids == () for doubt in cohort.facts.doubts)  # what is stored names nobody
    kept = tmp_path / "made.parquet"
    cohort.write(kept)
    assert Cohort.read(kept).doubts == cohort.facts.doubts


def test_ordinary_numbers_are_not_in_doubt(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    made = people(
        crp=random.lognormal(0.5, 1.1, 600).round(2),
        children=random.poisson(2, 600),
        units=np.where(random.random(600) < 0.6, 0, random.exponential(12, 600).round()),
    )
    number = 'label = "N", kind = "number"'
    cohort = build(tmp_path, made, crp=number, children=number, units=number)
    assert cohort.doubts == ()


def test_a_file_in_which_most_have_no_record(tmp_path: Path) -> None:
    text = made_cohort(outcomes=DEATH, variables={"died": FLAG.format("Died")})
    lab = '[files.lab]\npath = "lab.csv"\nformat = "csv"\n[variables]\nlead = { source = "lab.lead", label = "Lead", '
    text = text.replace("[variables]\n", lab + 'kind = "number" }\n', 1)
    analysis = made_project(tmp_path, people(), text, ANALYSIS)
    pd.DataFrame({"id": range(590, 700), "lead": 1.5}).to_csv(tmp_path / "build/raw/made/lab.csv", index=False)
    (doubt,) = cohort_of(analysis).doubts
    assert str(doubt) == (
        "most of all 600 have no record in lab.csv: is its identifier the same? 590 people (id 0, 1, 2, ...)"
    )


def test_faults_of_all_variables_are_told_at_once(tmp_path: Path) -> None:
    made = people(sex=3)
    made["marker"] = made["marker"].astype(str).where(made["id"] != 3, "high")
    message = refused(tmp_path, made)
    assert message.count("\n") == 2
    assert "2 faults of the data" in message
    assert "variable 'marker' (marker): 1 cell(s) are no number: 'high'" in message
    assert "variable 'sex' (sex): 600 cell(s) have an unknown code: '3'" in message
