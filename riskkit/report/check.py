"""Does a report say what its results say: every sentence, table row and line of data made again, and compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

import pandas as pd
import pyarrow as pa
from docx.document import Document

from riskkit.errors import DataError
from riskkit.report.content import Laid, report_content
from riskkit.report.document import document_passages, open_document, word_document
from riskkit.report.explorer import explorer
from riskkit.report.page import content_html
from riskkit.report.pdf import is_of_page
from riskkit.report.replicate import replication
from riskkit.results import Results, reported

NUMBER = re.compile(r"\d(?:[\d,.]*\d)?")
PASSAGES = {"title", "h1", "h2", "h3", "p", "li", "tr", "figcaption", "summary", "script"}
DRAWN = {"svg", "style", "script"}  # what a figure or a script draws is not read as text
DATA = "application/json"  # a script of this type is data, and each of its lines a passage


@dataclass(frozen=True, eq=False)
class Checked:
    """What a check found.

    Attributes
    ----------
    numbers : int
        Numbers in the text, the tables and the data of the page that were made again.
    differences : DataFrame
        Columns where (the last anchor before it, or a file), printed, derived: a passage that the page has otherwise,
        has alone (derived is empty) or lacks (printed is empty). No row when all agrees.
    """

    numbers: int
    differences: pd.DataFrame


def check_report(results: Results, folder: str | Path) -> Checked:
    """Derive every number of a report again from the stored results, and say which differ.

    Nothing is fitted. The words around the numbers are compared too; a newer riskkit may write them otherwise. Data,
    tables and R script beside the page, and a Word document, are compared with what they must be; a PDF must be of the
    page.

    Parameters
    ----------
    results : Results
    folder : path
        Of the report.

    Raises
    ------
    DataError
        If there is no report.
    """
    content = report_content(results)
    html = content_html(content, {}, explorer(results))
    frames = {name: results.frames[name] for name in reported()}
    return compare(folder, content, html, frames, word_document(content), replication(results))


def compare(
    folder: str | Path,
    content: Laid,
    html: str,
    frames: Mapping[str, pd.DataFrame],
    document: Document,
    script: str | None = None,
) -> Checked:
    """Compare a report's folder with what it must be: page, tables, data, and its other forms where they are.

    Parameters
    ----------
    folder : path
    content : Laid
        Made again, as are the others.
    html : str
        The page without drawings.
    frames : mapping of str to DataFrame
    document : Document
        Without figures.
    script : str, optional
        What replicate.R must be, of reports that have one.

    Raises
    ------
    DataError
        If there is no report.
    """
    folder = Path(folder)
    page = folder / "index.html"
    if not page.is_file():
        raise DataError(f"{folder}: no index.html; write the report first (riskkit report ...).")
    printed = passages(page.read_text(encoding="utf-8", errors="replace"))
    derived = passages(html)
    rows = [
        *_differences(printed, derived),
        *_data_differences(frames, folder / "data"),
        *_text_differences(content, script, folder),
        *_form_differences(document, folder),
    ]
    numbers = sum(len(NUMBER.findall(text)) for _, text in derived)
    return Checked(numbers, pd.DataFrame(rows, columns=["where", "printed", "derived"]))


def passages(html: str) -> list[tuple[str, str]]:
    """The sentences, table rows and lines of data of a page in order, each with the last anchor before it.

    Drawings are left out.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._anchor = ""
        self._drawn = 0
        self._within: list[str] = []
        self._parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in DRAWN and attributes.get("type") != DATA:
            self._drawn += 1
        if self._drawn:
            return
        anchor = attributes.get("id")
        if anchor:
            self._anchor = anchor
        if tag in PASSAGES:
            self._end()
            self._within.append(tag)
        elif tag in ("td", "th", "small"):
            self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._drawn:
            self._drawn -= tag in DRAWN
        elif tag in PASSAGES:
            self._end()
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within and not self._drawn:
            self._parts.append(data)

    def _end(self) -> None:
        text = "".join(self._parts)
        for passage in text.splitlines() if self._within[-1:] == ["script"] else [text]:
            if self._within and passage.strip():
                self.found.append((self._anchor, " ".join(passage.split())))
        self._parts = []


def _differences(printed: list[tuple[str, str]], derived: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    before, after = ([text for _, text in each] for each in (printed, derived))
    rows = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for ours, theirs in zip_longest(printed[a:b], derived[c:d], fillvalue=("", "")):
            rows.append((ours[0] or theirs[0], ours[1], theirs[1]))
    return rows


def _text_differences(content: Laid, script: str | None, folder: Path) -> list[tuple[str, str, str]]:
    """Lines of the tables, and of the script for R, that are other ones."""
    rows = []
    texts = {f"tables/{name}.csv": table.to_csv() for name, table in content.tables}
    for name, text in {**texts, **({} if script is None else {"replicate.R": script})}.items():
        path = folder / name
        printed = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        for before, after in zip_longest(printed.splitlines(), text.splitlines(), fillvalue=""):
            if before != after:
                rows.append((name, before, after))
    return rows


def _form_differences(document: Document, folder: Path) -> list[tuple[str, str, str]]:
    """What the report's other forms say otherwise, where they have been written."""
    rows = []
    word, pdf = (folder / f"{folder.name}.{form}" for form in ("docx", "pdf"))
    if word.is_file():
        printed, derived = ([(word.name, text) for text in document_passages(each)]
                            for each in (open_document(word), document))  # fmt: skip
        rows += _differences(printed, derived)
    if pdf.is_file() and not is_of_page(pdf, (folder / "index.html").read_text(encoding="utf-8")):
        rows.append((pdf.name, "another page", "index.html"))
    return rows


def _data_differences(frames: Mapping[str, pd.DataFrame], data: Path) -> list[tuple[str, str, str]]:
    rows = []
    for name, frame in frames.items():
        path = data / f"{name}.parquet"
        if not path.is_file():
            rows.append((f"data/{path.name}", "", f"{len(frame)} rows"))
            continue
        try:
            there = pd.read_parquet(path)
        except (pa.ArrowInvalid, OSError) as error:
            rows.append((f"data/{path.name}", f"cannot be read ({str(error).splitlines()[0]})", f"{len(frame)} rows"))
            continue
        if not there.equals(frame):
            rows.append((f"data/{path.name}", "other values", f"{len(frame)} rows"))
    return rows
