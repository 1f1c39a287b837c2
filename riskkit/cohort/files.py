"""Files on disk: found whatever their capitals, known by their content."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import BinaryIO

from riskkit.errors import DataError

CHUNK = 1 << 20
BOMB, DENSEST = 1_000_000_000, 500  # bytes and compression from which a .gz is taken for a bomb


@dataclass(frozen=True)
class Fingerprint:
    """Content of a file: its bytes and their SHA-256, a .gz taken uncompressed."""

    bytes: int
    sha256: str


def find(folder: Path, *names: str) -> Path | None:
    """Find a file that may have one of some names, capitals and a final .gz not minded; the uncompressed goes first.

    Raises
    ------
    DataError
        If files of two of the names are there: which one is meant cannot be known.
    """
    if not folder.is_dir():
        return None
    wanted = {spelling: name for name in names for spelling in (name.casefold(), f"{name.casefold()}.gz")}
    found = [path for path in folder.iterdir() if path.name.casefold() in wanted and path.is_file()]
    if len({wanted[path.name.casefold()] for path in found}) > 1:
        raise DataError(f"{folder}: {' and '.join(sorted(p.name for p in found))} are both there. Keep one of them.")
    return min(found, key=lambda path: (path.suffix.casefold() == ".gz", path.name), default=None)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    """Open a file for its uncompressed bytes.

    Raises
    ------
    DataError
        If a .gz is damaged or cut off.
    """
    if path.suffix.casefold() != ".gz":
        with path.open("rb") as plain:
            yield plain
        return
    try:
        with gzip.open(path) as unpacked:
            yield unpacked
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: the compressed file is damaged or cut off ({error}). Fetch it again.") from error


def fingerprint(path: Path) -> Fingerprint:
    """Read a file through, for its size and SHA-256."""
    total, digest = 0, hashlib.sha256()
    most = max(BOMB, DENSEST * path.stat().st_size) if path.suffix.casefold() == ".gz" else inf
    with opened(path) as stream:
        while chunk := stream.read(CHUNK):
            total += len(chunk)
            if total > most:
                raise DataError(
                    f"{path}: unpacks to more than {DENSEST} times its size, as no data do. Fetch it again."
                )
            digest.update(chunk)
    return Fingerprint(total, digest.hexdigest())
