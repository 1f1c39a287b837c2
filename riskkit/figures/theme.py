"""One look for every figure: sizes, colours, log axes with sensible ticks.

Colours are Okabe and Ito's (Color Universal Design, 2008), told apart with every kind of colour vision and in print.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

WIDE = 7.1  # inches: two columns of a journal, 180 mm
NARROW = 3.5  # one column, 89 mm; also a telephone's width

INK = "#1a1f2b"
MUTED = "#5b6472"
FAINT = "#c9ced6"
HISTOGRAM = "#dfe3e8"
MAIN = "#00578f"
MARK = "#8a2c0d"
BAND = "#cfe0ee"
SERIES = ("#D55E00", "#009E73", "#9A4F83", "#8A6D00", "#3B7EA8")
DASHES = ((0, (4, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (2.5, 1)), (0, (8, 2)))

# Ticks of a ratio axis, from finely to coarsely spaced; the finest that is not crowded is taken.
LADDERS = (
    (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.25),
    (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2),
    (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10),
    (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10),
    (0.03125, 0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
    (0.001, 0.01, 0.1, 1, 10, 100, 1000),
)
MOST_TICKS = 6
# Of a panel, whose reader compares it with its neighbours: the coarsest of which two lie on its axis.
PANEL_TICKS = ((0.5, 1, 2), (0.67, 1, 1.5), (0.8, 1, 1.25), (0.9, 1, 1.1))
CAP = 3.0  # a panel's axis ends at this ratio and its inverse; an arrow marks what goes on
STRETCH = 1.6  # how far beyond the outermost estimate an interval may stretch an axis

STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
    "font.size": 7.5,
    "text.color": INK,
    "text.parse_math": False,  # a label may hold a dollar sign
    "axes.unicode_minus": True,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.major.width": 0.7,
    "ytick.major.size": 3,
    "lines.linewidth": 1.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text: it can be searched, copied and edited
    "svg.hashsalt": "riskkit",
    "pdf.fonttype": 42,  # TrueType, which journals ask for and editors of drawings can read
}


def styled() -> Any:
    """The theme as a context (or decorator) that leaves matplotlib's own settings as they were."""
    return mpl.rc_context(STYLE)


def wrapped(text: str, width: int) -> str:
    """Text in lines of at most so many characters; a longer word is cut, and lines that are there stay."""
    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""])


def ratio_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Ticks for a ratio axis: the finest of the usual series that puts at most `most` between the limits.

    Parameters
    ----------
    low, high : float
        Limits of the axis, both above 0.
    """
    for ladder in LADDERS:
        ticks = [float(t) for t in ladder if low <= t * (1 + 1e-9) and t <= high * (1 + 1e-9)]
        covered = ladder[0] <= low * 1.02 and high / 1.02 <= ladder[-1]
        if covered and 2 <= len(ticks) <= most:
            return ticks
    first, last = np.ceil(np.log10(low)), np.floor(np.log10(high))
    step = np.ceil((last - first + 1) / most)  # from a thousandth to a thousand is not enough: powers of ten
    powers = [10.0**n for n in np.arange(first, last + 1) if n % step == 0]
    if len(powers) >= 2:
        return powers
    return [low, 1.0, high] if low < 1 < high else [low, high]


def panel_limits(ratio: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """Limits of a panel's own axis of ratios: those of `ratio_limits`, within 0.33 to 3."""
    bottom, top = ratio_limits(ratio, low, high)
    return max(bottom, 1 / CAP), min(top, CAP)


def panel_ticks(low: float, high: float) -> list[float]:
    """Ticks of a panel's axis of ratios: 0.5, 1 and 2 where two of them lie on it, else nearer to 1."""
    for ladder in PANEL_TICKS:
        ticks = [float(tick) for tick in ladder if low <= tick <= high]
        if len(ticks) > 1:
            return ticks
    return ratio_ticks(low, high)


def ratio_axis(
    ax: Axes,
    which: str,
    low: float,
    high: float,
    *,
    ticks_from: float | None = None,
    most: int = MOST_TICKS,
    ticks: Sequence[float] | None = None,
) -> None:
    """Make an axis of ratios logarithmic, with sensible ticks.

    Parameters
    ----------
    ax : Axes
    which : {"x", "y"}
    low, high : float
        Its limits.
    ticks_from : float, optional
        The lowest ratio that may have a tick, where the foot of the axis is for something else.
    most : int
        The most ticks there is room for.
    ticks : sequence of float, optional
        The ticks themselves, in place of those that `ratio_ticks` finds.
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    (ax.set_xlim if which == "x" else ax.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(list(ticks or ratio_ticks(ticks_from or low, high, most))))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axis.set_minor_locator(NullLocator())


def number_axis(ax: Axes, most: int = 6) -> None:
    """Give the horizontal axis of an exposure few round ticks, with thousands set apart."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def ratio_limits(ratio: Sequence[float], low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """Limits of a ratio axis that show the estimates and, as far as they stay readable, their intervals.

    An interval may stretch the axis to 1.6 times beyond the outermost estimate; what is wider is cut, which
    captions say.
    """
    shown, lows, highs = (np.asarray(v, dtype=float) for v in (ratio, low, high))
    shown, lows, highs = (v[np.isfinite(v) & (v > 0)] for v in (shown, lows, highs))
    if not shown.size:
        return 0.5, 2.0
    bottom = max(lows.min(initial=1.0), min(shown.min(), 1.0) / STRETCH)
    top = min(highs.max(initial=1.0), max(shown.max(), 1.0) * STRETCH)
    return min(bottom / 1.05, 0.9), max(top * 1.05, 1.1)
