"""The frame of checks of the linear estimates."""

from __future__ import annotations

from riskkit.disclosure import checks
from riskkit.frames import Frame, frame
from riskkit.study.columns import RATIO

FRAMES: tuple[Frame, ...] = (
    frame(
        "robustness",
        "One check of a linear estimate.",
        f"MODEL check item note n events n_missing {RATIO} p value limit exposed unexposed",
        "MODEL check item",
        checks.robustness,
        {
            "check": (
                "text",
                '"main", "negative control", "E-value", "tipping point", "left out", "jackknife", "bootstrap", '
                '"influence", "without influential"',
            ),
            "item": ("text", "the confounder, the group or the person it is about"),
            "note": ("text", "what a reader should know of it"),
            "n": ("number", "people; missing of one person"),
            "events": ("number", "events; missing of one person"),
            "n_missing": ("number", "people at risk who were excluded for a missing value"),
            "value": ("number", "E-value, ratio of the tipping point, dfbetas, or how many"),
            "limit": ("number", "the same for the limit of the interval that lies nearer to 1"),
            "exposed": ("number", "share with the confounder one increment up"),
            "unexposed": ("number", "share with the confounder"),
        },
    ),
)
