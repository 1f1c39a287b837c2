"""The outcome-wide run: `python -m benchmarks.outcomewide [--people 502000]` takes a twin from raw files to a report.

Each step is the command a user gives, timed from start to end, with the memory of its largest process. R's coxph fits
one of the models beside, on the same design matrix.
"""

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
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.design.design import build
from riskkit.results import Results

ROOT = Path(__file__).parent.parent
ANALYSIS, MODEL = "igf1-cancer", "lifestyle"


def riskkit(folder: Path, *arguments: str) -> tuple[float, float]:
    """Give one command in a project's folder; return its seconds and the gigabytes of its largest process."""
    command = [sys.executable, "-c", "from riskkit.cli import main; main()", *arguments]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"riskkit {' '.join(arguments)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def one_model(folder: Path, fits: pd.DataFrame) -> pd.Series:
    """Write the design of the linear model with most events for R: strata, entry, exit, event, then the covariates."""
    candidates = fits.query(f"coding == 'linear' and model == '{MODEL}' and n_without_events == 0")
    model = candidates.loc[candidates["events"].idxmax()]
    design = build(str(model["formula"]), Cohort.read(folder / "build/cohorts/ukb.parquet").data)
    follow_up = design.response
    np.column_stack([design.strata, follow_up.entry, follow_up.exit, follow_up.event, design.x]).T.tofile(
        folder / "model.bin"
    )
    return model


def main(people: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "cohorts", folder / "cohorts", ignore=shutil.ignore_patterns("*.lock.json"))
        (folder / "analyses").mkdir()
        shutil.copy(ROOT / "analyses" / f"{ANALYSIS}.toml", folder / "analyses")
        steps = {
            "simulate": ("simulate", "ukb", "--people", str(people)),
            "raw files to table": ("cohort", "cohorts/ukb.toml"),
            "run": ("run", f"analyses/{ANALYSIS}.toml"),
            "report": ("report", ANALYSIS),
        }
        taken = {what: riskkit(folder, *arguments) for what, arguments in steps.items()}
        results = Results.read(folder / "build/results" / ANALYSIS)
        print(f"\n{people:,} simulated people, {ANALYSIS}, {os.cpu_count()} processors")
        for what, (seconds, gigabytes) in taken.items():
            print(f"{what:20s}{seconds:8.1f} s {gigabytes:6.2f} GB")
        fitted = len(results.fits) + len(results.variants)
        seconds = results.manifest.provenance.seconds
        print(f"{fitted} models fitted in {seconds} s: {fitted / seconds:.1f} a second, all answers included")
        if shutil.which("Rscript"):
            model = one_model(folder, results.fits)
            done = subprocess.run(
                ["Rscript", str(Path(__file__).parent / "one_model.R"), str(folder / "model.bin"), str(model["n"])],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            r = json.loads(done.stdout.splitlines()[-1])
            print(
                f"R's coxph on one of them ({model['outcome']}, model '{MODEL}', n = {model['n']:,}): "
                f"{r['seconds']:.1f} s, as long as {r['seconds'] * fitted / seconds:.0f} of ours; "
                f"log-likelihoods differ by {abs(r['loglik'] - model['loglik']):.1g}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=502_000)
    main(parser.parse_args().people)
