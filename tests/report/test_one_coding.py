"""Reports of analyses that code their exposure in one way only: run, written, checked and indexed."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cohort import made_analysis, made_cohort, made_people, made_project

from riskkit.numbers import p_phrase
from riskkit.questions.people.tell import characteristics_table
from riskkit.report.check import check_report
from riskkit.report.document import write_docx
from riskkit.report.index import index_entry
from riskkit.report.methods import methods
from riskkit.report.page import write_report
from riskkit.runner import run
from riskkit.telling.associations import associations

COHORT = made_cohort("cause", outcomes="""death = { label = "Death", event = "cause != 'no'" }""")
ANALYSIS = made_analysis("""
outcomes = ["death"]
characteristics = ["age"]
models = [{ name = "age", label = "Age", covariates = [] }]
[exposures.marker]
""")
CODINGS = {"spline": "spline = 3", "groups": "groups = 3", "linear": "per = 5"}


@pytest.mark.parametrize("coding", CODINGS)
def test_an_exposure_coded_in_one_way_has_a_whole_report(coding: str, tmp_path: Path) -> None:
    codings = {"spline": "spline = false", "groups": "groups = false", "linear": "per = false"}
    asked = "\n".join((codings | {coding: CODINGS[coding]}).values())
    results = run(made_project(tmp_path, made_people(), COHORT, ANALYSIS + asked))
    assert set(results.estimates["coding"]) | set(results.splines["coding"]) == {coding}
    page = write_report(results, tmp_path / "reports/marker")
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
