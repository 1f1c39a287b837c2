"""Shape plots: the ratio in each group of an exposure, in the manner of the Oxford group.

A box stands at the group's median exposure, its area proportional to the statistical information behind it; the ratio
stands above its interval and the number of events below. With floating absolute risks (Easton, Peto and Babiker,
Statistics in Medicine 1991;10:1025-35) the reference group has an interval too, and any two groups can be compared by
eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.panels import Panel, layout_for, panel_axes
from riskkit.figures.theme import INK, MAIN, MUTED, number_axis, ratio_axis, ratio_limits, styled
from riskkit.numbers import count, ratio

LARGEST = 7.5  # points, the side of the largest box
SMALLEST = 2.5
CROWDED = 0.27  # inches between medians below which the numbers are turned upright


@styled()
def shape(groups: pd.DataFrame, panels: Sequence[Panel], *, xlabel: str, ylabel: str, narrow: bool = False) -> Figure:
    """Draw the ratio by group for each outcome, on shared axes.

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
    figure, axes = panel_axes(shown, layout_for(len(shown), narrow), xlabel, ylabel)
    low, high = _limits(drawn)
    for panel, ax in zip(shown, axes, strict=True):
        _frame(ax, drawn, low, high)
        _boxes(ax, drawn[drawn["outcome"] == panel.key], low, high)
    return figure


def shape_on(ax: Axes, groups: pd.DataFrame) -> None:
    """Draw the groups of one outcome, as `shape` takes them, on given axes."""
    drawn = groups.assign(**intervals(groups), side=box_sides(groups))
    low, high = _limits(drawn)
    _frame(ax, drawn, low, high)
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


def _limits(drawn: pd.DataFrame) -> tuple[float, float]:
    return ratio_limits(drawn["ratio"], drawn["shown_low"], drawn["shown_high"])


def _frame(ax: Axes, drawn: pd.DataFrame, low: float, high: float) -> None:
    room = (high / low) ** 0.13  # for the numbers above and below
    margin = 0.12 * (drawn["x"].max() - drawn["x"].min())
    ax.set_xlim(drawn["x"].min() - margin, drawn["x"].max() + margin)
    ratio_axis(ax, "y", low / room, high * room, ticks_from=low)
    number_axis(ax)
    ax.axhline(1, color=MUTED, linewidth=0.7, zorder=1, label="no difference")


def _boxes(ax: Axes, rows: pd.DataFrame, low: float, high: float) -> None:
    gaps = np.diff(np.sort(rows["x"])) / np.ptp(ax.get_xlim()) * ax.get_window_extent().width / ax.get_figure().dpi
    upright = bool(len(gaps)) and gaps.min() < CROWDED
    turned: dict[str, Any] = {
        "rotation": 90 if upright else 0,
        "ha": "center",
        "size": 6.5,
        "textcoords": "offset points",
        "zorder": 2.5,
    }
    turned["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}  # the line at 1 passes behind the numbers
    for row in rows.itertuples():
        bottom, top = np.clip(np.nan_to_num([row.shown_low, row.shown_high], nan=row.ratio), low, high)
        ax.plot([row.x, row.x], [bottom, top], color=MAIN, linewidth=1.1, zorder=2, label="interval")
        ax.plot(
            [row.x], [row.ratio], marker="s", markersize=row.side, color=MAIN, markeredgewidth=0, zorder=3, label="box"
        )
        half = row.side / 2
        above = 2.5 if top > row.ratio * 1.02 else half + 2
        below = 2.5 if bottom < row.ratio / 1.02 else half + 2
        ax.annotate(ratio(row.ratio), (row.x, top), (0, above), va="bottom", color=INK, weight="bold", **turned)
        ax.annotate(count(row.events), (row.x, bottom), (0, -below), va="top", color=MUTED, **turned)
