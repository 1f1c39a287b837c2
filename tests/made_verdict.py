"""A verdict on a shape made by hand, for the tests of what is told of it."""

from __future__ import annotations

import math

from riskkit.infer.heights import Height
from riskkit.infer.verdict import Change, ShapeVerdict

Z = 1.959963984540054


def made_verdict(
    lower: tuple[float, float], upper: tuple[float, float], x: float, se: float = 0.1, width: float = 20.0
) -> ShapeVerdict:
    """A U asked about, lowest at x, whose ends (level, log ratio against the lowest point) have a standard error.

    The interval of the lowest point is `width` to each side, and open where an end is not clearly above it; against the
    highest point, which is the higher end, the other end lies by the difference.
    """
    ends = [_height(*end, se) for end in (lower, upper)]
    top = max(lower[1], upper[1])
    opposite = [_height(at, estimate - top, se) for at, estimate in (lower, upper)]
    slope = (upper[1] - lower[1]) / 2
    return ShapeVerdict(
        shape="U",
        ratio="hazard ratio",
        level=0.95,
        lower=ends[0],
        upper=ends[1],
        x=x,
        low=max(x - width, lower[0]) if ends[0].clear else lower[0],
        high=min(x + width, upper[0]) if ends[1].clear else upper[0],
        opposite_lower=opposite[0],
        opposite_upper=opposite[1],
        first_half=_change(slope if not upper[1] else -lower[1] / 2, se),
        second_half=_change(slope if not lower[1] else upper[1] / 2, se),
        spread=top + Z * se,
        flat_within=1.25,
    )


def _height(x: float, estimate: float, se: float) -> Height:
    if estimate == 0:
        return Height(x, 0.0, 0.0, 0.0, 1.0, 0.0, Z)
    low, high = estimate - Z * se, estimate + Z * se
    low, high = (max(low, 0.0), high) if estimate > 0 else (low, min(high, 0.0))
    return Height(x, estimate, low, high, math.erfc(abs(estimate) / se / math.sqrt(2)), abs(estimate) / se, Z)


def _change(estimate: float, se: float) -> Change:
    return Change(estimate, estimate - Z * se, estimate + Z * se)
