"""The frame of cumulative incidence by group."""

from __future__ import annotations

from riskkit.disclosure import over_time
from riskkit.frames import Frame, frame

FRAMES: tuple[Frame, ...] = (
    frame(
        "incidence",
        "Cumulative incidence of an outcome in one group of an exposure by one time, not adjusted.",
        "exposure outcome time_scale level n events time estimate low high n_at_risk n_event",
        "exposure outcome level time",
        over_time.incidence,
        {
            "level": ("text", "the group"),
            "n": ("whole", "people of the group"),
            "events": ("whole", "events of the group"),
            "estimate": ("number", "share who have had the outcome"),
            "low": ("number", "lower confidence limit of `estimate`"),
            "high": ("number", "upper confidence limit of `estimate`"),
            "n_at_risk": ("whole", "people at risk"),
            "n_event": ("whole", "events so far"),
        },
    ),
)
