"""Standardised ratios: against R on the Welsh nickel workers, by hand, in the report, with few events, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.rates import read_rates
from riskkit.disclosure import protect
from riskkit.errors import SpecError
from riskkit.report.content import report_content
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis
from riskkit.spec.cohort import load_cohort_spec
from riskkit.telling.blocks import Figure

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
RATES = """
[reference_rates]
table = "there"
population = "the country, 1990 to 2019"
source = "Office of Numbers, 2020"
per = 100000
"""
OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
c = { label = "Death from c", event = "cause == 'c'" }
"""
ASKS = """
outcomes = ["death", "a"]
{more}
[exposures.marker]
spline = false
groups = 3
[[models]]
name = "main"
label = "Sex"
covariates = ["sex"]
[smr]
by = ["sex"]
"""


def table(outcomes: tuple[str, ...] = ("death", "a")) -> pd.DataFrame:
    """Rates of ages 40 on by sex, the last band open."""
    rows = [
        {"outcome": outcome, "age_from": age, "age_to": "" if age == 75 else age + 4, "sex": sex,
         "rate": round(share * level * np.exp(0.06 * (age - 40)))}
        for outcome, share in zip(outcomes, (1, 0.5, 0.005), strict=False)
        for age in range(40, 80, 5)
        for sex, level in (("Men", 3500), ("Women", 3000))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def project(root: Path, rates: pd.DataFrame | None = None, more: str = "", asks: str = ASKS, also: str = "") -> Path:
    cohort = made_cohort("sex", "cause", outcomes=OUTCOMES) + RATES + also
    path = made_project(root, made_people(), cohort, made_analysis(asks.replace("{more}", more)))
    (root / "cohorts/rates").mkdir()
    (table() if rates is None else rates).to_csv(root / "cohorts/rates/there.csv", index=False)
    return path


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("smr"))


@pytest.fixture(scope="module")
def results(analysis: Path) -> Results:
    return run(analysis, cohort_of(analysis))


def by_hand(data: pd.DataFrame, outcome: str, rates: pd.DataFrame) -> float:
    """Expected events, person by person and band by band."""
    own = rates[rates["outcome"] == outcome]
    total = 0.0
    for _, band in own.iterrows():
        people = data[data["sex"] == band["sex"]]
        high = np.inf if band["age_to"] == "" else band["age_to"] + 1
        time = people["age_exit"].clip(upper=high) - people["age_entry"].clip(lower=band["age_from"])
        total += float(time.clip(lower=0).sum() * band["rate"] / 100_000)
    return total


@pytest.mark.parametrize("outcome", ["death", "a"])
def test_expected_events_are_those_counted_by_hand(analysis: Path, results: Results, outcome: str) -> None:
    data = cohort_of(analysis).data.astype({"sex": object})
    own = results.smr[results.smr["outcome"] == outcome].set_index(["by", "level"])
    whole = own.loc[("", "")]
    assert whole["expected"] == pytest.approx(by_hand(data, outcome, table()), rel=1e-9)
    assert (whole["n"], whole["events"]) == (len(data), data[outcome].sum())
    assert whole["person_years"] == pytest.approx(data["follow_up"].sum())
    for sex in ("Men", "Women"):
        people = data[data["sex"] == sex]
        assert own.loc[("sex", sex), "expected"] == pytest.approx(by_hand(people, outcome, table()), rel=1e-9)
        assert own.loc[("sex", sex), "events"] == people[outcome].sum()
    cuts = results.manifest.exposures["marker"].cuts
    low = data[data["marker"] <= cuts[0]]
    assert own.loc[("marker", "Q1"), "expected"] == pytest.approx(by_hand(low, outcome, table()), rel=1e-9)
    assert own.loc["marker", "events"].sum() == whole["events"]


def nickel(root: Path) -> tuple[Path, dict[str, Any]]:
    """The Welsh nickel workers as a cohort, with the rates of England and Wales by age and period."""
    frozen = json.loads((REFERENCE / "rates.json").read_text(encoding="utf-8"))
    people = pd.DataFrame(frozen["workers"])
    people["id"] = np.arange(len(people))
    people["years"] = people["ageout"] - people["agein"]
    people["group"] = np.digitize(people["agein"], [40, 50])
    rates = pd.DataFrame(frozen["rates"]).rename(columns={"year": "period_from", "age": "age_from", "lung": "rate"})
    rates["age_to"] = [str(a + 4) if a < 80 else "" for a in rates["age_from"]]
    rates["period_to"] = [str(y + 4) if y < 1976 else "" for y in rates["period_from"]]
    cohort = """
title = "Nickel workers"
id = "id"
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
age = { source = "people.agein", label = "Age", kind = "number", unit = "years" }
years = { source = "people.years", label = "Follow-up", kind = "number", unit = "years" }
year_in = { source = "people.year_in", label = "Year", kind = "number" }
lung = { source = "people.lung", label = "Lung", kind = "flag", codes = { 0 = "no", 1 = "yes" } }
group = { source = "people.group", label = "Age at entry", kind = "category", codes = { 0 = "Under 40", 1 = "40 to 49", 2 = "50 on" } }
[follow_up]
time = "years"
age = "age"
unit = "years"
start = "1934"
end = "1982"
[outcomes]
lung_cancer = { label = "Death from lung cancer", event = "lung == 1" }
[reference_rates]
table = "ewrates"
population = "England and Wales"
source = "Breslow and Day, 1987"
per = 1000000
calendar = "year_in"
"""  # noqa: E501
    asks = """
outcomes = ["lung_cancer"]
[exposures.age]
spline = false
groups = false
[[models]]
name = "main"
label = "None"
covariates = []
[smr]
by = ["group"]
of = "mortality"
"""
    path = made_project(root, people, cohort, made_analysis(asks))
    (root / "cohorts/rates").mkdir()
    rates.assign(outcome="lung_cancer").to_csv(root / "cohorts/rates/ewrates.csv", index=False)
    return path, frozen


def test_the_nickel_workers_have_the_ratios_limits_and_tests_of_r(tmp_path: Path) -> None:
    path, frozen = nickel(tmp_path)
    found = run(path, cohort_of(path)).smr
    whole, groups = found[found["by"] == ""].iloc[0], found[found["by"] == "group"]
    assert whole["events"] == frozen["observed"]
    assert whole["expected"] == pytest.approx(frozen["expected"], rel=1e-9)
    assert groups["events"].tolist() == frozen["by_age"]["lex.Xst"]
    np.testing.assert_allclose(groups["person_years"], frozen["by_age"]["lex.dur"], rtol=1e-9)
    np.testing.assert_allclose(groups["expected"], frozen["by_age"]["expected"], rtol=1e-9)
    np.testing.assert_allclose(groups[["low", "high"]], frozen["by_age_exact"], rtol=1e-7)
    assert groups["heterogeneity"].iloc[0] == pytest.approx(frozen["by_age_heterogeneity"], rel=1e-6)
    assert groups["trend"].iloc[0] == pytest.approx(frozen["by_age_trend"], rel=1e-6)
    assert groups["heterogeneity_df"].iloc[0] == 2


def test_mid_p_limits_and_tests_are_those_of_the_function(results: Results) -> None:
    own = results.smr[(results.smr["outcome"] == "death") & (results.smr["by"] == "marker")]
    mid = rk.smr(own["events"], own["expected"], by=own["level"], method="mid-p")
    np.testing.assert_allclose(own["mid_low"], mid.table["low"][:-1])
    np.testing.assert_allclose(own["mid_high"], mid.table["high"][:-1])
    assert own["trend_p"].iloc[0] == pytest.approx(mid.trend.p)


def test_the_report_says_draws_and_prints_it(results: Results) -> None:
    page = page_html(results)
    assert "Against the rates of the country, 1990 to 2019" in page
    whole = results.smr.iloc[0]
    assert f"Death: {whole['events']} observed among 1,500 people" in page
    assert "standardised incidence ratio is what was observed divided by that" in page
    assert "Office of Numbers, 2020" in page
    figures = [block for block in report_content(results).blocks if isinstance(block, Figure)]
    figure = next(each for each in figures if each.name == "reference-rates")
    for drawn in (figure.figure.wide, figure.figure.narrow):
        assert len(drawn.axes) == 2
    text = [cell for row in figure.table.rows for cell in row.cells]
    assert {"Sex: Men", "Marker: Q3"} <= set(text)


def test_with_small_numbers_ratios_say_no_more_than_their_counts(tmp_path: Path) -> None:
    asks = ASKS.replace('"death", "a"', '"death", "a", "c"')
    also = "\n[disclosure]\nmin_count = 10\nround_to = 5\n"
    path = project(tmp_path, table(("death", "a", "c")), more="min_events = 1", asks=asks, also=also)
    raw = run(path, cohort_of(path))
    shown = protect(raw).smr
    few = shown[shown["outcome"] == "c"]
    true = raw.smr[raw.smr["outcome"] == "c"]
    assert (true["events"] < 10).all()
    assert few["heterogeneity"].isna().all()
    few = few[(true["events"] > 0).to_numpy()]
    assert few[["events", "ratio", "low", "high", "mid_low", "heterogeneity", "person_years"]].isna().all(axis=None)
    rest = shown[shown["outcome"] != "c"]
    assert (rest["events"].dropna() % 5 == 0).all()
    np.testing.assert_allclose(rest["ratio"] * rest["expected"], rest["events"], rtol=1e-12)
    assert "too few events to be shown" in page_html(protect(raw))


def damaged(frame: pd.DataFrame, change: str) -> pd.DataFrame:
    frame = frame.astype(object)
    death_men = (frame["outcome"] == "death") & (frame["sex"] == "Men")
    match change:
        case "hole":
            return frame[~(death_men & (frame["age_from"] == 50))]
        case "gap":
            return frame[frame["age_from"] != 50]
        case "twice":
            return pd.concat([frame, frame.iloc[[0]]])
        case "overlap":
            frame.loc[frame["age_from"] == 45, "age_to"] = 51
        case "level":
            frame.loc[0, "sex"] = "men"
        case "rate":
            frame.loc[0, "rate"] = "-3"
        case "age":
            frame.loc[0, "age_from"] = "40-44"
        case "outcome":
            frame["outcome"] = frame["outcome"].replace("death", "deth")
        case "column":
            return frame.rename(columns={"sex": "gender"})
        case "no rate":
            return frame.drop(columns="rate")
        case "empty":
            return frame.iloc[:0]
        case "number":
            return frame.rename(columns={"sex": "marker"})
        case "period":
            return frame.assign(period_from=1990, period_to=2019)
    return frame


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("hole", "death: has no rate for age 50 to 54, sex Men. A hole is not a rate of 0; add it."),
        ("gap", "death: has no rate for age 50 to 54. A hole is not a rate of 0; add it."),
        ("twice", "death: age 40 to 44, sex Men stands there 2 times; keep one."),
        ("overlap", "bands of age overlap: 45 to 51, and one from 50."),
        ("level", "line 2: 'men' is no level of 'sex'. Did you mean 'Men'?"),
        ("rate", "line 2: rate is a number that is not negative; got '-3'"),
        ("age", "line 2: age_from is a whole number of years; got '40-44'"),
        ("outcome", "the cohort has no outcome 'deth'. Did you mean 'death'?"),
        ("column", "line 1: the cohort has no variable 'gender'."),
        ("no rate", "line 1: has no column rate"),
        ("empty", "has no rates"),
        ("number", "line 1: 'marker' is a number"),
        ("period", "reference_rates.calendar must name the year"),
    ],
)
def test_a_table_with_a_fault_is_refused(tmp_path: Path, change: str, says: str) -> None:
    path = project(tmp_path, damaged(table(), change))
    with pytest.raises(SpecError) as told:
        cohort_of(path)
    assert says in str(told.value)


def test_every_fault_of_a_table_is_told_at_once(tmp_path: Path) -> None:
    frame = damaged(damaged(damaged(table(), "level"), "rate"), "overlap")
    with pytest.raises(SpecError, match=r"there\.csv: \d+ fault") as told:
        cohort_of(project(tmp_path, frame))
    assert "no level of 'sex'" in str(told.value)
    assert "rate is a number" in str(told.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = project(tmp_path)
    (tmp_path / "cohorts/rates/there.csv").rename(tmp_path / "cohorts/rates/their.csv")
    with pytest.raises(SpecError, match=r"no such table of reference rates\. Did you mean 'their'"):
        cohort_of(path)


def test_follow_up_beyond_the_rates_is_not_counted_as_without_risk(tmp_path: Path) -> None:
    short = table().query("age_from < 70")
    path = project(tmp_path, short)
    found = run(path, cohort_of(path))
    assert found.smr.empty
    reasons = found.failures.loc[found.failures["variant"] == "Against reference rates", "reason"]
    assert reasons.str.contains("are of ages 40 to 69. Add rates, or leave these people out").all()
    kept = project(tmp_path / "kept", short, more="exclusions = [{ label = 'Over 59', when = 'age > 59' }]")
    assert len(run(kept, cohort_of(kept)).smr)


def test_an_outcome_without_rates_is_told(tmp_path: Path) -> None:
    path = project(tmp_path, table(("death",)))
    found = run(path, cohort_of(path))
    assert set(found.smr["outcome"]) == {"death"}
    assert found.failures["reason"].str.contains("have none of 'a'; they have death").any()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ('by = ["sexx"]', "no variable 'sexx'. Did you mean 'sex'?"),
        ('by = ["marker"]', "'marker' is a number; ratios are by the levels of a category or a flag"),
        ('by = ["sex", "sex"]', "'sex' is named twice"),
        ('of = "illness"', "of"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, asked: str, says: str) -> None:
    path = project(tmp_path, asks=ASKS.replace('by = ["sex"]', asked))
    with pytest.raises(SpecError) as told:
        load_analysis(path)
    assert says in str(told.value)


def test_a_cohort_without_rates_is_told(tmp_path: Path) -> None:
    path = project(tmp_path)
    cohort = tmp_path / "cohorts/made.toml"
    cohort.write_text(cohort.read_text(encoding="utf-8").split("[reference_rates]")[0], encoding="utf-8")
    with pytest.raises(SpecError, match=r"has no \[reference_rates\]"):
        load_analysis(path)


def test_rates_are_kept_with_the_cohort_and_make_it_another(tmp_path: Path) -> None:
    path = project(tmp_path)
    cohort = cohort_of(path)
    cohort.write(tmp_path / "made.parquet")
    again = Cohort.read(tmp_path / "made.parquet")
    assert again.rates == cohort.rates == read_rates(load_cohort_spec(tmp_path / "cohorts/made.toml"))
    table().assign(rate=1).to_csv(tmp_path / "cohorts/rates/there.csv", index=False)
    assert cohort_of(path).spec_sha256 != cohort.spec_sha256
