"""Coverage and error rates by simulation: `make calibrate`, or `python -m benchmarks.calibrate --quick`.

Prints the tables and writes them into docs/calibration.md, between its two markers.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.calibration import TRUTHS, judge, judge_bootstrap, judge_knots

PAGE = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SIZES = (500, 2000, 20_000)
FEWER_KNOTS = (3, 4)
SEEDED = sorted(TRUTHS, key="steep fall".__eq__)  # that truth came last: the others keep their seeds
BATCH = 25  # replicates a process does at a time


@dataclass(frozen=True)
class Job:
    """Replicates `first`, ..., `first + BATCH - 1` of one part, truth, size and number of knots."""

    part: str
    truth: str
    n: int
    knots: int
    first: int
    seed: int

    def run(self) -> list[dict[str, Any]]:
        """Judge each replicate; its seed depends on nothing but what it is."""
        rows = []
        for replicate in range(self.first, self.first + BATCH):
            seed = [self.seed, SEEDED.index(self.truth), self.n, replicate]
            truth = TRUTHS[self.truth]
            match self.part:
                case "main":
                    found = judge(truth, self.n, seed, self.knots)
                case "bootstrap":
                    found = judge_bootstrap(truth, self.n, seed)
                case _:
                    found = judge_knots(self.n, seed)
            rows.append({"part": self.part, "truth": self.truth, "n": self.n, "knots": self.knots, **found})
        return rows


def jobs(replicates: int, seed: int) -> Iterator[Job]:
    """Plan every part: bands, nadir and U tests on all truths; fewer knots; bootstrapped nadirs; chosen knots."""
    bootstraps = max(BATCH, replicates // 5 // BATCH * BATCH)
    for first in range(0, replicates, BATCH):
        for n in reversed(SIZES):
            for truth in TRUTHS:
                yield Job("main", truth, n, 5, first, seed)
        for truth in ("flat", "saturating", "J: flat, then rising", "deep U"):
            for knots in FEWER_KNOTS:
                yield Job("main", truth, 2000, knots, first, seed)
        yield Job("knots", "flat", 500, 0, first, seed)
        if first < bootstraps:
            for truth in ("deep U", "flat-bottomed U", "lopsided U"):
                yield Job("bootstrap", truth, 500, 5, first, seed)


def simulate(replicates: int, seed: int, workers: int) -> pd.DataFrame:
    """Run all jobs, with a bar and the time left; one row per replicate."""
    planned = list(jobs(replicates, seed))
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rows: list[dict[str, Any]] = []
    with bar, ProcessPoolExecutor(workers) as pool:
        for done in bar.track(pool.map(Job.run, planned), total=len(planned), description="Calibrating"):
            rows += done
    return pd.DataFrame(rows)


def tables(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Summarise the replicates as titled tables, in percent."""
    full = rows[(rows["part"] == "main") & (rows["knots"] == 5)]
    yield "Coverage of 95% bands (%)", _wide(full, ["pointwise", "simultaneous"], _percent)
    located = full.dropna(subset=["nadir"])
    yield "Coverage of 95% intervals for the nadir (%)", _wide(located, ["nadir", "simulation"], _percent)
    yield (
        "Their mean width (% of the range), and intervals of `rk.nadir` that are the whole range (%)",
        _wide(located, ["nadir_width", "simulation_width", "nadir_open"], _percent),
    )
    boot = rows[rows["part"] == "bootstrap"]
    yield (
        "Bootstrapped nadirs: coverage and width (%)",
        _wide(boot, ["nadir", "bootstrap", "bootstrap_width"], _percent),
    )
    yield "U found by slopes and by two lines (%), five knots", _wide(full, ["slopes", "two_lines"], _rejected)
    some = rows[(rows["part"] == "main") & (rows["n"] == 2000)]
    some = some[some["truth"].isin(some.loc[some["knots"] == 3, "truth"])]
    yield (
        "U found by slopes and by two lines (%), by number of knots (2,000 people)",
        _wide(some.assign(n=some["knots"].map("{} knots".format)), ["slopes", "two_lines"], _rejected),
    )
    chosen = rows[rows["part"] == "knots"]
    yield "p < 0.05 (%) without association, knots chosen by AIC", _wide(chosen, ["reported", "adjusted"], _rejected)


def _wide(rows: pd.DataFrame, measures: list[str], summarise: Callable[[pd.Series], str]) -> pd.DataFrame:
    """One line per truth, one column per measure and size."""
    cells = rows.groupby(["truth", "n"], sort=False)[measures].agg(summarise).unstack("n")
    sizes = sorted(rows["n"].unique())
    cells = cells[[(measure, n) for measure in measures for n in sizes]]
    cells.columns = [f"{measure.replace('_', ' ')}, {n}" for measure, n in cells.columns]
    return cells.loc[[truth for truth in TRUTHS if truth in cells.index]].reset_index()


def _percent(values: pd.Series) -> str:
    return f"{100 * values.mean():.1f}"


def _rejected(p: pd.Series) -> str:
    return f"{100 * (p < 0.05).mean():.1f}"


def markdown(frame: pd.DataFrame) -> str:
    """A table of text cells in Markdown."""
    lines = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write(page: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put the tables between two markers of the page."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400, help="simulated cohorts for each truth and size")
    parser.add_argument("--quick", action="store_true", help="25 cohorts each: a minute, printed and not written")
    parser.add_argument("--seed", type=int, default=20_240_501)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    replicates = BATCH if options.quick else max(BATCH, options.replicates // BATCH * BATCH)
    started = time.perf_counter()
    rows = simulate(replicates, options.seed, options.workers)
    minutes = (time.perf_counter() - started) / 60
    error = 100 * np.sqrt(0.95 * 0.05 / replicates)
    head = (
        f"{replicates} cohorts for each truth and size, seed {options.seed}; the Monte Carlo standard error of a 95% "
        f"coverage is {error:.1f} points. {minutes:.0f} minutes on {options.workers} processes.\n"
    )
    text = "\n".join([head, *(f"**{title}**\n\n{markdown(frame)}\n" for title, frame in tables(rows))])
    print(text)
    if not options.quick:
        write(PAGE, text)


if __name__ == "__main__":
    main()
