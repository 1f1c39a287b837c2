"""Shape plots: the ratio in each group of an exposure, in the manner of the Oxford group.

A box stands at the group's median exposure, its area proportional to the statistical information behind it; the
ratios stand in a row along the top, the numbers of events along the foot. With floating absolute risks (Easton, Peto
and Babiker, Statistics in Medicine 1991;10:1025-35) the reference group has an interval too, and any two groups can be
compared by eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.panels import Panel, layout_for, panel_axes
from riskkit.figures.theme import (
    INK,
    MAIN,
    MUTED,
    number_axis,
    panel_limits,
    panel_ticks,
    ratio_axis,
    ratio_limits,
    styled,
)
from riskkit.numbers import count, ratio

LARGEST = 7.5  # points, the side of the largest box
SMALLEST = 2.5
ROOM = 0.2  # of the span of the ratios, above and below them
CROWDED = 0.27  # inches between medians below which the numbers are turned upright


@styled()
def shape(groups: pd.DataFrame, panels: Sequence[Panel], *, xlabel: str, ylabel: str, narrow: bool = False) -> Figure:
    """Draw the ratio by group for each outcome, each on a vertical axis of its own.

    Parameters
    ----------
    groups : DataFrame
        Columns outcome x ratio low high events reference, of one exposure, time scale and model; floating intervals
        float_low and float_high, with their standard error float_se, are used where present.
    panels : sequence of Panel
        The outcomes to show, in order.
    xlabel, ylabel : str
        Name and unit of the exposure; name of the ratio, with the scale it is drawn on.
    narrow : bool
        One column.
    """
    shown = tuple(panels)
    drawn = groups[groups["outcome"].isin([panel.key for panel in shown])]
    drawn = drawn.assign(**intervals(drawn), side=box_sides(drawn))
    figure, axes = panel_axes(shown, layout_for(len(shown), narrow), xlabel, ylabel, shared="x")
    span = (drawn["x"].min(), drawn["x"].max())
    for panel, ax in zip(shown, axes, strict=True):
        rows = drawn[drawn["outcome"] == panel.key]
        low, high = panel_limits(rows["ratio"], rows["shown_low"], rows["shown_high"])
        _frame(ax, span, low, high, panel_ticks(low, high))
        _boxes(ax, rows, low, high)
    return figure


def shape_on(ax: Axes, groups: pd.DataFrame) -> None:
    """Draw the groups of one outcome, as `shape` takes them, on given axes."""
    drawn = groups.assign(**intervals(groups), side=box_sides(groups))
    low, high = ratio_limits(drawn["ratio"], drawn["shown_low"], drawn["shown_high"])
    _frame(ax, (drawn["x"].min(), drawn["x"].max()), low, high)
    _boxes(ax, drawn, low, high)


def is_floating(groups: pd.DataFrame) -> bool:
    """Whether every group that has an estimate has a floating interval."""
    wanted = ["float_se", "float_low", "float_high"]
    groups = groups[groups["ratio"].notna()]
    return len(groups) > 0 and all(c in groups for c in wanted) and bool(groups[wanted].notna().all(axis=None))


def intervals(groups: pd.DataFrame) -> dict[str, pd.Series]:
    """The interval drawn for each group: the floating one where there is one; none for a plain reference."""
    if is_floating(groups):
        return {"shown_low": groups["float_low"], "shown_high": groups["float_high"]}
    reference = groups["reference"].astype(bool)
    return {"shown_low": groups["low"].mask(reference), "shown_high": groups["high"].mask(reference)}


def box_sides(groups: pd.DataFrame) -> np.ndarray:
    """Sides of the boxes in points: areas proportional to information, 1 / float_se^2, or else to events."""
    information = 1 / groups["float_se"] ** 2 if is_floating(groups) else groups["events"].astype(float)
    share = (information / information.max()).fillna(0).to_numpy(float)
    return np.maximum(LARGEST * np.sqrt(share), SMALLEST)


def _frame(ax: Axes, span: tuple[float, float], low: float, high: float, ticks: Sequence[float] | None = None) -> None:
    room = (high / low) ** ROOM  # for the numbers along the top and the foot
    start, end = span
    margin = 0.12 * (end - start)
    ax.set_xlim(start - margin, end + margin)
    ratio_axis(ax, "y", low / room, high * room, ticks_from=low, ticks=ticks)
    number_axis(ax)
    ax.axhline(1, color=MUTED, linewidth=0.7, zorder=1, label="no difference")


def _boxes(ax: Axes, rows: pd.DataFrame, low: float, high: float) -> None:
    gaps = np.diff(np.sort(rows["x"])) / np.ptp(ax.get_xlim()) * ax.get_window_extent().width / ax.get_figure().dpi
    upright = bool(len(gaps)) and gaps.min() < CROWDED
    turned: dict[str, Any] = {
        "rotation": 90 if upright else 0,
        "ha": "center",
        "size": 6.5,
        "xycoords": ax.get_xaxis_transform(),
        "textcoords": "offset points",
    }
    for row in rows.assign(at=rows["ratio"].clip(low, high)).itertuples():
        bottom, top = np.clip(np.nan_to_num([row.shown_low, row.shown_high], nan=row.ratio), low, high)
        ax.plot([row.x, row.x], [bottom, top], color=MAIN, linewidth=1.1, zorder=2, label="interval")
        ax.plot(
            [row.x],
            [row.at],
            marker="s",
            markersize=row.side,
            color=MAIN,
            markeredgewidth=0,
            zorder=3,
            label="box",
        )
        _arrows(ax, row, low, high)
        ax.annotate(ratio(row.ratio), (row.x, 1), (0, -1), va="top", color=INK, weight="bold", **turned)
        ax.annotate(count(row.events), (row.x, 0), (0, 2), va="bottom", color=MUTED, **turned)


def _arrows(ax: Axes, row: Any, low: float, high: float) -> None:
    """Where an interval leaves the axis."""
    for gone, at, marker in ((row.shown_high > high, high, "^"), (row.shown_low < low, low, "v")):
        if gone:
            ax.plot([row.x], [at], marker=marker, markersize=4, color=MAIN, label="goes on", zorder=3)
