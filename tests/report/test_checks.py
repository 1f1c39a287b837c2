from __future__ import annotations

from dataclasses import replace

import pandas as pd
from results_example import example_results, with_frames

from riskkit.questions.cross_check.tell import cross_check_table, cross_check_told
from riskkit.questions.over_time.tell import proportional_hazards
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.telling.associations import Association, associations

RESULTS = example_results(1, 2, scales=1, models=1)
STRAIGHT, NONE = (
    replace(a, outcome_label=label, proportional=0.5, proportional_all=0.2)
    for a, label in zip(associations(RESULTS), ("Cancer", "Stroke"), strict=True)
)
NAN = float("nan")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def crowd_of(n: int) -> list[Association]:
    return [replace(STRAIGHT, outcome_label=f"Outcome {i}") for i in range(1, n + 1)]


def test_proportional_hazards() -> None:
    assert plain(proportional_hazards([STRAIGHT, NONE])).endswith(
        "in 2 models. There was no evidence of change in any (smallest p = 0.50). The test of a whole model, "
        "covariates included, gave evidence of change in 0 of them."
    )
    against = plain(proportional_hazards([STRAIGHT, replace(NONE, proportional=0.004)]))
    assert "There was evidence of change for serum IGF-I with stroke (p = 0.004)." in against
    assert "an average over ages" in against  # as the key findings say of the same model
    follow_up = replace(NONE, proportional=0.004, time_scale="follow_up")
    assert "an average over follow-up" in proportional_hazards([follow_up])
    crowd = [replace(a, proportional=0.04 - i / 1000) for i, a in enumerate(crowd_of(30))]
    assert "change for 30 of them, most clearly for serum IGF-I with outcome 30 (" in plain(proportional_hazards(crowd))
    assert proportional_hazards([replace(STRAIGHT, proportional=NAN)]) == "Proportional hazards were not tested."


def checked(converged: tuple[bool, bool] = (True, True), n: int = 5000) -> Results:
    key = {"exposure": "igf1", "time_scale": "age", "coding": "spline", "model": "age-sex"}
    rows = [
        {
            **key, "outcome": outcome, "software": "lifelines", "version": "0.30.3", "n": n, "events": 400,
            "of_n": 5000, "of_events": 900, "terms": 7, "converged": agreed,
            "max_difference_se": 2e-5 * (i + 1) if agreed else NAN, "max_se_difference": 3e-6 if agreed else NAN,
            "formula": "Surv(t, e) ~ x",
        }
        for i, (outcome, agreed) in enumerate(zip(("all_causes", "cardiovascular"), converged, strict=True))
    ]  # fmt: skip
    return with_frames(RESULTS, cross_check=pd.DataFrame(rows))


def test_the_largest_difference_is_told() -> None:
    assert cross_check_told(checked()) == (
        "2 models, spread evenly over those of the main model, were fitted again by lifelines 0.30.3. The largest "
        "difference of a coefficient was 4e-05 standard errors, which no printed number shows; of a standard error, "
        "0.0003%."
    )
    assert "(on 2,000 people at most, half of them with the outcome" in cross_check_told(checked(n=2000))
    assert cross_check_told(checked((True, False))).endswith(" In 1 of them its steps did not converge.")
    assert cross_check_told(checked((False, False))).endswith("0.30.3. In 2 of them its steps did not converge.")
    wrong = checked()
    wrong = wrong.replaced(cross_check=wrong.cross_check.assign(max_difference_se=0.3))
    assert "0.3 standard errors, which should be looked into" in cross_check_told(wrong)


def test_each_model_that_was_fitted_again_has_its_row() -> None:
    table = cross_check_table(checked((True, False)))
    assert table
    assert table.rows[0].cells == (
        "Serum IGF-I, death from any cause\nspline, Age and sex, attained age; lifelines",
        "400 / 5,000\nof 900 / 5,000", "7",
        "2e-05", "0.0003%",
    )  # fmt: skip
    assert table.rows[1].cells[-2:] == ("did not converge", "–")


def test_a_run_without_a_cross_check_says_nothing_of_it() -> None:
    assert cross_check_told(RESULTS) == ""
    assert cross_check_table(RESULTS) is None


def test_the_page_prints_the_cross_check() -> None:
    results = checked()
    names = ("estimates", "curves", "tests", "fits")
    empty = {name: getattr(results, name).iloc[:0] for name in names}
    html = page_html(results.replaced(**empty))
    assert "Cross-check by other software" in html
    assert "fitted again by lifelines 0.30.3" in html
