"""One report, drawn once for every test that reads one."""

from __future__ import annotations

from pathlib import Path

import pytest
from modified_example import with_interactions, with_robustness
from parsed_page import Page
from results_example import example_results, with_correction
from variants_example import with_repeats, with_variants

from riskkit.report.page import write_report
from riskkit.results import Results


@pytest.fixture(scope="session")
def results() -> Results:
    """Two outcomes with everything that a report can show of them."""
    plain = with_repeats(with_variants(with_correction(example_results(1, 2))))
    return with_robustness(with_interactions(plain))


@pytest.fixture(scope="session")
def report(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their report."""
    return write_report(results, tmp_path_factory.mktemp("reports") / "example").parent


@pytest.fixture(scope="session")
def page(report: Path) -> Page:
    """Its page."""
    return Page((report / "index.html").read_text(encoding="utf-8"))
