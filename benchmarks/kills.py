"""Kill ``make -j2`` at random moments: ``python -m benchmarks.kills --kills 200 --pairs 20``.

In a project of its own (simulated people, two analyses of one cohort), make and all it has started are killed
(SIGKILL) at a random moment, again and again; then make runs to its end. What it has built must be, byte for byte, what
it builds undisturbed, and nothing else may be left. Half of the rounds begin from nothing, half over the results of
another analysis file. Then two makes work in the folder at once, every second time in process namespaces of their own,
as in two containers that share it: both must end well, in the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parents[1]
COHORT = """
title = "Simulated people"
id = "id"
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
age = { source = "people.age", label = "Age", kind = "number", unit = "years" }
marker = { source = "people.marker", label = "Marker", kind = "number", unit = "nmol/L" }
bmi = { source = "people.bmi", label = "BMI", kind = "number", unit = "kg/m2" }
sex = { source = "people.sex", label = "Sex", kind = "category", codes = { 1 = "Men", 2 = "Women" } }
years = { source = "people.years", label = "Follow-up", kind = "number", unit = "years" }
dead = { source = "people.dead", label = "Dead", kind = "category", codes = { 0 = "no", 1 = "yes" } }
[follow_up]
time = "years"
age = "age"
unit = "years"
start = "visit"
end = "death"
[outcomes]
death = { label = "Death", event = "dead == 'yes'" }
"""
MARKER = """
title = "Marker and death"
question = "Do they go together?"
cohort = "made"
outcomes = ["death"]
min_events = 10
[exposures.marker]
[[models]]
name = "sex"
label = "Sex"
covariates = ["age", "sex"]
[[models]]
name = "full"
label = "+ BMI"
add = ["bmi"]
[[interactions]]
modifier = "sex"
[imputation]
m = 2
iterations = 4
"""
BMI = """
title = "BMI and death"
question = "Do they go together?"
cohort = "made"
outcomes = ["death"]
min_events = 10
[exposures.bmi]
[[models]]
name = "sex"
label = "Sex"
covariates = ["age", "sex"]
"""
BUILT = ("build/raw", "build/cohorts", "build/results", "reports")
TOOK = re.compile(rb"The models took [0-9.]+ (s|min)\.")  # on pages
SEPARATE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def project(root: Path) -> None:
    """Write a project whose data come from a mirror, with the environment that runs this."""
    rng = np.random.default_rng(5)
    n = 800
    marker, age = rng.normal(20, 5, n), rng.uniform(40, 70, n)
    time_ = rng.exponential(12 * np.exp(-0.06 * (age - 55) - 0.05 * (marker - 20)))
    people = pd.DataFrame(
        {
            "id": np.arange(n),
            "age": age.round(2),
            "marker": marker.round(2),
            "bmi": np.where(rng.random(n) < 0.05, np.nan, rng.normal(27, 4, n).round(1)),
            "sex": rng.integers(1, 3, n),
            "years": np.minimum(time_, 10).round(3) + 0.001,
            "dead": (time_ < 10).astype(int),
        }
    )
    for folder in ("cohorts", "analyses", "reports", "mirror/made"):
        (root / folder).mkdir(parents=True)
    people.to_csv(root / "mirror/made/people.csv", index=False)
    (root / "cohorts/made.toml").write_text(COHORT, encoding="utf-8")
    (root / "analyses/bmi.toml").write_text(BMI, encoding="utf-8")
    (root / "analyses/marker.toml").write_text(MARKER, encoding="utf-8")
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(HERE / name, root / name)
    (root / ".venv/bin").mkdir(parents=True)
    program = root / ".venv/bin/riskkit"
    program.write_text(f"#!{sys.executable}\nfrom riskkit.cli import main\nmain()\n", encoding="utf-8")
    program.chmod(0o755)
    (root / ".venv/.ready").touch()


def environment(root: Path) -> dict[str, str]:
    """What make is given: this code, data from the project's mirror, a clock that stands for provenance."""
    return {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "RISKKIT_MIRROR": str(root / "mirror"),
        "SOURCE_DATE_EPOCH": "1700000000",
        "TMPDIR": str(root / "tmp"),
    }


def start(root: Path, *, apart: bool = False, quiet: bool = True) -> subprocess.Popen[bytes]:
    """Start ``make -j2`` as a group of processes of its own; `apart`: in a process namespace of its own."""
    (root / "tmp").mkdir(exist_ok=True)
    where = subprocess.DEVNULL if quiet else subprocess.PIPE
    command = [*(SEPARATE if apart else ()), "make", "-j2", "--no-print-directory"]
    return subprocess.Popen(
        command, cwd=root, env=environment(root), stdout=where, stderr=subprocess.STDOUT, process_group=0
    )


def finish(process: subprocess.Popen[bytes]) -> str:
    """Wait for make; what it said if it did not end well."""
    said = process.communicate()[0] or b""
    return "" if process.returncode == 0 else f"make ended with {process.returncode}: {said.decode()[-600:]}"


def built(root: Path) -> dict[str, str]:
    """Everything that stands in the folders that make writes, by SHA-256.

    Seconds that a fit took differ from run to run: the lines that tell them, and the sums over these, are left out.
    """
    found = {}
    for folder in (*BUILT, "tmp"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_dir():
                found[f"{path.relative_to(root)}/"] = ""
                continue
            content = path.read_bytes()
            if path.name == "results.json":
                content = b"\n".join(line for line in content.splitlines() if b'"seconds"' not in line)
            if path.name == "SHA256SUMS":
                content = b"\n".join(line for line in content.splitlines() if not line.endswith(b"results.json"))
            content = TOOK.sub(b"", content)
            found[str(path.relative_to(root))] = hashlib.sha256(content).hexdigest()
    return found


def differences(root: Path, want: dict[str, str]) -> list[str]:
    """Files that are not as they should be, missing, or left over."""
    have = built(root)
    return sorted(name for name in {*want, *have} if want.get(name) != have.get(name))


def empty(root: Path) -> None:
    """Take away all that make has made."""
    for folder in ("build", "reports", "tmp"):
        shutil.rmtree(root / folder, ignore_errors=True)
    (root / "reports").mkdir()


def older(root: Path, kept: Path) -> None:
    """Leave the results and reports of an analysis file that has since become another; `kept` has them once made."""
    path = root / "analyses/marker.toml"
    if not kept.exists():
        path.write_text(MARKER.replace("Marker and death", "An older question").replace('"bmi"', '"log(bmi)"'))
        said = finish(start(root, quiet=False))
        assert not said, said
        for folder in ("build", "reports"):
            shutil.copytree(root / folder, kept / folder)
        path.write_text(MARKER, encoding="utf-8")
    empty(root)
    for folder in ("build", "reports"):
        shutil.copytree(kept / folder, root / folder, dirs_exist_ok=True)


def kill(root: Path, seconds: float) -> bool:
    """Start make, kill it and all it has started after some seconds; whether it was still at work then."""
    process = start(root)
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() != 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds asked for; 1 if one of them did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=20, help="rounds of two makes at once")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    rng, faults, killed, rounds = random.Random(asked.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as above:
        root = Path(above) / "project"
        project(root)
        began = time.monotonic()
        said = finish(start(root, quiet=False))
        assert not said, said
        whole, want = time.monotonic() - began, built(root)
        print(f"undisturbed: {whole:.0f} s, {sum(map(bool, want.values()))} files", flush=True)
        while killed < asked.kills:
            rounds += 1
            empty(root)
            if rounds % 2 == 0:
                older(root, Path(above) / "older")
            for _ in range(min(rng.randint(6, 12), asked.kills - killed)):
                killed += kill(root, rng.uniform(0.2, whole / 3))
            said, wrong = finish(start(root, quiet=False)), differences(root, want)
            faults += bool(said or wrong)
            print(f"round {rounds}, {killed} kills: {said} {wrong or 'as undisturbed'}", flush=True)
        for pair in range(asked.pairs):
            empty(root)
            apart = pair % 2 == 1
            first = start(root, apart=apart, quiet=False)
            time.sleep(rng.uniform(0, whole / 2))
            second = start(root, apart=apart, quiet=False)
            said = " ".join(filter(None, [finish(first), finish(second)]))
            wrong = differences(root, want)
            faults += bool(said or wrong)
            print(f"pair {pair + 1}{', apart' if apart else ''}: {said} {wrong or 'as undisturbed'}", flush=True)
    print(f"{killed} kills in {rounds} rounds and {asked.pairs} pairs: {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
