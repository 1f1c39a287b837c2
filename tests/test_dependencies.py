"""What a command tells make of the code it imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from riskkit.dependencies import write_dependencies

ROOT = Path(__file__).resolve().parent.parent


def test_a_target_depends_on_every_module_that_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    written = tmp_path / "results-a.d"
    write_dependencies(Path("build/results/a/results.json"), written, [ROOT / "pyproject.toml"])
    rule, *others = written.read_text().splitlines()
    target, named = rule.split(": ")
    assert target == "build/results/a/results.json"
    expected = {
        Path(str(module.__file__)).relative_to(ROOT).as_posix()
        for name, module in sys.modules.items()
        if name.startswith("riskkit.") and getattr(module, "__file__", None)
    }
    assert set(named.split()) == {*expected, "pyproject.toml"}
    assert others == [f"{name}:" for name in named.split()]  # a module that is deleted later is a change, no error


def test_code_that_is_not_of_the_project_is_not_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "a;b.css"
    odd.write_text("")
    write_dependencies(Path("t"), tmp_path / "t.d", [odd])
    assert (tmp_path / "t.d").read_text() == "t: \n"
