"""A table as Word knows tables: three lines, a head repeated on every page, rows that stay whole."""

from __future__ import annotations

from pathlib import Path

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Length, Mm, Pt
from docx.table import Table as WordTable
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph

from riskkit.markup import clean
from riskkit.tables.table import Row, Table

THICK, THIN = 8, 4  # eighths of a point
SIZES = tuple(map(Pt, (8.5, 8, 7.5, 7, 6.5, 6)))  # the first at which a table fits is taken
LETTER = 0.6  # width of a letter, of its size
SMALL = 0.85  # size of a cell's further lines, of that of its first
WIDEST = 30  # letters that make a column of words as wide as it gets
SIDE = Mm(0.8)  # between a cell's text and its edge
INDENT = Mm(3)
TEXT = "Tabletext"  # id of the style "Table text"
AFTER = {  # what the format wants after an element, which makes the element's place
    "w:tblBorders": ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption"),
    "w:tblCellMar": ("w:tblLook", "w:tblCaption"),
    "w:tblCaption": ("w:tblDescription",),
    "w:tcBorders": ("w:shd", "w:noWrap", "w:tcMar", "w:vAlign"),
}


def add_table(document: Document, table: Table, lead: str, width: Length) -> WordTable:
    """Add a table with its caption above and its notes below, to be edited in Word.

    Parameters
    ----------
    document : Document
        With the paragraph styles "Caption", "Table text" and "Table note".
    table : Table
    lead : str
        What stands before the caption in bold, such as "Table 1."
    width : Length
        Of the whole table. Columns share it by the length of what stands in them.
    """
    caption = document.add_paragraph(style="Caption")
    caption.add_run(f"{lead} ").bold = True
    caption.add_run(clean(table.caption))
    caption.paragraph_format.keep_with_next = True
    heads = 2 if table.groups else 1
    word = document.add_table(rows=heads + len(table.rows), cols=len(table.columns))
    word.alignment, word.autofit = WD_TABLE_ALIGNMENT.LEFT, False
    properties = word._tbl.tblPr
    _add(properties, "w:tblCaption", {"val": f"{lead} {clean(table.caption)}".strip()})
    _rule(properties, "w:tblBorders", {"top": THICK, "bottom": THICK})
    margins = _add(properties, "w:tblCellMar")
    for side in ("left", "right"):
        _add(margins, f"w:{side}", {"w": str(round(SIDE.twips)), "type": "dxa"})
    size, widths = _fit(table, width)
    for column, each in zip(word.columns, widths, strict=True):
        column.width = each
    lines = list(word.rows)  # python-docx makes this list anew each time it is asked
    _fill_heads(lines[:heads], table, size)
    for line, row in zip(lines[heads:], table.rows, strict=True):
        _fill(line, row, table, size)
    for line in lines:
        _add(line._tr.get_or_add_trPr(), "w:cantSplit")
    for note in table.notes:
        document.add_paragraph(clean(note), style="Table note")
    document.add_paragraph(style="Table note")
    return word


def write_word(table: Table, path: Path) -> None:
    """Write a table alone as a Word document."""
    document = docx.Document()
    for name, size in (("Table text", 6.0), ("Table note", 8.0)):
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = document.styles["Normal"]
        style.font.size = Pt(size)
        style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(1)
    page = document.sections[0]
    width = page.page_width - page.left_margin - page.right_margin
    add_table(document, table, "", Length(width))
    document.save(str(path))


def _fill_heads(lines: list[_Row], table: Table, size: Length) -> None:
    if table.groups:
        cells, start = lines[0].cells, 0
        for label, span in table.groups:
            cell = cells[start].merge(cells[start + span - 1])
            _write(cell, label, size, bold=True, align=WD_ALIGN_PARAGRAPH.CENTER)
            if label:
                _rule(cell._tc.get_or_add_tcPr(), "w:tcBorders", {"bottom": THIN})
            start += span
    for cell, column in zip(lines[-1].cells, table.columns, strict=True):
        _write(cell, column.label, size, bold=True, align=_side(column.numeric))
        _rule(cell._tc.get_or_add_tcPr(), "w:tcBorders", {"bottom": THIN})
    for line in lines:
        _add(line._tr.get_or_add_trPr(), "w:tblHeader")


def _fill(line: _Row, row: Row, table: Table, size: Length) -> None:
    cells = line.cells
    if row.kind == "heading":
        _write(cells[0].merge(cells[-1]), row.cells[0], size, bold=True, keep=True)
        return
    for cell, text, column in zip(cells, row.cells, table.columns, strict=True):
        _write(cell, text, size, bold=row.strong, align=_side(column.numeric))
    if row.kind == "indented":
        for paragraph in cells[0].paragraphs:
            paragraph.paragraph_format.left_indent = INDENT


def _write(
    cell: _Cell,
    text: str,
    size: Length,
    bold: bool = False,
    align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT,
    keep: bool = False,
) -> None:
    """Write the lines of a cell, those after the first in smaller letters."""
    for i, part in enumerate(clean(text).split("\n")):
        paragraph: Paragraph = cell.add_paragraph() if i else cell.paragraphs[0]
        paragraph._p.style, paragraph.alignment = TEXT, align  # by name, python-docx would search it for every cell
        paragraph.paragraph_format.keep_with_next = keep
        run = paragraph.add_run(part)
        run.font.size = Pt(round(2 * size.pt * SMALL) / 2) if i else size
        run.bold = bold and not i


def _fit(table: Table, width: Length) -> tuple[Length, list[Length]]:
    """The size of the letters, and the width of each column by its longest line; words may be broken over lines."""
    letters: list[float] = []
    for i, column in enumerate(table.columns):
        cells = [row.cells[i] for row in table.rows if row.kind != "heading"]
        words = max((len(word) for word in column.label.split()), default=1)
        lines = max(map(_letters, cells), default=1)
        letters.append(max(words, lines if column.numeric else min(lines, WIDEST)) + 1)

    def wanted(size: Length) -> list[float]:
        return [LETTER * size * n + 2 * SIDE for n in letters]

    size = next((size for size in SIZES if sum(wanted(size)) <= width), SIZES[-1])
    shares = wanted(size)
    return size, [Length(int(width * share / sum(shares))) for share in shares]


def _letters(cell: str) -> float:
    first, *others = cell.split("\n")
    return max(len(first), *(SMALL * len(line) for line in others), 0)


def _side(numeric: bool) -> WD_ALIGN_PARAGRAPH:
    return WD_ALIGN_PARAGRAPH.RIGHT if numeric else WD_ALIGN_PARAGRAPH.LEFT


def _rule(parent: BaseOxmlElement, name: str, weights: dict[str, int]) -> None:
    """Draw lines on the named sides of a table or a cell."""
    borders = _add(parent, name)
    for side, weight in weights.items():
        _add(borders, f"w:{side}", {"val": "single", "sz": str(weight), "color": "000000"})


def _add(parent: BaseOxmlElement, name: str, attributes: dict[str, str] | None = None) -> BaseOxmlElement:
    element = OxmlElement(name, {qn(f"w:{key}"): value for key, value in (attributes or {}).items()})
    if name in AFTER:
        parent.insert_element_before(element, *AFTER[name])
    else:
        parent.append(element)
    return element
