"""Samples of a cohort from file to report: the estimates of riskkit.cox and clogit, the words, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import VARIABLES, cohort_of, made_analysis, made_cohort, made_people, made_project
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.disclosure import protect
from riskkit.errors import DataError, SpecError
from riskkit.report.content import report_content
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis
from riskkit.spec.cohort import load_cohort_spec

OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
"""
OWN = {
    "sub": 'label = "Drawn", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
    "set": 'label = "Set", kind = "number"',
    "case": 'label = "Case", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
    "rough": 'label = "Rough marker", kind = "category", codes = { 0 = "low", 1 = "high" }',
}
SUBCOHORT = '[sampling]\ndesign = "case-cohort"\noutcomes = ["death", "a"]\nsubcohort = "sub"\n'
EXPOSURE = "[exposures.marker]\nspline = 4\ngroups = 3\nper = 5\n"


def everyone() -> pd.DataFrame:
    random = np.random.default_rng(9)
    people = made_people(3000)
    people["years"] = np.minimum(people["years"], 3)
    people.loc[people["years"] >= 3, "cause"] = 0
    people["sub"] = (random.random(len(people)) < 0.25).astype(int)
    people["rough"] = (people["marker"] + random.normal(0, 3, len(people)) > 21).astype(int)
    return people


def sample() -> pd.DataFrame:
    return everyone().query("sub == 1 or cause > 0")


def matched() -> pd.DataFrame:
    people = everyone().assign(death=lambda d: (d["cause"] > 0).astype(int))
    sets = rk.sample_controls(people, controls=2, follow_up="Surv(years, death)", seed=1)
    return sets.assign(id=np.arange(len(sets)), cause=sets["case"])


def project(
    root: Path, people: pd.DataFrame, sampling: str, *, outcomes: str = '"death"', asks: str = "",
    exposure: str = EXPOSURE, declared: str = OUTCOMES, scale: str = 'time_scales = ["follow_up"]', more: str = "",
) -> Path:  # fmt: skip
    analysis = f"""
outcomes = [{outcomes}]
characteristics = ["age", "bmi", "sex"]
{scale}
{asks}
{exposure}
[[models]]
name = "main"
label = "Age, sex and BMI"
covariates = ["age", "sex", "bmi"]
"""
    own = {name: about for name, about in OWN.items() if name in people}
    cohort = made_cohort("sex", "bmi", "cause", outcomes=declared, variables=own) + "\n" + sampling + more
    return made_project(root, people, cohort, made_analysis(analysis))


def by_hand(people: pd.DataFrame, outcome: str, sampling: object, term: str = "per(marker, 5)") -> object:
    data = people.assign(death=(people["cause"] > 0).astype(int), a=(people["cause"] == 1).astype(int))
    data["rough"] = data["rough"].map({0: "low", 1: "high"})
    return rk.cox(f"Surv(years, {outcome}) ~ {term} + age + C(sex) + bmi", data, sampling=sampling)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = project(tmp_path_factory.mktemp("whole"), everyone(), SUBCOHORT, outcomes='"death", "a"')
    return run(path, cohort_of(path))


@pytest.mark.parametrize("outcome", ["death", "a"])
def test_estimates_are_those_of_the_case_cohort_model(whole: Results, outcome: str) -> None:
    fit = by_hand(everyone(), outcome, rk.CaseCohort("sub"))
    row = whole.estimates.query("coding == 'linear' and outcome == @outcome").iloc[0]
    assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-7)
    assert (row["n"], row["events"]) == (fit.n, fit.events)
    assert row["n_missing"] == fit.n_missing
    assert np.isnan(row["person_years"])
    curve = whole.curves.query("outcome == @outcome")
    knots = whole.manifest.exposures["marker"].knots
    spline = by_hand(everyone(), outcome, rk.CaseCohort("sub"), f"rcs(marker, {list(knots)})")
    again = rk.curve(spline, "marker", reference=whole.manifest.exposures["marker"].reference, grid=curve["x"])
    assert_allclose(curve["ratio"], again["ratio"], rtol=1e-6)
    groups = whole.estimates.query("coding == 'groups' and outcome == @outcome")
    assert groups["n"].sum() == fit.n
    assert groups["events"].sum() == fit.events


def test_the_cohort_file_knows_subcohort_cases_and_person_years(whole: Results) -> None:
    people, drawn = everyone(), whole.manifest.cohort.sampled
    assert drawn.members == people["sub"].sum()
    assert drawn.sizes == {name: {"": len(people)} for name in ("death", "a")}
    had = people["cause"] == 1
    assert drawn.cases["a"] == ((had & (people["sub"] == 1)).sum(), (had & (people["sub"] == 0)).sum())
    assert drawn.person_years["death"] == pytest.approx(people["years"].sum(), rel=1e-9)
    assert whole.manifest.cohort.flow[-1].label == "Of the cohort, neither in the subcohort nor a case"
    assert whole.manifest.cohort.flow[-1].remaining == len(sample())
    cuts = whole.manifest.exposures["marker"].cuts
    assert_allclose(cuts, np.quantile(people.loc[people["sub"] == 1, "marker"], [1 / 3, 2 / 3]))
    described = whole.characteristics.query("group == 'All' and kind == 'people' and statistic == 'n'")
    assert described["value"].iloc[0] == people["sub"].sum()


def test_the_report_says_how_people_were_drawn_and_nothing_of_rates(whole: Results) -> None:
    page = page_html(whole)
    for said in (
        "A case-cohort study", "The sample and its cohort", "Prentice RL",
        "everyone in the subcohort with a measurement",
        "Characteristics of the subcohort", "there are no rates",
    ):  # fmt: skip
        assert said in page, said
    assert ">nan<" not in page
    assert whole.incidence.empty
    assert whole.schoenfeld.empty
    assert "score test of Grambsch" not in page
    assert "years on average" not in page
    assert "Rate per" not in page
    content = report_content(whole)
    tables = [table for _, table in content.tables if table.caption.startswith("The sample, and the cohort")]
    assert tables[0].rows[0].cells[1] == "3,000"


def test_a_sample_with_its_size_is_the_cohort_with_its_sample(tmp_path: Path, whole: Results) -> None:
    path = project(tmp_path, sample(), SUBCOHORT + "size = 3000\nperson_years = 7654.0\n", outcomes='"death", "a"')
    found = run(path, cohort_of(path))
    pd.testing.assert_frame_equal(found.estimates, whole.estimates)
    assert found.manifest.cohort.sampled.person_years == {"death": 7654.0, "a": 7654.0}


def test_a_subcohort_drawn_within_strata(tmp_path: Path) -> None:
    people, random = everyone(), np.random.default_rng(2)
    share = np.where(people["rough"] == 1, 0.4, 0.1)
    people["sub"] = (random.random(len(people)) < share).astype(int)
    path = project(tmp_path, people, SUBCOHORT + 'method = "borgan-2"\nstrata = "rough"\n')
    row = run(path, cohort_of(path)).estimates.query("coding == 'linear'").iloc[0]
    fit = by_hand(people, "death", rk.CaseCohort("sub", "borgan-2", strata="rough"))
    assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-7)


def test_sampled_risk_sets_are_those_of_the_model(tmp_path: Path) -> None:
    sets = matched()
    sampling = '[sampling]\ndesign = "nested case-control"\noutcomes = ["death"]\nset = "set"\nmatched_on = ["time"]\n'
    path = project(tmp_path, sets, sampling)
    found = run(path, cohort_of(path))
    data = sets.assign(death=sets["case"])
    fit = rk.cox(
        "Surv(years, death) ~ per(marker, 5) + age + C(sex) + bmi", data, sampling=rk.NestedCaseControl("set", "death")
    )
    row = found.estimates.query("coding == 'linear'").iloc[0]
    assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-7)
    page = page_html(found)
    assert "A nested case-control study" in page
    assert "matched on time" in page
    assert "case-control studies" in page
    assert found.manifest.cohort.sampled.sets == sets["set"].nunique()


def test_matched_sets_without_times_are_conditional_logistic(tmp_path: Path) -> None:
    sets = matched()
    sampling = '[sampling]\ndesign = "matched sets"\noutcomes = ["ill"]\nset = "set"\n'
    path = project(
        tmp_path, sets, sampling, outcomes='"ill"', declared='ill = { label = "Ill", state = "case == 1" }', scale=""
    )
    found = run(path, cohort_of(path))
    fit = rk.clogit("case ~ per(marker, 5) + age + C(sex) + bmi + strata(set)", sets)
    row = found.estimates.query("coding == 'linear'").iloc[0]
    assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-7)
    assert row["n"] == fit.n == found.estimates.query("coding == 'groups'")["n"].sum()
    page = page_html(found)
    assert "conditional logistic regression" in page
    assert "Breslow NE, Day NE" in page
    assert "Prevalence" not in re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    assert "cases of “ill”" in page
    assert "had “ill” at baseline" not in page


def test_counts_of_the_sample_keep_to_the_rule(tmp_path: Path) -> None:
    path = project(tmp_path, everyone(), SUBCOHORT, more="\n[disclosure]\nmin_count = 10\nround_to = 5\n")
    shown = protect(run(path, cohort_of(path)))
    drawn = shown.manifest.cohort.sampled
    assert drawn.members % 5 == 0
    assert all(n % 5 == 0 for n in drawn.cases["death"])
    assert (shown.estimates["n"] % 5 == 0).all()
    page_html(shown)


def spoiled(change: dict[str, object], base: pd.DataFrame) -> pd.DataFrame:
    return base.assign(**change)


@pytest.mark.parametrize(
    ("people", "sampling", "said"),
    [
        (sample, SUBCOHORT, "the size of the cohort they were drawn from cannot be counted; write size"),
        (everyone, SUBCOHORT + "size = 3000\n", "neither in the subcohort nor cases. If they are the whole cohort"),
        (sample, SUBCOHORT + "size = 400\n", "the cohort has 400 people by `size`, but the files have"),
        (lambda: everyone().assign(sub=0), SUBCOHORT, "'sub' is 0 for everybody"),
    ],
)
def test_samples_that_cannot_be_are_refused(tmp_path: Path, people, sampling: str, said: str) -> None:
    path = project(tmp_path, people(), sampling)
    with pytest.raises(DataError, match=said):
        cohort_of(path)


NESTED = '[sampling]\ndesign = "nested case-control"\noutcomes = ["death"]\nset = "set"\n'


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d[~((d["set"] == 3) & (d["case"] == 1))], "1 of .* sets of 'set' have no case, first set 3"),
        (lambda d: d[~((d["set"] == 3) & (d["case"] == 0))], "1 of .* sets of 'set' have no control, first set 3"),
        (lambda d: d.assign(cause=d["cause"].mask((d["set"] == 3), 1)), "have more than one case"),
        (
            lambda d: d.assign(years=d["years"].mask((d["set"] == 3) & (d["case"] == 0), 0.001)),
            "2 controls were not at risk at the time of their case, first in set 3",
        ),
    ],
)
def test_sets_that_are_no_sampled_risk_sets_are_refused(tmp_path: Path, spoil, said: str) -> None:
    path = project(tmp_path, spoil(matched()), NESTED)
    with pytest.raises(DataError, match=said):
        cohort_of(path)


def test_a_member_of_the_subcohort_who_is_not_in_the_cohort_is_found(tmp_path: Path) -> None:
    people = everyone()
    path = project(tmp_path, people.drop(columns="sub"), SUBCOHORT.replace("[sampling]", """
[files.drawn]
path = "drawn.csv"
format = "csv"
[variables.sub]
source = "drawn.sub"
label = "Drawn"
kind = "flag"
codes = { 0 = "no", 1 = "yes" }
[sampling]"""))  # fmt: skip
    drawn = pd.concat([people[["id", "sub"]], pd.DataFrame({"id": [999_999], "sub": [1]})])
    drawn.to_csv(tmp_path / "build/raw/made/drawn.csv", index=False)
    with pytest.raises(DataError, match=r"1 members of the subcohort are not in the cohort .* first of id 999999"):
        cohort_of(path)


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        ('competing = "a"', "competing: would take the sample for the cohort"),
        ('[[exclusions]]\nlabel = "Old"\nwhen = "age > 60"', "exclusions: would leave out people of the sample"),
        ('[[subgroups]]\nname = "m"\nlabel = "M"\nby = "Sex"\nwhen = "sex == \'Men\'"', "subgroups: are not offered"),
        ('[[sensitivity]]\nname = "l"\nlabel = "L"\nlag = 1', "sensitivity: is not offered for a case-cohort sample"),
        ("[robustness]\n", "robustness: is not offered for a case-cohort sample"),
        ("[absolute]\nhorizon = 5\n", "absolute: is not offered"),
    ],
)
def test_what_would_take_the_sample_for_the_cohort_is_refused(tmp_path: Path, asks: str, said: str) -> None:
    exposure = EXPOSURE + ("" if asks.startswith("competing") else asks + "\n")
    path = project(
        tmp_path, everyone(), SUBCOHORT, exposure=exposure, asks=asks if asks.startswith("competing") else ""
    )
    with pytest.raises(SpecError, match=said):
        load_analysis(path)


def test_an_outcome_whose_cases_were_not_all_taken_is_refused(tmp_path: Path) -> None:
    path = project(tmp_path, everyone(), SUBCOHORT.replace('"death", "a"', '"a"'))
    with pytest.raises(SpecError, match="not every case of 'death' is in the sample, which was drawn for a"):
        load_analysis(path)


@pytest.mark.parametrize(
    ("sampling", "said"),
    [
        (SUBCOHORT.replace('subcohort = "sub"', ""), "sampling.subcohort: is required and missing"),
        (SUBCOHORT.replace('"sub"', '"sob"'), "there is no variable 'sob'. Did you mean 'sub'"),
        (SUBCOHORT.replace('"sub"', '"age"'), "'age' is a number; it must be a flag"),
        (SUBCOHORT + 'set = "age"\n', "sampling.set: does not go with 'case-cohort'"),
        (SUBCOHORT + 'method = "borgan-1"\n', "'borgan-1' needs `strata`"),
        (SUBCOHORT + 'strata = "rough"\n', "'prentice' is for a subcohort drawn without strata; write 'borgan-2'"),
        (SUBCOHORT + "sizes = { low = 3 }\n", "is by level of `strata`"),
        (SUBCOHORT.replace('"a"', '"b"'), "there is no outcome 'b'"),
        (SUBCOHORT.replace("case-cohort", "matched sets"), "'death' has follow-up; 'matched sets' are of states"),
        (SUBCOHORT.replace("case-cohort", "nested case-control"), "sets are of the cases of one outcome; name one"),
    ],
)
def test_faults_of_the_table_are_told_by_their_place(tmp_path: Path, sampling: str, said: str) -> None:
    assert "cause" in VARIABLES
    path = project(tmp_path, everyone(), sampling)
    with pytest.raises(SpecError, match=said):
        load_cohort_spec(path.parent.parent / "cohorts/made.toml")
