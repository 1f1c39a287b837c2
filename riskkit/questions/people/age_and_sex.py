"""An exposure by age and sex: medians with the middle half and the middle nine tenths of people."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from riskkit.figures.panels import Panel, layout_for, panel_axes
from riskkit.figures.theme import BAND, DASHES, MAIN, MUTED, number_axis, styled
from riskkit.numbers import count

INNER = "#9fc0da"  # the middle half, inside the paler band


@styled()
def age_and_sex(described: pd.DataFrame, *, xlabel: str, ylabel: str, narrow: bool = False) -> Figure:
    """Draw the percentiles of an exposure against age, a panel for each sex, with the median of the others in each.

    Parameters
    ----------
    described : DataFrame
        Columns sex age n p5 p25 p50 p75 p95, of one exposure.
    xlabel, ylabel : str
        Names and units of age and the exposure.
    narrow : bool
        One column.
    """
    import seaborn as sns  # a second that no other figure needs

    panels = tuple(
        Panel(str(sex), str(sex), f"{count(rows['n'].sum())} people")
        for sex, rows in described.groupby("sex", sort=False)
    )
    figure, axes = panel_axes(panels, layout_for(len(panels), narrow), xlabel, ylabel)
    for panel, ax in zip(panels, axes, strict=True):
        own, others = described[described.sex == panel.key], described[described.sex != panel.key]
        ax.fill_between(own["age"], own["p5"], own["p95"], color=BAND, linewidth=0, label="middle nine tenths")
        ax.fill_between(own["age"], own["p25"], own["p75"], color=INNER, linewidth=0, label="middle half")
        look = {"x": "age", "y": "p50", "estimator": None, "legend": False, "ax": ax}
        if len(others):  # seaborn cannot draw a line of nothing
            sns.lineplot(others, units="sex", color=MUTED, linewidth=1.1, linestyle=DASHES[0], **look)
        sns.lineplot(own, color=MAIN, linewidth=1.8, **look)
        ax.set(xlabel="", ylabel="")
        number_axis(ax)
    shown = described[["p5", "p50", "p95"]]
    axes[0].set_ylim(min(0.0, float(shown.min(axis=None))), float(shown.max(axis=None)) * 1.03)
    return figure
