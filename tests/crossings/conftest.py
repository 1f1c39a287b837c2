"""The people of the crossings, and what R says of them (tests/reference/crossings.R)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="session")
def people() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "crossings.csv")


@pytest.fixture(scope="session")
def r() -> dict[str, Any]:
    return json.loads((REFERENCE / "crossings.json").read_text())
