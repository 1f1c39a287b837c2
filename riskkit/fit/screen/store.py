"""The folder of a screen: a Parquet file for each block of exposures, so that an interrupted screen goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.errors import SpecError


class Store:
    """Finished blocks in a folder, or nowhere (None)."""

    def __init__(self, folder: Path | None, fingerprint: str) -> None:
        self._folder, self._fingerprint = folder, fingerprint[:16]
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        others = [file.name for file in folder.glob("*.parquet") if not file.name.startswith(self._fingerprint)]
        if others:
            raise SpecError(
                f"folder '{folder}' holds another screen ({others[0]}): other data, covariates, outcomes or options. "
                "Name another folder, or empty this one."
            )

    def get(self, block: str) -> pd.DataFrame | None:
        """Read a block that is finished already."""
        file = self._file(block)
        return pd.read_parquet(file) if file is not None and file.exists() else None

    def put(self, block: str, rows: pd.DataFrame) -> None:
        """Write a block, whole or not at all."""
        file = self._file(block)
        if file is None:
            return
        partial = file.with_suffix(".partial")
        rows.to_parquet(partial, index=False)
        os.replace(partial, file)

    def _file(self, block: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._fingerprint}-{block[:16]}.parquet"


def digest(parts: Iterable[str | NDArray[Any] | None]) -> str:
    """Digest of what results depend on."""
    out = hashlib.blake2b(digest_size=16)
    for part in parts:
        out.update(repr(getattr(part, "shape", None)).encode())
        if isinstance(part, str):
            out.update(part.encode())
        elif part is not None:
            out.update(np.ascontiguousarray(part).data)
    return out.hexdigest()
