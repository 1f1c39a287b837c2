"""What a notebook shows of fits, cohorts and results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from made_cohort import cohort_of, made_cohort, made_people, made_project
from results_example import example_results

import riskkit as rk


def test_a_fit_is_short_and_its_html_is_escaped() -> None:
    r = np.random.default_rng(1)
    data = pd.DataFrame({"y": r.integers(0, 2, 200), "g": r.choice(["<b>a", "&b"], 200)})
    fit = rk.logistic("y ~ g", data)
    assert repr(fit) == f"<Fit logistic, y ~ g: 200 rows, {data['y'].sum()} events>"
    html = fit._repr_html_()
    assert "<b>a" not in html
    assert "&lt;b&gt;a" in html


def test_results_name_the_frames_that_have_rows() -> None:
    results = example_results(1, 5)
    assert results.manifest.analysis.title in repr(results)
    assert len(repr(results)) < 200
    assert "<td>curves</td>" in results._repr_html_()


def test_a_cohort_shows_its_people_and_table_one_takes_its_labels(tmp_path: Path) -> None:
    outcomes = "death = { label = \"Death <any>\", event = \"cause in ['a', 'b', 'c']\" }"
    people = made_people(300)
    analysis = made_project(tmp_path, people, made_cohort("sex", "cause", "bmi", outcomes=outcomes), "")
    cohort = cohort_of(analysis)
    html = cohort._repr_html_()
    assert "Death &lt;any&gt;" in html
    assert f"<td>{int((people['cause'] > 0).sum())}</td>" in html
    table = rk.table_one(cohort, ["marker", "sex"], by="cause")
    rows = [row.cells[0] for row in table.rows]
    assert "Marker, nmol/L" in rows
    assert rows.index("Men") < rows.index("Women")
