"""The frame of linear coefficients over time."""

from __future__ import annotations

from riskkit.disclosure import over_time
from riskkit.frames import Frame, frame
from riskkit.study.columns import RATIO

FRAMES: tuple[Frame, ...] = (
    frame(
        "schoenfeld",
        "The linear coefficient of a leading model at one time: the smooth of its scaled Schoenfeld residuals.",
        f"MODEL time {RATIO}",
        "MODEL time",
        over_time.over_time,
    ),
)
