"""Frames of the main model by the design of the cohort's survey."""

from __future__ import annotations

from riskkit.disclosure import models
from riskkit.frames import Frame, frame
from riskkit.study.columns import RATIO

FRAMES: tuple[Frame, ...] = (
    frame(
        "weighted",
        "One group (without the reference), or the increment of a line, in the main model by the survey's design.",
        f"MODEL term level n events {RATIO} p population psus strata df_resid",
        "MODEL level",
        models.weighted,
        {
            "population": ("number", "sum of the weights of the people used"),
            "psus": ("whole", "primary sampling units"),
            "strata": ("whole", "strata of the design"),
        },
    ),
    frame(
        "weighted_curves", "One point of a weighted spline.", f"MODEL term x {RATIO} reference", "MODEL x",
        models.curves,
    ),
    frame(
        "weighted_tests",
        "One test of the main model by the survey's design.",
        "MODEL term part chi2 df p df_resid",
        "MODEL term part",
        models.tests,
        {"part": ("text", 'what is tested: "overall", "nonlinear"')},
    ),
)  # fmt: skip
