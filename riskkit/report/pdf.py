"""A report on paper: its page as an A4 PDF, with running heads, page numbers, bookmarks and tags."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from html import escape
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

from riskkit.errors import DataError, SoftwareUnavailable
from riskkit.figures.svg import SVG
from riskkit.folders import whole_file

DRAWING = re.compile(r"<svg .*?</svg>", re.DOTALL)  # as `Drawing.inline` wrote it into the page
SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
NARROW = re.compile(r'<div class="card narrow">.*?</div>', re.DOTALL)
FILE_LINK = re.compile(r' href="(?!#|https?:)[^"]*"')
VARIANT = "pdf/ua-1"  # tagged, so that a screen reader can follow it


def write_pdf(folder: str | Path) -> Path:
    """Write a report's page as NAME.pdf beside it; the file appears whole or not at all.

    The same page gives the same bytes. Nothing is fetched, and links to files beside the page are left out: a PDF
    travels without them.

    Parameters
    ----------
    folder : path
        Of the report.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If there is no report.
    SoftwareUnavailable
        If WeasyPrint, or Pango, which it draws text with, is not installed.
    """
    folder = Path(folder)
    page = folder / "index.html"
    if not page.is_file():
        raise DataError(f"{folder}: no index.html; write the report first (riskkit report {folder.name}).")
    weasyprint = _weasyprint()
    html = page.read_text(encoding="utf-8")
    style = (files("riskkit.report") / "templates" / "pdf.css").read_text(encoding="utf-8")
    pdf = weasyprint.HTML(string=_for_paper(html)).write_pdf(
        stylesheets=[weasyprint.CSS(string=style)],
        pdf_variant=VARIANT,
        pdf_identifier=_identifier(html),
    )
    path = folder / f"{folder.name}.pdf"
    with whole_file(path) as part:
        part.write_bytes(pdf)
    return path


def is_of_page(pdf: Path, page: str) -> bool:
    """Whether a PDF that `write_pdf` wrote was made from this page, which its identifier tells."""
    return b"/ID [(" + _identifier(page) + b")" in pdf.read_bytes()


def _identifier(html: str) -> bytes:
    return hashlib.sha256(html.encode()).hexdigest()[:32].encode()


def _for_paper(html: str) -> str:
    """The page without scripts, links to files and drawings for telephones, the others turned into images.

    WeasyPrint would otherwise look for the page's styles in every line that is drawn.
    """
    for pattern in (SCRIPT, FILE_LINK, NARROW):
        html = pattern.sub("", html)
    return DRAWING.sub(_image, html)


def _image(drawing: re.Match[str]) -> str:
    described = ElementTree.fromstring(drawing[0]).findtext(f"{{{SVG}}}desc", "")
    data = b64encode(drawing[0].encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(described)}">'


def _weasyprint() -> ModuleType:
    try:
        return import_module("weasyprint")
    except ImportError as error:
        raise SoftwareUnavailable("A PDF needs WeasyPrint: pip install 'riskkit[pdf]'.") from error
    except OSError as error:
        raise SoftwareUnavailable(
            "A PDF needs the system library Pango: apt install libpango-1.0-0 libpangoft2-1.0-0 (Debian, Ubuntu), "
            "dnf install pango (Fedora) or brew install pango (macOS). The page and the Word document need neither."
        ) from error
