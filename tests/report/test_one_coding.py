"""Reports of analyses that code their exposure in one way only: run, written, checked and indexed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.numbers import p_phrase
from riskkit.report.associations import associations
from riskkit.report.check import check_report
from riskkit.report.document import write_docx
from riskkit.report.index import index_entry
from riskkit.report.methods import methods
from riskkit.report.page import write_report
from riskkit.report.people import characteristics_table
from riskkit.results import Results
from riskkit.runner import run

COHORT = """
title = "Made for tests"
id = "id"
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
age = { source = "people.age", label = "Age", kind = "number", unit = "years" }
marker = { source = "people.marker", label = "Marker", kind = "number", unit = "nmol/L" }
years = { source = "people.years", label = "Follow-up", kind = "number", unit = "years" }
died = { source = "people.died", label = "Died", kind = "category", codes = { 0 = "no", 1 = "yes" } }
[follow_up]
time = "years"
age = "age"
unit = "years"
start = "visit"
end = "death"
[outcomes]
death = { label = "Death", event = "died == 'yes'" }
"""
ANALYSIS = """
title = "Marker and death"
question = "Do they go together?"
cohort = "made"
outcomes = ["death"]
characteristics = ["age"]
models = [{ name = "age", label = "Age", covariates = [] }]
[exposures.marker]
"""
CODINGS = {"spline": "spline = 3", "groups": "groups = 3", "linear": "per = 5"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    for folder in ("cohorts", "analyses", "build/raw/made"):
        (root / folder).mkdir(parents=True)
    (root / "cohorts/made.toml").write_text(COHORT)
    random = np.random.default_rng(4)
    n = 400
    marker = random.normal(20, 4, n).round(2)
    time = random.exponential(12 * np.exp(-0.08 * (marker - 20)))
    people = {"id": range(n), "age": random.uniform(40, 70, n).round(2), "marker": marker}
    people |= {"years": np.minimum(time, 10).round(3) + 0.001, "died": (time < 10).astype(int)}
    pd.DataFrame(people).to_csv(root / "build/raw/made/people.csv", index=False)
    return root


def only(root: Path, coding: str) -> Results:
    codings = {"spline": "spline = false", "groups": "groups = false", "linear": "per = false"} | {
        coding: CODINGS[coding]
    }
    path = root / f"analyses/{coding}.toml"
    path.write_text(ANALYSIS + "\n".join(codings.values()))
    return run(path)


@pytest.mark.parametrize("coding", CODINGS)
def test_an_exposure_coded_in_one_way_has_a_whole_report(root: Path, coding: str) -> None:
    results = only(root, coding)
    assert set(results.estimates["coding"]) | set(results.splines["coding"]) == {coding}
    page = write_report(results, root / "reports" / coding)
    assert check_report(results, page.parent).differences.empty
    document = write_docx(results, page.parent)
    assert document.stat().st_size > 0
    found = associations(results)[0]
    assert found.p < 0.01
    entry = index_entry(results)
    assert entry.thumbnail
    assert entry.answer.startswith("Marker was associated with death")
    if coding == "groups":
        assert entry.answer.endswith(f"(any difference between groups {p_phrase(found.difference)}).")
    html = page.read_text(encoding="utf-8")
    assert "no model could be fitted" not in html
    said = " ".join(text for _, text in methods(results))
    assert ("nots were set once" in said, "ut points were set once" in said) == (coding == "spline", coding == "groups")
    assert ("spline" in said, "standardised differences" in said) == (coding == "spline", coding == "groups")
    table = characteristics_table(results)
    assert table
    assert [column.label for column in table.columns[1:2]] == ["All"]
    assert len(table.columns) == (6 if coding == "groups" else 2)
    assert {len(row.cells) for row in table.rows} == {len(table.columns)}
