from __future__ import annotations

import pytest
from results_example import example_results
from study_example import of_cohort

from riskkit.questions.variants.tell import _change
from riskkit.report.limitations import limitations, used_variables
from riskkit.report.methods import covariate, methods
from riskkit.spec.analysis import SensitivitySpec
from riskkit.telling.associations import associations

RESULTS = example_results(1, 2)


def told() -> dict[str, str]:
    return {heading: text.replace("\u00a0", " ") for heading, text in methods(RESULTS)}


def test_methods_state_what_was_done() -> None:
    text = told()
    assert text["Design and people"] == (
        "A prospective cohort study: The Example Cohort [@cohort]. Adults examined in 1988 to 1994. Of 6,061 people, "
        "161 were excluded for the reasons in the flow diagram, and 5,900 remained."
    )
    assert text["Exposure"].startswith(
        "Serum IGF-I was modelled as a restricted cubic spline [@durrleman] with 4 knots at 60, 126, 168 and 252 ng/mL "
        "(reference: the median, 150 ng/mL), 5 groups cut at 102, 135, 165 and 204 ng/mL "
        "(reference: Q1, counted from the lowest) and a straight line "
        "per SD (60 ng/mL)."
    )
    models = text["Models"]
    assert "Cox regression [@cox] with attained age as the time scale and delayed entry at the age of entry" in models
    assert (
        "The main model, “+ smoking and BMI”, was adjusted for age (restricted cubic spline with 4 knots), sex"
        in models
    )
    assert "fitted again with time since entry as the time scale" in models
    assert "Efron" in models
    assert "95% confidence intervals" in text["Tests and intervals"]
    assert "excluded 8 people in the model “Age and sex”, 41 people in" in text["Missing data"]
    assert "fewer than 20 events" in text["Missing data"]
    assert text["Software"] == "riskkit 0.1.0 with Python 3.12.1, numpy 2.1.0 [@numpy] and pandas 2.2.3 [@pandas]."


def test_outcomes_come_with_their_follow_up_and_notes() -> None:
    assert told()["Outcomes and follow-up"] == (
        "The outcomes were death from any cause and death from cardiovascular disease. Follow-up began at "
        "examination, 1988 to 1994, and ended at death or 31 December 2019. People without the outcome by then were "
        "censored, as were those whose follow-up another event had ended (cause-specific hazards). "
        "Death from any cause: Any underlying cause."
    )


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("sex", "sex"), ("rcs(bmi, 4)", "body mass index (restricted cubic spline with 4 knots)"),
        ("log(crp)", "CRP (logarithm)"), ("rcs(bmi, [20, 25, 30])", "body mass index (rcs(bmi, [20, 25, 30]))"),
    ],
)  # fmt: skip
def test_covariates_in_words(term: str, text: str) -> None:
    assert covariate(term, {"sex": "Sex", "bmi": "Body mass index", "crp": "CRP"}) == text


def test_limitations_include_the_notes_of_used_variables_only() -> None:
    text = limitations(RESULTS, associations(RESULTS))
    assert "IGF-I was measured once." in text
    assert "Serum IGF-I: Trimmed upstream." in text
    assert "Age: 90 means 90 or older." in text
    assert not any("belongs to no model" in each for each in text)
    assert any(each.startswith("2 pairs of exposure and outcome were examined") for each in text)
    assert used_variables(RESULTS.manifest) == ["igf1", "age", "sex", "smoking", "bmi"]


def test_simulated_data_are_the_first_limitation() -> None:
    simulated = RESULTS.replaced(of_cohort(RESULTS.manifest, simulated=True))
    assert limitations(simulated, associations(simulated))[0].startswith("The data are simulated")
    assert dict(methods(simulated))["Design and people"].startswith("A simulated cohort")


@pytest.mark.parametrize(("lag", "years"), [(0.5, "0.5 years"), (1.0, "1 year"), (2.0, "2 years")])
def test_a_lag_is_told_in_years(lag: float, years: str) -> None:
    change = SensitivitySpec(name="later", label="Later", lag=lag)
    assert _change(change) == f"later (the first {years} of follow-up excluded)"
