"""Tables to files, the folder whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from riskkit.errors import DataError

Format = Literal["parquet", "csv"]
MARK = "truth.json"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder` that takes its place when the block ends well, and goes when it does not.

    Raises
    ------
    DataError
        If `folder` is a file, or a folder with something in it that is not an earlier twin.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file. Name a folder for the simulated tables.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise DataError(
            f"{folder}: has files that are no simulated twin ({MARK} is not among them), and is left as it is. "
            "Name an empty or new folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{word}") for word in ("part", "old"))
    part.mkdir()
    try:
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_table(table: pa.Table, folder: Path, name: str, form: Format) -> Path:
    """Write one table; the same table gives the same bytes."""
    path = folder / f"{name}.{form}"
    if form == "csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path, compression="zstd", store_schema=False)
    return path
