"""docs/dilution.md: its examples give what it says they give."""

from __future__ import annotations

import doctest
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "dilution.md"


def test_the_examples_work():
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert tried > 30
    assert failed == 0
