"""Spline curves: the ratio at every level of an exposure, with its band and the exposure's distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.panels import Panel, layout_for, panel_axes
from riskkit.figures.theme import (
    BAND,
    DASHES,
    HISTOGRAM,
    INK,
    MAIN,
    MUTED,
    SERIES,
    number_axis,
    ratio_axis,
    ratio_limits,
    styled,
)

HISTOGRAM_SHARE = 0.17  # of a panel's height


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
    """Draw one curve with its confidence band for each outcome, on shared axes.

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
    figure, axes = panel_axes(shown, layout_for(len(shown), narrow), xlabel, ylabel)
    drawn = curves[curves["outcome"].isin([panel.key for panel in shown])]
    frame_curves(axes, drawn, histogram)
    for panel, ax in zip(shown, axes, strict=True):
        rows = drawn[drawn["outcome"] == panel.key].sort_values("x")
        curve_on(ax, rows, reference, knots, told=ax is axes[0])
        if lowest and panel.key in lowest:
            _mark_lowest(ax, lowest[panel.key], rows)
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
    ax.fill_between(rows["x"], rows["low"], rows["high"], color=BAND, linewidth=0, label="confidence band", zorder=2)
    ax.plot(rows["x"], rows["ratio"], color=MAIN, linewidth=1.8, label="ratio", zorder=4)
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
    entries = 1 if narrow else 2
    layout = layout_for(len(shown), narrow, below=-(-len(series) // entries) * 0.16 + 0.1)
    figure, axes = panel_axes(shown, layout, xlabel, ylabel)
    drawn = curves[curves["outcome"].isin([panel.key for panel in shown])]
    frame_curves(axes, drawn[drawn["series"].isin([main, *banded])], histogram)
    others = [name for name in series if name != main]
    looks = {name: (SERIES[i % len(SERIES)], DASHES[i % len(DASHES)]) for i, name in enumerate(others)}
    for panel, ax in zip(shown, axes, strict=True):
        of_panel = drawn[drawn["outcome"] == panel.key].sort_values("x")
        band = of_panel[of_panel["series"] == main]
        ax.fill_between(band["x"], band["low"], band["high"], color=BAND, linewidth=0, zorder=2)
        for name, label in series.items():
            rows = of_panel[of_panel["series"] == name]
            colour, dash = looks.get(name, (MAIN, "-"))
            if name in banded:
                ax.fill_between(rows["x"], rows["low"], rows["high"], color=colour, alpha=0.16, linewidth=0, zorder=3)
            width, level = (2.0, 4) if name == main else (1.3, 5)
            ax.plot(rows["x"], rows["ratio"], color=colour, linestyle=dash, linewidth=width, label=label, zorder=level)
        _mark_reference(ax, reference, first=False)
    lines = [line for line in axes[0].get_lines() if line.get_label() in series.values()]
    figure.legend(
        lines, [str(line.get_label()) for line in lines], loc="lower left", bbox_to_anchor=(0.0, 0.0), frameon=False,
        ncols=entries, fontsize=7.5, handlelength=2.6, borderaxespad=0.2, labelspacing=0.3,
    )  # fmt: skip
    return figure


def frame_curves(axes: Sequence[Axes], rows: pd.DataFrame, histogram: pd.DataFrame) -> None:
    """Shared limits with room for the histogram at the foot, the histogram itself, and the line of no difference."""
    low, high = ratio_limits(rows["ratio"], rows["low"], rows["high"])
    start, end = rows["x"].min(), rows["x"].max()
    inside = histogram[(histogram["right"] > start) & (histogram["left"] < end)]
    share = HISTOGRAM_SHARE if len(inside) else 0.0
    foot = low / (high / low) ** (share / (1 - share))
    tallest = max(inside["n"].max(), 1) if len(inside) else 1
    margin = 0.02 * (end - start)
    for ax in axes:
        ax.set_xlim(start - margin, end + margin)
        ratio_axis(ax, "y", foot, high, ticks_from=low)
        number_axis(ax)
        if len(inside):
            ax.stairs(
                inside["n"].fillna(0) / tallest * HISTOGRAM_SHARE * 0.9, [*inside["left"], *inside["right"].tail(1)],
                fill=True, transform=ax.get_xaxis_transform(), color=HISTOGRAM, linewidth=0, label="people", zorder=1,
            )  # fmt: skip
        ax.axhline(1, color=MUTED, linewidth=0.7, zorder=3, label="no difference")


def _mark_reference(ax: Axes, reference: Reference, first: bool) -> None:
    ax.plot(
        [reference.x], [1], marker="D", markersize=4, color="white", markeredgecolor=INK, label="reference", zorder=6
    )
    if first:
        ax.annotate(
            reference.text, (reference.x, 1), (0, 22), textcoords="offset points", ha="center", va="bottom", size=7,
            color=INK, arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 3}, zorder=7,
        )  # fmt: skip


def _mark_lowest(ax: Axes, lowest: Lowest, curve: pd.DataFrame) -> None:
    at = curve.iloc[int(np.argmin(np.abs(curve["x"].to_numpy() - lowest.x)))]
    look = {"color": MAIN, "markeredgecolor": MAIN, "zorder": 6}
    ax.plot([lowest.x], [at["ratio"]], marker="o", markersize=4, label="lowest", **look)
    foot = ax.get_xaxis_transform()
    bounds = (lowest.low, lowest.high)
    edges = (curve["x"].min(), curve["x"].max())
    ends = [edge if bound is None else bound for bound, edge in zip(bounds, edges, strict=True)]
    height = HISTOGRAM_SHARE + 0.035
    ax.plot(ends, [height, height], transform=foot, linewidth=1.1, label="interval of lowest", **look)
    ax.plot([lowest.x], [height], marker="o", markersize=3, transform=foot, label="lowest, at the foot", **look)
    for end, bound, marker in zip(ends, bounds, "<>", strict=True):
        if bound is None:
            ax.plot([end], [height], marker=marker, markersize=3.5, transform=foot, label="open end", **look)
