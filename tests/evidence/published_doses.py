"""Published dose-response tables, read where they stand beside RISKKIT_MIRROR; they are not in this project."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(os.environ.get("RISKKIT_MIRROR", ".")).parent / "evidence" / "dose_response"
NAMES = {
    "id": "study",
    "type": "design",
    "logrr": "estimate",
    "case": "cases",
    "adjrr": "ratio",
    "lb": "low",
    "ub": "high",
}


def published(name: str) -> pd.DataFrame:
    """A table as dosresmeta distributes it, in the names of rk.dose_response."""
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"needs {path}: a table of the R package dosresmeta, not distributed with riskkit")
    table = pd.read_csv(path)
    return table.drop(columns="logrr") if name == "cc_ex" else table
