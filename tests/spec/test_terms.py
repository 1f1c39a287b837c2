"""Covariates are parsed where the file is read: nothing asked for is lost, and every fault is told by its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit import formula
from riskkit.errors import SpecError
from riskkit.report.methods import methods
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis
from riskkit.spec.plan import plan
from riskkit.spec.ranges import kind_of
from riskkit.spec.terms import columns_of, single_terms

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = [path for path in sorted((ROOT / "analyses").glob("*.toml")) if not kind_of(path)]
COHORT = made_cohort("bmi", "sex", "cause", outcomes='death = { label = "Death", event = "cause != \'no\'" }\n')


def analysis(covariates: str, more: str = "") -> str:
    return made_analysis(f"""
outcomes = ["death"]
min_events = 10
{more}
[exposures.marker]
[[models]]
name = "main"
label = "Main"
covariates = {covariates}
""")


def written(tmp_path: Path, covariates: str, more: str = "") -> Path:
    return made_project(tmp_path, made_people(), COHORT, analysis(covariates, more))


def test_a_covariate_is_taken_apart_into_single_terms() -> None:
    assert single_terms(["age * sex", "bmi"]) == ("age", "sex", "age:sex", "bmi")
    assert single_terms(["age + sex", "sex", "rcs(bmi, 4)"]) == ("age", "sex", "rcs(bmi, 4)")
    assert columns_of(("age:sex", "rcs(bmi, 4)")) == ("age", "sex", "bmi")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_task_of_every_analysis_has_exactly_the_terms_asked_for(path: Path) -> None:
    spec, cohort = load_analysis(path)
    age = cohort.follow_up.age if cohort.follow_up else None
    variants = {each.name: each for each in spec.variants}
    for task in plan(spec, age):
        model = next(each for each in spec.models if each.name == task.model)
        gone = {task.exposure, *spec.strata, *([age] if task.time_scale == "age" else [])}
        asked = [term for written in spec.covariates(model) for term in formula.terms(written)]
        without = set(variants[task.variant].without) if task.variant else set()
        kept = [
            ":".join(factor.text for factor in term)
            for term in asked
            if not (len(term) == 1 and term[0].variable in gone)
            and not without & {name for factor in term for name in factor.columns}
        ]
        assert list(task.covariates) == list(dict.fromkeys(kept)), task


def test_a_product_is_fitted_and_told_whole(tmp_path: Path) -> None:
    path = written(tmp_path, '["age", "bmi * sex"]')
    results = run(path, cohort_of(path))
    (text,) = set(results.fits.loc[results.fits["coding"] == "linear", "formula"])
    terms = formula.parse(text).terms[1:]
    assert [":".join(factor.text for factor in term) for term in terms] == ["bmi", "sex", "bmi:sex"]
    told = dict(methods(results))["Models"]
    assert "adjusted for age, BMI, sex and the product of BMI and sex" in told
    assert "bmi:sex=Women" in set(results.coefficients["term"])
    assert {"bmi", "sex"} <= set(results.missing["variable"])


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        ('["age * sex"]', r'covariates\[1\]: .age:sex. is a product with age, .* write strata = \["sex"\]'),
        ('["bmi * sexx"]', r"covariates\[1\]: cohort .made. has no variable .sexx.. Did you mean .sex."),
        ('["rcs(bmi, 40)"]', r"covariates\[1\]: .rcs\(bmi, 40\).: a spline takes 3 to 10 knots"),
        ('["sex", "rsc(bmi, 4)"]', r"covariates\[2\]: .*unknown function .rsc.. Did you mean .rcs."),
        ('["rcs(sex, 4)"]', r".rcs\(sex, 4\). takes a number, and .sex. is a category"),
        ('["rcs(bmi, [30, 20, 25])"]', "knots must be at least three numbers in increasing order"),
        ("[\"C(sex, ref='men')\"]", r".sex. has no level .men.. Did you mean .Men."),
        ('["marker * bmi"]', r".marker:bmi. is a product with the exposure .marker.; ask for it with \[\[interactions"),
        ('["offset(bmi)"]', r"offset\(\.\.\.\) is no covariate"),
        ('["cluster(sex)"]', r"cluster\(\.\.\.\) is no covariate"),
        ('["death ~ bmi"]', "is a whole formula"),
    ],
)
def test_faults_are_told_when_the_file_is_read(tmp_path: Path, covariates: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_analysis(written(tmp_path, covariates))


def test_all_faults_of_terms_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="3 faults"):
        load_analysis(written(tmp_path, '["bmi * sexx", "rcs(bmi, 40)", "rsc(bmi, 4)"]'))


def test_a_product_with_age_is_a_covariate_where_age_is_no_time_scale(tmp_path: Path) -> None:
    spec, _ = load_analysis(written(tmp_path, '["age * sex"]', 'time_scales = ["follow_up"]'))
    assert {task.covariates for task in plan(spec, "age")} == {("age", "sex", "age:sex")}
