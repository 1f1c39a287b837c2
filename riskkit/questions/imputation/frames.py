"""Frames of the main model with missing covariates imputed, and of how they were imputed."""

from __future__ import annotations

from riskkit.disclosure import models, people
from riskkit.frames import Frame, Kind, frame
from riskkit.study.columns import ESTIMATE, OF_ESTIMATE, OF_SHAPE, RATIO, SHAPE

POOLED: dict[str, tuple[Kind, str]] = {
    "df": ("number", "degrees of freedom of the interval"),
    "riv": ("number", "relative increase in variance for what is missing"),
    "fmi": ("number", "fraction of missing information"),
    "m": ("number", "imputed sets; missing of groups"),
}
VARIABLE: dict[str, tuple[Kind, str]] = {"variable": ("text", "the variable that was imputed")}

FRAMES: tuple[Frame, ...] = (
    frame(
        "imputed",
        "One group, or the increment of a line, in the main model with missing covariates imputed.",
        f"MODEL {ESTIMATE} df riv fmi m",
        "MODEL level",
        models.imputed,
        {**OF_ESTIMATE, **POOLED},
    ),
    frame("imputed_curves", "One point of a pooled spline.", f"MODEL x {RATIO} reference", "MODEL x", models.curves),
    frame("imputed_shapes", "One pooled spline.", f"MODEL {SHAPE}", "MODEL", models.shapes, OF_SHAPE),
    frame(
        "imputed_tests",
        "One pooled test.",
        "MODEL term part chi2 df p df_resid riv statistic",
        "MODEL term part",
        models.tests,
        {
            "part": ("text", 'what is tested: "overall", "nonlinear", "trend"'),
            "riv": ("number", "relative increase in variance for what is missing"),
            "statistic": ("number", "F statistic"),
        },
    ),
    frame(
        "imputations",
        "How one variable was imputed.",
        "exposure variable kind method n n_missing rhat_mean rhat_sd m problems",
        "exposure variable",
        people.imputations,
        {
            **VARIABLE,
            "kind": ("text", '"number" or "category"'),
            "method": ("text", "how values were drawn"),
            "n": ("whole", "people it was imputed from"),
            "n_missing": ("whole", "people it was imputed for"),
            "rhat_mean": ("number", "Gelman and Rubin's R-hat of the chains' means"),
            "rhat_sd": ("number", "the same of their standard deviations"),
            "m": ("whole", "imputed sets"),
            "problems": ("text", "what was wrong on the way"),
        },
    ),
    frame(
        "imputation_values",
        "Observed beside imputed values in one level, or between two limits.",
        "exposure variable level left right observed imputed",
        "exposure variable level left",
        people.imputation_values,
        {
            **VARIABLE,
            "level": ("text", "level of a category; empty for numbers"),
            "left": ("number", "lower end of the bin; missing for categories"),
            "right": ("number", "upper end of the bin; missing for categories"),
            "observed": ("number", "share of the observed values"),
            "imputed": ("number", "share of the imputed values"),
        },
    ),
    frame(
        "imputation_trace",
        "What was drawn at one iteration of one imputed set.",
        "exposure set variable iteration mean sd",
        "exposure set variable iteration",
        people.imputation_trace,
        {
            **VARIABLE,
            "set": ("whole", "the imputed set, counted from 1"),
            "iteration": ("whole", "the iteration, counted from 1"),
            "mean": ("number", "mean of the imputed values; of indicators, of the first level"),
            "sd": ("number", "their standard deviation"),
        },
    ),
)
