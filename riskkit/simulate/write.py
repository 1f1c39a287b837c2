"""Tables to files, the folder whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from riskkit.errors import DataError
from riskkit.folders import whole_folder

Format = Literal["parquet", "csv"]
MARK = "truth.json"


@contextmanager
def twin_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write to, which takes the place of `folder` if the block ends well.

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
    with whole_folder(folder) as new:
        yield new


def write_table(table: pa.Table, folder: Path, name: str, form: Format) -> Path:
    """Write one table; the same table gives the same bytes."""
    path = folder / f"{name}.{form}"
    if form == "csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path, compression="zstd", store_schema=False)
    return path
