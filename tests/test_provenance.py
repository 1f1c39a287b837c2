"""Asking git about a project runs none of the programs that the project's own .git names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from riskkit.provenance import commit


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "a.toml").write_text("x = 1\n")
    git(tmp_path, "add", "a.toml")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_a_change_is_seen(project: Path) -> None:
    first = commit(project)
    assert len(first["commit"]) == 40
    assert not first["dirty"]
    (project / "a.toml").write_text("x = 2\n")
    assert commit(project) == {**first, "dirty": True}


def test_outside_a_repository_the_commit_is_unknown(tmp_path: Path) -> None:
    assert commit(tmp_path) == {"commit": None, "dirty": False}


def test_no_program_of_the_project_is_run(project: Path) -> None:
    ran = project / "PWNED"
    program = project / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\ncat\n")
    program.chmod(0o755)
    (project / "more.cfg").write_text(f'[filter "two"]\n\tclean = {program}\n')
    for name, value in {
        "core.fsmonitor": str(program),
        "core.hooksPath": str(project / "hooks"),
        "filter.one.clean": str(program),
        "filter.one.process": str(program),
        "filter.one.required": "true",
        "include.path": str(project / "more.cfg"),
    }.items():
        git(project, "config", name, value)
    (project / ".git" / "info").mkdir(exist_ok=True)
    (project / ".git" / "info" / "attributes").write_text("*.toml filter=one\n*.csv filter=two\n")
    (project / "hooks").mkdir()
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (project / "hooks" / hook).write_text(program.read_text())
        (project / "hooks" / hook).chmod(0o755)
    (project / "a.toml").write_text("x = 3\n")
    assert commit(project)["dirty"]
    assert not ran.exists()
