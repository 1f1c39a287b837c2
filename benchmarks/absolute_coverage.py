"""How often intervals of absolute risks hold the truth: `python -m benchmarks.absolute_coverage [--cohorts 1000]`.

Cohorts with delayed entry on the age scale, a U-shaped exposure and a competing death, whose standardised risks are
known by integration. Beside riskkit's intervals stand those that leave out the baseline's variance, and those of an
analysis that takes everyone to be followed from birth. Prints the table and writes it into docs/calibration.md.
"""

from __future__ import annotations

import argparse
import time
from unittest.mock import patch

import numpy as np
import pandas as pd

import riskkit as rk
from benchmarks.calibrate import PAGE, markdown
from benchmarks.calibration import EXPOSURE, KNOTS, SD, TRUTHS, Array
from riskkit.fit.hazards import Hazards

BEGIN, END = "<!-- absolute: begin -->", "<!-- absolute: end -->"
PEOPLE, START, UNTIL = 2_000, 60.0, 70.0
LEVELS = (150.0, 230.0)
ONSET, DEATH = (np.log(0.010), 0.09), (np.log(0.012), 0.10)  # log hazard at 60 and its slope by age
EFFECTS = ("risk", "difference", "rmst", "rmst_difference", "years_lost")
TERMS = f"rcs(x, {np.round(KNOTS, 6).tolist()}) + z"


def log_ratios(x: Array, z: Array) -> tuple[Array, Array]:
    """Log hazard ratios of the disease and of death."""
    return TRUTHS["deep U"].curve(x) + 0.4 * z, 0.1 * (x - 150) / SD + 0.5 * z


def share(x: Array) -> Array:
    """Probability of the confounder."""
    return 1 / (1 + np.exp(-(x - 150) / SD))


def draw(n: int, random: np.random.Generator) -> pd.DataFrame:
    """Draw people who enter between 45 and 70, and leave by disease, death or 6 to 14 years later."""
    x = EXPOSURE.rvs(n, random_state=random)
    z = (random.uniform(size=n) < share(x)).astype(float)
    entry = random.uniform(45, 70, n)
    ages = []
    for (level, slope), ratio in zip((ONSET, DEATH), log_ratios(x, z), strict=True):
        so_far = np.exp(level + slope * (entry - START) + ratio) / slope
        ages.append(START + (np.log(so_far + random.exponential(size=n)) + np.log(slope) - level - ratio) / slope)
    left = entry + random.uniform(6, 14, n)
    exit_ = np.minimum(np.minimum(*ages), left)
    return pd.DataFrame(
        {"entry": entry, "exit": exit_, "disease": exit_ == ages[0], "death": exit_ == ages[1], "x": x, "z": z}
    )


def truth() -> dict[tuple[str, float], float]:
    """Standardised risk, time free of events and time lost from START to UNTIL, by integration."""
    quantiles = EXPOSURE.ppf((np.arange(20_000) + 0.5) / 20_000)
    ill = float(share(quantiles).mean())
    age = np.linspace(START, UNTIL, 4001)
    step = age[1] - age[0]
    out: dict[tuple[str, float], float] = {}
    for x in LEVELS:
        risk = lost = free = 0.0
        for z, chance in ((0.0, 1 - ill), (1.0, ill)):
            hazards, total = [], np.zeros_like(age)
            for (level, slope), ratio in zip((ONSET, DEATH), log_ratios(np.array([x]), np.array([z])), strict=True):
                hazards.append(np.exp(level + slope * (age - START) + ratio))
                total += (hazards[-1] - hazards[-1][0]) / slope
            survival = np.exp(-total)
            density = hazards[0] * survival
            incidence = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)]) * step
            risk += chance * incidence[-1]
            lost += chance * float(np.trapezoid(incidence, dx=step))
            free += chance * float(np.trapezoid(survival, dx=step))
        out |= {("risk", x): risk, ("years_lost", x): lost, ("rmst", x): free}
    for effect, of in (("difference", "risk"), ("rmst_difference", "rmst")):
        out[effect, LEVELS[1]] = out[of, LEVELS[1]] - out[of, LEVELS[0]]
    return out


def answers(data: pd.DataFrame, start: float, entry: str = "entry, ") -> dict[tuple[str, float], pd.Series]:
    """What riskkit says of each quantity."""
    fits = {name: rk.cox(f"Surv({entry}exit, {name}) ~ {TERMS}", data) for name in ("disease", "death")}
    found: dict[tuple[str, float], pd.Series] = {}
    for effect in EFFECTS:
        table = rk.standardise(fits, "x", LEVELS, [UNTIL], start=start, effect=effect)
        if "cause" in table:
            table = table[table["cause"] == "disease"]
        found |= {(effect, row["level"]): row for _, row in table.iterrows()}
    return found


def without_baseline(data: pd.DataFrame) -> dict[tuple[str, float], pd.Series]:
    """The same, the baseline following the coefficients but without sampling error of its own."""
    whole = Hazards.influence

    def of_coefficients(self: Hazards, on_coef: Array, on_hazard: Array) -> Array:
        part = (self.steps.weight / self.steps.s0)[:, None] * self.steps.mean
        return whole(self, on_coef - on_hazard.T @ self.steps.by_key(part), 0 * on_hazard)

    with patch.object(Hazards, "influence", of_coefficients):
        return answers(data, START)


def judge(seed: int, known: dict[tuple[str, float], float]) -> list[dict[str, object]]:
    """The methods' estimates, standard errors and whether their intervals hold the truth, on one cohort."""
    data = draw(PEOPLE, np.random.default_rng([20_261_128, seed]))
    methods = {
        "riskkit": answers(data, START),
        "baseline's variance left out": without_baseline(data),
        "entry ignored": answers(data, START, entry=""),
    }
    return [
        {
            "effect": effect, "level": level, "method": method, "estimate": row["estimate"], "se": row["se"],
            "covered": row["low"] <= known[effect, level] <= row["high"],
        }
        for method, found in methods.items()
        for (effect, level), row in found.items()
    ]  # fmt: skip


def table(rows: pd.DataFrame, known: dict[tuple[str, float], float]) -> pd.DataFrame:
    """One line a quantity: the truth, and for each method bias, standard error over spread, and coverage."""
    lines = []
    for (effect, level), some in rows.groupby(["effect", "level"], sort=False):
        true = known[effect, level]
        line = {"quantity": f"{effect} at {level:g}".replace("_", " "), "truth": f"{true:.4f}"}
        for method, each in some.groupby("method", sort=False):
            bias = 100 * (each["estimate"].mean() / true - 1)
            ratio = each["se"].mean() / each["estimate"].std(ddof=1)
            line[f"{method}: bias (%) / se over spread / coverage (%)"] = (
                f"{bias:+.1f} / {ratio:.2f} / {100 * each['covered'].mean():.1f}"
            )
        lines.append(line)
    return pd.DataFrame(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=1000)
    parser.add_argument("--print-only", action="store_true", help="do not write docs/calibration.md")
    options = parser.parse_args()
    known, started, rows = truth(), time.perf_counter(), []
    for seed in range(options.cohorts):
        rows += judge(seed, known)
        if (seed + 1) % 50 == 0:
            print(f"{seed + 1} cohorts, {(time.perf_counter() - started) / 60:.1f} minutes", flush=True)
    text = markdown(table(pd.DataFrame(rows), known))
    print(text)
    if not options.print_only:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
