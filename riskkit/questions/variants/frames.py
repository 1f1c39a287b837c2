"""Frames of subgroups and sensitivity analyses."""

from __future__ import annotations

from riskkit.disclosure import models
from riskkit.frames import Frame, frame
from riskkit.study.columns import ESTIMATE, OF_ESTIMATE, OF_SHAPE, SHAPE

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
)
