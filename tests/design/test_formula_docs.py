"""docs/formula.md: its examples give what it says, and it names every function of the language."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from riskkit.formula import FUNCTIONS, ROLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formula.md"


def test_examples_of_the_page():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 10
    assert found.failed == 0


@pytest.mark.parametrize("function", [*FUNCTIONS, *ROLES])
def test_every_function_and_argument_is_documented(function):
    text = PAGE.read_text()
    assert f"`{function}(" in text
    for argument in FUNCTIONS.get(function, ((), ()))[1]:
        if argument not in FUNCTIONS[function][0]:
            assert f"{argument}=" in text, argument
