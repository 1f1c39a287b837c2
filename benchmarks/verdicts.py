"""Error rates of the whole verdict on a shape: `make calibrate`, or `python -m benchmarks.verdicts --replicates 25`.

Writes the tables into docs/calibration.md, between its two markers, as often as a part of the simulation is done.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import riskkit as rk
from benchmarks.calibrate import PAGE, markdown, write
from benchmarks.calibration import EVENTS, SD, TRUTHS, Truth, cohort
from riskkit.fit.fit import Fit
from riskkit.infer.heights import LIMITS, Limit, search_grid, supremum
from riskkit.infer.linear import coded, standard_errors
from riskkit.infer.verdict import ANSWERS

BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"
ROUND, BATCH = 40, 10  # replicates of everything before the next are begun; those that a process does at a time
KNOTS = (3, 4, 5, 7)
RANGES: tuple[tuple[Limit, Limit], ...] = (("p2.5", "p97.5"), ("p10", "p90"))
SETS = 20  # imputed
FALLING, RISING, FLAT = ("saturating", "steep fall"), ("linear", "J: flat, then rising"), ("flat",)
NO_U = (*FLAT, *RISING, *FALLING)
SOME = (*NO_U, "deep U", "flat-bottomed U")
TURNED = {"U-shaped", "inverse U-shaped"}
WRONG = {  # and "flat", where levels differ by more than what was stated
    **{truth: {"inverse U-shaped", "falling", "rising"} for truth in TRUTHS},
    **{truth: TURNED | {"rising", "level then rises"} for truth in FALLING},
    **{truth: TURNED | {"falling", "falls then levels off"} for truth in RISING},
    **{truth: TURNED | {"falling", "rising", "falls then levels off", "level then rises"} for truth in FLAT},
}


@dataclass(frozen=True)
class Job:
    """Replicates `first`, ..., `first + BATCH - 1` of one model, truth and size, each with all codings and ranges."""

    model: str
    truth: str
    n: int
    knots: tuple[int, ...]
    ranges: tuple[tuple[Limit, Limit], ...]
    first: int
    seed: int

    def run(self) -> list[dict[str, Any]]:
        """Judge each replicate; its seed depends on nothing but what it is."""
        rows = []
        for replicate in range(self.first, self.first + BATCH):
            random = np.random.default_rng([self.seed, list(TRUTHS).index(self.truth), self.n, replicate])
            fitted = SAMPLES[self.model](TRUTHS[self.truth], self.n, random)
            for knots in self.knots:
                fit = fitted(f"rcs(x, {knots})")
                for limits in self.ranges:
                    about = {"model": self.model, "truth": self.truth, "n": self.n, "knots": knots, "limits": limits}
                    found = judge(fit, TRUTHS[self.truth], limits)
                    if self.model == "cox" and knots == 5:
                        found["common"] = common_p(fit, limits) < 0.05
                    rows.append(about | found)
        return rows


def judge(fit: Fit, truth: Truth, limits: tuple[Limit, Limit] = LIMITS) -> dict[str, Any]:
    """The answer about one cohort, whether each of its parts is true, and what other tests say."""
    found = rk.ushape(fit, "x", limits=limits)
    told = found.heights
    grid = search_grid(fit, "x", limits)
    height = truth.curve(grid) - truth.curve(grid).min()
    lowest = grid[height < 1e-12]
    return {
        "answer": told.answer,
        "wrong": told.answer in WRONG[truth.name]
        or (told.answer == "flat" and np.exp(height.max()) > told.flat_within),
        "u": told.answer == "U-shaped",
        "one_sided": told.p < 0.1,
        "slopes": found.slopes_p < 0.05,
        "low": told.lower.low - 1e-9 <= height[0] <= told.lower.high + 1e-9,
        "high": told.upper.low - 1e-9 <= height[-1] <= told.upper.high + 1e-9,
        "low_false": told.lower.clear if height[0] < 1e-12 else np.nan,
        "high_false": told.upper.clear if height[-1] < 1e-12 else np.nan,
        "lowest": bool(((told.low - 1e-9 <= lowest) & (lowest <= told.high + 1e-9)).any()),
        "located": not all(told.open_ends),
    }


def common_p(fit: Fit, limits: tuple[Limit, Limit]) -> float:
    """One-sided p value of max over m of min((f(lo) - f(m)) / se, (f(hi) - f(m)) / se): one point below both ends."""
    grid = search_grid(fit, "x", limits)
    rows = coded(fit, {"x": grid})
    z, law = [], []
    for end in (0, -1):
        above = np.delete(rows[end] - rows, end, axis=0)
        z.append(above @ fit.coef / standard_errors(fit, above))
        law.append(supremum(fit, above))
    largest = float(np.minimum(z[0][:-1], z[1][1:]).max())
    return max(each.p(largest) for each in law)


def cox_sample(truth: Truth, n: int, random: np.random.Generator) -> Any:
    """A cohort followed until a fifth have had the event."""
    data = cohort(truth, n, random)
    return lambda term: rk.cox(f"Surv(time, event) ~ {term}", data)


def logistic_sample(truth: Truth, n: int, random: np.random.Generator) -> Any:
    """A cross-section of which about a fifth have the state."""
    x = np.exp(np.log(150) + 0.3 * random.standard_normal(n))
    linear = truth.curve(x)
    event = random.random(n) < 1 / (1 + np.exp(-(linear - linear.mean() + np.log(EVENTS / (1 - EVENTS)))))
    data = pd.DataFrame({"x": x, "event": event.astype(int)})
    return lambda term: rk.logistic(f"event ~ {term}", data)


def survey_sample(truth: Truth, n: int, random: np.random.Generator) -> Any:
    """A survey of 60 units in 30 strata, alike in exposure and in risk within a unit, with unequal weights."""
    unit = random.integers(60, size=n)
    log_x = 0.3 * (np.sqrt(0.1) * random.standard_normal(60)[unit] + np.sqrt(0.9) * random.standard_normal(n))
    x = 150 * np.exp(log_x)
    frailty = np.exp(0.2 * random.standard_normal(60))[unit]
    time = random.exponential(1, n) / (np.exp(truth.curve(x)) * frailty)
    end = np.quantile(time, EVENTS)
    data = pd.DataFrame({"x": x, "time": np.minimum(time, end), "event": (time <= end).astype(int)})
    data = data.assign(w=np.exp(0.5 * random.standard_normal(n)), stratum=unit // 2, unit=unit)
    design = rk.SurveyDesign(weights="w", strata="stratum", psu="unit")
    return lambda term: rk.cox(f"Surv(time, event) ~ {term}", data, survey=design)


def imputed_sample(truth: Truth, n: int, random: np.random.Generator) -> Any:
    """A cohort with a confounder that a third lack, more often where the event happened, imputed 20 times."""
    x = 150 * np.exp(0.3 * random.standard_normal(n))
    c = 0.5 * (x - 150) / SD + np.sqrt(0.75) * random.standard_normal(n)
    time = random.exponential(1, n) / np.exp(truth.curve(x) + 0.5 * c)
    end = np.quantile(time, EVENTS)
    event = (time <= end).astype(int)
    known = random.random(n) < 1 / (1 + np.exp(0.7 * event - 0.9))
    data = pd.DataFrame({"x": x, "c": np.where(known, c, np.nan), "time": np.minimum(time, end), "event": event})
    sets = rk.impute(
        data, ["c"], outcomes=["Surv(time, event)"], predictors="rcs(x, 4)", m=SETS, iterations=1,
        seed=int(random.integers(2**31)), jobs=1,
    )  # fmt: skip
    return lambda term: sets.fit(rk.cox, f"Surv(time, event) ~ {term} + c")


SAMPLES = {"cox": cox_sample, "logistic": logistic_sample, "survey": survey_sample, "imputed": imputed_sample}


def rounds(replicates: int, seed: int) -> Iterator[list[Job]]:
    """Plan the simulation in rounds of `ROUND` replicates of everything, so that any of them may be the last."""
    for start in range(0, replicates, ROUND):
        for model, n, truths, knots, ranges, number in (
            ("cox", 2000, TRUTHS, KNOTS, (LIMITS,), ROUND),
            ("cox", 20_000, TRUTHS, KNOTS, (LIMITS,), ROUND),
            ("cox", 20_000, ("steep fall",), (4, 5, 7), RANGES, ROUND),
            ("logistic", 2000, SOME, KNOTS, (LIMITS,), ROUND),
            ("survey", 2000, SOME, KNOTS, (LIMITS,), ROUND),
            ("imputed", 2000, SOME, (5,), (LIMITS,), ROUND // 2),  # slow
        ):
            yield [
                Job(model, truth, n, knots, ranges, first, seed)
                for first in range(start, start + number, BATCH)
                for truth in truths
            ]


def tables(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Summarise the replicates as titled tables, in per cent."""
    whole = rows[rows["limits"] == LIMITS]
    cox, others = whole[whole["model"] == "cox"], whole[whole["model"] != "cox"]
    five = cox[cox["knots"] == 5]
    tests = {"u": "heights", "one_sided": "heights, one-sided", "common": "one point", "slopes": "slopes"}
    yield "U found (%): Cox, 5 knots", _table(five, ["n"], tests)
    yield "Answered U-shaped (%): Cox, by knots", _table(cox, ["n", "knots"], {"u": ""})
    yield "Answered U-shaped (%): other models, by knots, 2,000 people", _table(others, ["model", "knots"], {"u": ""})
    for n, some in five.groupby("n"):
        shares = some.groupby("truth")["answer"].value_counts(normalize=True).unstack("answer").fillna(0.0)
        yield f"Answers (%): Cox, 5 knots, {n:,} people", _printed(shares[[a for a in ANSWERS if a in shares]])
    yield "Wrong answers (%): Cox, by knots", _table(cox, ["n", "knots"], {"wrong": ""})
    yield "Wrong answers (%): other models, by knots, 2,000 people", _table(others, ["model", "knots"], {"wrong": ""})
    held = {name: name for name in ("low", "high", "lowest")}
    yield "Coverage of the three parts (%): Cox, 5 knots", _table(five, ["n"], held)
    yield (
        "Coverage of the three parts (%): other models, 5 knots",
        _table(others[others["knots"] == 5], ["model"], held),
    )
    over = whole.assign(truth=[f"{model}, {n:,} people" for model, n in zip(whole["model"], whole["n"], strict=True)])
    yield "Coverage of the three parts (%), mean over truths, by knots", _table(over, ["knots"], held)
    false = {"low_false": "low", "high_false": "high"}
    about = whole[whole["knots"] == 5].dropna(subset=list(false), how="all")
    yield "An end called higher that is lowest (%): 5 knots", _table(about, ["model", "n"], false)
    steep = rows[(rows["truth"] == "steep fall") & (rows["n"] == 20_000)]
    steep = steep.assign(truth=[f"{low} to {high}" for low, high in steep["limits"]])
    yield "Steep fall, 20,000 people: answered U-shaped (%), by range", _table(steep, ["knots"], {"u": ""})


def _table(rows: pd.DataFrame, by: list[str], measures: dict[str, str]) -> pd.DataFrame:
    """One line per truth, one column per measure and group of the columns `by`."""
    means = rows.groupby(["truth", *by], sort=False)[list(measures)].mean().unstack(by)
    means.columns = [_head(measures[measure], dict(zip(by, group, strict=True))) for measure, *group in means.columns]
    return _printed(means)


def _head(measure: str, group: dict[str, Any]) -> str:
    """Words above a column: 5 knots, 2,000 people."""
    text = {"knots": "{} knots", "n": "{:,} people", "model": "{}"}
    return ", ".join([*([measure] if measure else []), *(text[name].format(value) for name, value in group.items())])


def _printed(cells: pd.DataFrame) -> pd.DataFrame:
    """Percentages to read, truths in their order."""
    text = cells.astype(float).map(lambda value: "" if np.isnan(value) else f"{100 * value:.1f}")
    known = [truth for truth in TRUTHS if truth in text.index] or list(text.index)
    return text.loc[known].rename_axis("truth").rename_axis(None, axis=1).reset_index()


def report(rows: pd.DataFrame, options: argparse.Namespace) -> str:
    """The page's section."""
    counts = rows[rows["limits"] == LIMITS].groupby(["model", "n", "knots"])["truth"].value_counts()
    head = (
        f"{counts.min()} to {counts.max()} cohorts for each truth, seed {options.seed}; the Monte Carlo standard error "
        f"of 5% is {100 * np.sqrt(0.05 * 0.95 / counts.min()):.1f} to {100 * np.sqrt(0.05 * 0.95 / counts.max()):.1f} "
        "points.\n"
    )
    return "\n".join([head, *(f"**{title}**\n\n{markdown(frame)}\n" for title, frame in tables(rows))])


def main() -> None:
    """Simulate part by part; after each, print how long it took and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400, help="cohorts for each truth, in rounds of 40")
    parser.add_argument("--seed", type=int, default=20_261_128)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for jobs in rounds(options.replicates, options.seed):
            started = time.perf_counter()
            for done in pool.map(Job.run, jobs):
                rows += done
            print(f"{jobs[0].model}, {jobs[0].n:,} people: {time.perf_counter() - started:.0f} s", flush=True)
            write(PAGE, report(pd.DataFrame(rows), options), BEGIN, END)


if __name__ == "__main__":
    main()
