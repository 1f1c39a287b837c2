"""Small multiples: panels of one size on shared axes, each with its heading."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from riskkit.figures.theme import INK, MUTED, NARROW, WIDE, wrapped

LETTER = 0.062  # inches that a letter of a heading takes on average
LINE = 0.15  # inches from one line of a heading to the next
OWN = 0.44  # inches between panels that each have tick labels at the left
SPACING = 1.2  # of lines, in units of their letters' size


@dataclass(frozen=True)
class Panel:
    """What stands above one panel.

    Attributes
    ----------
    key : str
        The value of `outcome` whose rows it shows.
    title, detail : str
        Its heading, and a line of numbers under it.
    """

    key: str
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Layout:
    """The measures of a figure of panels, in inches."""

    width: float = WIDE
    columns: int = 3
    panel_height: float = 1.9
    left: float = 0.5
    right: float = 0.18
    bottom: float = 0.5
    gap: float = 0.32
    row_gap: float = 0.16
    below: float = 0.0


def layout_for(panels: int, narrow: bool, below: float = 0.0) -> Layout:
    """The layout of so many panels on a page, or in one column (a telephone, a journal's column).

    `below` inches are left free at the foot, for a legend.
    """
    if narrow:
        return Layout(width=NARROW, columns=1, panel_height=1.7, below=below)
    if panels == 1:
        return Layout(width=5.2, columns=1, panel_height=2.7, below=below)
    columns = next(columns for columns in (2, 3, 4) if _fills(panels, columns))
    return Layout(columns=columns, panel_height={2: 2.2, 3: 1.9, 4: 1.7}[columns], below=below)


def _fills(panels: int, columns: int) -> bool:
    """Whether so many columns are enough, and leave no panel alone in the last row; four have to do."""
    return columns == 4 or (panels <= columns * (2 if columns == 2 else 4) and panels % columns != 1)


def panel_axes(
    panels: tuple[Panel, ...],
    layout: Layout,
    xlabel: str,
    ylabel: str,
    *,
    shared: Literal["both", "x", "none"] = "both",
) -> tuple[Figure, list[Axes]]:
    """Draw the empty panels, in reading order, with headings and labels of the axes.

    A shared vertical axis has tick labels at the left of each row, a shared horizontal one under the lowest panel of
    each column; of axes that are not shared each panel has its own.
    """
    if shared == "x":
        layout = replace(layout, gap=max(layout.gap, OWN))
    columns = min(layout.columns, len(panels))
    rows = -(-len(panels) // columns)
    inner = (layout.width - layout.left - layout.right - (columns - 1) * layout.gap) / columns
    titles = [wrapped(panel.title, int(inner / LETTER)) for panel in panels]
    details = [wrapped(panel.detail, int(inner / LETTER * 1.12)) if panel.detail else "" for panel in panels]
    lines = max(_lines(title) + _lines(detail) for title, detail in zip(titles, details, strict=True))
    head = lines * LINE + 0.16
    foot = layout.bottom + layout.below
    height = rows * (layout.panel_height + head) + foot + (rows - 1) * layout.row_gap
    figure = Figure(figsize=(layout.width, height))
    axes: list[Axes] = []
    for i, (title, detail) in enumerate(zip(titles, details, strict=True)):
        row, column = divmod(i, columns)
        left = layout.left + column * (inner + layout.gap)
        bottom = height - (row + 1) * (layout.panel_height + head) - row * layout.row_gap
        box = (left / layout.width, bottom / height, inner / layout.width, layout.panel_height / height)
        first = axes[0] if axes and shared != "none" else None
        ax = figure.add_axes(box, sharex=first, sharey=first if shared == "both" else None, label=panels[i].key)
        above = 5.0
        if detail:
            _heading(ax, detail, above, MUTED, 7, "normal")
            above += _lines(detail) * 7 * SPACING + 2
        _heading(ax, title, above, INK, 8, "bold")
        if shared != "none":
            ax.tick_params(labelleft=column == 0 or shared == "x", labelbottom=i + columns >= len(panels))
        axes.append(ax)
    middle = (layout.left + (layout.width - layout.right)) / 2 / layout.width
    figure.text(middle, (layout.below + 0.08) / height, xlabel, ha="center", va="bottom", size=8)
    ymiddle = (foot + (height - foot - head) / 2) / height
    figure.text(0.03 / layout.width, ymiddle, ylabel, ha="left", va="center", rotation=90, size=8)
    return figure, axes


def _heading(ax: Axes, text: str, above: float, colour: str, size: float, weight: str) -> None:
    ax.annotate(
        text, (0, 1), (0, above), xycoords="axes fraction", textcoords="offset points", ha="left", va="bottom",
        color=colour, size=size, weight=weight, linespacing=SPACING, annotation_clip=False,
    )  # fmt: skip


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0
