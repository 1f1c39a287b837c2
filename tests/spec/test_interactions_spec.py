"""Interactions and robustness in an analysis file: every fault by its place, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskkit.errors import SpecError
from riskkit.spec.analysis import load_analysis

ROOT = Path(__file__).resolve().parent.parent.parent
ANALYSIS = """
title = "IGF-I and death"
question = "Do they go together?"
cohort = "nhanes3"
outcomes = ["all_causes"]
strata = ["race_ethnicity"]
[exposures.igf1]
[[models]]
name = "age-sex"
label = "Age and sex"
covariates = ["sex"]
"""


@pytest.fixture
def load(tmp_path):
    def write(more: str, text: str = ANALYSIS):
        (tmp_path / "analyses").mkdir()
        (tmp_path / "cohorts").symlink_to(ROOT / "cohorts")
        path = tmp_path / "analyses" / "a.toml"
        path.write_text(text + more)
        return load_analysis(path)[0]

    return write


def test_what_is_declared_is_read(load):
    spec = load(
        """
[[interactions]]
modifier = "sex"
additive = { exposure = ["p10", 200], modifier = ["Male", "Female"] }
[[interactions]]
modifier = "raised_hba1c"
[robustness]
negative_controls = ["accidents"]
leave_one_out = "race_ethnicity"
[[robustness.confounders]]
label = "Frailty"
prevalence = [0.1, 0.2]
"""
    )
    assert spec.interactions[0].additive.exposure == ("p10", 200)
    assert spec.robustness.evalues
    assert spec.robustness.confounders[0].prevalence == (0.1, 0.2)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[interactions]]\nmodifier = "sexx"', "interactions[1].modifier: cohort 'nhanes3' has no variable 'sexx'"),
        ('[[interactions]]\nmodifier = "bmi"', "'bmi' is a number. Make groups of it in the cohort's [derived]"),
        (
            '[[interactions]]\nmodifier = "sex"\n' * 2,
            "interactions[2].modifier: 'sex' is the modifier of an earlier one",
        ),
        (
            '[[interactions]]\nmodifier = "sex"\nadditive = { exposure = [1, 2], modifier = ["Mal", "Female"] }',
            "interactions[1].additive.modifier[1]: 'sex' has no level 'Mal'. Did you mean 'Male'?",
        ),
        (
            '[[interactions]]\nmodifier = "raised_hba1c"\nadditive = { exposure = [1, 2], modifier = ["yes", "No"] }',
            "'raised_hba1c' has no level 'yes'. Did you mean 'Yes'?",
        ),
        (
            '[[interactions]]\nmodifier = "sex"\nadditive = { exposure = ["low", 2], modifier = ["Male", "Female"] }',
            "must be a number, 'median' or a percentile such as 'p10'; got 'low'",
        ),
        (
            '[[interactions]]\nmodifier = "sex"\nadditive = { exposure = [2, 2], modifier = ["Male", "Female"] }',
            "interactions[1].additive.exposure: the two levels are the same",
        ),
        (
            '[[interactions]]\nmodifier = "race_ethnicity"\n'
            'additive = { exposure = [1, 2], modifier = ["Other", "Non-Hispanic white"] }',
            "'race_ethnicity' is a stratum, whose own ratio is not estimated",
        ),
        ('[robustness]\nnegative_controls = ["accident"]', "no outcome 'accident'. Did you mean 'accidents'?"),
        ('[robustness]\nnegative_controls = ["all_causes"]', "'all_causes' is an outcome of this analysis"),
        ('[robustness]\nnegative_controls = ["atp3"]', "'atp3' is a state at baseline (odds ratios)"),
        (
            '[robustness]\nleave_one_out = "region"',
            "robustness.leave_one_out: cohort 'nhanes3' has no variable 'region'",
        ),
        ('[robustness]\nleave_one_out = "age"', "robustness.leave_one_out: 'age' is a number"),
        ("[robustness]\ninfluence = -1", "robustness.influence: must be at least 0; got -1"),
        ("[robustness]\nbootstrap = 1", "robustness.bootstrap: must be 0 (none) or at least 2"),
        ("[robustness]\nevalue = true", "robustness.evalue: unknown field. Did you mean 'evalues'?"),
        (
            '[robustness]\n[[robustness.confounders]]\nlabel = "x"\nprevalence = [0.2, 20]',
            "robustness.confounders[1].prevalence[2]: is a share, 0 to 1; got 20",
        ),
        (
            '[robustness]\n[[robustness.confounders]]\nlabel = "x"\nprevalence = [0.2, 0.2]',
            "both are the same: it could not confound",
        ),
    ],
)
def test_faults_are_said_by_their_place(load, more, said):
    with pytest.raises(SpecError) as error:
        load(more)
    assert said in str(error.value)


def test_both_need_a_coding_that_can_answer(load):
    text = ANALYSIS.replace("[exposures.igf1]", "[exposures.igf1]\nspline = false\nper = false")
    with pytest.raises(SpecError) as error:
        load('[[interactions]]\nmodifier = "sex"\n[robustness]\n', text)
    assert "interactions: need a spline or a straight line, and 'igf1' has neither." in str(error.value)
    assert "robustness: is about linear estimates, and 'igf1' has none: it says per = false." in str(error.value)


ON_FOLLOW_UP = ANALYSIS.replace('covariates = ["sex"]', 'covariates = ["age", "sex"]')
BY_AGE = '[[interactions]]\nmodifier = "age_group"\n'
ON_AGE = "'age_group' is age at entry, and attained age is the time scale: .*Write time_scale = \"follow_up\" in this"


def test_age_at_entry_is_no_modifier_where_attained_age_is_the_time_scale_and_the_advice_is_right(load):
    with pytest.raises(
        SpecError, match=rf'{ON_AGE} \[\[interactions\]\], and "follow_up" in time_scales with age as a'
    ):
        load(BY_AGE)


def test_the_advice_followed_is_accepted(load):
    scales = 'time_scales = ["age", "follow_up"]\n[exposures.igf1]'
    spec = load(f'{BY_AGE}time_scale = "follow_up"', ON_FOLLOW_UP.replace("[exposures.igf1]", scales))
    assert spec.interactions[0].time_scale == "follow_up"


def test_a_time_scale_that_the_analysis_has_not_is_refused(load):
    with pytest.raises(SpecError, match=r'none of the analysis\'s\. Write time_scales = \["age", "follow_up"\]\.'):
        load(f'{BY_AGE}time_scale = "follow_up"')


def test_age_is_a_modifier_where_follow_up_is_the_first_scale(load):
    scales = 'time_scales = ["follow_up"]\n[exposures.igf1]'
    assert load(BY_AGE, ON_FOLLOW_UP.replace("[exposures.igf1]", scales)).interactions[0].time_scale is None
