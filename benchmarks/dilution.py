"""How near corrected curves come to the curve of the usual level: the table of docs/dilution.md.

Run from the project's folder: python -m benchmarks.dilution [cohorts]   (80 take about 3 minutes on 2 cores)
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from riskkit.fit.cox import cox
from riskkit.infer.calibration import calibrated
from riskkit.infer.curve import curve
from riskkit.infer.dilution import dilution_in
from riskkit.infer.usual import usual_curve

PEOPLE, REPEATED = 20_000, 0.04
REFERENCE = 20.0
GRID = np.array([12.0, 15, 18, 20, 22, 25, 28, 31])
SHAPES = {
    "line": lambda x: 0.25 * (x - 20) / 5,
    "U, lowest at 20": lambda x: 0.12 * ((x - 20) / 5) ** 2,
    "rises from 22": lambda x: 0.5 * np.maximum(x - 22, 0) / 5,
    "falls to 22": lambda x: -0.5 * np.clip((x - 12) / 5, 0, 2),
}


def cohort(seed, shape):
    """Usual levels of mean 21.4, a fifth of their variance from z, and an error of standard deviation 2.85."""
    random = np.random.default_rng(seed)
    z = random.standard_normal(PEOPLE)
    usual = 21.4 + 2.375 * z + 4.75 * random.standard_normal(PEOPLE)
    x = usual + 2.85 * random.standard_normal(PEOPLE)
    again = random.random(PEOPLE) < REPEATED
    repeat = np.where(again, usual + 2.85 * random.standard_normal(PEOPLE), np.nan)
    time = random.exponential(1 / (0.02 * np.exp(shape(usual) + 0.3 * z)))
    return pd.DataFrame(
        {"usual": usual, "x": x, "repeat": repeat, "z": z, "time": np.minimum(time, 10), "ill": time < 10}
    )


def curves(data):
    """The log ratios and limits over the grid, by method."""
    fit = cox("Surv(time, ill) ~ rcs(x, 5) + z", data)
    ratio = dilution_in(fit, "x", data["repeat"])
    where = {"reference": REFERENCE, "grid": GRID}
    return {
        "measured": curve(fit, "x", **where),
        "stretched": usual_curve(fit, "x", ratio, **where),
        "calibrated": curve(calibrated(fit, "x", ratio), "x", **where),
        "true level": curve(cox("Surv(time, ill) ~ rcs(usual, 5) + z", data), "usual", **where),
    }


def main():
    cohorts = int(sys.argv[1]) if len(sys.argv) > 1 else 80
    print("usual level".ljust(32), *(f"{x:6g}" for x in GRID))
    for name, shape in SHAPES.items():
        truth = shape(GRID) - shape(REFERENCE)
        found = [curves(cohort(seed, shape)) for seed in range(cohorts)]
        print(name.ljust(32), *(f"{value:6.2f}" for value in truth))
        for method in found[0]:
            error = np.array([one[method]["estimate"] - truth for one in found])
            limits = [np.log(one[method][["low", "high"]].to_numpy()) for one in found]
            covered = np.mean([(low <= truth) & (truth <= high) for low, high in (both.T for both in limits)], axis=0)
            for what, values in (("bias", error.mean(0)), ("spread", error.std(0)), ("coverage", covered)):
                print(f"  {method:12} {what:17}", *(f"{value:6.2f}" for value in values))


if __name__ == "__main__":
    main()
