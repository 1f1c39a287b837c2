"""Forest plots: one row an estimate, with columns of text aligned beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from riskkit.figures.theme import (
    BAND,
    FAINT,
    INK,
    MAIN,
    MUTED,
    NARROW,
    SERIES,
    WIDE,
    ratio_axis,
    ratio_limits,
    styled,
    wrapped,
)
from riskkit.numbers import ratio_interval

ROW = 0.205  # inches
LARGEST = 8.0  # points, the side of the largest box
SMALLEST = 3.0
MARKS = {"low": (SERIES[1], "+"), "some": ("#E6B800", "?"), "high": (SERIES[0], "−")}  # Cochrane's signs


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot.

    Attributes
    ----------
    label : str
        What the estimate is of.
    ratio, low, high : float
        NaN for an estimate that could not be made, whose row says so.
    information : float
        1 / se^2, to which the area of the box is proportional.
    detail : str
        A number beside the label, such as the count of events.
    remark : str
        Text after the interval, such as a p value.
    heading, heading_remark : str
        A heading above this row, if it starts a group, and what stands at its right, such as the p value of a test.
    strong : bool
        Drawn in the main colour and bold type; the others are outlined.
    indented : bool
        Whether it belongs to the row or heading above.
    band : tuple of float, optional
        Limits shaded behind the row, to compare its estimate with.
    moved : bool
        Drawn in a colour of its own, since the estimate is not what was to be expected.
    diamond : bool
        Drawn as a diamond from limit to limit, as pooled estimates are.
    predicted : tuple of float, optional
        A prediction interval, drawn as a thin line behind the diamond.
    marks : tuple of str
        Risk of bias, "low", "some" or "high" (or "" where not judged), one for each of the heads' `marks`.
    """

    label: str
    ratio: float
    low: float
    high: float
    information: float
    detail: str = ""
    remark: str = ""
    heading: str = ""
    heading_remark: str = ""
    strong: bool = True
    indented: bool = False
    band: tuple[float, float] | None = None
    moved: bool = False
    diamond: bool = False
    predicted: tuple[float, float] | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForestHeads:
    """The heads of a forest plot's columns, the label of its axis, and letters over columns of risk of bias."""

    label: str
    detail: str
    ratio: str
    remark: str
    axis: str
    marks: tuple[str, ...] = ()


@styled()
def forest(rows: Sequence[ForestRow], heads: ForestHeads, *, narrow: bool = False) -> Figure:
    """Draw estimates with their intervals under each other.

    Parameters
    ----------
    rows : sequence of ForestRow
        From the top down.
    heads : ForestHeads
    narrow : bool
        For a telephone or one column of a journal: the detail joins the label and the remark is left to the table.

    Notes
    -----
    Intervals that leave the axis end in an arrow; `riskkit.figures.theme.ratio_limits` says when they do.
    """
    labels = [wrapped(_label(row, narrow), 21 if narrow else 38) for row in rows]
    headings = [wrapped(row.heading, 56 if narrow else 90) for row in rows]
    heads_tall = [1.15 + heading.count("\n") * 0.62 if heading else 0.0 for heading in headings]
    heights = [1 + label.count("\n") * 0.62 + tall for label, tall in zip(labels, heads_tall, strict=True)]
    top, bottom = 0.34, 0.5
    width, body = (NARROW if narrow else WIDE), sum(heights) * ROW + 0.08
    height = top + body + bottom
    figure = Figure(figsize=(width, height))
    x = _columns(narrow)
    box = (x["plot"], bottom / height, x["plot_end"] - x["plot"], body / height)
    ax = figure.add_axes(box)
    low, high = ratio_limits([r.ratio for r in rows], [r.low for r in rows], [r.high for r in rows])
    ratio_axis(ax, "x", low, high, most=4 if narrow else 6)
    ax.set_ylim(body, 0)
    ax.yaxis.set_visible(False)
    ax.spines["left"].set_visible(False)
    ax.axvline(1, color=MUTED, linewidth=0.7, zorder=1, label="no difference")
    largest = np.nanmax([r.information for r in rows] or [1.0])
    texts = figure.add_axes((0, bottom / height, 1, body / height), sharey=ax)
    texts.set_axis_off()
    texts.set_xlim(0, 1)
    at = 0.04
    for row, label, heading, head_tall, tall in zip(rows, labels, headings, heads_tall, heights, strict=True):
        if heading:
            _heading(texts, heading, row.heading_remark, at + (head_tall - 0.53) * ROW, x, narrow)
        lines = 1 + label.count("\n") * 0.62
        middle = at + (tall - lines / 2) * ROW
        if row.band:
            shade = np.clip(row.band, low, high)
            ax.fill_between(
                shade,
                middle - lines / 2 * ROW,
                middle + lines / 2 * ROW,
                color=BAND,
                linewidth=0,
                label="band",
                zorder=0,
            )
        at += tall * ROW
        _texts(texts, row, label, middle, x, narrow)
        estimate_on(ax, row, middle, largest, (low, high))
    ax.set_xlabel(wrapped(heads.axis, 30 if narrow else 60), labelpad=3)
    _heads(figure, heads, x, 1 - 0.2 / height, narrow)
    return figure


def _columns(narrow: bool) -> dict[str, float]:
    """Where the columns start, as shares of the width."""
    if narrow:
        return {"label": 0.015, "indent": 0.015, "plot": 0.40, "plot_end": 0.70, "ratio": 0.72}
    return {
        "label": 0.005,
        "indent": 0.012,
        "detail": 0.405,
        "plot": 0.43,
        "plot_end": 0.72,
        "ratio": 0.74,
        "remark": 0.995,
    }


def _label(row: ForestRow, narrow: bool) -> str:
    return f"{row.label} ({row.detail})" if narrow and row.detail else row.label


def _heading(ax: Axes, heading: str, remark: str, at: float, x: dict[str, float], narrow: bool) -> None:
    """A heading whose last line stands at `at`, with its remark at the right where there is room for one."""
    middle = at - heading.count("\n") * 0.31 * ROW
    ax.text(x["label"], middle, heading, va="center", weight="bold", size=6.8 if narrow else 7.8, linespacing=1.1)
    if not narrow:
        ax.text(x["remark"], at, remark, va="center", ha="right", size=7.3)


def _texts(ax: Axes, row: ForestRow, label: str, middle: float, x: dict[str, float], narrow: bool) -> None:
    weight = "bold" if row.strong else "normal"
    size = 6.6 if narrow else 7.3
    ax.text(x["indent"] + (0.02 if row.indented else 0), middle, label, va="center", size=size, linespacing=1.1)
    known = np.isfinite(row.ratio)
    text = ratio_interval(row.ratio, row.low, row.high) if known else "not estimated"
    ax.text(x["ratio"], middle, text, va="center", size=size, weight=weight if known else "normal")
    if not narrow:
        ax.text(x["detail"], middle, row.detail, va="center", ha="right", size=size)
        ax.text(x["remark"], middle, row.remark, va="center", ha="right", size=size)
        for place, judged in zip(_mark_places(row.marks), row.marks, strict=True):
            if judged:
                colour, sign = MARKS[judged]
                ax.plot(
                    [place], [middle], marker="o", markersize=7.5, color=colour, linestyle="none",
                    label=f"risk of bias: {judged}",
                )  # fmt: skip
                ax.text(place, middle, sign, va="center_baseline", ha="center", size=6.5, color=INK, weight="bold")


def _mark_places(marks: Sequence[str]) -> list[float]:
    """Where columns of risk of bias stand, from the right edge inwards, as shares of the width."""
    return [0.985 - 0.03 * (len(marks) - 1 - i) for i in range(len(marks))]


def estimate_on(ax: Axes, row: ForestRow, middle: float, largest: float, limits: tuple[float, float]) -> None:
    """Draw one estimate at the height `middle` of given axes, whose horizontal limits are given."""
    if not np.isfinite(row.ratio):
        return
    low, high = limits
    ends = np.clip([row.low, row.high], low, high)
    colour = SERIES[0] if row.moved else MAIN if row.strong else MUTED
    if row.diamond:
        _diamond(ax, row, middle, limits)
        return
    ax.plot(ends, [middle, middle], color=colour, linewidth=1.1, zorder=2, label="interval")
    for end, cut, marker in ((low, row.low < low, "<"), (high, row.high > high, ">")):
        if cut:
            ax.plot(
                [end],
                [middle],
                marker=marker,
                markersize=4,
                color=colour,
                clip_on=False,
                label="cut",
            )
    side = max(LARGEST * np.sqrt(row.information / largest), SMALLEST) if np.isfinite(row.information) else SMALLEST
    face, edge = (colour, colour) if row.strong or row.moved else ("white", INK)
    if low <= row.ratio <= high:
        ax.plot(
            [row.ratio], [middle], marker="s", markersize=side, markerfacecolor=face, markeredgecolor=edge,
            markeredgewidth=0.9, zorder=3, label="box",
        )  # fmt: skip


def _diamond(ax: Axes, row: ForestRow, middle: float, limits: tuple[float, float]) -> None:
    """A pooled estimate, and the line of its prediction interval; both are cut at the ends of the axis."""
    if row.predicted:
        ends = np.clip(row.predicted, *limits)
        ax.plot(
            ends, [middle, middle], color=MAIN, linewidth=0.9, linestyle=(0, (3, 1.5)), zorder=2, label="prediction"
        )
        for end, cut, marker in (
            (limits[0], row.predicted[0] < limits[0], "<"),
            (limits[1], row.predicted[1] > limits[1], ">"),
        ):
            if cut:
                ax.plot([end], [middle], marker=marker, markersize=4, color=MAIN, clip_on=False, label="cut")
    low, ratio, high = np.clip([row.low, row.ratio, row.high], *limits)
    half = 0.32 * ROW
    ax.fill(
        [low, ratio, high, ratio], [middle, middle - half, middle, middle + half], color=MAIN, zorder=3, label="diamond"
    )


def _heads(figure: Figure, heads: ForestHeads, x: dict[str, float], y: float, narrow: bool) -> None:
    style: dict[str, Any] = {"va": "center", "size": 6.6 if narrow else 7.3, "color": MUTED}
    figure.text(x["label"], y, f"{heads.label} ({heads.detail.lower()})" if narrow else heads.label, **style)
    figure.text(x["ratio"], y, heads.ratio, **style)
    if not narrow:
        figure.text(x["detail"], y, heads.detail, ha="right", **style)
        figure.text(x["remark"], y, heads.remark, ha="right", **style)
        for place, letter in zip(_mark_places(heads.marks), heads.marks, strict=True):
            figure.text(place, y, letter, ha="center", **style)
    rule = y - 0.1 / figure.get_size_inches()[1]
    figure.add_artist(Line2D([x["label"], 0.995], [rule, rule], linewidth=0.6, color=FAINT))
