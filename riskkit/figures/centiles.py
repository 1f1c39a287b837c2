"""Reference ranges: the chart that clinics use, and worm plots of its fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from riskkit.figures.panels import Layout, Panel, layout_for, panel_axes
from riskkit.figures.theme import BAND, FAINT, INK, MAIN, MUTED, NARROW, number_axis, styled

ROOM = 0.13  # of the horizontal axis, at its right end, for the names of the centiles
APART = 0.035  # of the vertical axis, the least distance of two names


@styled()
def centile_chart(
    curves: pd.DataFrame, panels: Sequence[Panel], *, xlabel: str, ylabel: str, narrow: bool = False
) -> Figure:
    """Draw the centile curves of each group, named at their ends, with bands of the outermost and the median.

    Parameters
    ----------
    curves : DataFrame
        Columns group centile age value low high.
    panels : sequence of Panel
        The groups to show; `key` is the group.
    xlabel, ylabel : str
    narrow : bool
        One column.
    """
    layout = layout_for(len(panels), narrow)
    layout = Layout(
        width=layout.width, columns=layout.columns, panel_height=2.5 if narrow else 3.1, left=layout.left, right=0.1,
        bottom=layout.bottom, gap=layout.gap, row_gap=layout.row_gap,
    )  # fmt: skip
    figure, axes = panel_axes(tuple(panels), layout, xlabel, ylabel)
    drawn = curves[curves["group"].isin([panel.key for panel in panels])]
    first, last = drawn["age"].min(), drawn["age"].max()
    outer = drawn[drawn["centile"] == drawn["centile"].max()]
    top = 1.03 * max(drawn["value"].max(), outer["high"].max())
    for panel, ax in zip(panels, axes, strict=True):
        own = drawn[drawn["group"] == panel.key]
        asked = sorted(own["centile"].unique())
        banded = {asked[0], asked[-1], 50.0} & set(asked)
        ends = []
        for centile in asked:
            rows = own[own["centile"] == centile].sort_values("age")
            if centile in banded:
                ax.fill_between(rows["age"], rows["low"], rows["high"], color=BAND, linewidth=0, zorder=1, label="band")
            middle = centile == 50
            ax.plot(
                rows["age"], rows["value"], color=MAIN if middle else INK, linewidth=1.8 if middle else 0.9,
                linestyle="-" if centile in banded else (0, (4, 1.5)), zorder=3, label=f"{centile:g}",
            )  # fmt: skip
            ends.append((rows["age"].iloc[-1], rows["value"].iloc[-1], f"{centile:g}"))
        for (x, _, text), y in zip(ends, _spread([end[1] for end in ends], APART * top), strict=True):
            ax.annotate(text, (x, y), (3, 0), textcoords="offset points", va="center", size=6.5, color=MUTED)
        ax.set_xlim(first, last + ROOM * (last - first))
        ax.set_ylim(0, top)
        ax.grid(color=FAINT, linewidth=0.4)
        ax.set_axisbelow(True)
        ax.yaxis.set_major_locator(MaxNLocator(7))
        number_axis(ax, 8 if not narrow else 6)
    return figure


@styled()
def worm_plots(points: pd.DataFrame, panels: Sequence[Panel], *, narrow: bool = False) -> Figure:
    """Draw detrended scores by the scores expected, a panel an age band, between the limits of chance.

    Parameters
    ----------
    points : DataFrame
        Columns key normal deviation band_low band_high.
    panels : sequence of Panel
        `key` names the rows of each.
    narrow : bool
        Two columns.
    """
    columns = 2 if narrow else 4
    layout = Layout(
        width=NARROW if narrow else 7.1, columns=min(columns, len(panels)), panel_height=1.2, left=0.5, gap=0.2
    )
    figure, axes = panel_axes(tuple(panels), layout, "Score expected", "Score found less expected")
    most = max(0.4, 1.1 * float(points["deviation"].abs().max()))
    for panel, ax in zip(panels, axes, strict=True):
        own = points[points["key"] == panel.key].sort_values("normal")
        ax.fill_between(own["normal"], own["band_low"], own["band_high"], color=BAND, linewidth=0, label="chance")
        ax.axhline(0, color=MUTED, linewidth=0.7, label="as expected")
        ax.plot(own["normal"], own["deviation"], color=MAIN, marker="o", markersize=1.8, linewidth=0, label="found")
        ax.set_ylim(-most, most)
        ax.set_xlim(-2.3, 2.3)
        ax.yaxis.set_major_locator(MaxNLocator(4))
    return figure


def _spread(values: Sequence[float], apart: float) -> list[float]:
    """Places near increasing values, no two of them nearer than `apart`."""
    places = np.asarray(values, dtype=float).copy()
    for i in range(1, places.size):
        places[i] = max(places[i], places[i - 1] + apart)
    return places.tolist()
