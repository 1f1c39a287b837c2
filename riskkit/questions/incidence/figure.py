"""Cumulative incidence by group, with the numbers at risk beneath."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from riskkit.figures.panels import Layout, Panel, panel_axes
from riskkit.figures.theme import INK, MUTED, NARROW, number_axis, styled
from riskkit.numbers import count

LINE = 0.115  # inches between the lines of the numbers at risk
LIGHTEST = 0.64  # of matplotlib's plasma: an order that every kind of colour vision sees on white
APART = 0.062  # of a panel's height, between the labels of two curves


@styled()
def incidence(curves: pd.DataFrame, panels: Sequence[Panel], *, xlabel: str, narrow: bool = False) -> Figure:
    """Draw the share of people who have had each outcome, in the lowest, the middle and the highest group.

    The lowest and the highest have their bands.

    Parameters
    ----------
    curves : DataFrame
        Columns outcome level time estimate low high n_at_risk; in each outcome the same times and groups.
    panels : sequence of Panel
        The outcomes to show, each on a vertical axis of its own.
    xlabel : str
    narrow : bool
        One column.
    """
    groups = outer_and_middle(list(dict.fromkeys(curves["level"])))
    under = 0.3 + (len(groups) + 1) * LINE
    one = narrow or len(panels) == 1
    layout = Layout(
        width=NARROW if narrow else 5.2 if one else 7.1, columns=1 if one else 2, panel_height=2.0, left=0.62,
        right=0.36, bottom=0.32 + under, gap=0.95, row_gap=0.16 + under,
    )  # fmt: skip
    figure, axes = panel_axes(tuple(panels), layout, xlabel, "Cumulative incidence", shared="none")
    for panel, ax in zip(panels, axes, strict=True):
        own = curves[(curves["outcome"] == panel.key) & curves["level"].isin(groups)]
        incidence_on(ax, own, groups)
    return figure


def outer_and_middle(groups: Sequence[str]) -> list[str]:
    """The lowest, the middle and the highest of more than three groups; of an even number the lower of two."""
    return list(groups) if len(groups) <= 3 else [groups[0], groups[(len(groups) - 1) // 2], groups[-1]]


def incidence_on(ax: Axes, curves: pd.DataFrame, groups: Sequence[str]) -> None:
    """Draw the curves of one outcome, as `incidence` takes them, on given axes, with the numbers at risk beneath."""
    shades = mpl.colormaps["plasma"](LIGHTEST * np.linspace(0, 1, len(groups)) ** 0.75)
    for level, colour in zip(groups, shades, strict=True):
        rows = curves[curves["level"] == level]
        ax.plot(rows["time"], rows["estimate"], color=colour, drawstyle="steps-post", linewidth=1.4, label=level)
        if level in (groups[0], groups[-1]):
            ax.fill_between(
                rows["time"], rows["low"], rows["high"], step="post", color=colour, alpha=0.16, linewidth=0,
                label=f"{level} band",
            )  # fmt: skip
    _axes(ax, curves)
    _labels(ax, curves, groups, shades)
    _at_risk(ax, curves, groups, shades)


def _axes(ax: Axes, rows: pd.DataFrame) -> None:
    start, end = rows["time"].min(), rows["time"].max()
    ax.set_xlim(start, end)
    number_axis(ax, most=5)
    ticks = [tick for tick in ax.get_xticks() if start <= tick <= end]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.set_ylim(0, max(rows["estimate"].max() * 1.08, 0.001))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g}%"))


def _labels(ax: Axes, rows: pd.DataFrame, groups: Sequence[str], shades: np.ndarray) -> None:
    """The groups' names at the ends of their curves, moved apart where they would touch."""
    last = rows[rows["time"] == rows["time"].max()].set_index("level")["estimate"]
    top = ax.get_ylim()[1]
    wanted = np.array([last[level] / top for level in groups])
    order = np.argsort(wanted, kind="stable")
    placed = wanted.copy()
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + APART)
    placed -= max(placed.max() - 1, 0)
    for level, at, colour in zip(groups, placed, shades, strict=True):
        ax.annotate(
            level, (1, at), (3, 0), xycoords="axes fraction", textcoords="offset points", va="center", size=7,
            weight="bold", color=colour, annotation_clip=False,
        )  # fmt: skip


def _at_risk(ax: Axes, rows: pd.DataFrame, groups: Sequence[str], shades: np.ndarray) -> None:
    """Numbers at risk under the ticks, a line for each group."""
    look = {"textcoords": "offset points", "size": 6.3, "annotation_clip": False, "va": "center"}
    first = -72 * 0.3
    left = {"xycoords": "axes fraction", "ha": "right", **look}
    ax.annotate("At risk", (0, 0), (-4, first), color=MUTED, **left)
    for i, (level, colour) in enumerate(zip(groups, shades, strict=True), start=1):
        down = first - 72 * LINE * i
        own = rows[rows["level"] == level].set_index("time")["n_at_risk"]
        ax.annotate(level, (0, 0), (-4, down), color=colour, weight="bold", **left)
        for tick in ax.get_xticks():
            nearest = own.iloc[int(np.argmin(np.abs(own.index.to_numpy() - tick)))]
            ax.annotate(
                count(nearest), (tick, 0), (0, down), xycoords=ax.get_xaxis_transform(), ha="center", color=INK, **look
            )
