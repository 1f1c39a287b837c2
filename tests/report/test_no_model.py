"""A report of an analysis of which no model could be fitted, and a check of a report that was damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.errors import RiskkitError
from riskkit.report.check import check_report
from riskkit.report.content import report_content
from riskkit.report.document import word_document, write_docx
from riskkit.report.index import index_entry
from riskkit.report.page import write_report
from riskkit.results import Results
from riskkit.runner import run

COHORT = made_cohort("sex", "cause", outcomes='death = { label = "Death", event = "cause != \'no\'" }\n')
ANALYSIS = made_analysis("""
outcomes = ["death"]
min_events = 100000
[exposures.marker]
[[models]]
name = "main"
label = "Sex"
covariates = ["sex"]
[[interactions]]
modifier = "sex"
[robustness]
""")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    analysis = made_project(tmp_path_factory.mktemp("none"), made_people(), COHORT, ANALYSIS)
    return run(analysis, cohort_of(analysis))


def test_it_says_that_no_model_could_be_fitted(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "results")
    page = write_report(Results.read(tmp_path / "results"), tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "No model could be fitted." in text
    assert "fewer than the 100000 asked for" in text.replace("100,000", "100000")
    assert check_report(results, page.parent).differences.empty
    assert write_docx(results, page.parent).is_file()
    assert word_document(report_content(results)).paragraphs
    assert index_entry(results).facts == "No model could be fitted"


@pytest.mark.parametrize("damage", [b"", b"\xff\x00" * 50, b"<p>"])
def test_a_damaged_report_is_told_by_its_check(results: Results, tmp_path: Path, damage: bytes) -> None:
    page = write_report(results, tmp_path / "report")
    page.write_bytes(page.read_bytes()[:2000] + damage)
    (page.parent / "data" / "fits.parquet").write_bytes(damage)
    try:
        found = check_report(results, page.parent)
    except RiskkitError:
        return
    assert len(found.differences)
