"""A variable from which the outcome follows, or that follows from the exposure, is no covariate: refused by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_cohort import made_analysis, made_cohort, made_people, made_project

from riskkit.errors import SpecError
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

YES_NO = 'kind = "flag", codes = { 0 = "no", 1 = "yes" }'
VARIABLES = {"died": f'label = "Died", {YES_NO}', "card": f'label = "Has a card", {YES_NO}'}
DERIVED = """
[derived]
early = { label = "Early", kind = "flag", expression = "died == 1 and marker < 20" }
twice = { label = "Twice", kind = "number", expression = "2 * years" }
low = { label = "Low", kind = "category", cases = [{ when = "marker < 15", then = "low" }] }
squared = { label = "Squared", kind = "number", expression = "marker ** 2" }
ratio = { label = "Ratio", kind = "number", expression = "marker / age" }
[outcomes]
"""
ASKS = """
outcomes = ["death"]
{more}
[exposures.{exposure}]
[[models]]
name = "m"
label = "M"
covariates = {covariates}
"""


def project(root: Path, covariates: str, exposure: str = "marker", more: str = "", event: str = "died == 1") -> Path:
    people = made_people(600)
    people["died"] = people["card"] = (people["cause"] > 0).astype(int)
    text = made_cohort("sex", outcomes=f'death = {{ label = "Death", event = "{event}" }}', variables=VARIABLES)
    text = text.replace("[outcomes]\n", DERIVED, 1)
    return made_project(
        root, people, text, made_analysis(ASKS.format(exposure=exposure, covariates=covariates, more=more))
    )


@pytest.mark.parametrize(
    ("covariates", "exposure", "more", "expected"),
    [
        ('["died"]', "marker", "", "models[1].covariates[1]: 'died' says how long follow-up lasts or who has"),
        ('["early"]', "marker", "", "'early' is made from 'died', and 'died' says how long"),
        ('["log(twice)"]', "marker", "", "'twice' is made from 'years', and 'years' says how long"),
        ("[]", "twice", "", "exposures.twice: 'twice' is made from 'years'"),
        ("[]", "years", "", "exposures.years: 'years' says how long follow-up lasts"),
        ("[]", "marker", 'strata = ["died"]', "strata[1]: 'died' says how long"),
        ('["low"]', "marker", "", "'low' is made from the exposure 'marker'"),
        ('["sex", "ratio"]', "marker", "", "models[1].covariates[2]: 'ratio' is made from the exposure 'marker'"),
        ('["marker"]', "squared", "", "the exposure 'squared' is made from 'marker' alone"),
    ],
)
def test_it_is_refused_when_the_file_is_read(
    tmp_path: Path, covariates: str, exposure: str, more: str, expected: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        load_analysis(project(tmp_path, covariates, exposure, more))
    assert expected in str(refusal.value)


def test_a_ratio_may_stand_beside_one_of_its_parts(tmp_path: Path) -> None:
    load_analysis(project(tmp_path, '["marker"]', exposure="ratio"))


def failures(results: Results) -> pd.Series:
    assert results.fits.empty
    return results.failures["reason"]


@pytest.mark.parametrize("asked", [{"covariates": '["card"]'}, {"covariates": "[]", "more": 'strata = ["card"]'}])
def test_a_copy_of_the_outcome_is_known_by_the_data(tmp_path: Path, asked: dict[str, str]) -> None:
    """All 253 people without a card live, and all 347 with one die: the hazard ratio among those says nothing."""
    reasons = failures(run(project(tmp_path, **asked)))
    assert len(reasons) == 3
    assert reasons.str.contains("'card'").all()
    assert reasons.str.contains("says who has").all()


def test_the_flag_of_an_outcome_of_several_conditions(tmp_path: Path) -> None:
    reasons = failures(run(project(tmp_path, '["died"]', event="died == 1 and age > 40")))
    assert reasons.str.contains("'died' has a category without events").all()


def test_follow_up_as_the_time_scale_without_age_is_remarked_on(tmp_path: Path) -> None:
    on_follow_up = 'time_scales = ["follow_up"]'
    told = run(project(tmp_path / "a", '["sex"]', more=on_follow_up)).manifest.remarks
    assert len(told) == 1
    assert "not adjusted for age" in told[0]
    assert run(project(tmp_path / "b", '["rcs(age, 3)"]', more=on_follow_up)).manifest.remarks == ()
    assert run(project(tmp_path / "c", '["sex"]')).manifest.remarks == ()
