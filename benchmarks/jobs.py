"""One measurement in a process of its own: `python -m benchmarks.jobs NAME FILE REPEATS` prints seconds and memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cohort import TERMS

FORMULA = f"Surv(entry, exit0, event0) ~ {TERMS} + strata(stratum)"


def cox(data: pd.DataFrame) -> Callable[[], object]:
    import riskkit as rk

    return lambda: rk.cox(FORMULA, data, time_unit="days")


def design(data: pd.DataFrame) -> Callable[[], object]:
    from riskkit.design.design import build

    return lambda: build(FORMULA, data)


def fit(data: pd.DataFrame) -> Callable[[], object]:
    from riskkit.design.design import build
    from riskkit.fit.cox import fit_design

    built = build(FORMULA, data)
    return lambda: fit_design(built)


def floor(data: pd.DataFrame) -> Callable[[], object]:
    """One read of X and one Gram matrix for each of the five evaluations of a fit."""
    from concurrent.futures import ThreadPoolExecutor

    from riskkit.design.design import build
    from riskkit.fit import kernel

    x = build(FORMULA, data).x
    weights, halves = np.ones(len(x)), (slice(0, len(x) // 2), slice(len(x) // 2, len(x)))
    outs = {half.start: np.empty((x.shape[1], x.shape[1])) for half in halves}

    def read_and_multiply(half: slice) -> None:
        x[half].sum()
        kernel.weighted_gram(x[half], weights[half], outs[half.start])

    def run() -> None:
        with ThreadPoolExecutor(2) as pool:
            for _ in range(5):
                list(pool.map(read_and_multiply, halves))

    return run


def robust(data: pd.DataFrame) -> Callable[[], object]:
    from riskkit.design.design import build
    from riskkit.fit.cox import fit_design

    built = build(FORMULA, data)
    return lambda: fit_design(built, robust=True)


def cluster(data: pd.DataFrame) -> Callable[[], object]:
    from riskkit.design.design import build
    from riskkit.fit.cox import fit_design

    built = build(FORMULA, data.assign(family=data["id"] // 2), cluster="family")
    return lambda: fit_design(built)


def ph_test(data: pd.DataFrame) -> Callable[[], object]:
    import riskkit as rk

    fitted = rk.cox(FORMULA, data)
    return lambda: rk.ph_test(fitted)


def concordance(data: pd.DataFrame) -> Callable[[], object]:
    import riskkit as rk
    from riskkit.fit.concordance import concordance

    fitted = rk.cox(FORMULA, data)
    return lambda: concordance(fitted)


def many(data: pd.DataFrame) -> Callable[[], object]:
    from riskkit.fit.outcomes import cox_many

    count = sum(name.startswith("event") for name in data.columns)
    outcomes = {f"outcome{k}": f"Surv(entry, exit{k}, event{k})" for k in range(count)}
    return lambda: cox_many(f"{TERMS} + strata(stratum)", data, outcomes, time_unit="days")


def small(data: pd.DataFrame) -> Callable[[], object]:
    """A hundred fits of three covariates to 200 people."""
    import riskkit as rk

    sample = data[data["event0"] == 1].head(60)
    sample = pd.concat([sample, data[data["event0"] == 0].head(140)])
    return lambda: [rk.cox("Surv(entry, exit0, event0) ~ igf1 + bmi + smoking1", sample) for _ in range(100)]


def statsmodels(data: pd.DataFrame) -> Callable[[], object]:
    from statsmodels.duration.hazard_regression import PHReg

    from riskkit.design.design import build

    x = build(FORMULA, data).x
    return lambda: PHReg(
        data["exit0"], x, status=data["event0"], entry=data["entry"], strata=data["stratum"], ties="efron"
    ).fit(disp=0)


def lifelines(data: pd.DataFrame) -> Callable[[], object]:
    from lifelines import CoxPHFitter

    from riskkit.design.design import build

    frame = pd.DataFrame(build(FORMULA, data).x).add_prefix("x")
    frame = frame.assign(**data[["entry", "exit0", "event0", "stratum"]])
    return lambda: CoxPHFitter().fit(frame, "exit0", "event0", entry_col="entry", strata="stratum")


JOBS = (cox, design, fit, floor, robust, cluster, ph_test, concordance, many, small, statsmodels, lifelines)


def peak_megabytes() -> float:
    """Largest resident memory since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def forget_peak() -> None:
    """Have Linux count the peak from here, so that reading the file is left out, as in the R script."""
    Path("/proc/self/clear_refs").write_text("5")


def read(file: Path) -> pd.DataFrame:
    """Read a cohort as the R script does, from columns of doubles."""
    names = file.with_suffix(".names").read_text().split()
    return pd.DataFrame(np.fromfile(file).reshape(len(names), -1).T, columns=names, copy=False)


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main(name: str, file: str, repeats: int) -> None:
    job = {job.__name__: job for job in JOBS}[name]
    run = job(read(Path(file)))
    forget_peak()
    seconds = [timed(run)]
    megabytes = peak_megabytes()  # of one run, as the R script does one
    seconds += [timed(run) for _ in range(repeats - 1)]
    print(json.dumps({"seconds": min(seconds), "first": seconds[0], "megabytes": megabytes}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
