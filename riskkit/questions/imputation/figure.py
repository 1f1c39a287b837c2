"""Diagnostics of an imputation: imputed values beside observed ones, and the chains they were drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.panels import Layout, Panel, layout_for, panel_axes
from riskkit.figures.theme import FAINT, HISTOGRAM, INK, MAIN, MUTED, number_axis, styled, wrapped


@styled()
def observed_and_imputed(values: pd.DataFrame, panels: Sequence[Panel], narrow: bool = False) -> Figure:
    """Draw the distribution of the observed values of each variable (grey) and of the imputed ones (outline).

    Parameters
    ----------
    values : DataFrame
        variable level left right observed imputed; `left` and `right` are missing for categories.
    panels : sequence of Panel
        The variables to show; `key` is the variable.
    narrow : bool
        One column.
    """
    shown = tuple(panels)
    figure, axes = panel_axes(shown, _layout(len(shown), narrow), "", "Share of people (%)", shared="none")
    for panel, ax in zip(shown, axes, strict=True):
        rows = values[values["variable"] == panel.key]
        numeric = bool(rows["left"].notna().all())
        edges = [*rows["left"], rows["right"].iloc[-1]] if numeric else np.arange(len(rows) + 1) - 0.5
        ax.stairs(100 * rows["observed"], edges, fill=True, color=HISTOGRAM, label="observed")
        ax.stairs(100 * rows["imputed"], edges, color=MAIN, linewidth=1.3, label="imputed")
        if numeric:
            number_axis(ax, most=4)
        else:
            ax.set_xticks(range(len(rows)), [wrapped(level, 12) for level in rows["level"]], size=6.5)
    _legend(axes[0])
    return figure


@styled()
def chains(trace: pd.DataFrame, panels: Sequence[Panel], narrow: bool = False) -> Figure:
    """Draw the mean of what was drawn at each iteration, one line for each imputed set, and their mean.

    Parameters
    ----------
    trace : DataFrame
        set variable iteration mean.
    panels : sequence of Panel
        The variables to show; `key` is the variable.
    narrow : bool
        One column.
    """
    shown = tuple(panels)
    figure, axes = panel_axes(
        shown, _layout(len(shown), narrow), "Iteration", "Mean of the imputed values", shared="none"
    )
    for panel, ax in zip(shown, axes, strict=True):
        sets = trace[trace["variable"] == panel.key].pivot(index="iteration", columns="set", values="mean")
        ax.plot(sets.index, sets, color=FAINT, linewidth=0.7, label="one set")
        ax.plot(sets.index, sets.mean(axis=1), color=INK, linewidth=1.4, label="mean of the sets")
        ax.tick_params(axis="y", labelcolor=MUTED)
        number_axis(ax, most=5)
    _legend(axes[0])
    return figure


def _layout(panels: int, narrow: bool) -> Layout:
    """Room for the numbers on the axes of each panel, since none are shared."""
    return replace(layout_for(panels, narrow), left=0.62, gap=0.5, row_gap=0.4)


def _legend(ax: Axes) -> None:
    found: dict[str, object] = {}
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        found.setdefault(label, handle)
    ax.legend(found.values(), found.keys(), frameon=False, fontsize=6.5, handlelength=1.4, borderaxespad=0.1)
