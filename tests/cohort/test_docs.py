"""docs/cohorts.md: its example works as it says, and it names every field."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from riskkit.cohort.build import load_cohort
from riskkit.cohort.flow import FlowStep
from riskkit.spec import records, repeats, sampling, tables
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.evaluation import FUNCTIONS
from riskkit.spec.load import SpecModel

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "cohorts.md").read_text(encoding="utf-8")
ALL = TEXT + (DOCS / "sampling.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", TEXT, flags=re.DOTALL))


def test_the_example_builds_what_it_says(tmp_path: Path) -> None:
    raw = tmp_path / "build" / "raw" / "clinic"
    for folder in (tmp_path / "cohorts", raw):
        folder.mkdir(parents=True)
    for name, content in FILES.items():
        place = tmp_path / "cohorts" if name.endswith(".toml") else raw
        (place / name).write_text(content, encoding="utf-8")
    cohort = load_cohort(tmp_path / "cohorts" / "clinic.toml")
    steps = re.findall(r"\('([^']*)', (\d+), (\d+)\)", TEXT)
    assert cohort.flow == tuple(FlowStep(label, int(removed), int(left)) for label, removed, left in steps)
    assert len(steps) == 3
    said = re.search(r"variables\[\"smokes\"\]\.missing\s+# (.*)", TEXT)
    assert said is not None
    assert str(cohort.variables["smokes"].missing) == said[1]
    data = cohort.data
    assert data["id"].tolist() == [1, 2, 3, 4]
    assert data["igf1_group"].tolist() == ["not low", "low", "not low", "low"]
    np.testing.assert_allclose(data["follow_up"], np.array([3652, 1826, 3652, 730]) / 365.25)
    np.testing.assert_allclose(data["age_exit"] - data["follow_up"], [44, 61, 38, 90])
    assert data["death"].tolist() == [0, 1, 0, 1]
    assert data["death_of_women"].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    "model",
    [
        CohortSpec,
        *(
            model
            for module in (tables, records, repeats, sampling)
            for model in vars(module).values()
            if isinstance(model, type) and issubclass(model, SpecModel) and model.__module__ == module.__name__
        ),
    ],
)
def test_every_field_is_explained(model: type[SpecModel]) -> None:
    for field in model.model_fields:
        written = (f"`{field}`", f"`[{field}", f"`[[{field}]]`", f"{field} = ")
        assert any(form in ALL for form in written), f"{model.__name__}.{field}"


def test_every_function_is_explained() -> None:
    for name in FUNCTIONS:
        assert re.search(rf"`{name}[`(]", TEXT), name
