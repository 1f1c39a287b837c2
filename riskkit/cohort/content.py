"""Whether a raw file holds data at all: servers answer with pages, messages and halves where data are wanted."""

from __future__ import annotations

import re
from pathlib import Path

from riskkit.cohort.files import opened
from riskkit.errors import DataError
from riskkit.spec.tables import FileSpec

HEAD = 4096  # bytes looked at
XPT_RECORD = 80  # bytes; readers take a SAS transport file that was cut off for a shorter one
PACKED = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gz", b"7z\xbc\xaf": "7z", b"BZh": "bz2"}
PACKED |= {b"\xfd7zXZ\x00": "xz", b"Rar!": "rar"}
BEGINS = {
    "parquet": re.compile(rb"PAR1"),
    "xpt": re.compile(rb"HEADER RECORD\*{7}LIB"),
    "sas7bdat": re.compile(rb"\0{12}\xc2\xea\x81\x60"),
    "dta": re.compile(rb"<stata_dta>|[\x69-\x73][\x01\x02]"),
}
TEXT = ("csv", "fixed")


def check_content(path: Path, file: FileSpec, *, may_be_empty: bool = False) -> None:
    """Refuse a file that is none of its format, by how it begins and ends.

    Parameters
    ----------
    path : Path
        Plain or .gz.
    file : FileSpec
    may_be_empty : bool
        Whether a file without a byte says something, as a list of withdrawals does.

    Raises
    ------
    DataError
        If it is empty, a web page, a message in XML or JSON, an archive, cut off, or of another format.
    """
    wanted = file.at(path).format
    with opened(path) as stream:
        head = stream.read(HEAD)
    if not head.strip():
        if may_be_empty and not head:
            return
        raise DataError(f"{path}: is empty. Fetch it again.")
    fault = _fault(head, wanted) or _cut(path, wanted)
    if fault:
        raise DataError(f"{path}: {fault}. Fetch it again, or correct its format or address.")


def _fault(head: bytes, wanted: str) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    begins = BEGINS.get(wanted)
    if begins is not None and begins.match(head):
        return None
    shown = " ".join(text[:80].decode("utf-8", "replace").split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    if re.search(rb"<!doctype html|<html|<head|<body", text[:1024].lower()) and text.startswith(b"<"):
        return f"is a web page, not data ('{shown}')"
    if text.startswith(b"<"):
        return f"is a message in XML, not data ('{shown}')"
    if re.match(rb'\{\s*("|\})|\[\s*[\[{"\]]', text):
        return f"is a message in JSON, not data ('{shown}')"
    for magic, kind in PACKED.items():
        if head.startswith(magic):
            return f"is a {kind} archive. Unpack it"
    if begins is not None:
        return f"does not begin as a file of format {wanted} does ('{shown}')"
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "is not text"
    return None


def _cut(path: Path, wanted: str) -> str | None:
    if path.suffix.casefold() == ".gz":
        return None  # whose end is checked when it is unpacked
    if wanted == "parquet":
        with path.open("rb") as file:
            file.seek(-4, 2)
            if file.read() != b"PAR1":
                return "does not end as a Parquet file does: it is cut off"
    if wanted == "xpt" and path.stat().st_size % XPT_RECORD:
        return f"has a size that is not a multiple of {XPT_RECORD} bytes: it is cut off"
    return None


def ends_within_a_line(path: Path, file: FileSpec) -> bool:
    """Whether a text does not end with the end of a line, as one that was cut off in transit."""
    if file.at(path).format not in TEXT or path.suffix.casefold() == ".gz" or not path.stat().st_size:
        return False
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read() not in (b"\n", b"\r", b"\x1a")
