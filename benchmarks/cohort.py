"""A cohort as large as a biobank: age as time scale, delayed entry, 24 strata, 24 columns, many outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

NUMBERS = ("bmi", "waist", "height", "deprivation", "sbp", "hba1c", "log_crp")
GROUPS = {"smoking": (0.55, 0.35, 0.10), "alcohol": (0.2, 0.25, 0.25, 0.3), "ethnicity": (0.94, 0.02, 0.02, 0.02),
          "education": (0.33, 0.3, 0.2, 0.17), "activity": (0.2, 0.4, 0.4)}  # fmt: skip
DUMMIES = tuple(f"{name}{level}" for name, shares in GROUPS.items() for level in range(1, len(shares)))
TERMS = " + ".join(("rcs(igf1, 5)", *NUMBERS, *DUMMIES))  # 4 + 7 + 13 columns


def draw(n: int, outcomes: int = 1, seed: int = 1) -> pd.DataFrame:
    """Draw n people, ages in whole days; outcome k has columns exit_k and event_k, and 1 to 8 % of people."""
    generator = np.random.default_rng(seed)
    age = generator.triangular(40, 60, 70, n)
    sex, region = generator.integers(0, 2, n), generator.choice(3, n, p=(0.89, 0.07, 0.04))
    igf1 = np.clip(generator.normal(21.4, 5.7, n), 3, 60).round(3)
    data = {"id": np.arange(n), "stratum": (sex * 3 + region) * 4 + np.digitize(age, (50, 56, 62)), "igf1": igf1}
    data |= {name: generator.normal(size=n).round(3) for name in NUMBERS}
    for name, shares in GROUPS.items():
        level = generator.choice(len(shares), n, p=shares)
        data |= {f"{name}{k}": (level == k).astype(float) for k in range(1, len(shares))}
    risk = 0.09 * ((igf1 - 22) / 5.7) ** 2 + 0.1 * data["bmi"] + 0.8 * data["smoking2"] + 0.3 * data["smoking1"]
    entry = np.floor(age * 365.25)
    end = entry + np.ceil(generator.uniform(10.5, 14.5, n) * 365.25)
    data["entry"] = entry
    for k, share in enumerate(np.geomspace(0.01, 0.05, outcomes) if outcomes > 1 else (0.012,)):
        rate = share / 12 / 365.25 * np.exp(0.08 * (age - 56) + risk)
        ill = entry + np.ceil(generator.exponential(size=n) / rate)
        data |= {f"exit{k}": np.minimum(ill, end), f"event{k}": (ill <= end).astype(float)}
    return pd.DataFrame(data)
