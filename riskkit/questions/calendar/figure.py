"""Rates over calendar time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from riskkit.figures.panels import Layout, Panel, panel_axes
from riskkit.figures.theme import INK, MUTED, NARROW, styled


@styled()
def calendar(rates: pd.DataFrame, panels: Sequence[Panel], *, ylabel: str, narrow: bool = False) -> Figure:
    """Draw the standardised rate of each outcome by calendar period with its interval, and the crude rate.

    Parameters
    ----------
    rates : DataFrame
        Columns outcome from_year to_year crude rate low high.
    panels : sequence of Panel
        The outcomes to show, each on a vertical axis of its own.
    ylabel : str
    narrow : bool
        One column.
    """
    one = narrow or len(panels) == 1
    layout = Layout(
        width=NARROW if narrow else 5.2 if one else 7.1, columns=1 if one else 2, panel_height=1.9, left=0.75,
        right=0.2, bottom=0.5, gap=0.95, row_gap=0.3,
    )  # fmt: skip
    figure, axes = panel_axes(tuple(panels), layout, "Calendar year", ylabel, shared="none")
    for panel, ax in zip(panels, axes, strict=True):
        rows = rates[rates["outcome"] == panel.key]
        middle = (rows["from_year"] + rows["to_year"] + 1) / 2
        ax.vlines(middle, rows["low"], rows["high"], color=INK, linewidth=1)
        ax.plot(middle, rows["rate"], color=INK, marker="s", markersize=4, linewidth=1, label="Standardised for age")
        ax.plot(middle, rows["crude"], color=MUTED, marker="o", markersize=3, linestyle="none", label="Crude")
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.ticklabel_format(useOffset=False, axis="x")
    axes[0].legend(loc="best", frameon=False, fontsize="small")
    return figure
