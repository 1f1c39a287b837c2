"""A page of results: well formed, whole, and the same for the same results."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from parsed_page import Page
from results_example import example_results, without_fits
from tinyhtml5.parser import HTMLParser as StrictParser

from riskkit.report.content import report_content
from riskkit.report.drawing import draw_figures
from riskkit.report.page import page_html, write_report
from riskkit.results import Results, reported


def test_tags_nest_and_ids_are_unique(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_the_page_is_valid_html(page: Page) -> None:
    parser = StrictParser()
    parser.parse(page.html)
    assert parser.errors == []


def test_every_pointer_inside_the_page_finds_its_target(page: Page) -> None:
    pointers = [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    named = [name for _, attributes in page.tags for name in attributes.get("aria-labelledby", "").split()]
    assert pointers
    assert set(pointers) | set(named) <= set(page.ids)


def test_files_that_are_linked_are_there(page: Page, results: Results, report: Path) -> None:
    linked = [a["href"] for a in page.all("a") if not a["href"].startswith(("#", "http", "../"))]
    tables = list((report / "tables").glob("*.csv"))
    assert len(tables) == len(page.all("table")) - 2  # the raw data files' is the manifest's, the explorer's is empty
    assert len(linked) == 3 * 12 + 2 * len(reported()) + len(tables)
    assert all((report / href).stat().st_size > 0 for href in linked)


def test_every_figure_tells_its_finding_and_has_its_table(page: Page) -> None:
    drawings = page.all("svg")
    assert len(drawings) == 24  # twelve figures in two widths
    assert all(drawing["role"] == "img" for drawing in drawings)
    for drawing in drawings:
        told = re.search(rf'<desc id="{drawing["aria-labelledby"].split()[1]}">([^<]+)</desc>', page.html)
        assert told
        assert re.search(r"\d", told[1])
    tables = [details for details in page.all("details") if details.get("id") != "explorer-more"]
    assert len(page.all("figure")) == len(tables) == len(page.all("figcaption")) == 12


def test_landmarks_and_headings_are_in_order(page: Page) -> None:
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert len(page.all(landmark)) == 1
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.all("a")[0]["href"] == "#main"


def test_the_page_says_what_was_found_and_how(page: Page) -> None:
    text = page.text.replace("\u00a0", " ")
    for expected in (
        "Do adults with low or high IGF-I die sooner?",
        "Serum IGF-I was associated with death from any cause (p < 0.001, also when corrected for 2 tests), and not",
        "There was no evidence of an association of serum IGF-I with death from cardiovascular disease (p = 0.20)",
        "12 events, fewer than the 20 that the analysis asks for.",
        "make reports/example/index.html",
        "0123456789abcdef",
        "ab" * 32,
        "Made on 2 January 2025",
        "Example Investigators.",
    ):
        assert expected in text
    assert "nan" not in re.findall(r"\bnan\b", text)


def test_findings_point_to_the_row_of_their_numbers(page: Page) -> None:
    row = re.search(r'<tr id="e1-o2"[^>]*>(.*?)</tr>', page.html, re.DOTALL)
    assert row
    assert "Death from cardiovascular disease" in row[1]
    assert "900 / 5,859" in row[1]


def test_the_data_beside_the_page_are_the_frames(results: Results, report: Path) -> None:
    for name in reported():
        frame = results.frames[name]
        parquet = pd.read_parquet(report / "data" / f"{name}.parquet")
        pd.testing.assert_frame_equal(parquet, frame)
        path = report / "data" / f"{name}.csv"
        written = pd.read_csv(path, keep_default_na=False, na_values=[""], float_precision="round_trip")
        blank = frame.astype(object).where(frame.notna() & (frame != ""))  # a CSV file knows one kind of nothing
        pd.testing.assert_frame_equal(written.astype(object), blank, check_dtype=False, rtol=0, atol=0)


def test_the_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    results = without_fits(example_results(1, 1))
    folder = write_report(results, tmp_path / "report").parent
    (folder / "stale.txt").touch()
    undated = replace(results.manifest.provenance, created="")
    broken = results.replaced(results.manifest.replaced(provenance=undated))
    with pytest.raises(ValueError, match="isoformat"):
        write_report(broken, folder)
    assert (folder / "stale.txt").exists()
    write_report(results, folder)
    assert not (folder / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_an_analysis_of_which_nothing_could_be_fitted_has_a_report_too(results: Results) -> None:
    html = page_html(without_fits(results))
    assert "no model could be fitted" in html
    assert Page(html).open == []


@pytest.mark.parametrize("coding", ["spline", "groups", "linear"])
def test_an_analysis_of_one_coding(coding: str) -> None:
    results = example_results(1, 2)
    frames = {name: getattr(results, name) for name in ("estimates", "curves", "splines", "tests", "fits")}
    kept = {name: frame[frame["coding"] == coding] for name, frame in frames.items()}
    page = Page(page_html(results.replaced(**kept)))
    assert len(page.all("figure")) == {"spline": 4, "groups": 3, "linear": 4}[coding]
    assert len(page.ids) == len(set(page.ids))


def test_subgroups_and_sensitivity_analyses_are_findings_and_their_failures_are_named(results: Results) -> None:
    frames = {name: getattr(results, name) for name in ("estimates", "curves", "fits", "tests")}
    linear = {name: frame[frame["coding"] == "linear"] for name, frame in frames.items()}
    page = Page(page_html(results.replaced(**linear)))
    text = page.text.replace("\u00a0", " ")
    for expected in (
        "was tested 2 times: there was evidence that it did for death from any cause by sex (p < 0.001)",
        "3 estimates of sensitivity analyses of serum IGF-I were compared",
        "Subgroup, sensitivity analysis or check",
        "9 events, fewer than the 20 asked for.",
        f"{len(linear['fits']) + 7} models were fitted; these were not",  # 2 x 4 variants less the one that failed
    ):
        assert expected in text
    pointers = [a["href"] for a in page.all("a") if a.get("class") == "evidence"]
    names = ("subgroups", "sensitivity", "interaction-sex", "robustness")
    assert pointers[-4:] == [f"#figure-{number}-igf1-{name}" for number, name in enumerate(names, start=4)]
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_the_same_results_give_the_same_page(results: Results, report: Path, tmp_path: Path) -> None:
    page = (report / "index.html").read_text(encoding="utf-8")
    drawn = draw_figures(report_content(results).figures[1:3], tmp_path)
    assert all(drawing.wide in page and drawing.narrow in page for drawing in drawn.values())
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (report / "figures" / path.name).read_bytes(), path.name
    without = re.sub(r'<div class="card.*?</div>\n', "", page, flags=re.DOTALL)
    assert without == page_html(results)


def test_a_folded_figure_is_drawn_once(results: Results, tmp_path: Path) -> None:
    first = report_content(results).figures[0]
    for folded in (False, True):
        drawn = draw_figures([replace(first, folded=folded)], tmp_path)[first.id]
        assert drawn.wide.count("<svg") == 1
        assert bool(drawn.narrow) is not folded
