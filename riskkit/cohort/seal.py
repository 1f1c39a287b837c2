"""A file that carries its own checksum, so that damage is seen and one file is all there is to copy."""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path

from riskkit.errors import DataError
from riskkit.folders import told

MARK = b"sha256:"
BLANK = MARK + b"0" * 64  # what stands where the checksum will be, while it is taken


def seal(path: Path) -> None:
    """Put the SHA-256 of a file, taken with `BLANK` in it, in the place of the last `BLANK`."""
    digest = _digest(path, BLANK)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        at = content.rfind(BLANK)
        content[at : at + len(BLANK)] = MARK + digest


def check_seal(path: Path, sealed: bytes | None) -> None:
    """Compare a file with the seal that was found in it.

    Raises
    ------
    DataError
        If there is none, or the file is not the one that was sealed.
    """
    if sealed is None or len(sealed) != len(BLANK) or not sealed.startswith(MARK):
        raise DataError(f"{path}: carries no checksum, so nobody can tell whether it is as written.")
    with told(path):
        if MARK + _digest(path, sealed) != sealed:
            raise DataError(f"{path}: is damaged or was changed; its SHA-256 is not the one it carries.")


def _digest(path: Path, sealed: bytes) -> bytes:
    """Hash a file with blanks for the seal."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.rfind(sealed)
        if at < 0:
            raise DataError(f"{path}: is damaged or was changed; its checksum is not where it was written.")
        with memoryview(content) as view:
            digest = hashlib.sha256(view[:at])
            digest.update(BLANK)
            digest.update(view[at + len(sealed) :])
    return digest.hexdigest().encode()
