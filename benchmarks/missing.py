"""Bias and coverage with missing covariates, complete cases against imputation: `python -m benchmarks.missing`.

Prints the table and writes it into docs/calibration.md, between its two markers.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

import riskkit as rk
from riskkit.fit.fit import Fit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
BEGIN, END = "<!-- missing: begin -->", "<!-- missing: end -->"
N, M, ITERATIONS = 1000, 10, 5
SLOPE = 0.4  # log ratio per SD of the exposure, given the covariate
LINE = np.array([0.6])  # log ratio of the covariate, straight
BENT = np.array([0.0, 0.5])  # and bent, of the columns of its spline: flat, then rising
KNOTS = [-1.5, -0.5, 0.5, 1.5]
FORMULAS = {
    "cox": f"Surv(time, event) ~ rcs(x, {KNOTS}) + {{c}}",
    "logistic": f"event ~ rcs(x, {KNOTS}) + {{c}}",
}
MODELS = {"cox": rk.cox, "logistic": rk.logistic}
CODED = {"straight": "c", "bent": f"rcs(c, {KNOTS})"}
ESTIMANDS = {"exposure": ("x", 1.0, 0.0), "covariate": ("c", 1.5, 0.0)}


@dataclass(frozen=True)
class Scenario:
    """A model, the shape of the covariate in it, and why the covariate is missing."""

    model: str
    shape: str
    mechanism: str

    def effect(self, c: np.ndarray) -> np.ndarray:
        """Log ratio of the covariate, shape (n,)."""
        columns = rk.rcs(c, KNOTS)
        return columns[:, : len(BENT)] @ BENT if self.shape == "bent" else columns[:, :1] @ LINE

    def truth(self, variable: str) -> float:
        """The log ratio that is estimated."""
        _, high, low = ESTIMANDS["exposure" if variable == "x" else "covariate"]
        return SLOPE * (high - low) if variable == "x" else float(np.diff(self.effect(np.array([low, high])))[0])

    def people(self, random: np.random.Generator, n: int = N) -> pd.DataFrame:
        """Draw people with everything known: a covariate c correlated 0.5 with the exposure x and with an aid z."""
        x = random.standard_normal(n)
        c = 0.5 * x + np.sqrt(0.75) * random.standard_normal(n)
        z = 0.7 * c + np.sqrt(0.51) * random.standard_normal(n)
        linear = SLOPE * x + self.effect(c)
        if self.model == "logistic":
            event = random.random(n) < 1 / (1 + np.exp(1.0 - linear))
            return pd.DataFrame({"x": x, "c": c, "z": z, "event": event.astype(float)})
        time = random.exponential(1 / np.exp(linear))
        end = random.uniform(0.1, 1.0, n)
        return pd.DataFrame(
            {"x": x, "c": c, "z": z, "time": np.minimum(time, end), "event": (time < end).astype(float)}
        )

    def lost(self, data: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        """Lose a third of the covariate: by chance, or more where the event happened and the exposure is high."""
        chance = 1 / 3 if self.mechanism == "MCAR" else 1 / (1 + np.exp(1.3 - 1.5 * data["event"] - 1.0 * data["x"]))
        return data.assign(c=data["c"].where(random.random(len(data)) >= chance))


def replicate(scenario: Scenario, seed: int, accept: bool = False) -> list[dict[str, object]]:
    """Estimates of one simulated cohort: nothing missing, complete cases, imputed by matching or as accepted."""
    random = np.random.default_rng([seed, *map(ord, f"{scenario.model}{scenario.shape}{scenario.mechanism}")])
    whole = scenario.people(random)
    data = scenario.lost(whole, random)
    model, formula = MODELS[scenario.model], FORMULAS[scenario.model].format(c=CODED[scenario.shape])
    outcome = formula.split("~")[0].strip()
    imputed = rk.impute(
        data,
        ["c"],
        outcomes=[] if accept else [outcome],
        predictors="rcs(x, 4) + z",
        m=M,
        iterations=20 if accept else ITERATIONS,
        seed=seed,
        analysis=(model, formula) if accept else None,
        jobs=1,
    )
    fits: dict[str, Fit] = {
        "nothing missing": model(formula, whole),
        "complete cases": model(formula, data),
        "imputed": imputed.fit(model, formula),
    }
    rows = []
    for (way, fit), (estimand, (variable, high, low)) in product(fits.items(), ESTIMANDS.items()):
        found = rk.contrast(fit, {variable: high}, {variable: low}).iloc[0]
        truth = scenario.truth(variable)
        covered = np.log(found["low"]) <= truth <= np.log(found["high"])
        rows.append({"estimand": estimand, "way": way, "error": found["estimate"] - truth, "covered": covered})
    return rows


def simulate(scenario: Scenario, replicates: int, accept: bool = False) -> pd.DataFrame:
    """Bias (in per cent of the truth) and coverage (per cent) of each way, over so many cohorts."""
    with ProcessPoolExecutor() as pool:
        found = pd.DataFrame(
            [
                row
                for rows in pool.map(partial(replicate, scenario, accept=accept), range(replicates), chunksize=10)
                for row in rows
            ]
        )
    grouped = found.groupby(["estimand", "way"], sort=False)
    table = grouped.agg(bias=("error", "mean"), coverage=("covered", "mean"))
    truth = [scenario.truth(ESTIMANDS[estimand][0]) for estimand, _ in table.index]
    return table.assign(bias=100 * table["bias"] / truth, coverage=100 * table["coverage"])


def row(scenario: Scenario, table: pd.DataFrame) -> str:
    """One line of the page's table."""
    cells = [f"{r.bias:+.0f} / {r.coverage:.0f}" for r in table.itertuples()]
    return f"| {scenario.model} | {scenario.shape} | {scenario.mechanism} | {' | '.join(cells)} |"


def main() -> None:
    """Simulate every scenario, print the table and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument(
        "--accept", action="store_true", help="draws that the analysis accepts; bent covariates, no page"
    )
    asked = parser.parse_args()
    replicates = asked.replicates
    if asked.accept:
        for parts in product(MODELS, ["bent"], ("MAR", "MCAR")):
            print(parts, simulate(Scenario(*parts), replicates, accept=True), sep="\n", flush=True)
        return
    ways = ("nothing missing", "complete cases", "imputed")
    heads = [f"{estimand}, {way}" for estimand in ESTIMANDS for way in ways]
    lines = [f"| model | covariate | missing | {' | '.join(heads)} |", "| --- " * (3 + len(heads)) + "|"]
    for parts in product(MODELS, CODED, ("MCAR", "MAR")):
        scenario = Scenario(*parts)
        table = simulate(scenario, replicates)
        # the order of the heads, whatever that of the rows
        lines.append(row(scenario, table.loc[[(e, w) for e in ESTIMANDS for w in ways]]))
        print(lines[-1], flush=True)
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
