"""How near corrected curves come to the curve of the usual level: the table of docs/dilution.md.

Run from the project's folder: python -m benchmarks.dilution [COHORTS [PEOPLE [SHARE]]]
80 cohorts of 20,000 people, of whose usual level a covariate explains a share of 0.2, take about 3 minutes on 2 cores.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from riskkit.fit.cox import cox
from riskkit.infer.calibration import calibrated
from riskkit.infer.curve import curve
from riskkit.infer.dilution import dilution, dilution_in
from riskkit.infer.usual import usual_curve

REPEATED = 0.04
REFERENCE = 20.0
GRID = np.array([12.0, 15, 18, 20, 22, 25, 28, 31])
SHAPES = {
    "line": lambda x: 0.25 * (x - 20) / 5,
    "U, lowest at 20": lambda x: 0.12 * ((x - 20) / 5) ** 2,
    "rises from 22": lambda x: 0.5 * np.maximum(x - 22, 0) / 5,
    "falls to 22": lambda x: -0.5 * np.clip((x - 12) / 5, 0, 2),
}


def cohort(seed, shape, people, share):
    """Usual levels of mean 21.4 and standard deviation 4.75 given z, and an error of standard deviation 2.85."""
    random = np.random.default_rng(seed)
    z = random.standard_normal(people)
    usual = 21.4 + 4.75 * np.sqrt(share / (1 - share)) * z + 4.75 * random.standard_normal(people)
    x = usual + 2.85 * random.standard_normal(people)
    again = random.random(people) < REPEATED
    repeat = np.where(again, usual + 2.85 * random.standard_normal(people), np.nan)
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
        "by everybody's": usual_curve(fit, "x", dilution(data["x"], data["repeat"]), **where),
        "calibrated": curve(calibrated(fit, "x", ratio), "x", **where),
        "true level": curve(cox("Surv(time, ill) ~ rcs(usual, 5) + z", data), "usual", **where),
    }


def main():
    given = [float(value) for value in sys.argv[1:]]
    cohorts, people, share = (*given, *(80, 20_000, 0.2)[len(given) :])
    print("usual level".ljust(32), *(f"{x:6g}" for x in GRID))
    for name, shape in SHAPES.items():
        truth = shape(GRID) - shape(REFERENCE)
        found = [curves(cohort(seed, shape, int(people), share)) for seed in range(int(cohorts))]
        print(name.ljust(32), *(f"{value:6.2f}" for value in truth))
        for method in found[0]:
            error = np.array([one[method]["estimate"] - truth for one in found])
            limits = [np.log(one[method][["low", "high"]].to_numpy()) for one in found]
            covered = np.mean([(low <= truth) & (truth <= high) for low, high in (both.T for both in limits)], axis=0)
            distance = np.sqrt((error**2).mean(0))
            for what, values in (("bias", error.mean(0)), ("distance", distance), ("coverage", covered)):
                print(f"  {method:14} {what:15}", *(f"{value:6.2f}" for value in values))
            print(f"  {method:14} distance overall {np.sqrt((error**2).mean()):6.3f}")


if __name__ == "__main__":
    main()
