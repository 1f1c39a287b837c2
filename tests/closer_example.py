"""The frames of a closer look, made by hand from closed forms, for `results_example`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

AGES = np.arange(30.0, 90.5, 0.5)


def closer_frames(exposures: Sequence[str], outcomes: Sequence[str], model: str) -> dict[str, pd.DataFrame]:
    """Cumulative incidence, change over time and two lines of every pair.

    In group g of 5, 1 - exp(-(6 - g) (t - 30) / 2000) have had the outcome by age t, of whom 1200 - 13 (t - 30) are at
    risk; the log ratio is 0.1 - 0.2 (t - 30) / 60; two lines meet at 160 and show a U for the first pair only.
    """
    since, time = AGES - 30, np.linspace(30, 90, 40)
    b = 0.1 - 0.2 * (time - 30) / 60
    smooth = {"time": time, "estimate": b, "se": 0.1, "ratio": np.exp(b)}
    smooth |= {"low": np.exp(b - 0.2), "high": np.exp(b + 0.2)}
    shares = {g: 1 - np.exp(-(6 - g) * since / 2000) for g in range(1, 6)}
    curves = pd.concat(
        pd.DataFrame(
            {
                "level": f"Q{g}", "n": 1200, "events": 50 * (6 - g), "time": AGES, "estimate": share,
                "low": np.where(share > 0, 0.9 * share, np.nan), "high": np.where(share > 0, 1.1 * share, np.nan),
                "n_at_risk": (1200 - 13 * since).astype(int), "n_event": (50 * (6 - g) * since / 60).astype(int),
            }
        )
        for g, share in shares.items()
    )  # fmt: skip
    keys = [
        {"exposure": exposure, "outcome": outcome, "time_scale": "age"}
        for exposure in exposures
        for outcome in outcomes
    ]
    lines = [
        {**key, "coding": "spline", "model": model, "breakpoint": 160.0, "p": p}
        for key, p in zip(keys, [0.02, *[1.0] * len(keys)], strict=False)
    ]
    return {
        "incidence": pd.concat([curves.assign(**key) for key in keys], ignore_index=True),
        "schoenfeld": pd.concat(
            [pd.DataFrame({**key, "coding": "linear", "model": model, **smooth}) for key in keys], ignore_index=True
        ),
        "two_lines": pd.DataFrame(lines),
    }
