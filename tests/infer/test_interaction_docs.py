"""docs/interaction.md and docs/robustness.md: their examples work, and every field is there."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from riskkit.questions.interactions.spec import AdditiveSpec, InteractionSpec
from riskkit.questions.robustness.spec import ConfounderSpec, RobustnessSpec

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.parametrize("page", ["interaction.md", "robustness.md"])
def test_the_examples_work(page):
    failed, tried = doctest.testfile(str(DOCS / page), module_relative=False)
    assert tried > 10
    assert failed == 0


@pytest.mark.parametrize(
    ("page", "models"),
    [("interaction.md", (InteractionSpec, AdditiveSpec)), ("robustness.md", (RobustnessSpec, ConfounderSpec))],
)
def test_every_field_is_documented(page, models):
    text = (DOCS / page).read_text(encoding="utf-8")
    for model in models:
        for name in model.model_fields:
            assert f"`{name}`" in text, (model.__name__, name)
