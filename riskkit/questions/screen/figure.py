"""The exposures of a screen and its outcomes as a heat map, like beside like."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.pyplot import close
from scipy.cluster.hierarchy import linkage

from riskkit.figures.theme import MUTED, NARROW, WIDE, styled, wrapped

ROW, WIDEST = 0.14, 0.6  # inches: height of a row, and width of a column where there are few
SCALE, TREE, SIDE, LABELS = 0.55, 0.35, 0.5, 1.5  # inches of what stands above, beside and under the map


@styled()
def heatmap(ratios: pd.DataFrame, clear: pd.DataFrame, *, label: str, narrow: bool = False) -> Figure:
    """Draw log ratios of exposures (rows) with outcomes (columns), both in the order of hierarchical clustering.

    Rows and columns are joined by the average distance of their log ratios; a missing one is taken as 0 for that.

    Parameters
    ----------
    ratios : DataFrame, exposures by outcomes
        Log ratios, labelled as they are to be read; missing where none was estimated.
    clear : DataFrame, same shape
        Whether a cell is marked by a dot.
    label : str
        Of the scale.
    narrow : bool
        One column.
    """
    known = ratios.fillna(0.0).to_numpy()
    most = max(float(np.nanmax(np.abs(ratios.to_numpy()))), 0.05)
    rows, columns = ratios.shape
    names = 0.95 if narrow else 1.7
    width = min(NARROW if narrow else WIDE, SIDE + names + max(columns * WIDEST, 1.2))
    height = SCALE + TREE + rows * ROW + LABELS
    size = 4.8 if narrow else 5.8
    named = ratios.rename(
        index=lambda text: wrapped(text, 24 if narrow else 40), columns=lambda text: wrapped(text, 34)
    )
    grid = sns.clustermap(
        named.fillna(0.0), mask=named.isna(), row_linkage=_linkage(known), col_linkage=_linkage(known.T),
        row_cluster=rows > 1, col_cluster=columns > 1, annot=np.where(clear, "•", ""), fmt="",
        annot_kws={"size": 5}, cmap="RdBu_r", center=0.0, vmin=-most, vmax=most, figsize=(width, height),
        xticklabels=True, yticklabels=True, linewidths=0.3, cbar_kws={"orientation": "horizontal"},
        tree_kws={"colors": MUTED, "linewidths": 0.5},
    )  # fmt: skip
    close(grid.figure)  # it is drawn by whoever asked, not by pyplot

    def place(left: float, bottom: float, wide: float, high: float) -> tuple[float, float, float, float]:
        return left / width, bottom / height, wide / width, high / height

    across, down = width - SIDE - names, rows * ROW
    grid.ax_heatmap.set_position(place(SIDE, LABELS, across, down))
    grid.ax_row_dendrogram.set_position(place(0.05, LABELS, SIDE - 0.08, down))
    grid.ax_col_dendrogram.set_position(place(SIDE, LABELS + down + 0.02, across, TREE - 0.04))
    grid.ax_cbar.set_position(place(0.15, height - 0.3, 1.3, 0.09))
    grid.ax_heatmap.set(xlabel="", ylabel="")
    grid.ax_heatmap.tick_params(length=0, labelsize=size)
    grid.ax_heatmap.tick_params(axis="x", rotation=90)
    grid.ax_heatmap.tick_params(axis="y", rotation=0)
    ticks = np.linspace(-most, most, 3)
    grid.ax_cbar.set_xticks(ticks, [f"{np.exp(tick):.2f}" for tick in ticks])
    grid.ax_cbar.tick_params(labelsize=size, length=2)
    grid.ax_cbar.set_title(label, size=size, weight="normal", loc="left", pad=2)
    figure: Figure = grid.figure
    return figure


def _linkage(rows: np.ndarray) -> np.ndarray | None:
    """How rows are joined, shape (rows - 1, 4); None of one row."""
    return linkage(rows, method="average") if len(rows) > 1 else None
