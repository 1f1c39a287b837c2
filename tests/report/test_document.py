from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.table import Table as WordTable
from imputed_example import with_imputation
from PIL import Image
from results_example import example_results, with_correction
from study_example import of_cohort
from variants_example import with_repeats, with_variant_shapes, with_variants, with_weights

from riskkit.errors import DataError
from riskkit.markup import clean
from riskkit.report.check import check_report
from riskkit.report.content import report_content
from riskkit.report.document import document_passages, open_document, word_document, write_docx
from riskkit.report.limitations import limitations
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.telling.associations import associations
from riskkit.telling.blocks import Items, Paragraph, walk
from riskkit.telling.references import citations, made_told

TABLE_PROPERTIES = ("tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblCellMar", "tblLook", "tblCaption")


def simulated(results: Results) -> Results:
    return results.replaced(of_cohort(results.manifest, simulated=True, description="Adults\x0b of no place."))


VARIED = with_variant_shapes(with_variants(with_correction(example_results(1, 2))))
RESULTS = with_imputation(simulated(with_weights(with_repeats(VARIED))))
CONTENT = report_content(RESULTS)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a document needs of a report, with figures of 2126 x 300 pixels at 300 dpi."""
    folder = tmp_path_factory.mktemp("reports") / "example"
    for part in ("figures", "tables"):
        (folder / part).mkdir(parents=True)
    for figure in CONTENT.figures:
        Image.new("L", (2126, 300), 200).save(folder / "figures" / f"{figure.id}.png", dpi=(300, 300))
    for name, table in CONTENT.tables:
        (folder / "tables" / f"{name}.csv").write_text(table.to_csv(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def document(report: Path) -> Document:
    return open_document(write_docx(RESULTS, report))


def caption_of(table: WordTable) -> str:
    return table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val"))


def test_every_table_of_the_report_is_there_with_every_cell(document: Document) -> None:
    tables = {table.caption: table for _, table in CONTENT.tables}
    found = {re.sub(r"^(Table \d+|The numbers of figure \d+)\. ", "", caption_of(t)): t for t in document.tables}
    assert set(found) == set(tables)
    for caption, word in found.items():
        table = tables[caption]
        heads = 2 if table.groups else 1
        lines = list(word.rows)
        assert [cell.text for cell in lines[heads - 1].cells] == [column.label for column in table.columns]
        for line, row in zip(lines[heads:], table.rows, strict=True):
            cells = [cell.text for cell in line.cells]
            assert cells == (list(row.cells) if row.kind != "heading" else list(row.cells) * len(table.columns))


def test_no_table_is_printed_twice(document: Document) -> None:
    """Shapes of variants once were, and what a figure's table says, where it has a number of its own, would be."""
    captions = [re.sub(r"^(Table \d+|The numbers of figure \d+)\. ", "", caption_of(t)) for t in document.tables]
    assert any("in subgroups and sensitivity analyses" in caption for caption in captions)
    assert len(captions) == len(set(captions))
    cells = [tuple(cell.text for row in table.rows for cell in row.cells) for table in document.tables]
    assert len(cells) == len(set(cells))
    (chains,) = (figure for figure in CONTENT.figures if figure.name == "imputation-chains")
    (imputed,) = (caption_of(t) for t in document.tables if "How missing values were imputed" in caption_of(t))
    number = imputed.split(".")[0].removeprefix("Table ")
    assert f"The numbers of figure {chains.number} stand in table {number}." in document_passages(document)


def test_tables_have_three_lines_heads_on_every_page_and_rows_that_stay_whole(document: Document) -> None:
    for word in document.tables:
        properties = [child.tag.split("}")[1] for child in word._tbl.tblPr]
        assert properties == [name for name in TABLE_PROPERTIES if name in properties]  # Word insists on this order
        borders = word._tbl.tblPr.find(qn("w:tblBorders"))
        assert [side.tag for side in borders] == [qn("w:top"), qn("w:bottom")]
        rows = word._tbl.tr_lst
        assert all(row.trPr.find(qn("w:cantSplit")) is not None for row in rows)
        heads = [row.trPr.find(qn("w:tblHeader")) is not None for row in rows]
        assert heads[0]
        assert all(before or not after for before, after in pairwise(heads))
        ruled = [cell.tcPr.find(qn("w:tcBorders")) is not None for cell in rows[sum(heads) - 1].tc_lst]
        assert all(ruled)


def test_numbers_are_aligned_right_and_words_left(document: Document) -> None:
    (main,) = (table for table in document.tables if caption_of(table).startswith("Table 2. "))
    outcome, events = (main.rows[-1].cells[i].paragraphs[0] for i in (0, 1))
    assert (outcome.alignment, events.alignment) == (WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.RIGHT)
    assert events.runs[0].font.size >= Pt(6)


def test_figures_have_their_finding_as_alternative_text_and_their_resolution(document: Document) -> None:
    shapes = document.inline_shapes
    assert len(shapes) == len(CONTENT.figures) > 5
    for shape, figure in zip(shapes, CONTENT.figures, strict=True):
        assert shape._inline.docPr.get("descr") == figure.finding
        assert 2126 / (shape.width / 914400) >= 300
    captions = [p.text for p in document.paragraphs if p.text.startswith("Figure ")]
    assert captions == [f"Figure {f.number}. {f.caption}" for f in CONTENT.figures]
    assert all(". SIMULATED DATA. " in caption for caption in captions)


def test_words_are_those_of_the_page(document: Document) -> None:
    said = document_passages(document)
    limits, made = limitations(RESULTS, associations(RESULTS)), made_told(RESULTS.manifest)
    for text in (*CONTENT.answer, CONTENT.people, *limits, made, *citations(RESULTS)):
        assert " ".join(text.split()) in said
    blocks = tuple(walk(CONTENT.blocks))
    paragraphs = [block.text for block in blocks if isinstance(block, Paragraph) and "[@" not in block.text]
    items = [item.text for block in blocks if isinstance(block, Items) and not block.numbered for item in block.items]
    assert len(paragraphs) > 5
    assert len(items) > 5
    assert {" ".join(clean(text).split()) for text in (*paragraphs, *items)} <= set(said)
    cited = next(text for text in said if text.startswith("Hazard ratios were estimated by Cox regression"))
    works = [w.text for w in CONTENT.bibliography.works.values()]
    number = 1 + next(i for i, work in enumerate(works) if work.startswith("Cox DR."))
    assert f"Cox regression [{number}] with" in cited.replace("\u00a0", " ")
    listed = [p.text for p in document.paragraphs if p.style.name == "List Number"]
    assert [text.split(" doi:")[0] for text in listed] == works


def test_every_sheet_says_what_it_is_and_its_number(document: Document) -> None:
    head, foot = document.sections[0].header.paragraphs[0], document.sections[0].footer.paragraphs[0]
    assert head.text == "IGF-I and mortality\t\tSIMULATED DATA"
    assert [code.text for code in foot._p.iter(qn("w:instrText"))] == ["PAGE", "NUMPAGES"]
    properties = document.core_properties
    assert (properties.title, properties.author) == ("IGF-I and mortality", "riskkit 0.1.0")
    assert f"{properties.created:%Y-%m-%d %H:%M}" == "2025-01-02 03:04"


def test_the_same_results_give_the_same_bytes(report: Path, document: Document) -> None:
    before = (report / "example.docx").read_bytes()
    assert write_docx(RESULTS, report).read_bytes() == before
    assert not list(report.glob(".*"))


def test_the_report_must_be_of_these_results(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the report of these results"):
        write_docx(RESULTS, tmp_path)


def test_a_number_changed_in_word_is_found(report: Path, document: Document, tmp_path: Path) -> None:
    folder = tmp_path / "example"
    folder.mkdir()
    (folder / "tables").symlink_to(report / "tables")
    (folder / "index.html").write_text(page_html(RESULTS), encoding="utf-8")
    forged = word_document(CONTENT)
    forged.save(str(folder / "example.docx"))
    assert set(check_report(RESULTS, folder).differences["where"].str.partition("/")[0]) == {"data", "replicate.R"}
    cell = next(t for t in forged.element.body.iter(qn("w:t")) if "900 / 5,859" in (t.text or ""))
    cell.text = cell.text.replace("900", "901")
    forged.save(str(folder / "example.docx"))
    found = check_report(RESULTS, folder).differences
    assert found.loc[found["where"] == "example.docx", "printed"].str.contains("901 / 5,859").all()
    assert (found["where"] == "example.docx").sum() == 1
