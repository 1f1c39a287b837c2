"""Simulated data say so wherever a reader looks; real data never do."""

from __future__ import annotations

import re
from pathlib import Path

from parsed_page import Page
from results_example import example_results, without_fits
from study_example import of_cohort

from riskkit.report.page import write_report
from riskkit.results import Results


def simulated(results: Results) -> Results:
    return results.replaced(of_cohort(results.manifest, simulated=True))


def test_simulated_data_say_so_wherever_a_reader_looks(tmp_path: Path) -> None:
    results = simulated(without_fits(example_results(1, 1)))
    page = Page(write_report(results, tmp_path / "simulated").read_text(encoding="utf-8"))
    assert "<title>IGF-I and mortality (simulated data)</title>" in page.html
    for place in ("header", "footer"):
        part = page.html[page.html.index(f"<{place}>") : page.html.index(f"</{place}>")]
        assert "<strong>SIMULATED DATA.</strong> Nothing here is about real people." in part
    printed = re.search(r"@media print \{(.*)\}", page.html, re.DOTALL)
    assert printed
    assert re.search(r'@page simulated \{ @top-right \{ content: "SIMULATED DATA"', printed[1])
    assert '<body class="simulated-data">' in page.html
    assert not re.search(r"\bfooter\b[^{}]*\{[^}]*display: none", printed[1])
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page.html, re.DOTALL)
    assert captions
    assert all("</b> SIMULATED DATA. " in caption for caption in captions)
    for drawing in re.findall(r"<svg.*?</svg>", page.html, re.DOTALL):
        assert ">SIMULATED DATA</text>" in drawing
    for svg in (tmp_path / "simulated" / "figures").glob("*.svg"):
        assert "SIMULATED DATA" in svg.read_text(encoding="utf-8")


def test_real_data_never_say_simulated(page: Page) -> None:
    assert "simulated" not in page.html[page.html.index("<body>") :].lower()
