"""A small cohort on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from five_people import DEATHS, PEOPLE, SPEC, MakeCohort


@pytest.fixture
def five(tmp_path: Path) -> MakeCohort:
    """Write the specification and its raw files, each with replacements (old, new); return the specification."""

    def make(
        spec: tuple[tuple[str, str], ...] = (), people: str = PEOPLE, deaths: str | bytes = DEATHS, raw: bool = True
    ) -> Path:
        text = SPEC
        for old, new in spec:
            assert old in text, old
            text = text.replace(old, new, 1)
        (tmp_path / "cohorts").mkdir(exist_ok=True)
        file = tmp_path / "cohorts" / "five.toml"
        file.write_text(text, encoding="utf-8")
        if raw:
            folder = tmp_path / "build" / "raw" / "five"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "people.csv").write_text(people, encoding="utf-8")
            (folder / "Deaths.dat").write_bytes(deaths if isinstance(deaths, bytes) else deaths.encode())
        return file

    return make
