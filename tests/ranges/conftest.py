"""The mirror of raw data, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mirror() -> Path:
    named = os.environ.get("RISKKIT_MIRROR")
    if not named or not (Path(named) / "juul" / "juul.csv").is_file() or not (Path(named) / "nhanes3").is_dir():
        pytest.skip("RISKKIT_MIRROR has no data of NHANES III and juul")
    return Path(named)
