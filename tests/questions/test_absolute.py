"""Absolute risks of an analysis: against rk.standardise called by hand, in the report, with few events, and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.disclosure import protect
from riskkit.errors import SpecError
from riskkit.frames import MODEL
from riskkit.questions.absolute.words import level_text, per_thousand, signed
from riskkit.report.content import report_content
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
"""
ABSOLUTE = """
[absolute]
horizon = 8
ages = [50, 60]
levels = ["p5", "median", 28]
"""
SCENARIOS = """
[[scenarios]]
label = "Drug A"
change = "+20%"
low = "+10%"
high = "+30%"
source = "Someone 1996"
people = "healthy adults"

[[scenarios]]
label = "Drug B"
source = "Other 2000"
"""


def project(
    tmp_path: Path, absolute: str, more: str = "", head: str = "", outcomes: str = OUTCOMES,
    people: pd.DataFrame | None = None,
) -> Path:  # fmt: skip
    asks = f"""
outcomes = ["death", "a"]
competing = "death"
{head}
[exposures.marker]
spline = 4
groups = false
[[models]]
name = "main"
label = "Sex"
covariates = ["sex"]
{absolute}"""
    if head.startswith("outcomes"):
        asks = "\n".join(asks.strip().splitlines()[2:])
    cohort = made_cohort("sex", "cause", outcomes=outcomes) + more
    return made_project(tmp_path, made_people() if people is None else people, cohort, made_analysis(asks))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("absolute"), ABSOLUTE + SCENARIOS)


@pytest.fixture(scope="module")
def results(analysis: Path) -> Results:
    return run(analysis, cohort_of(analysis))


@pytest.fixture(scope="module")
def causes() -> dict[str, rk.Fit]:
    """Both hazards by hand: each person followed until the first of the two."""
    data = made_people()
    data = data.assign(exit=data["age"] + data["years"], a=data["cause"] == 1, other=data["cause"] > 1)
    knots = rk.knots(data["marker"].to_numpy(), 4).tolist()
    return {name: rk.cox(f"Surv(age, exit, {name}) ~ rcs(marker, {knots}) + C(sex)", data) for name in ("a", "other")}


def levels() -> list[float]:
    marker = made_people()["marker"]
    return [float(np.percentile(marker, 5)), float(np.median(marker)), 28.0]


@pytest.mark.parametrize("age", [50, 60])
def test_risks_and_differences_are_those_of_standardise_by_hand(
    results: Results, causes: dict[str, rk.Fit], age: int
) -> None:
    mine = results.absolute_risks.query("outcome == 'a' and kind == 'level' and age == @age")
    risk = rk.standardise(causes, "marker", levels(), [age + 8], start=age).query("cause == 'a'")
    assert mine["level"].tolist() == ["p5", "median", "28"]
    for column in ("estimate", "se", "low", "high"):
        np.testing.assert_allclose(mine[column], risk[column], rtol=1e-8)
    apart = results.absolute_differences.query("outcome == 'a' and age == @age")
    difference = rk.standardise(
        causes, "marker", levels(), [age + 8], start=age, effect="difference", reference=levels()[1]
    ).query("cause == 'a'")
    shift = {"Drug A": rk.Shift("+20%", low="+10%", high="+30%")}
    moved = rk.standardise(causes, "marker", times=[age + 8], start=age, shift=shift, effect="difference")
    hand = pd.concat([difference, moved.query("cause == 'a'")])
    assert apart["level"].tolist() == ["p5", "28", "Drug A"]
    for column in ("estimate", "se", "low", "high", "number_needed"):
        np.testing.assert_allclose(apart[column], hand[column], rtol=1e-8)
    assert apart["capped"].iloc[-1] == moved["capped"].iloc[0] > 0


@pytest.mark.parametrize(("age", "sex"), [(50, "Men"), (55, "Women"), (60, "Women")])
def test_patterns_are_the_absolute_risks_of_typical_people(
    results: Results, causes: dict[str, rk.Fit], age: int, sex: str
) -> None:
    mine = results.absolute_patterns.query("outcome == 'a' and age == @age and sex == @sex")
    people = pd.DataFrame({"marker": mine["x"], "sex": {"Men": 1, "Women": 2}[sex]})
    risk = rk.absolute_risk(causes, people, [age + 8], start=age).query("cause == 'a'")
    for column in ("estimate", "se"):
        np.testing.assert_allclose(mine[column], risk[column], rtol=1e-8)
    data = made_people()
    end = data["age"] + data["years"]
    here = (end > age) & (end <= age + 8) & (data["sex"] == {"Men": 1, "Women": 2}[sex])
    assert (mine["events"] == (here & (data["cause"] == 1)).sum()).all()
    assert (mine["competing_events"] == (here & (data["cause"] > 1)).sum()).all()
    low, high = np.percentile(data["marker"], [1, 99])
    assert (mine["x"].min(), mine["x"].max()) == pytest.approx((low, high))
    assert set(results.absolute_patterns["age"]) == {50, 55, 60}


def test_nothing_competes_with_death_itself(results: Results) -> None:
    data = made_people()
    data = data.assign(exit=data["age"] + data["years"], death=data["cause"] > 0)
    fit = rk.cox(
        f"Surv(age, exit, death) ~ rcs(marker, {rk.knots(data['marker'].to_numpy(), 4).tolist()}) + C(sex)", data
    )
    risk = rk.standardise(fit, "marker", levels(), [58], start=50)
    mine = results.absolute_risks.query("outcome == 'death' and kind == 'level' and age == 50")
    np.testing.assert_allclose(mine["estimate"], risk["estimate"], rtol=1e-8)
    assert (mine["competing_events"] == 0).all()
    dies = data["death"] & data["exit"].between(50, 58, inclusive="right")
    assert (mine["events"] == dies.sum()).all()


def test_the_report_has_its_section_methods_and_words_on_causality(results: Results) -> None:
    content = report_content(results)
    names = [figure.name for figure in content.figures]
    assert {"icons", "risks", "scenarios"} <= set(names)
    for figure in content.figures:
        if figure.name in ("icons", "risks", "scenarios"):
            assert figure.figure.wide.axes
            assert figure.figure.narrow.axes
    page = page_html(results)
    for said in (
        "What it means for a thousand people", "if the association were causal", "levels changed by a drug",
        "carried over to these people", "No number published here", "Someone 1996", "Robins J.",
        "Methods: absolute risks", "no forecast for one person", "neither does any scenario there",
    ):  # fmt: skip
        assert said in page, said
    headings = [heading.text for heading in content.contents]
    assert headings.index("What it means for a thousand people") == headings.index("Marker") + 1


def test_an_icon_array_is_of_a_thousand_people_with_the_risk_filled(results: Results) -> None:
    (figure,) = [each for each in report_content(results).figures if each.name == "icons"]
    risks = results.absolute_risks.query("outcome == 'death' and kind == 'level' and age == 50")
    axes = figure.figure.wide.axes
    assert len(axes) == 3
    for ax, row in zip(axes, risks.itertuples(), strict=True):
        sizes: dict[str, int] = {}
        for line in ax.get_lines():  # a dot at every whole number
            start, end = line.get_xdata()
            inner = line.get_color() == "white"  # of a ring
            sizes[line.get_label()] = sizes.get(line.get_label(), 0) + (0 if inner else round(end - start) + 1)
        assert sum(sizes.values()) == 1000
        assert sizes["with"] + sizes["from the lower limit"] == round(1000 * row.estimate)
        assert sizes["without"] == 1000 - round(1000 * row.high)


def test_nothing_is_said_where_it_was_not_asked(tmp_path: Path) -> None:
    path = project(tmp_path, "")
    plain = run(path, cohort_of(path))
    assert plain.absolute_risks.empty
    assert "thousand people" not in page_html(plain)


def test_risks_of_few_events_are_withheld_and_others_coarse(tmp_path: Path) -> None:
    rule = "\n[disclosure]\nmin_count = 100\nround_to = 5\n"
    path = project(tmp_path, ABSOLUTE + SCENARIOS, rule)
    found = run(path, cohort_of(path))
    shown = protect(found)
    for name in ("absolute_risks", "absolute_differences"):
        raw, safe = getattr(found, name), getattr(shown, name)
        few = raw["events"].between(1, 99) | raw["competing_events"].between(1, 99)
        assert few.any()
        assert 0 < len(safe) <= (~few).sum()
        assert (safe["events"] % 5 == 0).all()
        assert not ((safe["outcome"] == "a") & (safe["age"] == 50)).any()
        alive = raw.merge(safe, on=[*MODEL, "age", "kind", "level", "x"], suffixes=("", "_shown"))
        assert len(alive) == len(safe)
        of_five = alive["estimate"].abs() * 5 / alive["events"] if name == "absolute_risks" else 0.0
        moved = (alive["estimate_shown"] - alive["estimate"]).abs()
        assert moved.max() > 0
        if name == "absolute_risks":  # one step of the digits shown is at least five events
            steps = np.diff(np.unique(safe["estimate"].round(9)))
            assert steps.min() >= of_five.min() * 0.99
    assert "rest on few events are not shown" in page_html(shown)


@pytest.mark.parametrize(
    ("absolute", "said"),
    [
        ("horizon = 60\nages = [60]", "is beyond that. Ask for an earlier time"),
        ("horizon = 5\nages = [20]", "nobody is at risk just after 20"),
        ("horizon = 5\nages = [60]\nlevels = [400]", "400"),
    ],
)
def test_what_the_data_cannot_answer_is_a_failure_with_its_reason(tmp_path: Path, absolute: str, said: str) -> None:
    path = project(tmp_path, f"[absolute]\n{absolute}\n")
    found = run(path, cohort_of(path))
    assert found.absolute_risks.empty
    assert found.failures["variant"].str.startswith("Absolute risks from age").all()
    assert found.failures["reason"].str.contains(said, regex=False).all()
    assert "thousand people" not in page_html(found).replace("Absolute", "")


def test_one_age_that_fails_leaves_the_others(tmp_path: Path) -> None:
    path = project(tmp_path, "[absolute]\nhorizon = 8\nages = [50, 20]\n")
    found = run(path, cohort_of(path))
    assert set(found.absolute_risks["age"]) == {50}
    assert set(found.failures["variant"]) == {"Absolute risks from age 20"}


def test_too_few_competing_events_are_a_failure(tmp_path: Path) -> None:
    outcomes = OUTCOMES + '\nc = { label = "Death from c", event = "cause == \'c\'" }\n'
    path = project(tmp_path, ABSOLUTE + 'competing = "c"\n', outcomes=outcomes)
    failed = run(path, cohort_of(path)).failures.query("outcome == 'a'")
    assert failed["reason"].str.contains("events of the competing Death from c, fewer than the 20").all()


def test_of_follow_up_risks_are_from_entry(tmp_path: Path) -> None:
    path = project(tmp_path, "[absolute]\nhorizon = 8\n", head='time_scales = ["follow_up"]')
    found = run(path, cohort_of(path))
    mine = found.absolute_risks.query("outcome == 'death' and kind == 'level'")
    data = made_people().assign(death=lambda d: d["cause"] > 0)
    knots = rk.knots(data["marker"].to_numpy(), 4).tolist()
    fit = rk.cox(f"Surv(years, death) ~ rcs(marker, {knots}) + C(sex)", data)
    at = [
        float(np.percentile(data["marker"], 5)),
        float(np.median(data["marker"])),
        float(np.percentile(data["marker"], 95)),
    ]
    np.testing.assert_allclose(mine["estimate"], rk.standardise(fit, "marker", at, [8], start=0)["estimate"], rtol=1e-8)
    assert "Of 1,000 people like those studied" in page_html(found)


def test_of_a_state_prevalences_are_standardised(tmp_path: Path) -> None:
    outcomes = OUTCOMES + '\nsick = { label = "Sick", state = "marker > 25 or sex == \'Men\'" }\n'
    path = project(tmp_path, "[absolute]\n", head='outcomes = ["sick"]', outcomes=outcomes)
    text = path.read_text().replace("marker]", "age]").replace('["sex"]', "[]")
    path.write_text(text)
    found = run(path, cohort_of(path))
    data = made_people().assign(sick=lambda d: ((d["marker"] > 25) | (d["sex"] == 1)).astype(int))
    fit = rk.logistic(f"sick ~ rcs(age, {rk.knots(data['age'].to_numpy(), 4).tolist()})", data)
    at = [float(np.percentile(data["age"], p)) for p in (5, 50, 95)]
    mine = found.absolute_risks.query("kind == 'level'")
    np.testing.assert_allclose(mine["estimate"], rk.standardise(fit, "age", at)["estimate"], rtol=1e-8)
    assert "Prevalence" in page_html(found)


@pytest.mark.parametrize(
    ("absolute", "said"),
    [
        ("[absolute]\nages = [60]", "absolute.horizon: is required"),
        ("[absolute]\nhorizon = 0\nages = [60]", "absolute.horizon: must be .*0"),
        ("[absolute]\nhorizon = 5", "absolute.ages: is required: the time scale is age"),
        ("[absolute]\nhorizon = 5\nages = [60, 60]", "ages.*60 is named twice"),
        ("[absolute]\nhorizon = 5\nages = [600]", "is an age in years; got 600"),
        ('[absolute]\nhorizon = 5\nages = [60]\nlevels = ["low"]', "must be a number, 'median' or a percentile"),
        ('[absolute]\nhorizon = 5\nages = [60]\ncompeting = "deth"', "no outcome 'deth'. Did you mean 'death'"),
        (SCENARIOS, "scenarios: are told as risks: write"),
        (ABSOLUTE + SCENARIOS.replace("+20%", "much"), "scenarios.*change: shift: 'much' is no change"),
        (ABSOLUTE + SCENARIOS.replace("+30%", "+15%"), "low '\\+10%' and high '\\+15%'"),
        (ABSOLUTE + SCENARIOS.replace("Drug B", "Drug A"), "'Drug A' is the label of an earlier one"),
        (ABSOLUTE + SCENARIOS + 'exposure = "markr"', "'markr' is no exposure of this analysis. Did you mean 'marker'"),
        (ABSOLUTE + SCENARIOS + 'high = "+3%"', "is missing, and its limits are given"),
    ],
)
def test_faults_are_told_by_their_place(tmp_path: Path, absolute: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_analysis(project(tmp_path, absolute))


def test_an_outcome_does_not_compete_with_itself(tmp_path: Path) -> None:
    path = project(tmp_path, ABSOLUTE + 'competing = "a"\n', head='outcomes = ["a"]')
    with pytest.raises(SpecError, match="'a' is the only outcome, and does not compete with itself"):
        load_analysis(path)


def test_ages_and_horizons_need_their_time_scale(tmp_path: Path) -> None:
    path = project(tmp_path, ABSOLUTE, head='time_scales = ["follow_up"]')
    with pytest.raises(SpecError, match=r"absolute\.ages: the first time scale is time since entry"):
        load_analysis(path)


def test_numbers_as_a_reader_sees_them() -> None:
    assert [per_thousand(v) for v in (0.1234, 0.0032, 0.00021, 0.000004, 0)] == ["123", "3.2", "0.21", "<0.01", "0"]
    assert [signed(v) for v in (0.0123, -0.0032, 0.0, -0.000001)] == ["+12", "−3.2", "0.0", "0.00"]
    assert level_text("p5", 98.2, "ng/mL") == "5th percentile (98.2\u00a0ng/mL)"
    assert level_text("p22", 3.0, None) == "22nd percentile (3)"
    assert level_text("28", 28.0, None) == "28"


def test_under_a_rule_the_risks_of_one_sex_go_with_those_of_the_other(tmp_path: Path) -> None:
    rule = "\n[disclosure]\nmin_count = 10\nround_to = 5\n"
    people = made_people()
    few = people.index[(people["sex"] == 2) & (people["cause"] == 1)][8:]
    people.loc[few, "cause"] = 2  # eight women die of cause 1
    path = project(tmp_path, ABSOLUTE, rule, people=people)
    found = run(path, cohort_of(path))
    assert set(found.absolute_patterns["age"]) == {50, 60}  # none in between where a rule protects
    shown = protect(found)
    assert set(found.absolute_patterns["outcome"]) == {"death", "a"}
    assert set(shown.absolute_patterns["outcome"]) == {"death"}
    assert set(shown.absolute_patterns["sex"]) == {"Men", "Women"}
    for shown_row in shown.absolute_patterns.groupby(["sex", "age"]).first().itertuples():
        step = shown_row.estimate * 5 / shown_row.events
        digits = f"{shown_row.estimate:.12f}".rstrip("0")
        assert 10.0 ** -len(digits.split(".")[1]) * 5 >= step * 0.5
