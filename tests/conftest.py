"""Shared fixtures: where the data mirror is and what to say when it is not there; who asks R for a second opinion."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from riskkit.cohort.build import build
from riskkit.cohort.cohort import Cohort
from riskkit.questions.cross_check import run as cross_check
from riskkit.questions.cross_check.r import ask_r
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


@pytest.fixture(scope="session", autouse=True)
def _without_r() -> Iterator[None]:
    """Runs ask R for no second opinion, which would take 2 s a model, but in the tests that take `asking_r`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cross_check, "ask_r", lambda design: None)
        yield


@pytest.fixture
def asking_r(monkeypatch: pytest.MonkeyPatch) -> None:
    """R is asked, as it is for everyone who has it."""
    monkeypatch.setattr(cross_check, "ask_r", ask_r)


@pytest.fixture
def with_r(asking_r: None) -> None:
    """R is asked, and the test is of its answer."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
