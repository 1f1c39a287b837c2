"""The README and docs/analyses.md: their examples run, their commands and links exist."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskkit
from riskkit.spec.analysis import load_analysis

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ANALYSES = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_readme_s_python_runs(capsys):
    random = np.random.default_rng(5)
    n = 400
    data = pd.DataFrame(
        {
            "age_in": random.uniform(40, 60, n),
            "death": random.integers(0, 2, n),
            "igf1": random.normal(200, 50, n),
            "bmi": random.normal(27, 4, n),
            "smoking": random.choice(["Never", "Former", "Current"], n),
            "sex": random.choice(["Men", "Women"], n),
        }
    )
    data["age_out"] = data["age_in"] + random.exponential(8, n)
    (code,) = blocks(README, "python")
    names: dict[str, object] = {"data": data}
    exec(code, names)
    assert "hazard ratio" in capsys.readouterr().out


def test_the_analysis_in_the_docs_is_a_valid_file(tmp_path):
    (tmp_path / "analyses").mkdir()
    (tmp_path / "cohorts").mkdir()
    shutil.copy(ROOT / "cohorts" / "nhanes3.toml", tmp_path / "cohorts")
    path = tmp_path / "analyses" / "example.toml"
    path.write_text(blocks(ANALYSES, "toml")[0])
    spec, _ = load_analysis(path)
    assert spec.covariates(spec.models[1]) == ("rcs(age, 4)", "sex", "smoking", "bmi")


def test_every_field_of_an_analysis_is_documented():
    from riskkit.questions.imputation.spec import ImputationSpec
    from riskkit.questions.published.spec import PublishedSpec
    from riskkit.questions.screen.spec import ScreenSpec
    from riskkit.spec.analysis import AnalysisSpec, ModelSpec, SensitivitySpec, SubgroupSpec
    from riskkit.spec.exposure import ExposureSpec

    for model in (
        AnalysisSpec,
        ExposureSpec,
        ModelSpec,
        SubgroupSpec,
        SensitivitySpec,
        PublishedSpec,
        ImputationSpec,
        ScreenSpec,
    ):
        for name in (field.alias or name for name, field in model.model_fields.items()):
            assert f"`{name}`" in ANALYSES or name == "name", (model.__name__, name)


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(ROOT).as_posix() for p in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
)
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://")):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_targets_the_readme_names_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_floors_of_the_architecture_are_those_that_are_checked():
    table = (ROOT / "docs" / "architecture.md").read_text().split("| floor |")[1].split("\n\n")[0]
    told = [set(re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1])) for row in table.splitlines()[2:]]
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [set(re.findall(r"riskkit\.(\w+)", layer)) for layer in contract["layers"]]
    assert [floor for row in told for floor in sorted(row)] == [
        floor for row in _joined(layers, told) for floor in sorted(row)
    ]
    assert {
        path.stem for path in (ROOT / "riskkit").iterdir() if path.name[0] != "_" and path.suffix in ("", ".py")
    } == {floor for layer in layers for floor in layer}


def _joined(layers: list[set[str]], rows: list[set[str]]) -> list[set[str]]:
    """The floors that are checked, as the table joins them: a row may hold several that follow each other."""
    found, rest = [], list(layers)
    for row in rows:
        joined: set[str] = set()
        while rest and rest[0] <= row:
            joined |= rest.pop(0)
        found.append(joined)
    return [*found, *rest]


@pytest.mark.parametrize("name", riskkit.__all__)
def test_every_public_name_can_be_had_and_is_documented(name):
    assert (getattr(riskkit, name).__doc__ or "").strip(), name
