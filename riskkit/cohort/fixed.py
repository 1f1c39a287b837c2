"""Files of fixed width: fields cut out of the bytes by their positions, and cut-off records found out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from riskkit.cohort.files import opened
from riskkit.errors import DataError
from riskkit.spec.tables import FileSpec

NEWLINE, RETURN, BLANK, ASCII = 10, 13, 32, 128
END_OF_FILE = b"\x1a"  # closes files written under DOS
BLOCK = 1 << 22  # bytes read at a time: small enough for the processor's cache, and for files larger than memory


def read_fixed(path: Path, file: FileSpec, fields: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    """Read fields of a file of fixed width.

    Every line must have the declared length of a record; blanks beyond it do not count. Where the publisher cut
    trailing blanks, `file.shortest_record` says how short a whole record may be, and what is not there is blank. Even
    then the last line must be complete or closed by a line end, which a file cut off in transit rarely is.

    Parameters
    ----------
    path : Path
        The file, plain or .gz.
    file : FileSpec
        Its record length and encoding.
    fields : mapping of name to (first, last)
        Positions in bytes, counted from 1, both included.

    Returns
    -------
    DataFrame
        One row a line and one column a field: text without the blanks around it.

    Raises
    ------
    DataError
        If a line is too short or too long, with its number, or the bytes are not text in the declared encoding.
    """
    found: dict[str, list[np.ndarray]] = {name: [] for name in fields}
    lines = 0
    for block in _blocks(path):
        data = np.frombuffer(block, dtype=np.uint8)
        start, length = _records(block, data)
        _check_lengths(path, file, data, start, length, lines)
        lines += start.size
        for name, (first, last) in fields.items():
            position = np.arange(first - 1, last)
            there = position < length[:, None]
            cut = np.where(there, data[np.where(there, start[:, None] + position, 0)], BLANK).astype(np.uint8)
            found[name].append(_text(path, file, cut, first, last))
    if not lines:
        raise DataError(f"{path}: the file is empty. Fetch it again.")
    return pd.DataFrame({name: np.concatenate(parts).astype(object) for name, parts in found.items()})


def _blocks(path: Path) -> Iterator[bytes]:
    """Pieces of the file that end where a line ends."""
    rest = b""
    with opened(path) as stream:
        while chunk := stream.read(BLOCK):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                yield whole + newline
    if rest := rest.removesuffix(END_OF_FILE):
        yield rest


def _records(block: bytes, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offset and length in bytes of each record, line ends not counted."""
    end = np.array([match.start() for match in re.finditer(b"\n", block)], dtype=np.int64)
    if data[-1] != NEWLINE:
        end = np.append(end, data.size)
    start = np.concatenate([[0], end[:-1] + 1])
    length = end - start
    return start, length - ((length > 0) & (data[end - 1] == RETURN))


def _check_lengths(
    path: Path, file: FileSpec, data: np.ndarray, start: np.ndarray, length: np.ndarray, lines: int
) -> None:
    record = file.record_length or 0
    wrong = length < (record if file.shortest_record is None else file.shortest_record)
    wrong[-1] |= data[-1] != NEWLINE and length[-1] < record
    for i in np.flatnonzero(length > record):
        wrong[i] = (data[start[i] + record : start[i] + length[i]] != BLANK).any()
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"{path}: line {lines + first + 1:,} has {length[first]:,} characters where a record has {record:,}: the "
            "file is cut off, or is not the one declared. Fetch it again, or correct record_length (or "
            "shortest_record, where the publisher cut trailing blanks)."
        )


def _text(path: Path, file: FileSpec, cut: np.ndarray, first: int, last: int) -> np.ndarray:
    width = last - first + 1
    text = np.ascontiguousarray(cut).view(f"S{width}").ravel()
    if (cut < ASCII).all():
        return np.strings.strip(text.astype(f"U{width}"))
    encoding = file.encoding or "utf-8"
    try:
        return np.strings.strip(np.strings.decode(text, encoding))
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(
            f"{path}: positions {first} to {last} are not {encoding} text. Declare its encoding."
        ) from error
