"""A table as a reader sees it: text in cells, ready for a page, a document or a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Literal

from riskkit.errors import SpecError
from riskkit.folders import whole_file
from riskkit.tables import forms
from riskkit.tables.sheet import as_text

SUFFIXES = (".docx", ".tex", ".html", ".csv", ".txt")


@dataclass(frozen=True)
class Column:
    """The head of a column; neighbours with the same group stand under one common head."""

    label: str
    group: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    cells : tuple of str
        One for each column; the first names the row. A heading has one cell, which spans the table.
    kind : {"row", "indented", "heading"}
    anchor : str
        The place a sentence can point to, if any.
    strong : bool
        Whether this is the line the reader should find first.
    link : str
        The place that its name leads to, if any: an anchor on the page, or (with a slash) another page.
    """

    cells: tuple[str, ...]
    kind: Literal["row", "indented", "heading"] = "row"
    anchor: str = ""
    strong: bool = False
    link: str = ""


@dataclass(frozen=True, repr=False)
class Table:
    """A table with its caption and the notes under it.

    ``print(table)`` shows it in a terminal, and a notebook shows it when it is the last line of a cell.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Table {self.caption}: {len(self.rows)} rows, {len(self.columns)} columns>"

    def __str__(self) -> str:
        return forms.text(self)

    def _repr_html_(self) -> str:
        return forms.html(self)

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """The common heads above the columns, each with the number of columns it spans; none if no column has one."""
        if not any(column.group for column in self.columns):
            return ()
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return tuple(spans)

    def to_csv(self) -> str:
        """The table as a reader sees it, as CSV: one line of heads, and lines of a cell parted by semicolons."""
        buffer = StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_flat(": ".join(part for part in (c.group, c.label) if part)) for c in self.columns)
        writer.writerows(map(_flat, row.cells) for row in self.rows)
        return buffer.getvalue()

    def to_html(self) -> str:
        """The table as HTML, every text in it escaped."""
        return forms.html(self)

    def to_latex(self) -> str:
        """The table as LaTeX with the rules of booktabs, every text in it escaped."""
        return forms.latex(self)

    def write(self, path: str | Path) -> Path:
        """Write the table to a file, in the form its name ends with: .docx, .tex, .html, .csv or .txt.

        The file appears whole or not at all.

        Raises
        ------
        SpecError
            If the name ends otherwise.
        """
        path = Path(path)
        kind = path.suffix.lower()
        if kind not in SUFFIXES:
            raise SpecError(f"{path}: a table is written to a file that ends in {', '.join(SUFFIXES)}.")
        with whole_file(path) as part:
            if kind == ".docx":
                from riskkit.tables.word import write_word  # only who writes Word waits for it

                write_word(self, part)
            else:
                texts = {".tex": self.to_latex, ".html": self._page, ".csv": self.to_csv, ".txt": self.__str__}
                part.write_text(texts[kind](), encoding="utf-8")
        return path

    def _page(self) -> str:
        return f'<!DOCTYPE html>\n<meta charset="utf-8">\n{self.to_html()}\n'


def _flat(cell: str) -> str:
    return as_text(cell.replace(",\n", ", ").replace("\n", "; "))
