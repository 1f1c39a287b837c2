"""Frames of subgroups and sensitivity analyses."""

from __future__ import annotations

from riskkit.disclosure import models
from riskkit.frames import Frame, frame
from riskkit.study.columns import ESTIMATE, OF_ESTIMATE, OF_SHAPE, RATIO, SHAPE

FRAMES: tuple[Frame, ...] = (
    frame(
        "variants",
        "One group, or the increment of a line, in the main model of a subgroup or sensitivity analysis.",
        f"MODEL variant {ESTIMATE}",
        "MODEL variant level",
        models.estimated,
        OF_ESTIMATE,
    ),
    frame(
        "variant_shapes",
        "One spline of a subgroup or sensitivity analysis.",
        f"MODEL variant {SHAPE}",
        "MODEL variant",
        models.shapes,
        OF_SHAPE,
    ),
    frame(
        "variant_ends",
        "One end of the range against the reference, on the spline of a subgroup or sensitivity analysis.",
        f"MODEL variant end x reference n events {RATIO} p covariance",
        "MODEL variant end",
        models.ends,
        {
            "end": ("text", '"low" or "high": the 5th or the 95th percentile of everyone with a measurement'),
            "covariance": ("number", "of the log ratios of both ends"),
        },
    ),
)
