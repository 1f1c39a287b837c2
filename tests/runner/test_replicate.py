"""The script that makes a report's estimates again in R: its words, and that it finds what is wrong."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.disclosure import protect
from riskkit.errors import SpecError
from riskkit.report.replicate import in_r, replication, replication_table
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.disclosure import DisclosureSpec


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("y ~ x", "`y` ~ `x`"),
        ("Surv(a, b, d) ~ rcs(x, [1, 2, 4]) + strata(s, t)",
         "Surv(`a`, `b`, `d`) ~ rms::rcs(`x`, c(1.0, 2.0, 4.0)) + strata(`s`, `t`)"),
        ("Surv(b, d) ~ per(x, 5) + log(z + 1)", "Surv(`b`, `d`) ~ I(`x` / 5.0) + log(`z` + 1.0)"),
        ("y ~ groups(x, [1, 2], ref=2)", "`y` ~ relevel(cut(`x`, c(-Inf, c(1.0, 2.0), Inf)), 2)"),
        ("y ~ rcs(log(x), [0, 1, 2])", "`y` ~ rms::rcs(log(`x`), c(0.0, 1.0, 2.0))"),
        ("y ~ C(k, ref='a\"b') * z", '`y` ~ relevel(factor(`k`), "a\\"b") + `z` + relevel(factor(`k`), "a\\"b"):`z`'),
        ("y ~ rcs(x, 4) + rcs(z)", "`y` ~ rms::rcs(`x`, 4) + rms::rcs(`z`, 5)"),
        ("y ~ 1", "`y` ~ 1"),
    ],
)  # fmt: skip
def test_a_formula_in_r_s_words(ours: str, theirs: str) -> None:
    assert in_r(ours) == theirs


@pytest.mark.parametrize(
    "formula", ["y ~ ps(x)", "y ~ x + cluster(k)", "Surv(b, d) ~ tv(x, 'log')", "y ~ fp(x, [1, 2])"]
)
def test_what_r_has_no_such_words_for_is_said(formula: str) -> None:
    with pytest.raises(SpecError, match="not remade"):
        in_r(formula)


def ask(script: str, results: Results, analysis: Path, folder: Path) -> tuple[int, str]:
    (folder / "replicate.R").write_text(script, encoding="utf-8")
    table = replication_table(results, cohort_of(analysis))
    table.to_csv(folder / "table.csv", index=False)
    done = subprocess.run(
        ["Rscript", "--vanilla", "replicate.R", "table.csv"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_every_estimate_is_made_again_in_r(results: Results, analysis: Path, tmp_path: Path, with_r: None) -> None:
    script = replication(results)
    code, said = ask(script, results, analysis, tmp_path)
    assert code == 0, said
    assert said.count("apart by") == 6, said  # of two outcomes as spline, groups and line; the third has few events
    assert "marker, death, spline: 1433 people" in said

    wrong = results.coefficients.copy()
    row = wrong.index[(wrong["model"] == "full") & (wrong["coding"] == "linear") & (wrong["time_scale"] == "age")][0]
    wrong.loc[row, "estimate"] += 2e-6 * wrong.loc[row, "se"]
    code, said = ask(replication(results.replaced(coefficients=wrong)), results, analysis, tmp_path)
    assert (code, "A number is not the report's." in said) == (1, True), said

    fewer = results.fits.copy()
    fewer.loc[fewer["model"] == "full", "n"] -= 1
    code, said = ask(replication(results.replaced(fits=fewer)), results, analysis, tmp_path)
    assert code == 1, said


def test_a_rule_on_small_numbers_leaves_nothing_to_compare(results: Results) -> None:
    facts = replace(results.manifest.cohort, disclosure=DisclosureSpec(min_count=10, round_to=5))
    script = replication(protect(results.replaced(manifest=results.manifest.replaced(cohort=facts))))
    assert script.count("limits its digits") == 6
    assert "coefficients = " not in script


STATES = made_cohort(
    "sex",
    variables={
        "ill": 'label = "Ill", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
        "place": 'label = "Pl\\"ace é", kind = "category", codes = { 1 = "A \\"x\\"", 2 = "Bé 🧪", 3 = "C" }',
    },
    outcomes='is_ill = { label = "Illness", state = "ill == 1" }',
)
ODDS = made_analysis("""
outcomes = ["is_ill"]
time_scales = ["none"]
[exposures.marker]
[[models]]
name = "one"
label = "Age, sex and place"
covariates = ["rcs(age, 4)", "sex", "place"]
[[exclusions]]
label = "Very young"
when = "age < 42"
""")


def test_states_categories_without_cases_and_exclusions(tmp_path: Path, with_r: None) -> None:
    people = made_people(1200)
    people["place"] = people["id"] % 40 // 19 + 1
    people["ill"] = ((people["marker"] + people["age"] * 0.2 + people["id"] % 7) > 36).astype(int)
    people.loc[people["place"] == 3, "ill"] = 0
    analysis = made_project(tmp_path / "made", people, STATES, ODDS)
    results = run(analysis, cohort_of(analysis))
    assert (results.fits["n_without_events"] > 0).all()
    code, said = ask(replication(results), results, analysis, tmp_path)
    assert code == 0, said
    assert said.count("apart by") == len(results.fits) > 1, said
