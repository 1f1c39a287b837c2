"""Example results with missing covariates imputed: every log ratio is 0.02 higher than in complete cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
from results_example import Z, declared, with_frames
from study_example import asking

from riskkit.results import Results

SHIFT = 0.02
M = 20


def with_imputation(results: Results) -> Results:
    """The same results with smoking and BMI imputed for the 41 people who lack them."""
    made = asking(results.manifest, imputation={"m": M, "iterations": 10, "seed": 1})
    main = {"model": made.analysis.main.name, "time_scale": made.analysis.time_scales[0]}

    def of_main(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame[list(main)] == pd.Series(main)).all(axis=1)].reset_index(drop=True)

    estimates = of_main(results.estimates)
    estimates = _moved(estimates).assign(
        n=estimates["n"] + 41, n_missing=0, df=500.0, riv=0.1, fmi=np.where(estimates["se"] > 0, 0.1, np.nan),
        m=np.where(estimates["coding"] == "linear", M, np.nan),
    )  # fmt: skip
    exposures = list(results.manifest.exposures)
    about = pd.DataFrame(
        {
            "variable": ["smoking", "bmi"], "kind": ["binary", "number"], "method": ["logit", "pmm"],
            "n": [5888, 5867], "n_missing": [12, 33], "rhat_mean": [1.01, np.nan], "rhat_sd": [1.02, 1.3], "m": [M, M],
            "problems": ["predicted perfectly", ""],
        }
    )  # fmt: skip
    edges = np.linspace(15, 45, 21)
    shape = np.exp(-(((edges[:-1] - 27) / 6) ** 2))
    bins = {"variable": "bmi", "level": "", "left": edges[:-1], "right": edges[1:], "observed": shape / shape.sum()}
    numbers = pd.DataFrame({**bins, "imputed": np.full(20, 0.05)})
    levels = pd.DataFrame(
        {"variable": "smoking", "level": ["Never", "Current"], "left": np.nan, "right": np.nan, "observed": [0.6, 0.4],
         "imputed": [0.5, 0.5]}
    )  # fmt: skip
    random = np.random.default_rng(1)
    trace = pd.DataFrame(
        [(s, v, i, random.normal(mean, 0.1), 1.0) for s in range(1, M + 1) for i in range(1, 11)
         for v, mean in (("smoking", 0.5), ("bmi", 27))],
        columns=["set", "variable", "iteration", "mean", "sd"],
    )  # fmt: skip

    def of_each(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([frame.assign(exposure=name) for name in exposures], ignore_index=True)

    return with_frames(
        results,
        made,
        imputed=declared("imputed", estimates),
        imputed_curves=_moved(of_main(results.curves)),
        imputed_shapes=of_main(results.shapes),
        imputed_tests=declared("imputed_tests", of_main(results.tests)),
        imputations=of_each(about),
        imputation_values=of_each(pd.concat([levels, numbers], ignore_index=True)),
        imputation_trace=of_each(trace),
    )


def _moved(rows: pd.DataFrame) -> pd.DataFrame:
    estimate = rows["estimate"] + SHIFT * (rows["se"] > 0)
    ends = {"low": np.exp(estimate - Z * rows["se"]), "high": np.exp(estimate + Z * rows["se"])}
    return rows.assign(estimate=estimate, ratio=np.exp(estimate), **ends)
