"""Shared fixtures: where the data mirror is, and what to say when it is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of real public data named by RISKKIT_MIRROR; tests that need it skip, and say so, elsewhere."""
    named = os.environ.get("RISKKIT_MIRROR")
    if not named:
        pytest.skip("needs the data mirror: set RISKKIT_MIRROR to its folder")
    folder = Path(named)
    folder = folder if folder.is_absolute() else ROOT / folder
    if not folder.is_dir():
        pytest.skip(f"RISKKIT_MIRROR names {folder}, which is not a folder")
    return folder
