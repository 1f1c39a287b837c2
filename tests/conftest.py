"""Shared fixtures: where the data mirror is, and what to say when it is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from riskkit.cohort.build import build
from riskkit.cohort.cohort import Cohort
from riskkit.spec.cohort import load_cohort_spec

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


@pytest.fixture(scope="session")
def nhanes3(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """NHANES III, built apart from the project's own lock, which may record other files."""
    toml = tmp_path_factory.mktemp("cohorts") / "nhanes3.toml"
    toml.write_bytes((ROOT / "cohorts" / "nhanes3.toml").read_bytes())
    return build(load_cohort_spec(toml), mirror / "nhanes3")
