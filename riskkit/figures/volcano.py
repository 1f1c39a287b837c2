"""Volcano plots: how strong the association with each of many outcomes is, and how clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from riskkit.figures.theme import FAINT, INK, MAIN, MUTED, NARROW, WIDE, ratio_axis, styled, wrapped

SMALLEST = 1e-300  # p values below stand here
STEPS = (1, 2, 5, 10, 20, 50, 100)  # powers of ten from one tick of p values to the next
MOST_TICKS = 7
FAR = 3  # an axis goes no further than this many times the distance within which nine tenths of the outcomes lie,
PLAIN_RATIO, PLAIN_P = 1.25, 1e-10  # unless all of them lie within these
CROWD = 300  # points from which on those that do not stand out are smaller
GAP = 0.115  # inches between the lines of labels
ROOM = 2.2  # how much wider than its points the axis is, for their labels


@dataclass(frozen=True)
class Point:
    """One outcome.

    Attributes
    ----------
    label : str
    ratio, p : float
    named : bool
        Whether its label is written beside it.
    strong : bool
        Filled in the main colour; the others are outlined where named, and grey where not.
    """

    label: str
    ratio: float
    p: float
    named: bool
    strong: bool


@dataclass(frozen=True)
class Threshold:
    """A p value below which something is said, and what."""

    p: float
    label: str


@styled()
def volcano(points: Sequence[Point], thresholds: Sequence[Threshold], *, xlabel: str, narrow: bool = False) -> Figure:
    """Draw p values (upwards, on a log scale) against ratios (log scale).

    An outcome far from all others stands at the edge as an arrow, with its number, so that it does not flatten them.

    Parameters
    ----------
    points : sequence of Point
        Those without a ratio or a p value are left out.
    thresholds : sequence of Threshold
        Lines across, with their label at the edge where fewer outcomes are named, in the order of the lines.
    xlabel : str
        Name of the ratio, with the scale it is drawn on.
    narrow : bool
        One column.
    """
    shown = [point for point in points if np.isfinite(point.ratio) and np.isfinite(point.p)]
    width, height = (NARROW, 3.6) if narrow else (WIDE, 4.4)
    figure = Figure(figsize=(width, height))
    left, bottom = 0.62 / width, (0.56 if narrow else 0.45) / height
    ax = figure.add_axes((left, bottom, 1 - left - 0.1 / width, 1 - bottom - 0.12 / height))
    reach = max(_reach([abs(np.log(point.ratio)) for point in shown], np.log(PLAIN_RATIO)), np.log(1.1)) * ROOM
    ratio_axis(ax, "x", float(np.exp(-reach)), float(np.exp(reach)), most=4 if narrow else 6)
    top = _reach([_height(point.p) for point in shown], _height(PLAIN_P))
    highest = max(top, *(_height(p) for p in (0.1, *(t.p for t in thresholds))))
    _p_axis(ax, highest)
    ax.axvline(1, color=MUTED, linewidth=0.7, zorder=1, label="no difference")
    edge = 1 if sum(point.named * np.sign(point.ratio - 1) for point in shown) < 0 else 0
    _write_thresholds(ax, thresholds, edge, narrow)
    placed = [_inside(point, 0.97 * reach, highest) for point in shown]
    crowd = [at for point, at in zip(shown, placed, strict=True) if len(shown) > CROWD and _is_plain(point, at)]
    if crowd:  # one picture under the others, or a browser would draw each by itself
        ax.plot(
            [at.ratio for at in crowd], [_height(at.p) for at in crowd], marker="o", markersize=2.2,
            markerfacecolor=FAINT, markeredgecolor=MUTED, markeredgewidth=0.3, linestyle="none", zorder=3,
            label="outcomes", rasterized=True,
        )  # fmt: skip
    for point, at in zip(shown, placed, strict=True):
        if crowd and _is_plain(point, at):
            continue
        face, rim = (MAIN, MAIN) if point.strong else ("white", MAIN) if point.named else (FAINT, MUTED)
        ax.plot(
            [at.ratio], [_height(at.p)], marker=_marker(point, at), markersize=5, markerfacecolor=face,
            markeredgecolor=rim, markeredgewidth=0.9, linestyle="none", zorder=4, label="outcome",
        )  # fmt: skip
    named = [at for point, at in zip(shown, placed, strict=True) if point.named or at != point]
    _write_labels(ax, [point for point in named if point.ratio >= 1], 1, narrow)
    _write_labels(ax, [point for point in named if point.ratio < 1], -1, narrow)
    ax.set_xlabel(wrapped(xlabel, 46 if narrow else 90), labelpad=3)
    ax.set_ylabel("p value, log scale")
    return figure


def _height(p: float) -> float:
    return float(-np.log10(max(p, SMALLEST)))


def _reach(distances: Sequence[float], plain: float) -> float:
    """How far an axis goes from its origin: to the outermost outcome, unless that lies far from all others."""
    return min(max(distances), max(FAR * float(np.quantile(distances, 0.9)), plain)) if distances else 0.0


def _inside(point: Point, widest: float, highest: float) -> Point:
    """The point, or where it stands at the edge of the axes, with what it is in its label; `widest` is a log ratio."""
    beyond, ratio, p = [], point.ratio, point.p
    if abs(np.log(ratio)) > widest:
        beyond.append(f"ratio {ratio:.2g}")
        ratio = float(np.exp(np.copysign(widest, np.log(ratio))))
    if _height(p) > highest:
        beyond.append(f"p ≈ {_power(round(_height(p)))}" if p > SMALLEST else f"p < {_power(300)}")
        p = 10**-highest
    return replace(point, label=f"{point.label}\n({', '.join(beyond)})", ratio=ratio, p=p) if beyond else point


def _is_plain(point: Point, at: Point) -> bool:
    """Whether a point is one of many: neither named nor strong, and where it belongs."""
    return not (point.named or point.strong) and at == point


def _marker(point: Point, at: Point) -> str:
    """A dot, or an arrow to where the point lies beyond the axes."""
    if point.ratio != at.ratio:
        return ">" if point.ratio > at.ratio else "<"
    return "o" if point.p == at.p else "^"


def _p_axis(ax: Axes, highest: float) -> None:
    ax.set_ylim(-0.04 * highest, highest * 1.08)
    step = next(step for step in STEPS if highest / step <= MOST_TICKS)
    ax.yaxis.set_major_locator(FixedLocator(list(range(0, int(highest) + 1, step))))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _power(round(y))))


def _power(exponent: int) -> str:
    """A power of ten as every font can write it: 0.01, 1e-12."""
    return f"{10.0**-exponent:g}" if exponent < 4 else f"1e-{exponent}"


def _write_thresholds(ax: Axes, thresholds: Sequence[Threshold], edge: int, narrow: bool) -> None:
    """Lines across, each with its label above it or, where lines are near each other, above the label before."""
    inches = _inches(ax)
    top = -np.inf
    for threshold in sorted(thresholds, key=lambda each: -each.p):
        line = _height(threshold.p) * inches
        ax.axhline(line / inches, color=MUTED, linewidth=0.7, linestyle=(0, (4, 2)), zorder=1, label="threshold")
        at = max(line, top)
        top = at + GAP
        ax.annotate(
            threshold.label, (edge, line / inches), (2 - 4 * edge, 1.5 + (at - line) * 72),
            xycoords=("axes fraction", "data"), textcoords="offset points", ha="right" if edge else "left", va="bottom",
            size=6.3 if narrow else 6.8, color=MUTED,
        )  # fmt: skip


def _inches(ax: Axes) -> float:
    """Height of one power of ten of a p value."""
    return float(ax.get_position().height * ax.get_figure().get_size_inches()[1] / np.ptp(ax.get_ylim()))


def _write_labels(ax: Axes, points: Sequence[Point], side: int, narrow: bool) -> None:
    """Labels on one side of the line of no difference, from the top down, each below the one before.

    They stand outside their points, or inside where the axis ends nearby.
    """
    inches = _inches(ax)
    widest = np.log(ax.get_xlim()[1])
    last = np.inf
    for point in sorted(points, key=lambda each: each.p):
        text = wrapped(point.label, 16 if narrow else 30)
        tall = (text.count("\n") + 1) * GAP
        wanted = _height(point.p) * inches
        at = min(wanted, last - tall / 2)
        last = at - tall / 2
        style: dict[str, Any] = {"size": 6.3 if narrow else 6.8, "color": INK, "linespacing": 1.05, "zorder": 5}
        if at < wanted:
            style["arrowprops"] = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        outward = side if abs(np.log(point.ratio)) < widest / 2 else -side
        ax.annotate(
            text, (point.ratio, _height(point.p)), (outward * (6 if at == wanted else 14), (at - wanted) * 72),
            textcoords="offset points", ha="left" if outward > 0 else "right", va="center", **style,
        )  # fmt: skip
