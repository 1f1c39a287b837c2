from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pypdf import PdfReader
from results_example import example_results
from study_example import of_cohort
from variants_example import with_variants

from riskkit.errors import DataError, SoftwareUnavailable
from riskkit.report import pdf as pdf_module
from riskkit.report.check import check_report
from riskkit.report.content import report_content
from riskkit.report.page import page_html
from riskkit.report.pdf import write_pdf
from riskkit.results import Results

DRAWING = (
    '<div class="card {}"><svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><desc>Risk &lt; 2 "rises"'
    '</desc><text x="0" y="20" style="fill: #000">{}</text></svg></div>'
)


def simulated(results: Results) -> Results:
    return results.replaced(of_cohort(results.manifest, simulated=True))


RESULTS = simulated(with_variants(example_results(1, 2)))
TABLES = report_content(RESULTS).tables


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose only drawing says what it is."""
    html = page_html(RESULTS)
    drawn = DRAWING.format("wide", "Forpaper") + DRAWING.format("narrow", "Fortelephone")
    path = tmp_path_factory.mktemp("reports") / "example" / "index.html"
    path.parent.mkdir()
    path.write_text(html.replace("<figure", f"{drawn}<figure", 1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def pdf(page: Path) -> Path:
    try:
        return write_pdf(page.parent)
    except SoftwareUnavailable as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="module")
def text(pdf: Path) -> list[str]:
    """What each sheet says, on one line."""
    return [" ".join(sheet.extract_text().split()) for sheet in PdfReader(pdf).pages]


def test_it_says_what_it_is(pdf: Path) -> None:
    reader = PdfReader(pdf)
    assert reader.metadata is not None
    assert reader.metadata.title == "IGF-I and mortality (simulated data)"
    assert reader.metadata.author == "riskkit 0.1.0"
    assert str(reader.metadata.creation_date) == "2025-01-02 03:04:05+00:00"
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid" in root["/Metadata"].get_data()
    assert all(round(float(sheet.mediabox.width)) == 595 for sheet in reader.pages)


def test_every_sheet_has_its_number_and_says_that_the_data_are_simulated(text: list[str]) -> None:
    assert len(text) > 3
    for number, sheet in enumerate(text, start=1):
        assert f"Page {number} of {len(text)}" in sheet
        assert "SIMULATED DATA" in sheet
    assert all("IGF-I and mortality" in sheet for sheet in text)


def test_every_row_of_every_table_is_on_paper_folded_ones_too(text: list[str]) -> None:
    letters = "".join("".join(text).split())
    rows = ["".join("".join(row.cells).split()) for _, table in TABLES for row in table.rows]
    assert len(rows) > 80
    assert [row for row in rows if row not in letters] == []


def test_headings_are_bookmarks_and_links_inside_work_but_none_leads_to_a_file(pdf: Path) -> None:
    reader = PdfReader(pdf)
    (top, under) = reader.outline
    assert top.title == "IGF-I and mortality"
    assert {"Key findings", "Methods", "STROBE checklist"} <= {each.title for each in under if hasattr(each, "title")}
    links = [a.get_object() for sheet in reader.pages for a in sheet.get("/Annots", [])]
    inside = {str(link["/Dest"]) for link in links if "/Dest" in link}
    assert "ref-1" in inside
    assert inside <= set(reader.named_destinations)
    assert all(str(link["/A"]["/URI"]).startswith("https://") for link in links if "/A" in link)


def test_a_drawing_is_an_image_with_its_finding_and_the_telephone_s_is_left_out(page: Path, text: list[str]) -> None:
    assert any("Forpaper" in sheet for sheet in text)
    assert not any("Fortelephone" in sheet for sheet in text)
    assert 'alt="Risk &lt; 2 &quot;rises&quot;"' in pdf_module._for_paper(page.read_text(encoding="utf-8"))


def test_the_same_page_gives_the_same_bytes_and_another_is_found_out(page: Path, pdf: Path) -> None:
    before = pdf.read_bytes()
    assert write_pdf(page.parent).read_bytes() == before
    html = page.read_text(encoding="utf-8")
    assert pdf_module.is_of_page(pdf, html)
    assert not pdf_module.is_of_page(pdf, html.replace("900", "901"))
    found = check_report(RESULTS, page.parent).differences
    assert "example.pdf" not in set(found["where"])


def test_there_must_be_a_report(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="write the report first"):
        write_pdf(tmp_path)


@pytest.mark.parametrize(("error", "said"), [(ImportError(), "pip install"), (OSError(), "apt install libpango")])
def test_what_is_not_installed_is_named_and_nothing_is_written(page, tmp_path, monkeypatch, error, said) -> None:
    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name == "weasyprint":
                raise error

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    (tmp_path / "index.html").write_bytes(page.read_bytes())
    with pytest.raises(SoftwareUnavailable, match=said):
        write_pdf(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
