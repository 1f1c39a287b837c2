"""More rows than memory: `python -m benchmarks.large [--millions 17] [--dask]` writes Parquet and fits it.

A million rows a file, of the cohort of the other benchmarks: 24 columns, age as time scale with delayed entry, 24
strata, Efron ties. Each fit runs in a process of its own: 2 million rows and all of them from files, 2 million from a
frame and, with dask, all by two workers, read once into their memory (`persist`) and again in every pass. Seconds on
the clock are those of the machine as it was; processor seconds, those of the workers included, stand beside.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.cohort import TERMS, draw

FORMULA = f"Surv(entry, exit0, event0) ~ {TERMS} + strata(stratum)"


def write(folder: Path, millions: int) -> None:
    for k in range(millions):
        file = folder / f"part{k:02d}.parquet"
        if not file.exists():
            draw(1_000_000, seed=100 + k).to_parquet(file, index=False, compression="zstd")


def fit(how: str, files: list[str]) -> dict[str, object]:
    import riskkit as rk

    if how.startswith("dask"):
        import dask.dataframe as dd
        from distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        client = Client(cluster)
        client.run(importing)
        before = sum(client.run(time.process_time).values())
    else:
        source = files if how == "files" else pd.concat(map(pd.read_parquet, files), ignore_index=True)
    clock, processor = time.perf_counter(), time.process_time()
    if how.startswith("dask"):
        source: object = dd.from_map(pd.read_parquet, files)  # projects columns, in half the time of dd.read_parquet
        source = source.persist() if how == "dask, kept" else source
    found = rk.cox(FORMULA, source, time_unit="days")
    out = {
        "seconds": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "load": os.getloadavg()[0],
        "coef": found.coef.tolist(),
        "se": found.se.tolist(),
        "loglik": found.loglik,
    }
    if how.startswith("dask"):
        out["processor"] += sum(client.run(time.process_time).values()) - before
        client.close()
        cluster.close()
    return out


def importing() -> None:
    """What a worker does once."""
    import riskkit.fit.stream.likelihood  # noqa: F401


def measured(how: str, files: list[str]) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.large", "--fit", how, "--files", *files]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{len(files):3d} million rows, {how:10s} {found['seconds']:7.1f} s on the clock, {found['processor']:7.1f} "
        f"of the processors, {found['gigabytes']:.1f} GB{' (client)' if how.startswith('dask') else ''}, "
        f"load {found['load']:.1f}",
        flush=True,
    )
    return found


def main(millions: int, folder: Path, with_dask: bool) -> None:
    write(folder, max(millions, 2))
    files = sorted(str(file) for file in folder.glob("*.parquet"))[:millions]
    few, frame = (measured(how, files[:2]) for how in ("files", "frame"))
    apart = max(abs(a - b) / se for a, b, se in zip(few["coef"], frame["coef"], frame["se"], strict=True))
    print(f"  from files and from a frame: {apart:.1e} standard errors apart")
    whole = measured("files", files)
    print(f"  time a row, {millions} million beside 2: {whole['processor'] / few['processor'] * 2 / millions:.2f}")
    if with_dask:
        for how in ("dask, kept", "dask, read"):
            by_workers = measured(how, files)
            clock, processor = (by_workers[name] / whole[name] for name in ("seconds", "processor"))
            print(f"  two dask workers: {clock:.1f} times as long, {processor:.1f} times the processors' time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=17)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    parser.add_argument("--files", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fit:
        print(json.dumps(fit(given.fit, given.files)))
    elif given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
        main(given.millions, given.folder, given.dask)
    else:
        with tempfile.TemporaryDirectory() as name:
            main(given.millions, Path(name), given.dask)
