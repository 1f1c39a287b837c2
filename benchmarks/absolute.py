"""Speed of absolute risks beside R, from one run: `python -m benchmarks.absolute [--quick]`.

Standardised risks at three levels and their differences, with standard errors, of two competing causes among 400,000
people and 24 columns (R's riskRegression does not take delayed entry); Fine and Gray's model of 50,000 people with
delayed entry, beside survival::finegray and coxph. Processor seconds stand beside seconds, so that a machine that has
other work tells the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import riskkit as rk
from benchmarks.cohort import TERMS, draw

FEW = " + ".join(["igf1", "bmi", "waist", "height", "sbp", "smoking1", "smoking2"])
R = """
suppressMessages(library(survival)); d <- read.csv(commandArgs(TRUE)[1]); d$id <- seq_len(nrow(d))
d$state <- factor(d$status, 0:2, c("censored", "event", "competing"))
one <- system.time(long <- finegray(Surv(entry, exit, state) ~ ., d, etype = "event", id = id))
two <- system.time(fit <- coxph(Surv(fgstart, fgstop, fgstatus) ~ TERMS, long, weights = fgwt, id = id))
both <- one + two
cat(sprintf('{"seconds": %.3f, "processor": %.3f, "rows": %d, "coef": [%s]}\\n', both[["elapsed"]],
            both[["user.self"]] + both[["sys.self"]], nrow(long), paste(sprintf("%.12g", coef(fit)), collapse = ", ")))
"""


def timed(work: Callable[[], object], repeats: int = 3) -> dict[str, float]:
    """Least seconds, and least processor seconds of all threads, of several runs."""
    seconds, processor = [], []
    for _ in range(repeats):
        wall, own = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - wall)
        processor.append(time.process_time() - own)
    return {"seconds": min(seconds), "processor": min(processor)}


def two_causes(n: int) -> pd.DataFrame:
    """Cohort of `benchmarks.cohort` with two outcomes, each person followed until the first, in years of age."""
    data = draw(n, outcomes=2)
    first = np.minimum(data["exit0"], data["exit1"])
    data["ill"] = (data["event0"] == 1) & (data["exit0"] == first)
    data["death"] = (data["event1"] == 1) & (data["exit1"] == first) & ~data["ill"]
    return data.assign(entry=data["entry"] / 365.25, exit=first / 365.25)


def standardised(n: int) -> dict[str, float]:
    """Seconds and peak memory of the fits and of the standardised differences."""
    data = two_causes(n)
    start = time.perf_counter()
    causes = {name: rk.cox(f"Surv(entry, exit, {name}) ~ {TERMS}", data) for name in ("ill", "death")}
    fitted = time.perf_counter()
    rk.standardise(causes, "igf1", ["p5", "median", "p95"], [70], start=60)  # compiles
    levels = ["p5", "median", "p95"]
    found = timed(lambda: rk.standardise(causes, "igf1", levels, [70], start=60, effect="difference"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**found, "fits": fitted - start, "megabytes": peak}


def finegray(n: int, r: bool) -> dict[str, float]:
    """Seconds of Fine and Gray's model here and in R, and how far the coefficients are apart."""
    data = two_causes(n)
    data["status"] = np.select([data["ill"], data["death"]], [1, 2], 0)
    ask = f"Surv(entry, exit, status) ~ {FEW}"
    rk.finegray(ask, data.head(20_000), cause=1, competing=2)  # compiles
    out = timed(lambda: rk.finegray(ask, data, cause=1, competing=2))
    if r:
        with tempfile.TemporaryDirectory() as folder:
            file, script = Path(folder) / "cohort.csv", Path(folder) / "finegray.R"
            data[["entry", "exit", "status", *FEW.split(" + ")]].to_csv(file, index=False)
            script.write_text(R.replace("TERMS", FEW))
            done = subprocess.run(["Rscript", str(script), str(file)], capture_output=True, text=True, check=True)
        theirs = json.loads(done.stdout.splitlines()[-1])
        fit = rk.finegray(ask, data, cause=1, competing=2)
        out |= {f"r_{name}": theirs[name] for name in ("seconds", "processor", "rows")}
        out["apart"] = float(np.abs(fit.coef - theirs["coef"]).max())
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the people")
    parser.add_argument("--no-r", action="store_true")
    parser.add_argument("--part", choices=["standardised", "finegray"])
    options = parser.parse_args()
    shrink = 10 if options.quick else 1
    if options.part is None:  # each in a process of its own, for its peak memory
        for part in ("standardised", "finegray"):
            subprocess.run([sys.executable, "-m", "benchmarks.absolute", *sys.argv[1:], "--part", part], check=True)
    elif options.part == "standardised":
        found = standardised(400_000 // shrink)
        print(
            f"standardised differences, 3 levels, 2 causes, {400_000 // shrink:,} people: {found['seconds']:.2f} s "
            f"({found['processor']:.2f} s of processors; the two fits {found['fits']:.2f} s), "
            f"{found['megabytes']:.0f} MB"
        )
    else:
        found = finegray(50_000 // shrink, not options.no_r)
        line = (
            f"Fine and Gray with delayed entry, {50_000 // shrink:,} people x 7: {found['seconds']:.3f} s "
            f"({found['processor']:.3f} s of processors)"
        )
        if "r_seconds" in found:
            line += (
                f"; survival::finegray + coxph {found['r_seconds']:.1f} s ({found['r_processor']:.1f} s; "
                f"{found['r_rows']:,} rows): {found['r_seconds'] / found['seconds']:.0f} x "
                f"({found['r_processor'] / found['processor']:.0f} x), coefficients {found['apart']:.0e} apart"
            )
        print(line)


if __name__ == "__main__":
    main()
