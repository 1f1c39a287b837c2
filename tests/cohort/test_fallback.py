"""Invented people where there are no data: made once, never mixed with real ones, marked wherever they go."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import riskkit.cohort.fetch
from riskkit.cli import main
from riskkit.cohort.build import load_cohort
from riskkit.cohort.fallback import data_folder, simulate
from riskkit.cohort.fetch import fetch
from riskkit.errors import DataUnavailable, SpecError
from riskkit.spec.cohort import CohortSpec, load_cohort_spec

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RISKKIT_MIRROR", raising=False)
    monkeypatch.setattr(riskkit.cohort.fetch, "PEOPLE", 1500)
    shutil.copytree(ROOT / "cohorts", tmp_path / "cohorts", ignore=shutil.ignore_patterns("*.json"))
    return tmp_path


def spec_of(project: Path) -> CohortSpec:
    return load_cohort_spec(project / "cohorts" / "ukb.toml")


def test_without_data_people_are_simulated_once_and_the_cohort_says_so(project: Path) -> None:
    spec = spec_of(project)
    lines: list[str] = []
    sources = fetch(spec, project, progress=lines.append)
    assert lines == ["ukb: no data here; simulating people instead"]
    assert {source.origin for source in sources} == {"simulated: 1,500 people, seed 1"}
    assert len(sources) == len(spec.files)
    folder = project / "build" / "raw" / "ukb"
    assert [path.name for path in folder.iterdir()] == ["simulated"]
    assert data_folder(spec, project) == folder / "simulated"
    written = (folder / "simulated" / "truth.json").stat().st_mtime_ns
    assert fetch(spec, project, progress=lines.append) == sources
    assert (folder / "simulated" / "truth.json").stat().st_mtime_ns == written
    cohort = load_cohort(project / "cohorts" / "ukb.toml")
    assert cohort.simulated
    assert "simulated people" in repr(cohort)
    assert not (project / "cohorts" / "ukb.lock.json").exists()


def test_one_real_file_is_enough_to_leave_the_twin_alone(project: Path) -> None:
    spec = spec_of(project)
    simulate(spec, project, 300, 1)
    (project / "build" / "raw" / "ukb" / "participant.csv").write_text("eid\n1\n", encoding="utf-8")
    assert data_folder(spec, project) == project / "build" / "raw" / "ukb"
    with pytest.raises(DataUnavailable, match="hesin of cohort 'ukb' is not in"):
        load_cohort(project / "cohorts" / "ukb.toml")


def test_real_files_of_a_mirror_go_before_the_twin(project: Path, tmp_path: Path) -> None:
    spec = spec_of(project)
    simulate(spec, project, 300, 1)
    mirror = tmp_path / "mirror" / "ukb"
    shutil.copytree(project / "build" / "raw" / "ukb" / "simulated", mirror)
    (mirror / "truth.json").unlink()  # what is in the mirror counts as real
    sources = fetch(spec, project, mirror=tmp_path / "mirror")
    assert {source.origin for source in sources} >= {"mirror: ukb/hesin.parquet"}
    assert not load_cohort(project / "cohorts" / "ukb.toml").simulated


def test_the_command_line_simulates_and_marks_the_files_as_complete(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    mark = project / "build" / "raw" / "ukb" / ".complete"
    marks = []
    for arguments in (
        ["simulate", "ukb", "-n", "300"],
        ["fetch", "ukb"],
        ["simulate", "ukb", "-n", "300", "--seed", "2"],
    ):
        monkeypatch.setattr(sys, "argv", ["riskkit", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        assert done.value.code == 0
        marks.append(mark.read_text(encoding="utf-8"))
    assert marks[0] == marks[1] != marks[2]
    assert "ukb: 6 raw files of simulated people ready" in capsys.readouterr().out


def test_a_cohort_without_a_twin_is_not_simulated(project: Path) -> None:
    with pytest.raises(SpecError, match=r"nhanes3\.toml: has no twin"):
        simulate(load_cohort_spec(project / "cohorts" / "nhanes3.toml"), project, 300, 1)


def fetched(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["riskkit", "fetch", "--all"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_all_cohorts_without_any_data_are_twins(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("nhanes*.toml", "juul.toml"):
        for path in (project / "cohorts").glob(name):
            path.unlink()
    monkeypatch.chdir(project)
    said = fetched(monkeypatch, capsys)
    assert "ukb: 6 raw files of simulated people ready" in said
    assert "ukb-visits: 4 raw files of simulated people ready" in said
    assert said.count("ready") == 2


def test_beside_real_data_no_twin_is_made_but_one_that_was_asked_for_stays(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (project / "cohorts").glob("nhanes*.toml"):
        path.unlink()
    real = (project / "cohorts" / "ukb.toml").read_text(encoding="utf-8")
    (project / "cohorts" / "mine.toml").write_text(real.replace('"ukb"', '"mine"'), encoding="utf-8")
    monkeypatch.chdir(project)
    for file in spec_of(project).files.values():
        path = project / "build" / "raw" / "mine" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".csv").write_text("eid\n1\n", encoding="utf-8")
    said = fetched(monkeypatch, capsys)
    assert (
        "ukb: left out, its data are not here. For a simulated twin of it: make ukb, or riskkit simulate ukb." in said
    )
    assert "mine: 6 raw files ready" in said
    simulate(spec_of(project), project, 300, 1)
    assert "ukb: 6 raw files of simulated people ready" in fetched(monkeypatch, capsys)
