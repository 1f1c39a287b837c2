"""The frame of two-lines tests."""

from __future__ import annotations

from riskkit.disclosure import checks
from riskkit.frames import Frame, Kind, frame

LINES: dict[str, tuple[Kind, str]] = {
    f"{side}_{part}": ("number", f"{meaning} of the line {side} the breakpoint")
    for side in ("below", "above")
    for part, meaning in (
        ("slope", "log ratio per unit"),
        ("low", "lower confidence limit"),
        ("high", "upper confidence limit"),
        ("p", "p value"),
    )
}

FRAMES: tuple[Frame, ...] = (
    frame(
        "two_lines",
        "The two-lines test of a spline of the main model; of many outcomes, of none.",
        f"MODEL breakpoint p {' '.join(LINES)}",
        "MODEL",
        checks.two_lines,
        {"breakpoint": ("number", "level where the lines meet"), **LINES},
    ),
)
