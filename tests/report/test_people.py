from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import made_analysis, made_cohort, made_people, made_project
from results_example import example_results, with_frames

from riskkit.describe.age_and_sex import by_age_and_sex
from riskkit.questions.people.tell import age_and_sex_figure, missing_told
from riskkit.runner import run
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

RESULTS = example_results(1, 2, scales=1, models=1)
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


def test_the_exposure_by_age_and_sex_tells_its_first_and_last_median() -> None:
    age = np.repeat([42.0, 67.0], 101)
    people = pd.DataFrame({"igf1": [*range(100, 201), *range(50, 151)], "age": age, "sex": "Women"})
    results = with_frames(RESULTS, by_age_and_sex=by_age_and_sex(people, "igf1", "age", "sex"))
    figure = age_and_sex_figure(results, "igf1", TEXT, FOUND)
    assert figure
    assert figure.finding.replace("\u00a0", " ") == (
        "Women: median 150 ng/mL at 40 to 45 years and 100 ng/mL at 65 to 70 years."
    )
    assert [row.cells for row in figure.table.rows] == [
        ("Women",), ("40 to under 45", "101", "105", "125", "150", "175", "195"),
        ("65 to under 70", "101", "55", "75", "100", "125", "145"),
    ]  # fmt: skip
    assert age_and_sex_figure(results, "igfbp3", TEXT, FOUND) is None


def test_a_run_without_it_has_no_such_figure() -> None:
    assert age_and_sex_figure(RESULTS, "igf1", TEXT, FOUND) is None


@pytest.mark.parametrize("covariate", ["bmi", "rcs(bmi, 3)", "log(bmi)", "sex * bmi", "sex:bmi"])
def test_a_missing_covariate_is_counted_wherever_it_stands_in_a_term(covariate: str, tmp_path: Path) -> None:
    cohort = made_cohort("bmi", "sex", "cause", outcomes="""death = { label = "Death", event = "cause != 'no'" }""")
    asks = f"""
    time_scales = ["follow_up"]
    outcomes = ["death"]
    models = [{{ name = "main", label = "Main", covariates = ["age", "{covariate}"] }}]
    exposures.marker = {{ spline = false, groups = false }}
    """
    people = made_people(400)
    lacking = int(people["bmi"].isna().sum())
    assert lacking > 9
    results = run(made_project(tmp_path, people, cohort, made_analysis(asks)))
    assert results.fits["n_missing"].tolist() == [lacking]
    counted = results.missing.set_index("variable")["n_missing"]
    assert (counted["bmi"], counted[""]) == (lacking, lacking)
    assert missing_told(results) == (
        f"Of the 400 people with marker, {lacking} ({lacking / 4:.1f}%) lacked a covariate of the main model, most "
        f"often BMI ({lacking})."
    )
