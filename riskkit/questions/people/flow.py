"""Who was studied: the exclusion flow as a STROBE diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from riskkit.figures.theme import FAINT, INK, MUTED, styled, wrapped
from riskkit.numbers import count

LINE = 0.145  # inches, as all measures here
PAD = 0.085
GAP = 0.13


@dataclass(frozen=True)
class _Columns:
    """Where the boxes stand, from left to right, and how many letters fit into one."""

    width: float
    trunk: tuple[float, float]
    side: tuple[float, float]
    letters: int


WIDE = _Columns(4.9, (0.02, 2.3), (2.62, 4.88), 37)
NARROW = _Columns(3.5, (0.02, 1.62), (1.86, 3.48), 25)


@dataclass(frozen=True)
class Step:
    """A step of the flow: how many people it removed and how many it left; NaN where that is withheld."""

    label: str
    removed: float
    remaining: float


@styled()
def flow(steps: Sequence[Step], end: str, *, narrow: bool = False) -> Figure:
    """Draw the flow from the first file to the people analysed.

    Parameters
    ----------
    steps : sequence of Step
        The first removes nobody: it is where people come from. Steps that removed nobody are drawn too, since that a
        criterion excluded no one is a finding.
    end : str
        What those who remain are called in the last box.
    narrow : bool
        For a telephone or one column of a journal.
    """
    columns = NARROW if narrow else WIDE
    start, *removals = ((wrapped(step.label, columns.letters), step) for step in steps)
    end = wrapped(end, columns.letters)
    heights = [_height(label) for label, _ in removals]
    total = _height(start[0]) + _height(end) + sum(heights) + GAP * (len(removals) + 2)
    figure = Figure(figsize=(columns.width, total))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, columns.width)
    ax.set_ylim(total, 0)
    middle = sum(columns.trunk) / 2
    at = GAP / 2
    _box(ax, columns.trunk, at, start[0], count(start[1].remaining))
    at += _height(start[0])
    trunk_start = at
    for (label, step), height in zip(removals, heights, strict=True):
        at += GAP
        _arrow(ax, (middle, at + height / 2), (columns.side[0], at + height / 2))
        _box(ax, columns.side, at, label, count(-step.removed) if step.removed else "0", faint=True)
        at += height
        ax.text(middle - 0.08, at + GAP / 2, count(step.remaining), ha="right", va="center", size=7, color=MUTED)
    at += GAP
    _arrow(ax, (middle, trunk_start), (middle, at))
    _box(ax, columns.trunk, at, end, count(steps[-1].remaining))
    return figure


def _height(text: str) -> float:
    """Of a box that holds a text and, under it, a number."""
    return (text.count("\n") + 2) * LINE + PAD


def _box(ax: Axes, across: tuple[float, float], at: float, text: str, number: str, faint: bool = False) -> None:
    left, right = across
    height = _height(text)
    shape = FancyBboxPatch(
        (left, at),
        right - left,
        height,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor="white",
        edgecolor=FAINT if faint else MUTED,
        linewidth=0.8,
    )
    ax.add_patch(shape)
    x = left + 0.08 if faint else (left + right) / 2
    align = "left" if faint else "center"
    ax.text(x, at + height / 2 - LINE / 2, text, ha=align, va="center", size=7.3, color=INK, linespacing=1.15)
    ax.text(x, at + height - PAD / 2 - LINE / 2, number, ha=align, va="center", size=8, weight="bold", color=INK)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    )
