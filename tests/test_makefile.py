"""The Makefile's promises, with a stub in place of riskkit that writes each target and notes what it was asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from riskkit.spec.cohort import TAKEN

ROOT = Path(__file__).parent.parent

STUB = """#!/bin/sh
echo "$@" >> asked.txt
put() { mkdir -p "$(dirname "$1")"; echo x > "$1"; }
needs() { # what make is told: a target and the modules that were imported to make it
  mkdir -p build/depends; rule="build/depends/$1.d"; target="$2"; shift 2
  echo "$target: $*" > "$rule"; for m in "$@"; do echo "$m:" >> "$rule"; done; }
n="$(basename "$2" .toml)"
case "$1" in
  fetch) for c in one two; do [ -f "build/raw/$c/.complete" ] || put "build/raw/$c/.complete"; done ;;
  cohort) put "build/cohorts/$n.parquet"
          needs "cohort-$n" "build/cohorts/$n.parquet" riskkit/cohort/build.py ;;
  run) [ -f fail ] && { put "build/results/half"; exit 1; }; put "build/results/$n/results.json"
       needs "results-$n" "build/results/$n/results.json" \\
             riskkit/cohort/build.py riskkit/runner/run.py riskkit/design/design.py ;;
  report) put "reports/$2/index.html"
          needs "report-$2" "reports/$2/index.html" riskkit/figures/spline.py riskkit/report/page.py ;;
  pdf|docx) put "reports/$2/$2.$1" ;;
  index) put "reports/index.html" ;;
esac
"""
CODE = ("runner/run.py", "cohort/build.py", "design/design.py", "figures/spline.py", "report/page.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name, cohort in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "nowhere")):
        (tmp_path / "analyses").mkdir(exist_ok=True)
        (tmp_path / "analyses" / f"{name}.toml").write_text(f'title = "T"\ncohort = "{cohort}"\n')
    (tmp_path / "cohorts").mkdir()
    for cohort in ("one", "two", "nowhere"):
        (tmp_path / "cohorts" / f"{cohort}.toml").write_text("")
    for file in (*(f"riskkit/{c}" for c in CODE), "pyproject.toml", "requirements.lock"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    (tmp_path / "reports").mkdir()
    stub = tmp_path / ".venv" / "bin" / "riskkit"
    stub.parent.mkdir(parents=True)
    stub.write_text(STUB)
    stub.chmod(0o755)
    past = time.time() - 1000
    for path in tmp_path.rglob("*"):
        os.utime(path, (past, past))
    (tmp_path / ".venv" / ".ready").write_text("")
    return tmp_path


def make(project: Path, *arguments: str) -> list[str]:
    """Run make; return what riskkit was asked, `fetch` and `index` left out."""
    (project / "asked.txt").unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", *arguments], cwd=project, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    asked = (project / "asked.txt").read_text().splitlines() if (project / "asked.txt").exists() else []
    return sorted(line for line in asked if line.split()[0] not in ("fetch", "index"))


ALL = sorted(
    [f"cohort cohorts/{c}.toml" for c in ("one", "two")]
    + [f"run analyses/{a}.toml" for a in "abc"]
    + [f"report {a}" for a in "abc"]
)


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_everything_whose_data_are_at_hand_is_built_once(project, jobs):
    assert make(project, jobs) == ALL
    assert (project / "reports" / "index.html").is_file()
    assert make(project, jobs) == []


@pytest.mark.parametrize(
    ("touched", "rebuilt"),
    [
        ("analyses/a.toml", ["report a", "run analyses/a.toml"]),
        ("riskkit/figures/spline.py", ["report a", "report b", "report c"]),
        ("riskkit/report/page.py", ["report a", "report b", "report c"]),
        ("riskkit/design/design.py", [line for line in ALL if not line.startswith("cohort")]),
        ("cohorts/two.toml", ["cohort cohorts/two.toml", "report c", "run analyses/c.toml"]),
        ("riskkit/cohort/build.py", ALL),
    ],
)
def test_a_change_rebuilds_what_depends_on_it_and_nothing_else(project, touched, rebuilt):
    make(project)
    change(project / touched)
    assert make(project) == sorted(rebuilt)


def change(path: Path) -> None:
    """Another content for a specification, a later time for code, which make goes by."""
    if path.suffix == ".toml":
        path.write_text(path.read_text() + "# changed\n")
    future = time.time() + 5
    os.utime(path, (future, future) if path.suffix != ".toml" else (0, 0))  # a restored backup has an old time


def test_a_specification_counts_by_what_it_says_and_not_by_when_it_was_written(project):
    make(project)
    for name in ("analyses/a.toml", "cohorts/two.toml"):
        os.utime(project / name, (time.time() + 5,) * 2)
    assert make(project) == []


def test_what_a_clock_that_was_ahead_made_is_made_again(project):
    make(project)
    ahead = time.time() + 86400
    for path in ("build/results/a/results.json", "reports/a/index.html"):
        os.utime(project / path, (ahead, ahead))
    assert make(project) == ["report a", "run analyses/a.toml"]
    assert make(project) == []


@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_another_form_is_made_of_every_report_once(project, form):
    assert make(project) == ALL
    assert make(project, form) == [f"{form} {a}" for a in "abc"]
    assert make(project, form) == []
    change(project / "analyses/a.toml")
    assert make(project, form) == [f"{form} a", "report a", "run analyses/a.toml"]


@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_another_form_without_data_says_what_to_run_first(project, form):
    done = subprocess.run(["make", form], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"run make first, then make {form}" in done.stdout


def test_a_cohort_in_single_quotes_is_found(project):
    (project / "analyses" / "c.toml").write_text("title = 'T'\ncohort = 'two'\n")
    assert "report c" in make(project)


def test_reports_are_made_once_the_environment_is_there(project):
    done = subprocess.run(
        ["make", "-n", "reports", "READY=.venv/.not"], cwd=project, capture_output=True, text=True, check=True
    )
    assert "Installing" in done.stdout


def test_one_cohort_by_name(project):
    asked = make(project, "two")
    assert asked == ["cohort cohorts/two.toml", "report c", "run analyses/c.toml"]


def test_a_failure_fails_make_and_leaves_no_target(project):
    (project / "fail").write_text("")
    done = subprocess.run(["make"], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert not (project / "build" / "results" / "a").exists()
    (project / "fail").unlink()
    assert "report a" in make(project)


def test_clean_keeps_fetched_data(project):
    make(project)
    make(project, "clean")
    assert not (project / "build" / "cohorts").exists()
    assert (project / "build" / "raw" / "one" / ".complete").is_file()


def test_help_lists_every_target(project):
    done = subprocess.run(["make", "help"], cwd=project, capture_output=True, text=True, check=True)
    for target in ("all", "setup", "pdf", "docx", "test", "lint", "bench", "clean", "COHORT"):
        assert f"make {target}" in done.stdout


def ask(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=project, capture_output=True, text=True, env=environment, check=False
    )


# Each would leave the file PWNED if make or its shell took it for more than a name.
CODE_IN_NAMES = (
    "$(shell touch PWNED)",
    "x;touch PWNED;",
    "`touch PWNED`",
    "x&touch PWNED&",
    "x\n\ttouch PWNED",
    "a b",
    "-x",
)
CODE_IN_COHORTS = (
    "$(shell touch PWNED)",
    "one$(shell touch PWNED)",
    "$$(touch PWNED)",
    "`touch PWNED`",
    "';touch PWNED;'",
)


@pytest.mark.parametrize("asked", ["help", "all", "reports", "pdf", "one"])
def test_nothing_that_a_file_says_is_run(project, asked):
    for i, cohort in enumerate(CODE_IN_COHORTS):
        (project / "analyses" / f"evil{i}.toml").write_text(f'cohort = "{cohort}"\n')
        (project / "analyses" / f"more{i}.toml").write_text(f'cohort = "one"{cohort}\n')
    make(project)
    done = ask(project, asked)
    assert done.returncode == 0, done.stderr
    assert not (project / "PWNED").exists()
    assert not any("evil" in line for line in ask(project, "-n", "reports").stdout.splitlines())


@pytest.mark.parametrize("asked", ["help", "all", "reports", "pdf", "clean", "one", "names"])
@pytest.mark.parametrize(
    "folder", ["analyses/{}.toml", "cohorts/{}.toml", "cohorts/codelists/{}.csv", "build/raw/{}/.complete"]
)
def test_nothing_that_a_file_is_called_is_run(project, asked, folder):
    make(project)
    for name in CODE_IN_NAMES:
        path = project / folder.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('cohort = "one"\n')
    done = ask(project, asked)
    assert not (project / "PWNED").exists()
    if asked in ("all", "reports", "names", "one") and not folder.startswith("build"):
        assert done.returncode != 0
        assert "a b" in done.stdout
        assert "letters, digits, - and _ only. Rename the file." in done.stdout
    else:
        assert done.returncode == 0, done.stderr


def test_a_cohort_that_is_called_like_a_target_does_not_take_its_place(project):
    make(project)
    for name in TAKEN:
        (project / "cohorts" / f"{name}.toml").write_text("")
    assert "make setup" in ask(project, "help").stdout
    done = ask(project)
    assert done.returncode != 0
    assert all(f"cohorts/{name}.toml: 'make {name}' is taken. Rename the file." in done.stdout for name in TAKEN)
    assert (project / "build" / "cohorts" / "one.parquet").is_file()
    assert ask(project, "clean").returncode == 0
    assert not (project / "build" / "cohorts").exists()


def test_the_names_that_make_takes_are_those_that_cohort_files_may_not_have():
    targets = re.search(r"^TARGETS\s*:= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(targets[1].split()) == TAKEN


def test_published_evidence_comes_last_and_follows_its_tables_and_the_results_it_names(project: Path) -> None:
    (project / "analyses" / "evidence").mkdir()
    table = project / "analyses" / "evidence" / "estimates.csv"
    table.write_text("id\n")
    text = 'kind = "evidence"\n[[claims]]\nown = { analysis = "a", outcome = "o" }\n'
    (project / "analyses" / "z.toml").write_text(text)
    asked = make(project)
    assert asked == sorted([*ALL, "report z"])
    order = (project / "asked.txt").read_text().splitlines()
    assert order.index("report z") > order.index("run analyses/a.toml")
    assert order[-2:] == ["report z", "index"]
    assert not make(project)
    table.write_text("id\nx\n")
    assert make(project) == ["report z"]
    (project / "analyses" / "a.toml").write_text('title = "U"\ncohort = "one"\n')
    assert make(project) == sorted(["run analyses/a.toml", "report a", "report z"])
    assert make(project, "one") == []
