"""Who was studied: the exclusion flow as a STROBE diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from riskkit.figures.theme import FAINT, INK, MUTED, styled, wrapped
from riskkit.numbers import MINUS, count

WIDTH = 4.9  # inches
LINE = 0.135
PAD = 0.085
GAP = 0.13
TRUNK = (0.02, 2.3)  # from left to right, inches
SIDE = (2.62, 4.88)
TRUNK_LETTERS, SIDE_LETTERS = 37, 37


@dataclass(frozen=True)
class Step:
    """A step of the flow: how many people it removed and how many it left."""

    label: str
    removed: int
    remaining: int


@styled()
def flow(steps: Sequence[Step], end: str) -> Figure:
    """Draw the flow from the first file to the people analysed.

    Parameters
    ----------
    steps : sequence of Step
        The first removes nobody: it is where people come from. Steps that removed nobody are drawn too, since that a
        criterion excluded no one is a finding.
    end : str
        What those who remain are called in the last box.
    """
    start, *removals = steps
    heights = [_height(wrapped(step.label, SIDE_LETTERS), 1) for step in removals]
    first, last = _height(wrapped(start.label, TRUNK_LETTERS), 1), _height(wrapped(end, TRUNK_LETTERS), 1)
    total = first + last + sum(heights) + GAP * (len(removals) + 2)
    figure = Figure(figsize=(WIDTH, total))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(total, 0)
    at = GAP / 2
    _box(ax, TRUNK, at, first, wrapped(start.label, TRUNK_LETTERS), count(start.remaining))
    middle = sum(TRUNK) / 2
    at += first
    trunk_start = at
    for step, height in zip(removals, heights, strict=True):
        at += GAP
        _arrow(ax, (middle, at + height / 2), (SIDE[0], at + height / 2))
        removed = f"{MINUS}{count(step.removed)}" if step.removed else "0"
        _box(ax, SIDE, at, height, wrapped(step.label, SIDE_LETTERS), removed, faint=True)
        at += height
        ax.text(middle - 0.08, at + GAP / 2, count(step.remaining), ha="right", va="center", size=7, color=MUTED)
    at += GAP
    remaining = removals[-1].remaining if removals else start.remaining
    _arrow(ax, (middle, trunk_start), (middle, at))
    _box(ax, TRUNK, at, last, wrapped(end, TRUNK_LETTERS), count(remaining))
    return figure


def _height(text: str, more: int) -> float:
    return (text.count("\n") + 1 + more) * LINE + PAD


def _box(
    ax: Axes, across: tuple[float, float], at: float, height: float, text: str, number: str, faint: bool = False
) -> None:
    left, right = across
    shape = FancyBboxPatch(
        (left, at), right - left, height, boxstyle="round,pad=0,rounding_size=0.04", facecolor="white",
        edgecolor=FAINT if faint else MUTED, linewidth=0.8,
    )  # fmt: skip
    ax.add_patch(shape)
    x = left + 0.08 if faint else (left + right) / 2
    align = "left" if faint else "center"
    ax.text(x, at + height / 2 - LINE / 2, text, ha=align, va="center", size=7.3, color=INK, linespacing=1.15)
    ax.text(x, at + height - PAD / 2 - LINE / 2, number, ha=align, va="center", size=8, weight="bold", color=INK)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    )
