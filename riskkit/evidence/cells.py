"""CSV files as text: their lines and columns, checked before anything is made of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from riskkit.errors import DataError, did_you_mean

Row = dict[str, str]
Numbered = tuple[int, Row]


def read_rows(
    path: str | Path,
    columns: Sequence[str],
    row_faults: Callable[[Row], Iterable[tuple[str, str]]],
    table_faults: Callable[[list[Numbered]], Iterable[str]],
    prefix: str | None = None,
) -> list[Numbered]:
    """Read the rows of a CSV file in UTF-8 as stripped text, with their line numbers, or list all faults at once.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Those it must have, in any order, and no other.
    row_faults : function of a row
        Pairs of a column and what is wrong in it.
    table_faults : function of all rows
        What is wrong between rows, as sentences.
    prefix : str, optional
        Columns that begin so may stand there besides.

    Raises
    ------
    DataError
        With every fault, by line and column.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = tuple(reader.fieldnames or ())
            lines = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start + 1} is not UTF-8 text. Save the file as UTF-8.") from None
    optional = [name for name in header if prefix is not None and name.startswith(prefix)]
    faults = list(_header_faults(header, [*columns, *optional]))
    _raise(path, faults)
    rows: list[Numbered] = []
    for line, cells in lines:
        if None in cells or None in cells.values():
            faults.append(f"line {line}: has not as many cells as there are columns; quote cells with commas.")
        else:
            rows.append((line, {name: str(value).strip() for name, value in cells.items()}))
    for line, row in rows:
        faults += [f"line {line}, {column}: {told}." for column, told in row_faults(row)]
    _raise(path, [*faults, *table_faults(rows)])
    return rows


def repeated_ids(rows: Sequence[Numbered]) -> Iterator[str]:
    """A sentence for each id that an earlier line has."""
    seen: dict[str, int] = {}
    for line, row in rows:
        if row["id"] in seen:
            yield f"line {line}, id: '{row['id']}' is that of line {seen[row['id']]} already."
        seen.setdefault(row["id"], line)


def is_number(text: str) -> bool:
    """Whether text is a finite number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def number_faults(row: Row, names: Iterable[str], *, positive: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The faults of cells that hold numbers, or nothing; some must be positive."""
    found = [(name, f"'{row[name]}' is not a number") for name in names if row[name] and not is_number(row[name])]
    found += [
        (name, f"{row[name]} is not above zero")
        for name in positive
        if row[name] and is_number(row[name]) and float(row[name]) <= 0
    ]
    return found


def _header_faults(header: tuple[str, ...], columns: Sequence[str]) -> Iterator[str]:
    for name in columns:
        if name not in header:
            yield f"there is no column '{name}'."
    for name in dict.fromkeys(header):
        if name not in columns:
            yield f"column '{name}' is unknown.{did_you_mean(name, columns)}"
        elif header.count(name) > 1:
            yield f"column '{name}' stands there twice."


def _raise(path: Path, faults: Sequence[str]) -> None:
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise DataError("\n".join([f"{path}: {count}", *(f"  {told}" for told in faults)]))
