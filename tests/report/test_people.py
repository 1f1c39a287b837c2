from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from results_example import example_results

from riskkit.report.associations import associations
from riskkit.report.figure import exposure_text
from riskkit.report.people import age_and_sex_figure
from riskkit.tables.age_and_sex import by_age_and_sex

RESULTS = example_results(1, 2, scales=1, models=1)
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


def test_the_exposure_by_age_and_sex_tells_its_first_and_last_median() -> None:
    age = np.repeat([42.0, 67.0], 101)
    people = pd.DataFrame({"igf1": [*range(100, 201), *range(50, 151)], "age": age, "sex": "Women"})
    results = replace(RESULTS, by_age_and_sex=by_age_and_sex(people, "igf1", "age", "sex"))
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
