"""Absolute risks drawn: curves with bands, a thousand people as dots, and what scenarios would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from riskkit.figures.panels import Layout, Panel, panel_axes
from riskkit.figures.theme import FAINT, INK, MAIN, MUTED, NARROW, SERIES, WIDE, number_axis, styled, wrapped
from riskkit.questions.absolute.words import THOUSAND, age_text, difference_interval

ACROSS = 40  # people in a row of an icon array
CLEAR = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # behind a text that the line of no difference meets
ROW = 0.2  # inches of a row of the forest


def colours(ages: Sequence[float]) -> dict[float, str]:
    """A colour for each age; the oldest has the main one."""
    return dict(zip(sorted(ages, reverse=True), (MAIN, *SERIES), strict=False))


@styled()
def risk_curves(curves: pd.DataFrame, panels: Sequence[Panel], *, xlabel: str, narrow: bool = False) -> Figure:
    """Draw the standardised risk over the level of the exposure with its band, a curve for each age.

    Parameters
    ----------
    curves : DataFrame
        Columns outcome age x estimate low high.
    panels : sequence of Panel
        The outcomes to show, each on a vertical axis of its own.
    xlabel : str
    narrow : bool
        One column.
    """
    one = narrow or len(panels) == 1
    layout = Layout(
        width=NARROW if narrow else 5.2 if one else WIDE, columns=1 if one else 2 if len(panels) in (2, 4) else 3,
        panel_height=1.8, left=0.62, right=0.2, bottom=0.45, gap=0.5, row_gap=0.32,
    )  # fmt: skip
    figure, axes = panel_axes(tuple(panels), layout, xlabel, "Of 1,000 people", shared="none")
    for panel, ax in zip(panels, axes, strict=True):
        own = curves[curves["outcome"] == panel.key]
        known = [age for age in own["age"].unique() if np.isfinite(age)]
        shades = colours(known)
        for age, rows in own.groupby("age", sort=False, dropna=False):
            rows = rows.sort_values("x")
            colour = shades.get(age, MAIN)
            ax.fill_between(
                rows["x"], rows["low"] * THOUSAND, rows["high"] * THOUSAND, color=colour, alpha=0.16, linewidth=0,
                label="band",
            )  # fmt: skip
            ax.plot(rows["x"], rows["estimate"] * THOUSAND, color=colour, label=age_text(age))
        ax.set_xlim(own["x"].min(), own["x"].max())
        ax.set_ylim(0, max(own["high"].max() * THOUSAND * 1.05, 0.01))
        number_axis(ax, most=5)
        ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    lines = [line for line in axes[0].get_lines() if np.isfinite(_age_of(line))]
    if lines:
        axes[0].legend(handles=lines, loc="best", frameon=False, fontsize=6.5, handlelength=1.4)
    return figure


def _age_of(line: Line2D) -> float:
    text = str(line.get_label())
    return float(text.removeprefix("From age ")) if text.startswith("From age ") else float("nan")


@dataclass(frozen=True)
class Thousand:
    """A thousand people in one icon array: its title, its numbers beneath, and the risk with its interval."""

    title: str
    detail: str
    risk: float
    low: float
    high: float


@styled()
def icons(arrays: Sequence[Thousand], *, narrow: bool = False) -> Figure:
    """Draw a thousand people for each level: those with the outcome filled, the interval in paler and ringed dots.

    Parameters
    ----------
    arrays : sequence of Thousand
    narrow : bool
        Under each other.

    Notes
    -----
    Filled up to the lower limit, paler from there to the estimate, ringed from the estimate to the upper limit.
    """
    rows = THOUSAND // ACROSS
    columns = 1 if narrow else min(len(arrays), 3)
    lines = -(-len(arrays) // columns)
    width, head = (NARROW if narrow else WIDE), 0.42
    panel = (width - 0.12 * (columns + 1)) / columns
    tall = panel * rows / ACROSS
    height = lines * (tall + head) + 0.1
    figure = Figure(figsize=(width, height))
    unit = panel * 72 / (ACROSS + 0.2)  # points from one person to the next
    for i, array in enumerate(arrays):
        line, column = divmod(i, columns)
        left, bottom = 0.12 + column * (panel + 0.12), height - (line + 1) * (tall + head)
        ax = figure.add_axes((left / width, bottom / height, panel / width, tall / height), label=array.title)
        low, risk, high = (round(THOUSAND * share) for share in (array.low, array.risk, array.high))
        for name, first, last, face, edge in (
            ("without", high, THOUSAND, FAINT, None),
            ("up to the upper limit", risk, high, "white", MAIN),
            ("from the lower limit", low, risk, "#7fabc7", None),
            ("with", 0, low, MAIN, None),
        ):
            for colour, size in ((edge or face, 0.72), (face, 0.5))[: 2 if edge else 1]:
                _people(ax, first, last, colour, size * unit, unit, name)
        ax.set_xlim(-0.6, ACROSS - 0.4)
        ax.set_ylim(rows - 0.4, -0.6)
        ax.set_axis_off()
        look = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "left", "va": "bottom"}
        ax.annotate(array.detail, (0, 1), (0, 3), size=7, color=MUTED, **look)
        ax.annotate(array.title, (0, 1), (0, 13), size=8, weight="bold", color=INK, **look)
    return figure


def _people(ax: Axes, first: int, last: int, colour: str, size: float, unit: float, label: str) -> None:
    """Draw people first to last (not included) as dots: a row is one dotted line, where markers take a line each."""
    long = 0.08  # of a dot, in widths of the line: Agg draws no shorter ones
    dots = (0, (long, unit / size - long))
    for row in range(first // ACROSS, -(-last // ACROSS)):
        start, end = max(first - row * ACROSS, 0), min(last - row * ACROSS, ACROSS)
        half = long * size / unit / 2
        ax.plot(
            [start - half, end - 1 + half], [row, row], color=colour, linewidth=size, linestyle=dots,
            dash_capstyle="round", label=label, snap=False,
        )  # fmt: skip


@styled()
def scenario_forest(differences: pd.DataFrame, *, xlabel: str, narrow: bool = False) -> Figure:
    """Draw what scenarios would change, per 1,000 people, a row for each age under the scenario's label.

    Parameters
    ----------
    differences : DataFrame
        Columns level age estimate low high capped; of one outcome, in the order of the scenarios.
    xlabel : str
    narrow : bool
        One column.
    """
    shades = colours([age for age in differences["age"].unique() if np.isfinite(age)])
    lines: list[tuple[str, dict[Any, Any] | None, int]] = []
    for label, own in differences.groupby("level", sort=False):
        text = wrapped(f"{label} (held back: {100 * own['capped'].iloc[0]:.0f}%)", 58 if narrow else 110)
        lines.append((text, None, text.count("\n") + 1))
        lines += [(age_text(row["age"]), row, 1) for row in own.to_dict("records")]
    body = sum(size for _, _, size in lines) * ROW + 0.1
    width, bottom = (NARROW if narrow else WIDE), 0.55
    figure = Figure(figsize=(width, body + bottom + 0.1))
    height = body + bottom + 0.1
    left, right = (0.24, 0.62) if narrow else (0.16, 0.74)
    ax = figure.add_axes((left, bottom / height, right - left, body / height))
    texts = figure.add_axes((0, bottom / height, 1, body / height), sharey=ax)
    texts.set_axis_off()
    texts.set_xlim(0, 1)
    ax.set_ylim(body, 0)
    ax.yaxis.set_visible(False)
    ax.spines["left"].set_visible(False)
    at, size = 0.05, 6.6 if narrow else 7.3
    for text, row, tall in lines:
        middle = at + tall * ROW / 2
        at += tall * ROW
        if row is None:
            texts.text(0.01, middle, text, va="center", weight="bold", size=size, bbox=CLEAR)
            continue
        colour = shades.get(row["age"], MAIN)
        texts.text(0.03, middle, text, va="center", size=size)
        texts.text(right + 0.02, middle, difference_interval(row), va="center", size=size)
        _estimate(ax, row, middle, colour)
    ax.axvline(0, color=MUTED, linewidth=0.7, zorder=1, label="no difference")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4 if narrow else 7, steps=[1, 2, 5, 10]))
    ax.set_xlabel(wrapped(xlabel, 36 if narrow else 70), labelpad=3)
    return figure


def _estimate(ax: Axes, row: dict[Any, Any], at: float, colour: str) -> None:
    ends = [row["low"] * THOUSAND, row["high"] * THOUSAND]
    ax.plot(ends, [at, at], color=colour, linewidth=1.1, label="interval")
    ax.plot([row["estimate"] * THOUSAND], [at], marker="s", markersize=4.5, color=colour, label="box")
