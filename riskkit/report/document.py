"""A report as a Word document: a manuscript's supplement with native tables, figures and numbered references."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph as WordParagraph

from riskkit.errors import DataError
from riskkit.folders import whole_file
from riskkit.markup import clean
from riskkit.report.content import Content, Laid, report_content
from riskkit.results import Results
from riskkit.tables.word import add_table
from riskkit.telling.blocks import Checklist, Figure, Heading, Items, Numbered, Paragraph, walk
from riskkit.telling.references import Bibliography

FONT = "Arial"
PROPERTY = 255  # characters that a property of a document may have
MARGIN = Mm(18)
WIDTH = Length(Mm(210) - 2 * MARGIN)
WARN = RGBColor(0x8A, 0x2C, 0x0D)
SIZES = {"Normal": 10, "Title": 18, "Subtitle": 12, "Caption": 9, "Table note": 8, "Table text": 6}  # points
NO_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file knows; the true one is in the document's properties


@dataclass(frozen=True)
class Front:
    """What stands above the blocks of a report.

    Attributes
    ----------
    above, title, question : str
        `above` is whom or what it is of.
    lines : tuple of str
        The headline, and who was studied.
    riskkit : str
        The version that made it.
    warning, unreal : str
        What every sheet of simulated data says, and what it means; empty otherwise.
    """

    above: str
    title: str
    question: str
    lines: tuple[str, ...]
    riskkit: str
    warning: str = ""
    unreal: str = ""


def write_docx(results: Results, folder: str | Path) -> Path:
    """Write a report as NAME.docx beside its page; the file appears whole or not at all.

    The same results give the same bytes. Words and tables are made from the results, figures are those of the report.

    Parameters
    ----------
    results : Results
    folder : path
        Of the report, which must be of the same results.

    Raises
    ------
    DataError
        If the report is not there, or of other results.
    """
    content = report_content(results)
    return write_laid(content, front(content), folder)


def write_laid(content: Laid, above: Front, folder: str | Path) -> Path:
    """Write what is laid out as NAME.docx beside its page; the file appears whole or not at all.

    Raises
    ------
    DataError
        If the report is not there, or its tables say otherwise.
    """
    folder = Path(folder)
    for name, table in content.tables:
        path = folder / "tables" / f"{name}.csv"
        if not path.is_file() or path.read_text(encoding="utf-8") != table.to_csv():
            raise DataError(f"{folder}: it is not the report of these results; write it again (riskkit report ...).")
    path = folder / f"{folder.name}.docx"
    with whole_file(path) as part:
        part.write_bytes(_same_bytes(laid_document(content, above, folder / "figures")))
    return path


def word_document(content: Content, figures: Path | None = None) -> Document:
    """The report as a document; without a folder of figures it has its words and tables only."""
    return laid_document(content, front(content), figures)


def front(content: Content) -> Front:
    """What stands above the report of an analysis."""
    analysis = content.manifest.analysis
    return Front(
        above=content.manifest.cohort.title,
        title=analysis.title,
        question=analysis.question,
        lines=tuple(filter(None, (*content.answer, content.people, content.disclosure))),
        riskkit=content.manifest.provenance.riskkit,
        warning=content.warning,
        unreal=content.unreal,
    )


def laid_document(content: Laid, above: Front, figures: Path | None = None) -> Document:
    """What is laid out as a document, with what stands above it."""
    document = docx.Document()
    _set_up(document, content, above)
    document.add_paragraph(clean(above.above))
    document.add_paragraph(clean(above.title), style="Title")
    document.add_paragraph(clean(above.question), style="Subtitle")
    if above.warning:
        run = document.add_paragraph().add_run(f"{above.warning}. {above.unreal}")
        run.bold, run.font.color.rgb = True, WARN
    for text in above.lines:
        document.add_paragraph(clean(text))
    numbers = {id(block.table): block.number for block in walk(content.blocks) if isinstance(block, Numbered)}
    for block in walk(content.blocks):
        match block:
            case Heading() if not block.on_page:
                document.add_heading(clean(block.text), block.level - 1)
            case Paragraph():
                _cited(document, content.bibliography, block.text)
            case Items():
                _items(document, block)
            case Figure():
                _figure(document, block, figures, numbers.get(id(block.table)))
            case Numbered():
                add_table(document, block.table, f"Table {block.number}.", WIDTH)
            case Checklist():
                add_table(document, block.table, "", WIDTH)
    return document


def document_passages(document: Document) -> list[str]:
    """The paragraphs and table rows of a document in order, empty ones left out."""
    found = []
    for block in document.element.body.iterchildren(qn("w:p"), qn("w:tbl")):
        for part in block.iterchildren(qn("w:tr")) if block.tag == qn("w:tbl") else (block,):
            paragraphs = part.iter(qn("w:p"))
            found.append(" ".join("".join(run.text or "" for run in p.iter(qn("w:t"))) for p in paragraphs))
    return [" ".join(text.split()) for text in found if text.strip()]


def open_document(path: Path) -> Document:
    """A document that was written before."""
    return docx.Document(str(path))


def _items(document: Document, items: Items) -> None:
    for item in items.items:
        text = f"{item.text} doi:{item.doi}" if item.doi else item.text
        document.add_paragraph(clean(text), style="List Number" if items.numbered else "List Bullet")
        for aside in item.asides:
            document.add_paragraph(clean(aside), style="List Continue")


def _figure(document: Document, figure: Figure, folder: Path | None, elsewhere: int | None) -> None:
    """A figure with its caption below, its finding as alternative text, and the table behind it or where that is."""
    if folder:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = True
        picture = paragraph.add_run().add_picture(str(folder / f"{figure.id}.png"))
        if picture.width > WIDTH:
            picture.width, picture.height = WIDTH, Length(int(picture.height * WIDTH / picture.width))
        described = picture._inline.docPr
        described.set("title", f"Figure {figure.number}")
        described.set("descr", clean(figure.finding))
    caption = document.add_paragraph(style="Caption")
    caption.add_run(f"Figure {figure.number}. ").bold = True
    caption.add_run(clean(figure.caption))
    if elsewhere is not None:
        document.add_paragraph(f"The numbers of figure {figure.number} stand in table {elsewhere}.")
        return
    add_table(document, figure.table, f"The numbers of figure {figure.number}.", WIDTH)


def _cited(document: Document, works: Bibliography, text: str) -> None:
    """A paragraph with the numbers of the works it cites."""
    paragraph = document.add_paragraph()
    for piece in works.pieces(text):
        paragraph.add_run(clean(piece) if isinstance(piece, str) else f"[{', '.join(map(str, piece))}]")


def _set_up(document: Document, content: Laid, above: Front) -> None:
    """Paper, letters, running heads and properties."""
    title = clean(above.title)
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = MARGIN
    for style in document.styles:
        if isinstance(style, ParagraphStyle):
            style.font.name = FONT
            style.font.color.rgb = RGBColor(0, 0, 0)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{theme}"), None)
    rule = document.styles["Title"].element.pPr.find(qn("w:pBdr"))
    rule.getparent().remove(rule)
    for name, space in (("Table text", 1), ("Table note", 2)):
        added = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        added.base_style = document.styles["Normal"]
        added.paragraph_format.space_before = added.paragraph_format.space_after = Pt(space)
    for name, size in SIZES.items():
        document.styles[name].font.size = Pt(size)
        document.styles[name].font.bold = name == "Title"
    head = page.header.paragraphs[0]
    head.add_run(f"{title}\t").font.size = Pt(8)
    if above.warning:
        mark = head.add_run(f"\t{above.warning}")
        mark.bold, mark.font.size, mark.font.color.rgb = True, Pt(9), WARN
    foot = page.footer.paragraphs[0]
    for text, field in (("Page ", "PAGE"), (" of ", "NUMPAGES")):
        foot.add_run(text).font.size = Pt(8)
        _field(foot, field)
    properties = document.core_properties
    properties.title, properties.subject = title[:PROPERTY], clean(above.question)[:PROPERTY]
    properties.author = properties.last_modified_by = f"riskkit {above.riskkit}"
    properties.created = properties.modified = content.created.replace(tzinfo=None)
    properties.language, properties.comments = "en", ""


def _field(paragraph: WordParagraph, code: str) -> None:
    """A number that Word keeps, such as that of the page."""
    run = paragraph.add_run()
    run.font.size = Pt(8)
    for kind in ("begin", "", "end"):
        if kind:
            run._r.append(OxmlElement("w:fldChar", {qn("w:fldCharType"): kind}))
        else:
            instruction = OxmlElement("w:instrText")
            instruction.text = code
            run._r.append(instruction)


def _same_bytes(document: Document) -> bytes:
    """The document as a file without the moment of its making in every part."""
    written, same = BytesIO(), BytesIO()
    document.save(written)
    with ZipFile(written) as parts, ZipFile(same, "w", ZIP_DEFLATED) as out:
        for name in parts.namelist():
            part = ZipInfo(name, NO_DATE)
            part.compress_type = ZIP_DEFLATED
            out.writestr(part, parts.read(name))
    return same.getvalue()
