"""Spline curves: the ratio at every level of an exposure, with its band and the exposure's distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from riskkit.figures.panels import Panel, layout_for, panel_axes
from riskkit.figures.theme import (
    BAND,
    DASHES,
    HISTOGRAM,
    INK,
    MAIN,
    MUTED,
    SERIES,
    WIDE,
    number_axis,
    panel_limits,
    panel_ticks,
    ratio_axis,
    styled,
    wrapped,
)

HISTOGRAM_SHARE = 0.17  # of a panel's height
LEGEND, LEGEND_NARROW = 130, 58  # characters that a line of a legend holds


@dataclass(frozen=True)
class Reference:
    """Where the ratio is 1, and how a reader is told."""

    x: float
    text: str


@dataclass(frozen=True)
class Lowest:
    """Where a curve is lowest, with its interval; an end that is None is not bounded by the data."""

    x: float
    low: float | None
    high: float | None


@styled()
def spline(
    curves: pd.DataFrame,
    histogram: pd.DataFrame,
    panels: Sequence[Panel],
    *,
    xlabel: str,
    ylabel: str,
    reference: Reference,
    knots: Sequence[float] = (),
    lowest: Mapping[str, Lowest] | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw one curve with its confidence band for each outcome, each on a vertical axis of its own.

    Parameters
    ----------
    curves : DataFrame
        Columns outcome x ratio low high, of one exposure, time scale and model.
    histogram : DataFrame
        Columns left right n: the exposure's distribution, drawn along the foot of each panel.
    panels : sequence of Panel
        The outcomes to show, in order.
    xlabel, ylabel : str
        Name and unit of the exposure; name of the ratio, with the scale it is drawn on.
    reference : Reference
    knots : sequence of float
        Marked by ticks at the foot of each panel.
    lowest : mapping of str to Lowest, optional
        The lowest point of the curve of an outcome: a circle on the curve and, above the histogram, its interval, with
        an arrow at an end that is open.
    narrow : bool
        One column, for a telephone or a journal's single column.
    """
    shown = tuple(panels)
    figure, axes = panel_axes(shown, layout_for(len(shown), narrow), xlabel, ylabel, shared="x")
    drawn = curves[curves["outcome"].isin([panel.key for panel in shown])]
    span = (drawn["x"].min(), drawn["x"].max())
    for panel, ax in zip(shown, axes, strict=True):
        rows = drawn[drawn["outcome"] == panel.key].sort_values("x")
        frame_curves(ax, histogram, panel_limits(rows["ratio"], rows["low"], rows["high"]), span, own=True)
        curve_on(ax, rows, reference, knots, told=ax is axes[0])
        if lowest and panel.key in lowest:
            mark_lowest(ax, lowest[panel.key], rows)
    return figure


def curve_on(
    ax: Axes, rows: pd.DataFrame, reference: Reference, knots: Sequence[float] = (), *, told: bool = True
) -> None:
    """Draw one curve with its band on given axes, which `frame_curves` has made ready.

    Parameters
    ----------
    ax : Axes
    rows : DataFrame
        Columns x ratio low high, in the order of x.
    reference, knots
        As for `spline`; the text of the reference is written where it is to be `told`.
    """
    _band(ax, rows, "confidence band", color=BAND, zorder=2)
    _line(ax, rows, "ratio", color=MAIN, linewidth=1.8, zorder=4)
    if len(knots):  # an empty line that is not clipped would draw a layout engine to the corner
        ax.plot(
            list(knots), [0.0] * len(knots), linestyle="none", marker="|", markersize=7, color=MUTED, clip_on=False,
            transform=ax.get_xaxis_transform(), label="knots", zorder=5,
        )  # fmt: skip
    _mark_reference(ax, reference, first=told)


@styled()
def comparison(
    curves: pd.DataFrame,
    histogram: pd.DataFrame,
    panels: Sequence[Panel],
    series: Mapping[str, str],
    main: str,
    *,
    xlabel: str,
    ylabel: str,
    reference: Reference,
    banded: Sequence[str] = (),
    narrow: bool = False,
) -> Figure:
    """Draw several curves over each other, for each outcome, such as those of several models.

    Parameters
    ----------
    curves : DataFrame
        Columns series outcome x ratio low high; the limits of the axis allow for the bands that are drawn.
    histogram : DataFrame
        Columns left right n.
    panels : sequence of Panel
    series : mapping of str to str
        Names in the column `series`, to the label a reader sees; drawn in this order.
    main : str
        The series drawn thick and with its band.
    xlabel, ylabel, reference, narrow
        As for `spline`.
    banded : sequence of str
        Other series with a band, in their own colour.
    """
    shown = tuple(panels)
    single = narrow or layout_for(len(shown), narrow).width < WIDE
    entries = 1 if single or max(map(len, series.values()), default=0) > LEGEND // 2 else 2
    names = {name: wrapped(label, LEGEND_NARROW if single else LEGEND // entries) for name, label in series.items()}
    tall = sum(label.count("\n") + 1 for label in names.values())
    layout = layout_for(len(shown), narrow, below=-(-tall // entries) * 0.16 + 0.1)
    figure, axes = panel_axes(shown, layout, xlabel, ylabel, shared="x")
    drawn = curves[curves["outcome"].isin([panel.key for panel in shown])]
    span = (drawn["x"].min(), drawn["x"].max())
    others = [name for name in series if name != main]
    looks = {name: (SERIES[i % len(SERIES)], DASHES[i % len(DASHES)]) for i, name in enumerate(others)}
    for panel, ax in zip(shown, axes, strict=True):
        of_panel = drawn[drawn["outcome"] == panel.key].sort_values("x")
        framed = of_panel[of_panel["series"].isin([main, *banded])]
        frame_curves(ax, histogram, panel_limits(framed["ratio"], framed["low"], framed["high"]), span, own=True)
        _band(ax, of_panel[of_panel["series"] == main], "confidence band", color=BAND, zorder=2)
        for name, label in series.items():
            rows = of_panel[of_panel["series"] == name]
            colour, dash = looks.get(name, (MAIN, "-"))
            if name in banded:
                _band(ax, rows, f"{label}, band", color=colour, alpha=0.16, zorder=3)
            width, level = (2.0, 4) if name == main else (1.3, 5)
            _line(ax, rows, label, color=colour, linestyle=dash, linewidth=width, zorder=level)
        _mark_reference(ax, reference, first=False)
    drawn_of = {str(line.get_label()): line for line in axes[0].get_lines()}
    lines = [drawn_of[label] for label in series.values() if label in drawn_of]
    names = {name: text for name, text in names.items() if series[name] in drawn_of}
    figure.legend(
        lines, list(names.values()), loc="lower left", bbox_to_anchor=(0.0, 0.0), frameon=False,
        ncols=entries, fontsize=7.5, handlelength=2.6, borderaxespad=0.2, labelspacing=0.3,
    )  # fmt: skip
    return figure


def frame_curves(
    ax: Axes,
    histogram: pd.DataFrame,
    limits: tuple[float, float],
    span: tuple[float, float],
    *,
    own: bool = False,
) -> None:
    """Limits with room for the histogram at the foot, the histogram itself, and the line of no difference.

    Parameters
    ----------
    ax : Axes
    histogram : DataFrame
        Columns left right n.
    limits : tuple of float
        The lowest and the highest ratio that is shown.
    span : tuple of float
        From which to which level of the exposure the curves go.
    own : bool
        Whether the axis is one of several panels', with the few ticks by which these are compared.
    """
    low, high = limits
    start, end = span
    inside = histogram[(histogram["right"] > start) & (histogram["left"] < end)]
    share = HISTOGRAM_SHARE if len(inside) else 0.0
    foot = low / (high / low) ** (share / (1 - share))
    tallest = max(inside["n"].max(), 1) if len(inside) else 1
    margin = 0.02 * (end - start)
    ax.set_xlim(start - margin, end + margin)
    ratio_axis(ax, "y", foot, high, ticks_from=low, ticks=panel_ticks(low, high) if own else None)
    number_axis(ax)
    if len(inside):
        ax.stairs(
            inside["n"].fillna(0) / tallest * HISTOGRAM_SHARE * 0.9, [*inside["left"], *inside["right"].tail(1)],
            fill=True, transform=ax.get_xaxis_transform(), color=HISTOGRAM, linewidth=0, label="people", zorder=1,
        )  # fmt: skip
    ax.axhline(1, color=MUTED, linewidth=0.7, zorder=3, label="no difference")


def _floor(ax: Axes) -> float:
    """The lowest ratio that is shown, above the histogram."""
    people = any(patch.get_label() == "people" for patch in ax.patches)
    foot, top = ax.get_ylim()
    return float(foot * (top / foot) ** (HISTOGRAM_SHARE if people else 0.0))


def _band(ax: Axes, rows: pd.DataFrame, label: str, **look: Any) -> None:
    """A band, cut where it leaves the axis, at the top or at the histogram."""
    band = ax.fill_between(rows["x"], rows["low"], rows["high"], linewidth=0, label=label, **look)
    _cut(ax, band)


def _line(ax: Axes, rows: pd.DataFrame, label: str, **look: Any) -> None:
    """A curve, cut where it leaves the axis, with an arrow at each place where it does."""
    (line,) = ax.plot(rows["x"], rows["ratio"], label=label, **look)
    _cut(ax, line)
    x, ratio = rows["x"].to_numpy(float), rows["ratio"].to_numpy(float)
    low, high = _floor(ax), ax.get_ylim()[1]
    for gone, at, marker in ((ratio > high, high, "^"), (ratio < low, low, "v")):
        for i in np.flatnonzero(gone & ~np.roll(gone, 1) | gone & ~np.roll(gone, -1)):
            if 0 < i < len(x) - 1:  # where it crosses, not where it ends
                ax.plot(
                    [x[i]], [at], marker=marker, markersize=4.5, color=look["color"], clip_on=False, label="goes on",
                    linestyle="none", zorder=6,
                )  # fmt: skip


def _cut(ax: Axes, drawn: Artist) -> None:
    low, high = _floor(ax), ax.get_ylim()[1]
    start, end = ax.get_xlim()
    drawn.set_clip_path(Rectangle((start, low), end - start, high - low, transform=ax.transData))


def _mark_reference(ax: Axes, reference: Reference, first: bool) -> None:
    ax.plot(
        [reference.x], [1], marker="D", markersize=4, color="white", markeredgecolor=INK, label="reference", zorder=6
    )
    if first:
        ax.annotate(
            reference.text, (reference.x, 1), (0, 22), textcoords="offset points", ha="center", va="bottom", size=7,
            color=INK, arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 3}, zorder=7,
        )  # fmt: skip


def mark_lowest(ax: Axes, lowest: Lowest, curve: pd.DataFrame, height: float = HISTOGRAM_SHARE + 0.035) -> None:
    """Mark the lowest point of a curve (x ratio) with a dot, and its interval by a line at a height of the axes."""
    at = curve.iloc[int(np.argmin(np.abs(curve["x"].to_numpy() - lowest.x)))]
    look = {"color": MAIN, "markeredgecolor": MAIN, "zorder": 6}
    ax.plot([lowest.x], [at["ratio"]], marker="o", markersize=4, label="lowest", **look)
    foot = ax.get_xaxis_transform()
    bounds = (lowest.low, lowest.high)
    edges = (curve["x"].min(), curve["x"].max())
    ends = [edge if bound is None else bound for bound, edge in zip(bounds, edges, strict=True)]
    ax.plot(ends, [height, height], transform=foot, linewidth=1.1, label="interval of lowest", **look)
    ax.plot([lowest.x], [height], marker="o", markersize=3, transform=foot, label="lowest, at the foot", **look)
    for end, bound, marker in zip(ends, bounds, "<>", strict=True):
        if bound is None:
            ax.plot([end], [height], marker=marker, markersize=3.5, transform=foot, label="open end", **look)
