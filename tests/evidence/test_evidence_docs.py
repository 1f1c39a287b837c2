"""docs/evidence.md: its examples give what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_examples_of_the_page(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = str(ROOT / "docs" / "evidence.md")
    found = doctest.testfile(page, module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 25
    assert found.failed == 0
