"""A ratio over time: does it stay what the model takes it to be?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.panels import Panel, layout_for, panel_axes
from riskkit.figures.theme import (
    BAND,
    DASHES,
    MAIN,
    MUTED,
    SERIES,
    number_axis,
    panel_limits,
    panel_ticks,
    ratio_axis,
    styled,
)


@styled()
def over_time(
    curves: pd.DataFrame,
    panels: Sequence[Panel],
    constant: Mapping[str, float],
    *,
    xlabel: str,
    ylabel: str,
    narrow: bool = False,
) -> Figure:
    """Draw the ratio at each time with its band, over the constant ratio of the model (dashed).

    Parameters
    ----------
    curves : DataFrame
        Columns outcome time ratio low high.
    panels : sequence of Panel
        The outcomes to show.
    constant : mapping of str to float
        The ratio that the model estimates for each outcome.
    xlabel, ylabel : str
    narrow : bool
        One column.
    """
    shown = tuple(panels)
    drawn = curves[curves["outcome"].isin([panel.key for panel in shown])]
    figure, axes = panel_axes(shown, layout_for(len(shown), narrow), xlabel, ylabel, shared="x")
    for panel, ax in zip(shown, axes, strict=True):
        rows = drawn[drawn["outcome"] == panel.key]
        low, high = panel_limits([*rows["ratio"], constant[panel.key]], rows["low"], rows["high"])
        ax.set_xlim(drawn["time"].min(), drawn["time"].max())
        ratio_axis(ax, "y", low, high, ticks=panel_ticks(low, high))
        over_time_on(ax, rows, constant[panel.key])
    return figure


def over_time_on(ax: Axes, rows: pd.DataFrame, constant: float | None) -> None:
    """Draw one ratio over time, as `over_time` takes it, on given axes that have their limits."""
    number_axis(ax, most=5)
    ax.axhline(1, color=MUTED, linewidth=0.7, zorder=2, label="no difference")
    ax.fill_between(rows["time"], rows["low"], rows["high"], color=BAND, linewidth=0, zorder=1, label="confidence band")
    if constant is not None:
        ax.axhline(constant, color=SERIES[0], linewidth=1.1, linestyle=DASHES[0], label="constant", zorder=3)
    ax.plot(rows["time"], rows["ratio"], color=MAIN, linewidth=1.8, label="ratio", zorder=4)
