"""Coverage of dose-response meta-analysis, and how often it finds a U: `python -m benchmarks.evidence`.

Prints the table and writes it into docs/calibration.md, between its two markers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

import riskkit as rk
from riskkit.evidence.dose import DoseResponse

PAGE = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
BEGIN, END = "<!-- evidence: begin -->", "<!-- evidence: end -->"
KNOTS = [100.0, 150.0, 210.0]
TERMS = f"rcs(dose, {KNOTS})"
RANGE = (90.0, 225.0)  # in which the lowest point is looked for, and at whose ends the U test takes its slopes
REFERENCE = 150.0  # where the ratio is 1 by definition, so that it is none of the points
POINTS = np.setdiff1d(np.linspace(*RANGE, 10), [REFERENCE])
MEAN, SD, MEANS_APART = 150.0, 45.0, 12.0  # of the exposure in a study, and the SD of studies' means
ENDS = (60.0, 260.0)  # of what is measured
LEVELS = (5, 5, 5, 4, 4, 3, 2, 2)  # exposure levels of the eight studies
BETWEEN = np.array([[0.003**2, -0.6 * 0.003 * 0.004], [-0.6 * 0.003 * 0.004, 0.004**2]])  # of true coefficients
PARTS = {"flat": 0.75, "linear": 0.75, "saturating": 0.25}  # of the replicates; the last is no truth of the model
STAGES = {1: "one stage", 2: "two stages"}


def through_knots(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The spline through a function's values at the knots, so that the model can represent it."""
    at = rk.rcs(np.array(KNOTS), KNOTS)
    values = function(z(np.array(KNOTS)))
    coef = np.linalg.solve(at[1:] - at[0], values[1:] - values[0])
    return lambda x: rk.rcs(x, KNOTS) @ coef


def z(x: np.ndarray) -> np.ndarray:
    """Standard deviations from the mean."""
    return (x - MEAN) / SD


TRUTHS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "flat": lambda x: np.zeros_like(x),
    "linear": lambda x: 0.2 * z(x),
    "saturating": lambda x: 0.5 * np.exp(-(z(x) + 1.6) / 0.8),
    "shallow U": through_knots(lambda v: 0.08 * v**2),
    "deep U": through_knots(lambda v: 0.25 * v**2),
}


def published(truth: str, random: np.random.Generator) -> pd.DataFrame:
    """What eight cohorts would print: rate ratios of groups of equal size, against a middle one, and mean doses."""
    root = np.linalg.cholesky(BETWEEN)
    parts = []
    for i, groups in enumerate(LEVELS):
        mean = MEAN + MEANS_APART * random.standard_normal()
        x = np.clip(np.sort(random.normal(mean, SD, 4000)), *ENDS)
        own = root @ random.standard_normal(2)
        rate = np.exp(TRUTHS[truth](x) + rk.rcs(x, KNOTS) @ own)
        events = int(random.integers(150, 900))
        expected = [part.sum() for part in np.array_split(rate * events / rate.sum(), groups)]
        cases = np.maximum(random.poisson(expected), 1.0)  # a level without cases would be merged
        years = np.array([part.size * 10.0 for part in np.array_split(x, groups)])
        doses = [part.mean() for part in np.array_split(x, groups)]
        first = groups // 2
        log, half = np.log(cases / years), 1.959963984540054
        b, se = log - log[first], np.sqrt(1 / cases + 1 / cases[first])
        frame = pd.DataFrame({"study": f"study {i}", "dose": doses, "cases": cases, "n": years, "ratio": np.exp(b)})
        frame["low"], frame["high"] = np.exp(b - half * se), np.exp(b + half * se)
        frame.loc[first, ["low", "high"]] = np.nan
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def judge(truth: str, seed: list[int]) -> list[dict[str, object]]:
    """Analyse one meta-analysis in every variant: is the curve covered, the lowest point, and is a U found?"""
    table = published(truth, np.random.default_rng(seed))
    curve = TRUTHS[truth](POINTS) - TRUTHS[truth](np.array([REFERENCE]))
    fine = np.linspace(*RANGE, 2001)
    lowest = float(fine[TRUTHS[truth](fine).argmin()])
    rows: list[dict[str, object]] = []
    for stages in STAGES:
        corrected = rk.dose_response(table, TERMS, design="incidence-rate", stages=stages, test="knapp-hartung")
        i2 = rk.dose_heterogeneity(corrected)["i2"]
        for fit in (without_correction(corrected), corrected):
            found = rk.curve(fit, "dose", reference=REFERENCE, grid=POINTS)
            shape = rk.ushape(fit, "dose", limits=RANGE)
            turning = shape.nadir
            inside = (np.log(found["low"]) <= curve) & (curve <= np.log(found["high"]))
            rows.append(
                {
                    "truth": truth,
                    "variant": f"{STAGES[stages]}, {'knapp-hartung' if fit is corrected else 'normal'}",
                    "curve": float(inside.mean()),
                    "nadir": float("nan") if truth == "flat" else float(turning.low <= lowest <= turning.high),
                    "width": (turning.high - turning.low) / (RANGE[1] - RANGE[0]),
                    "u": float(shape.p < 0.05),
                    "i2": i2,
                }
            )
    return rows


def without_correction(fit: DoseResponse) -> DoseResponse:
    """The same fit with normal limits, as `test="normal"` gives it: only the covariance's factor and the t differ."""
    return replace(fit, vcov=fit.vcov_model, df_resid=float("inf"))


def jobs(replicates: int, seed: int) -> list[tuple[str, list[int]]]:
    """Plan the meta-analyses: so many of each U, and the declared parts of them of other truths."""
    return [
        (truth, [seed, i, r])
        for r in range(replicates)
        for i, truth in enumerate(TRUTHS)
        if r < PARTS.get(truth, 1.0) * replicates
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=2000, help="of each U, and parts of them of others")
    parser.add_argument("--quick", action="store_true", help="20 of each truth: printed and not written")
    parser.add_argument("--seed", type=int, default=20_261_128)
    options = parser.parse_args()
    planned = jobs(20 if options.quick else options.replicates, options.seed)
    found = [row for job in track(planned, "Meta-analyses") for row in judge(*job)]
    text = report(pd.DataFrame(found), options.seed)
    print(text)
    if not options.quick:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def report(rows: pd.DataFrame, seed: int) -> str:
    """Tables in Markdown, in per cent."""
    sizes = rows.groupby("truth").size() // (2 * len(STAGES))
    told = ", ".join(f"{sizes[truth]:,} ({truth})" for truth in TRUTHS)
    error = 100 * np.sqrt(0.95 * 0.05 / sizes)
    head = (
        f"Meta-analyses: {told}; seed {seed}. The Monte Carlo standard error of a 95% coverage, and of a share of 5%, "
        f"is {error.min():.1f} to {error.max():.1f} points. I2 was {rows['i2'].mean():.0f}% on average.\n"
    )
    titles = {
        "curve": "Coverage of 95% pointwise limits of the mean curve (%)",
        "nadir": "Coverage of 95% intervals for the lowest point of the mean curve (%)",
        "width": "Their mean width (% of the range)",
        "u": "U found at p < 0.05 (%)",
    }
    parts = [head]
    for column, title in titles.items():
        wide = 100 * rows.dropna(subset=[column]).pivot_table(index="truth", columns="variant", values=column)
        wide = wide.loc[[truth for truth in TRUTHS if truth in wide.index]]
        lines = [["truth", *wide.columns], ["---"] * (1 + wide.shape[1])]
        lines += [
            [str(truth), *(f"{v:.1f}" for v in values)]
            for truth, values in zip(wide.index, wide.to_numpy(), strict=True)
        ]
        parts.append(f"**{title}**\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
