"""The frame of models fitted again by other software."""

from __future__ import annotations

from riskkit.disclosure import models
from riskkit.frames import Frame, frame

FRAMES: tuple[Frame, ...] = (
    frame(
        "cross_check",
        "One model fitted again by one other software.",
        "MODEL software version n events of_n of_events terms converged max_difference_se max_se_difference formula",
        "MODEL software",
        models.counted,
        {
            "software": ("text", "its name"),
            "version": ("text", "its version"),
            "n": ("whole", "people compared on"),
            "events": ("whole", "events compared on"),
            "of_n": ("whole", "people of the model"),
            "of_events": ("whole", "events of the model"),
            "terms": ("whole", "coefficients"),
            "converged": ("flag", "whether the other software did"),
            "max_difference_se": ("number", "largest difference of two coefficients, in standard errors"),
            "max_se_difference": ("number", "largest relative difference of two standard errors"),
        },
    ),
)
