"""An attacker against three reports with planted cells: nothing is found under the rule, and everything without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from attacker import Claim, Report, attack, groups_against_reference, of_risks, of_two_reports, tables_of_two
from made_cohort import cohort_of, made_analysis, made_cohort, made_project
from study_example import of_cohort

from riskkit.disclosure import protect
from riskkit.disclosure.policy import Policy
from riskkit.report.content import report_content
from riskkit.report.document import write_docx
from riskkit.report.explorer import explorer
from riskkit.report.page import content_html, write_report
from riskkit.results import Results, reported
from riskkit.runner import run

PARTS = {"death": ("cause_a", "cause_b", "cause_c")}


@dataclass(frozen=True)
class Planted:
    """A cohort, what is asked of it, and the numbers that nobody may find."""

    cohort: str
    analysis: str
    people: pd.DataFrame
    policy: Policy
    cells: Mapping[str, int]
    parts: Mapping[str, Sequence[str]]


def flag(label: str) -> str:
    return f'label = "{label}", kind = "number"'


def ill() -> Planted:
    """The four hundred of the issue: a crude odds ratio of 3, 22, 140 and 235 people; six who take a tablet."""
    random = np.random.default_rng(4)
    cells = {(1, 1): 3, (1, 0): 22, (0, 1): 140, (0, 0): 235}
    carrier, ill = (np.repeat([key[i] for key in cells], list(cells.values())) for i in (0, 1))
    n = len(carrier)
    frame = pd.DataFrame({"id": np.arange(n), "carrier": carrier, "ill": ill})
    frame["age"] = random.uniform(40, 70, n).round(1)
    frame["marker"] = random.normal(50, 8, n).round(2)
    frame["years"] = 1.0
    frame["walks"] = (random.random(n) < 0.4).astype(int)
    frame["tablet"] = 0
    frame.loc[random.choice(n, 6, replace=False), "tablet"] = 1
    frame["region"] = random.integers(1, 3, n)
    frame.loc[random.choice(n, 8, replace=False), "region"] = 3
    cohort = made_cohort(
        variables={
            **{name: flag(name.capitalize()) for name in ("carrier", "walks", "tablet")},
            "ill": 'label = "Ill", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
            "region": 'label = "Region", kind = "category", codes = { 1 = "A", 2 = "B", 3 = "C" }',
        },
        outcomes='is_ill = { label = "Illness", state = "ill == 1" }\n[disclosure]\nmin_count = 10\nround_to = 5\n',
    )
    asks = """
outcomes = ["is_ill"]
characteristics = ["age", "tablet", "region"]
min_events = 2
[exposures.marker]
[exposures.carrier]
spline = false
groups = false
per = 1.0
[exposures.walks]
spline = false
groups = false
per = 1.0
[[models]]
name = "crude"
label = "Nothing"
covariates = []
[[models]]
name = "age"
label = "Age"
covariates = ["age"]
"""
    cells = {
        "carrier is_ill: exposed cases": 3, "tablet, All: people with 1": 6, "region C, All": 8,
    }  # fmt: skip
    return Planted(cohort, made_analysis(asks), frame, Policy(10, 5), cells, {})


def dead() -> Planted:
    """Nine hundred followed up: carriers of whom 7 and 1 died, causes that leave 9, men of whom 7 died, 7 imputed."""
    random = np.random.default_rng(7)
    n = 900
    order = random.permutation(n)
    causes = np.zeros(n, dtype=int)
    causes[order[:102]], causes[order[102:149]], causes[order[149:158]] = 1, 2, 3
    died, alive = order[:158], order[158:]
    frame = pd.DataFrame({"id": np.arange(n), "cause": causes})
    frame["age"] = random.uniform(40, 70, n).round(1)
    frame["marker"] = random.normal(50, 8, n).round(2)
    frame["years"] = random.uniform(1, 10, n).round(2)
    for name, deaths, others in (("carrier", 7, 60), ("gene", 1, 40)):
        frame[name] = 0
        frame.loc[[*died[:deaths], *alive[:others]], name] = 1
    frame["sex"] = 2
    frame.loc[[*died[20:27], *alive[100:400]], "sex"] = 1
    frame["smokes"] = random.integers(1, 3, n).astype(float)
    frame.loc[alive[600:607], "smokes"] = np.nan
    frame["fell"] = 0
    frame.loc[alive[500:504], "fell"] = 1
    cohort = made_cohort(
        "sex",
        "cause",
        variables={
            **{name: flag(name.capitalize()) for name in ("carrier", "gene")},
            "fell": 'label = "Fell", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
            "smokes": 'label = "Smoking", kind = "category", codes = { 1 = "never", 2 = "ever" }',
        },
        outcomes="""
death = { label = "Death", event = "cause != 'no'" }
cause_a = { label = "Death of cause A", event = "cause == 'a'" }
cause_b = { label = "Death of cause B", event = "cause == 'b'" }
cause_c = { label = "Death of cause C", event = "cause == 'c'" }
fall = { label = "Fall", event = "fell == 1" }
[disclosure]
min_count = 10
round_to = 5
""",
    )
    asks = """
time_scales = ["follow_up"]
outcomes = ["death", "cause_a", "cause_b", "cause_c", "fall"]
characteristics = ["age", "sex"]
min_events = 5
absolute = { horizon = 9, competing = "death" }
[exposures.marker]
[exposures.carrier]
spline = false
groups = false
per = 1.0
[exposures.gene]
spline = false
groups = false
per = 1.0
[[models]]
name = "main"
label = "Age and smoking"
covariates = ["age", "smokes"]
[[subgroups]]
name = "women"
label = "Women"
by = "Sex"
when = "sex == 'Women'"
[[subgroups]]
name = "men"
label = "Men"
by = "Sex"
when = "sex == 'Men'"
[imputation]
m = 5
iterations = 5
seed = 1
"""
    cells = {
        "carrier death: fewer events": 7, "gene death: fewer events": 1, "cause_c of death: events": 9,
        "marker death, all but women: events": 7, "marker smokes: imputed": 7, "marker fall : events": 4,
    }  # fmt: skip
    return Planted(cohort, made_analysis(asks), frame, Policy(10, 5), cells, PARTS)


def fewer() -> Planted:
    """Five hundred under another rule, four of whom a second analysis leaves out; five at the top of the marker die."""
    random = np.random.default_rng(9)
    n = 500
    frame = pd.DataFrame({"id": np.arange(n), "marker": np.sort(random.normal(50, 8, n)).round(2)})
    frame["age"] = random.uniform(40, 70, n).round(1)
    frame["years"] = random.uniform(1, 10, n).round(2)
    frame["cause"] = 0
    frame.loc[random.choice(390, 80, replace=False), "cause"] = 1
    frame.loc[random.choice(np.arange(405, n), 5, replace=False), "cause"] = 1
    frame["visit"] = 1
    frame.loc[[10, 210, 310, 410], "visit"] = 0
    cohort = made_cohort(
        "cause",
        variables={"visit": 'label = "Came", kind = "flag", codes = { 0 = "no", 1 = "yes" }'},
        outcomes="""
death = { label = "Death", event = "cause != 'no'" }
[disclosure]
min_count = 6
round_to = 3
""",
    )
    asks = """
time_scales = ["follow_up"]
outcomes = ["death"]
characteristics = ["age"]
min_events = 5
[exposures.marker]
[[models]]
name = "main"
label = "Age"
covariates = ["age"]
"""
    cells = {
        "marker death Q5: events": 5, "death Q5: first events": 1,
    }  # fmt: skip
    return Planted(cohort, made_analysis(asks), frame, Policy(6, 3), cells, {})


MADE = {"ill": ill, "dead": dead, "fewer": fewer}
LESS = '[[exclusions]]\nlabel = "Did not come"\nwhen = "visit == 0"\n'


@pytest.fixture(scope="module", params=MADE)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, Results, Path]:
    made = MADE[request.param]()
    root = tmp_path_factory.mktemp(request.param)
    analysis = made_project(root, made.people, made.cohort, made.analysis)
    return made, run(analysis, cohort_of(analysis)), root


def bare_report(results: Results, folder: Path) -> Report:
    """The files of a report to which no rule was applied, without drawings."""
    bare = results.replaced(of_cohort(results.manifest, disclosure=None))
    (folder / "data").mkdir(parents=True)
    (folder / "tables").mkdir()
    content = report_content(bare)
    (folder / "index.html").write_text(content_html(content, {}, explorer(bare)), encoding="utf-8")
    for name, table in content.tables:
        (folder / "tables" / f"{name}.csv").write_text(table.to_csv(), encoding="utf-8")
    for name in reported():
        bare.frames[name].to_parquet(folder / "data" / f"{name}.parquet")
    return Report(folder, None)


def safe_report(results: Results, folder: Path) -> Report:
    """Every file of the report under its rule."""
    safe = protect(results)
    write_report(safe, folder)
    write_docx(safe, folder)
    rule = safe.manifest.disclosed
    assert rule is not None
    return Report(folder, Policy(rule.min_count, rule.round_to))


def found(claims: Sequence[Claim], what: str, policy: Policy) -> set[int]:
    return {value for each in claims if each.what == what and each.finds(policy) for value in each.values}


def test_the_attacker_finds_no_small_number_in_any_file(planted: tuple[Planted, Results, Path]) -> None:
    made, results, root = planted
    report = safe_report(results, root / "reports" / "marker")
    assert not {"cells", "cells_of_outcomes", "cells_of_values"} & {path.stem for path in report.folder.rglob("*")}
    claims = list(attack(report, made.parts))
    assert claims
    assert [(each.what, sorted(each.values), each.how) for each in claims if each.finds(made.policy)] == []


def test_no_reason_tells_that_a_cell_of_a_line_of_two_values_is_empty(planted: tuple[Planted, Results, Path]) -> None:
    _, results, _ = planted
    told = protect(results).failures.query("exposure in ('carrier', 'gene', 'walks')")
    assert told["reason"].str.startswith("Not shown: fewer than").all()
    assert not {"imputed"} & set(told["variant"])


def test_the_attacker_finds_every_planted_number_without_the_rule(planted: tuple[Planted, Results, Path]) -> None:
    made, results, root = planted
    claims = list(attack(bare_report(results, root / "bare"), made.parts))
    assert {what: found(claims, what, made.policy) for what in made.cells} == {
        what: {number} for what, number in made.cells.items()
    }


def test_risks_of_all_causes_less_those_that_are_shown_tell_of_the_other_without_the_rule(tmp_path: Path) -> None:
    made = dead()
    analysis = made_project(tmp_path, made.people, made.cohort, made.analysis)
    results = run(analysis, cohort_of(analysis))
    few = (made.people["cause"] == 3) & (made.people["years"] <= 9)
    hidden = results.replaced(absolute_risks=results.absolute_risks.query("outcome != 'cause_c'"))
    bare = [each for each in of_risks(bare_report(hidden, tmp_path / "bare"), PARTS) if "cause_c" in each.what]
    assert bare
    assert any(abs(value - few.sum()) <= 2 for each in bare for value in each.values)
    assert max(len(each.values) for each in bare) <= 2
    safe = safe_report(results, tmp_path / "reports" / "marker")
    told = [each for each in of_risks(safe, PARTS) if "cause_c" in each.what]
    assert told
    assert min(len(each.values) for each in told) >= made.policy.round_to - 1


def test_rounding_is_not_undone_by_ratios(tmp_path: Path) -> None:
    """Every count behind a crude odds ratio keeps the values that its rounding leaves; with all digits it has one."""
    made = ill()
    analysis = made_project(tmp_path, made.people, made.cohort, made.analysis)
    results = run(analysis, cohort_of(analysis))
    report = safe_report(results, tmp_path / "reports" / "marker")
    claims = [*groups_against_reference(report), *(each for each in tables_of_two(report) if "walks" in each.what)]
    assert {each.how.split()[0] for each in claims} == {"odds"}
    assert min(len(each.values) for each in claims) >= made.policy.round_to - 1
    safe, bare = (pd.read_parquet(report.folder / "data/estimates.parquet"), results.estimates)
    mixed = tmp_path / "mixed"
    (mixed / "data").mkdir(parents=True)
    key = ["exposure", "outcome", "time_scale", "coding", "model", "level"]
    full = safe.drop(columns=["estimate", "se"]).merge(bare[[*key, "estimate", "se"]], on=key)
    full.to_parquet(mixed / "data/estimates.parquet")
    results.fits.to_parquet(mixed / "data/fits.parquet")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("attacker._of_table", exact)
        undone = list(groups_against_reference(Report(mixed, made.policy)))
    assert np.mean([len(each.values) == 1 for each in undone]) > 0.9


def exact(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, rule: Policy | None
) -> tuple[np.ndarray, np.ndarray]:
    return np.log(a * d / (b * c)), np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)


def test_two_reports_do_not_tell_of_the_few_between_them(tmp_path: Path) -> None:
    made = fewer()
    analysis = made_project(tmp_path, made.people, made.cohort, made.analysis)
    other = analysis.with_name("less.toml")
    other.write_text(made.analysis + LESS, encoding="utf-8")
    cohort = cohort_of(analysis)
    both = [run(path, cohort) for path in (analysis, other)]
    safe = [safe_report(each, tmp_path / "reports" / name) for each, name in zip(both, "ab", strict=True)]
    bare = [bare_report(each, tmp_path / "bare" / name) for each, name in zip(both, "ab", strict=True)]
    assert [each for each in of_two_reports(*safe) if each.finds(made.policy)] == []
    left = [each for each in of_two_reports(*bare) if each.finds(made.policy)]
    assert {4} in [set(each.values) for each in left]
    years = made.people.loc[made.people["visit"] == 0, "years"].sum()
    exact_years = [each for each in of_two_reports(*bare) if "person-years" in each.what]
    assert all(abs(min(each.values) - years) <= 1 for each in exact_years)
    loose = [each for each in of_two_reports(*safe) if "person-years" in each.what]
    assert min(len(each.values) for each in loose) >= 20


def test_a_cohort_without_a_rule_keeps_no_cells(tmp_path: Path) -> None:
    made = fewer()
    cohort = made.cohort.split("[disclosure]")[0]
    analysis = made_project(tmp_path, made.people, cohort, made.analysis)
    results = run(analysis, cohort_of(analysis))
    results.write(tmp_path / "results")
    assert {path.stem for path in (tmp_path / "results").glob("*.parquet")} == set(reported())
    assert protect(results) is results
