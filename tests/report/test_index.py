from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from results_example import example_results

from riskkit.report.index import IndexEntry, index_entry, write_index


def test_the_index_shows_what_was_made_and_why_the_rest_was_not(tmp_path: Path) -> None:
    made = index_entry(example_results(1, 2))
    absent = IndexEntry("ukb", "Cancer <in> UK Biobank", "?", "UK Biobank", reason="Its data are not here.")
    page = write_index(tmp_path / "reports", [absent, made, replace(made, name="twin", simulated=True)])
    html = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]
    for expected in (
        "2 made, 1 not made",
        'href="example/index.html"',
        "Do adults with low or high IGF-I die sooner?",
        "5,859 people, 2,400 events (death from any cause)",
        "2 January 2025",
        '<strong class="simulated">SIMULATED DATA</strong></h2>',
        "Simulated data: nothing here is about real people",
        "Real data",
        "<strong>Cancer &lt;in&gt; UK Biobank</strong> (UK Biobank): Its data are not here.",
    ):
        assert expected in html
    assert html.index("example/index.html") < html.index("UK Biobank")
    assert html.count("<svg") == 2


def test_an_empty_index_is_a_page(tmp_path: Path) -> None:
    assert "0 made" in write_index(tmp_path, []).read_text(encoding="utf-8")


def test_an_analysis_without_a_fit_has_an_entry() -> None:
    results = example_results(1, 2)
    empty = {name: getattr(results, name).iloc[:0] for name in ("estimates", "curves", "tests", "fits")}
    entry = index_entry(results.replaced(**empty))
    assert (entry.thumbnail, entry.facts) == ("", "No model could be fitted")
