"""Speed and memory beside R's survival, lifelines and statsmodels, from one run: `python -m benchmarks [--quick]`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.cohort import draw
from riskkit.design.splines import knots

HERE = Path(__file__).parent
Measured = dict[str, float]


def python(job: str, file: Path, repeats: int = 3, **environment: str) -> Measured:
    command = [sys.executable, "-m", "benchmarks.jobs", job, str(file), str(repeats)]
    return measured(command, os.environ | environment)


def r(job: str, file: Path, repeats: int = 1) -> Measured:
    return measured(["Rscript", str(HERE / "peers.R"), job, str(file.with_suffix("")), str(repeats)], os.environ)


def measured(command: list[str], environment: os._Environ | dict[str, str]) -> Measured:
    done = subprocess.run(
        command, env=dict(environment), cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def save(folder: Path, n: int, outcomes: int = 1) -> Path:
    """Write a cohort as columns of doubles, with their names and the knots of the spline beside it."""
    data, file = draw(n, outcomes), folder / f"cohort-{n}-{outcomes}.bin"
    data.to_numpy(dtype=float).T.tofile(file)
    file.with_suffix(".names").write_text("\n".join(data.columns) + "\n")
    np.savetxt(file.with_suffix(".knots"), knots(data["igf1"], 5), fmt="%.17g")
    return file


def show(what: str, ours: Measured | None, theirs: Measured | None = None, note: str = "") -> None:
    def cell(value: Measured | None) -> str:
        return f"{value['seconds']:9.3f} s {value['megabytes']:6.0f} MB" if value else " " * 21

    ratio = f"{theirs['seconds'] / ours['seconds']:7.1f} x" if ours and theirs else " " * 9
    print(f"{what:44s}{cell(ours)}  {cell(theirs)}{ratio}  {note}", flush=True)


def start_up(folder: Path, file: Path) -> None:
    """Time the import, and the first fit with an empty and with a full cache of compiled code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import riskkit"], check=True)
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    imported = (bare - start) - (time.perf_counter() - bare)
    cache = {"NUMBA_CACHE_DIR": str(folder / "numba")}
    cold, warm = (python("cox", file, 1, **cache)["first"] for _ in range(2))
    print(f"import riskkit {imported:.2f} s; first fit of a process {warm:.2f} s, of an installation {cold:.2f} s")


def main(quick: bool) -> None:
    n = 50_000 if quick else 400_000
    with_r = shutil.which("Rscript") is not None
    print(f"{n:,} people, 24 columns, age scale with delayed entry, 24 strata, Efron; best of runs, peak memory\n")
    print(f"{'':44s}{'riskkit':>21s}  {'R survival':>21s}{'ratio':>9s}" + ("" if with_r else "  (no Rscript)"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = save(folder, n)
        python("cox", file, 1)  # compiles, once an installation
        ours = {job: python(job, file, 5) for job in ("cox", "design", "fit", "floor")}
        coxph = r("cox", file) if with_r else None
        show("fit from a frame and a formula", ours["cox"], coxph)
        show("  design alone", ours["design"])
        show("  fit alone", ours["fit"], note=f"{ours['fit']['seconds'] / ours['floor']['seconds']:.2f} floors")
        show("  floor: read X and one Gram, 5 times", ours["floor"])
        for job in ("robust", "cluster", "ph_test", "concordance"):
            done = python(job, file)
            share = f"{done['seconds'] / ours['fit']['seconds']:.1f} fits"
            peer = r(job, file) if with_r and job != "cluster" else None  # R's clusters cost what its rows do
            show(job.replace("_", " "), done, peer, share)
        small = r("small", file, 20) if with_r else None
        show("100 fits of 200 people, 3 columns", python("small", file, 20), small)
        forty = save(folder, n, 40)
        theirs = r("many", forty) if with_r else None
        show("40 outcomes in one call", python("many", forty, 5), theirs, "R: 40 calls, from three of them")
        if not quick:
            large = python("cox", save(folder, 5 * n), 5)
            per_row = large["seconds"] / 5 / ours["cox"]["seconds"]
            show(f"fit of {5 * n:,} people", large, note=f"{per_row:.2f} times the time per row")
        n_few = 20_000  # lifelines is quadratic with delayed entry
        few = save(folder, n_few)
        for peer in ("statsmodels", "lifelines"):
            show(f"{n_few:,} people, beside {peer}", python("cox", few), python(peer, few, 1), f"second: {peer}")
        start_up(folder, few)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 people instead of 400,000")
    main(parser.parse_args().quick)
