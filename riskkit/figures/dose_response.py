"""A dose-response curve across studies, with each study's levels as points sized by their precision."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.spline import Lowest, Reference, curve_on, frame_curves, mark_lowest
from riskkit.figures.theme import DASHES, INK, MAIN, MUTED, NARROW, SERIES, ratio_limits, styled

OWN = SERIES[1]  # the first is that of simulated people in forests
NO_PEOPLE = pd.DataFrame({"left": [], "right": [], "n": []}, dtype=float)
LARGEST = 11.0  # points, the diameter of the most precise point
SMALLEST = 2.5


@styled()
def dose_response(
    curve: pd.DataFrame,
    points: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    reference: Reference,
    lowest: Lowest | None = None,
    other: pd.DataFrame | None = None,
    labels: tuple[str, str] = ("all studies", "published studies alone"),
    also: tuple[str, float] | None = None,
    narrow: bool = False,
) -> Figure:
    """Draw a curve with its band, and the studies' levels on it.

    Parameters
    ----------
    curve : DataFrame
        Columns x ratio low high.
    points : DataFrame
        Columns dose ratio se own: levels of studies, each moved so that its reference lies on the curve. The area of a
        point is as 1 / se²; a reference, which has no se, is a small ring.
    xlabel, ylabel : str
    reference : Reference
        Where the ratio is 1.
    lowest : Lowest, optional
        The lowest point of the curve.
    other : DataFrame, optional
        Another curve, dashed: x ratio.
    labels : pair of str
        Of the curve and of the other.
    also : str and float, optional
        Label of a second scale above, and how many of the unit below are in one of its unit.
    narrow : bool
        For a telephone or one column of a journal.
    """
    figure = Figure(figsize=(NARROW if narrow else 5.2, 3.3 if narrow else 3.5), layout="constrained")
    ax = figure.subplots()
    shown = points[np.isfinite(points["ratio"])]
    heights = pd.concat([curve["ratio"], shown["ratio"]])
    limits = ratio_limits(
        heights, pd.concat([curve["low"], shown["ratio"]]), pd.concat([curve["high"], shown["ratio"]])
    )
    across = pd.concat([curve["x"], shown["dose"]])
    frame_curves(ax, NO_PEOPLE, limits, (float(across.min()), float(across.max())))
    curve_on(ax, curve, reference, told=not narrow)
    if other is not None:
        ax.plot(other["x"], other["ratio"], color=INK, linewidth=1.1, linestyle=DASHES[0], label=labels[1], zorder=4)
    _points(ax, shown)
    if lowest is not None:
        mark_lowest(ax, lowest, curve, height=0.04)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    if also is not None:
        label, factor = also
        above = ax.secondary_xaxis("top", functions=(lambda x: x / factor, lambda x: x * factor))
        above.set_xlabel(label, size=7)
        above.tick_params(labelsize=7)
    _legend(figure, ax, shown, labels, other is not None, narrow)
    return figure


def _points(ax: Axes, points: pd.DataFrame) -> None:
    dose, ratio, se = (points[name].to_numpy(dtype=float) for name in ("dose", "ratio", "se"))
    if np.isnan(se).all():
        return
    sizes = np.maximum(LARGEST * np.nanmin(se) / se, SMALLEST)
    for x, y, size, own in zip(dose, ratio, sizes, points["own"], strict=True):
        colour, marker = (OWN, "s") if own else (MUTED, "o")
        look = {"marker": marker, "linestyle": "none", "zorder": 5}
        if np.isnan(size):
            ax.plot(
                [x], [y], markersize=3, markerfacecolor="white", markeredgecolor=colour,
                label="reference of a study", **look,
            )  # fmt: skip
        else:
            ax.plot(
                [x], [y], markersize=size, markerfacecolor=colour, markeredgecolor="white", alpha=0.65,
                label="own level" if own else "level", **look,
            )  # fmt: skip


def _legend(figure: Figure, ax: Axes, points: pd.DataFrame, labels: tuple[str, str], other: bool, narrow: bool) -> None:
    """What is drawn, in samples of one size."""
    samples = [ax.plot([], [], color=MAIN, linewidth=1.8)[0]]
    told = [labels[0]]
    if other:
        samples += ax.plot([], [], color=INK, linewidth=1.1, linestyle=DASHES[0])
        told.append(labels[1])
    for own, colour, marker, name in (
        (False, MUTED, "o", "levels of published studies"),
        (True, OWN, "s", "levels of real people here"),
    ):
        if (points["own"] == own).any():
            samples += ax.plot([], [], color=colour, marker=marker, markersize=5, linestyle="none", alpha=0.65)
            told.append(name)
    figure.legend(
        samples, told, loc="outside lower center", ncols=1 if narrow else 2, frameon=False, fontsize=7,
        labelspacing=0.3, handlelength=2.2,
    )  # fmt: skip
