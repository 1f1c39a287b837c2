"""Files that are written from the code are as the code has them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "docs"))

from generate import FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), "run python docs/generate.py"
