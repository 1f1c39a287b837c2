"""The fuzzer finds what it is there for, and what it has found stays mended."""

from __future__ import annotations

import time

import numpy as np
import pytest

import riskkit as rk
from benchmarks import fuzz
from benchmarks.fuzz import __main__ as program
from benchmarks.fuzz import files
from benchmarks.sbom import bill


def test_some_cases_have_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--cases", "12", "--seed", "7"]) == 0
    assert "12 cases" in capsys.readouterr().out
    assert fuzz.__doc__


def test_the_same_seed_is_the_same_case() -> None:
    assert program.outcome(3, 5) == program.outcome(3, 5)


@pytest.mark.parametrize("kind", ["traceback", "silent", "hang"])
def test_a_planted_fault_is_found(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def planted(rng: np.random.Generator) -> str:
        if kind == "traceback":
            raise KeyError("part")
        if kind == "hang":
            time.sleep(5)
        assert kind != "silent", "another formula was fitted"
        return ""

    monkeypatch.setattr(program, "KINDS", {"formula": (planted, 1.0)})
    monkeypatch.setattr(program, "PATIENCE", 1)
    assert program.main(["--cases", "1"]) == 1
    assert f"--only 0: formula, {kind}" in capsys.readouterr().out


def test_a_fit_of_other_people_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rk.cox
    monkeypatch.setattr(rk, "cox", lambda text, data: whole(text, data.iloc[5:]))
    found = [program.outcome(1, number) for number in range(40)]
    assert any(kind == "formula" and how == "silent" for kind, how, _ in found)


def test_a_live_label_is_found() -> None:
    with pytest.raises(AssertionError, match="live in the page"):
        files.safe("<p>a</p><img src=x onerror=PWNED()>")
    files.safe("<p>&lt;img src=x onerror=PWNED()&gt;</p>")


def test_the_bill_of_materials_has_what_is_needed() -> None:
    names = {part["name"].lower() for part in bill()["components"]}
    assert {"numpy", "pandas", "pydantic", "duckdb", "requests"} <= names
