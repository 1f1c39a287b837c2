"""Frames of corrections for regression dilution."""

from __future__ import annotations

from riskkit.disclosure import models
from riskkit.frames import Frame, frame
from riskkit.study.columns import DILUTION, RATIO

FRAMES: tuple[Frame, ...] = (
    frame(
        "corrected",
        "One linear estimate corrected for regression dilution by one method, where the exposure was measured twice.",
        f"MODEL variant term level n events person_years n_missing {RATIO} p {' '.join(DILUTION)}",
        "MODEL variant correction",
        models.counted,
        DILUTION,
    ),
    frame(
        "usual",
        "One point of a main curve moved to the usual level.",
        f"MODEL term x x_measured {RATIO} reference {' '.join(DILUTION)}",
        "MODEL x",
        models.curves,
        {"x_measured": ("number", "the measured level that stands for x"), **DILUTION},
    ),
)
