"""A table as a reader sees it: text in cells, ready for a page, a document or a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from riskkit.tables.sheet import as_text


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
    """

    cells: tuple[str, ...]
    kind: Literal["row", "indented", "heading"] = "row"
    anchor: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption and the notes under it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

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


def _flat(cell: str) -> str:
    return as_text(cell.replace(",\n", ", ").replace("\n", "; "))
