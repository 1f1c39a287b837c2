"""Contour funnels: estimates by their standard errors, over shades of how clearly each would differ from 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from riskkit.figures.theme import BAND, FAINT, MAIN, MUTED, NARROW, WIDE, ratio_axis, ratio_limits, styled, wrapped

SHADES = ("#eef1f5", BAND, FAINT)


@styled()
def funnel(
    ratio: Sequence[float],
    se: Sequence[float],
    pooled: float,
    contours: pd.DataFrame,
    axis: str,
    *,
    narrow: bool = False,
) -> Figure:
    """Draw a contour funnel.

    Parameters
    ----------
    ratio, se : sequence of float
        Of the studies; standard errors on the log scale.
    pooled : float
        The pooled ratio, a vertical line.
    contours : DataFrame
        level se low high, on the log scale, as `riskkit.funnel_contours` gives them.
    axis : str
        What the ratios are.
    narrow : bool
        For a telephone or one column of a journal.
    """
    figure = Figure(figsize=(NARROW if narrow else WIDE * 0.7, 3.0), layout="constrained")
    ax = figure.subplots()
    top = float(np.max(se)) * 1.08
    low, high = ratio_limits(ratio, np.exp(np.log(ratio) - 1.96 * np.asarray(se)).tolist(), list(ratio))
    low, high = min(low, 1 / high), max(high, 1 / low)
    ratio_axis(ax, "x", low, high, most=4 if narrow else 6)
    levels = sorted(contours["level"].unique(), reverse=True)
    for level, shade in zip(levels, reversed(SHADES), strict=False):
        of = contours[contours["level"] == level]
        label = f"p < {1 - level:.2g} outside"
        ax.fill_betweenx(of["se"], np.exp(of["low"]), np.exp(of["high"]), color=shade, linewidth=0, label=label)
    ax.axvline(1, color=MUTED, linewidth=0.7)
    ax.axvline(pooled, color=MAIN, linewidth=0.9, linestyle=(0, (3, 1.5)), label="pooled")
    ax.plot(ratio, se, "o", color=MAIN, markersize=4, label="studies")
    ax.set_ylim(top, 0)
    ax.set_ylabel("Standard error of the log ratio")
    ax.set_xlabel(wrapped(axis, 30 if narrow else 60))
    figure.legend(loc="outside lower center", ncols=2 if narrow else 5, frameon=False, fontsize=6.5)
    return figure
