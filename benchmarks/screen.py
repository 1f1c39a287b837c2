"""A screen beside one fit at a time: `python -m benchmarks.screen [--exposures 300 --outcomes 60 --people 50000]`.

riskkit fits every pair; the others a sample of the same pairs, one after the other, in this run: R's coxph with its
formula and coxph.fit on matrices, lifelines, and the `survival` package of PyPI where it is installed. What
counts is processor seconds, not those on the clock: others may be at work on the machine. `--agree 1000` then fits so
many pairs at random by rk.cox and by coxph.fit, iterated until nothing changes, and says how far they are apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import riskkit as rk

SEPARATELY = 1_900_000  # pairs: 2,920 proteins and 660 diseases
COVARIATES = ("age", "sex", "bmi", *(f"c{j}" for j in range(5)), "smoking1", "smoking2", "ethnicity1", "ethnicity2")
ADJUST = " + ".join(COVARIATES)


def draw(people: int, exposures: int, outcomes: int, missing: float, seed: int = 1) -> pd.DataFrame:
    """Draw twelve covariates, correlated exposures, and outcomes in 0.2 to 5 % of people over 11 to 14.5 years."""
    g = np.random.default_rng(seed)
    data = {"age": g.triangular(40, 60, 70, people).round(2), "sex": g.integers(0, 2, people) * 1.0}
    data["bmi"] = g.normal(27, 4, people).round(1)
    data |= {f"c{j}": g.normal(size=people).round(3) for j in range(5)}
    for name, shares in (("smoking", (0.55, 0.35, 0.1)), ("ethnicity", (0.94, 0.04, 0.02))):
        level = g.choice(3, people, p=shares)
        data |= {f"{name}{k}": (level == k) * 1.0 for k in (1, 2)}
    factors = g.normal(size=(people, 10))
    values = factors @ g.normal(size=(10, exposures)) * 0.3 + g.normal(size=(people, exposures))
    values[g.random(values.shape) < missing] = np.nan
    end = np.ceil(g.uniform(11, 14.5, people) * 365.25)
    for k, share in enumerate(np.geomspace(0.002, 0.05, outcomes)):
        log_rate = 0.04 * (data["age"] - 56) + 0.5 * data["smoking2"] + 0.2 * factors[:, k % 10]
        ill = np.ceil(g.exponential(size=people) / (share / 12 / 365.25 * np.exp(log_rate)))
        data |= {f"time{k}": np.minimum(ill, end), f"event{k}": (ill <= end) * 1.0}
    return pd.concat([pd.DataFrame(data), pd.DataFrame(values.astype(np.float32)).add_prefix("olink_")], axis=1)


def each(fit: Callable[[pd.DataFrame], float], samples: list[pd.DataFrame]) -> tuple[float, list[float]]:
    """Processor seconds a fit, and the estimates."""
    fit(samples[0])  # imports and compilation
    start = time.process_time()
    found = [fit(sample) for sample in samples]
    return (time.process_time() - start) / len(samples), found


def lifelines(sample: pd.DataFrame) -> float:
    from lifelines import CoxPHFitter

    return float(CoxPHFitter().fit(sample, "time", "event").params_["z"])


def survival(sample: pd.DataFrame) -> float:
    import survival as wheel

    fit = wheel.coxph(f"Surv(time, event) ~ {ADJUST} + z", sample)
    return float(np.asarray(fit.coefficients)[-1])


def alone(sample: pd.DataFrame) -> float:
    return float(rk.cox(f"Surv(time, event) ~ {ADJUST} + z", sample, time_unit="days").coef[-1])


def r(samples: list[pd.DataFrame], task: str) -> tuple[float, list[float]]:
    with tempfile.TemporaryDirectory() as name:
        for k, sample in enumerate(samples):
            sample.to_numpy(dtype=float).T.tofile(Path(name) / f"{k}.bin")
        script = Path(__file__).with_name("screen_peers.R")
        command = ["Rscript", str(script), task, name, ",".join(samples[0].columns)]
        done = json.loads(
            subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1]
        )
    return done["seconds"], np.atleast_1d(done["estimates"]).tolist()


def sample(data: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The people of a pair: covariates, time, event, and z, the exposure per unit."""
    k = row["outcome"].removeprefix("outcome")
    own = data[[*COVARIATES, f"time{k}", f"event{k}"]].set_axis([*COVARIATES, "time", "event"], axis=1)
    return own.assign(z=data[row["exposure"]].astype(float) / row["unit"]).dropna()


def agree(data: pd.DataFrame, found: pd.DataFrame, pairs: int) -> None:
    """Fit pairs at random alone, some at a time, and say how far from the screen's they are."""
    chosen = found[found["estimate"].notna()].sample(min(pairs, len(found)), random_state=2)
    apart: dict[str, list[float]] = {"rk.cox": [], "R coxph.fit": []}
    for start in range(0, len(chosen), 25):
        some = chosen.iloc[start : start + 25]
        samples = [sample(data, row) for _, row in some.iterrows()]
        fits = {"rk.cox": [alone(one) for one in samples]}
        if shutil.which("Rscript"):
            fits["R coxph.fit"] = r(samples, "coxph.fit.close")[1]
        for name, estimates in fits.items():
            apart[name] += (np.abs(estimates - some["estimate"]) / some["se"]).tolist()
    for name, each in apart.items():
        if each:
            print(f"{len(each)} pairs at random alone by {name}: at most {max(each):.1e} standard errors apart")


def main(people: int, exposures: int, outcomes: int, missing: float, sampled: int, agreeing: int) -> None:
    data = draw(people, exposures, outcomes, missing)
    follow_up = {f"outcome{k}": f"Surv(time{k}, event{k})" for k in range(outcomes)}
    few = {"outcome": follow_up[f"outcome{outcomes - 1}"]}
    rk.screen(data.head(5000), ["olink_0", "olink_1"], few, ADJUST, time_unit="days")  # compiles, once an installation
    clock, processor = time.perf_counter(), time.process_time()
    found = rk.screen(data, "olink_*", follow_up, ADJUST, time_unit="days")
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    per_pair = processor / len(found)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{people:,} people, {exposures} exposures ({missing:.0%} missing), {outcomes} outcomes, "
        f"{len(COVARIATES)} covariates"
    )
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(
        f"rk.screen: {len(found):,} pairs in {clock:.0f} s on the clock, {processor:.0f} processor seconds, "
        f"{gigabytes:.1f} GB; {1000 * per_pair:.2f} ms a pair; "
        f"{SEPARATELY / 1e6} million such pairs: {SEPARATELY * per_pair / 3600:.1f} processor hours"
    )
    failed = found[found["reason"] != ""]
    print(
        f"without an estimate: {len(failed)}" + (f" ({failed['reason'].iloc[0][:60]}...)" if len(failed) else ""),
        flush=True,
    )
    chosen = found[found["reason"] == ""].sample(sampled, random_state=1)
    samples = [sample(data, row) for _, row in chosen.iterrows()]
    peers: dict[str, Callable[[], tuple[float, list[float]]]] = {
        "rk.cox": lambda: each(alone, samples),
        "lifelines": lambda: each(lifelines, samples),
        "survival (PyPI)": lambda: each(survival, samples),
    }
    if shutil.which("Rscript"):
        peers |= {f"R {task}": lambda task=task: r(samples, task) for task in ("coxph", "coxph.fit")}
    for name, measure in peers.items():
        try:
            seconds, estimates = measure()
        except ImportError:
            print(f"{name}: not installed")
            continue
        apart = np.abs(np.array(estimates) - chosen["estimate"].to_numpy()) / chosen["se"].to_numpy()
        print(
            f"{name}: {1000 * seconds:.1f} ms a pair, {seconds / per_pair:.1f} times rk.screen's, "
            f"estimates within {apart.max():.1e} standard errors ({sampled} pairs)",
            flush=True,
        )
    if agreeing:
        agree(data, found, agreeing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--exposures", type=int, default=300)
    parser.add_argument("--outcomes", type=int, default=60)
    parser.add_argument("--missing", type=float, default=0.0)
    parser.add_argument("--sampled", type=int, default=20)
    parser.add_argument("--agree", type=int, default=0, dest="agreeing")
    main(**vars(parser.parse_args()))
