"""Figures as files: SVG that can stand in a page, PDF and PNG for a manuscript."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from riskkit.figures.theme import MARK, styled
from riskkit.markup import clean

SVG = "http://www.w3.org/2000/svg"
POINTER = re.compile(r"(?:url\(|^)#([^)]+)")
DECIMALS = re.compile(r"-?\d+\.\d{3,}")
PNG_DPI = 300
STAMP = 0.24  # inches, the strip above a figure for its stamp
PIXELS = 117  # of a page for an inch of a figure, so that its letters are about as large as the page's notes


@dataclass(frozen=True)
class Drawing:
    """A figure, drawn.

    Attributes
    ----------
    figure : Figure
    name : str
        The name of its files, and the start of every id in a page.
    svg : str
        As matplotlib writes it.
    mark : str
        What is stamped above its right corner; empty for none.
    """

    figure: Figure
    name: str
    svg: str
    mark: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches, with the strip of the stamp."""
        width, height = map(float, self.figure.get_size_inches())
        return width, height + (STAMP if self.mark else 0.0)

    def inline(self, title: str, description: str) -> str:
        """SVG to stand in an HTML page.

        Every id starts with the drawing's name, so that drawings on one page cannot answer for each other; nothing is
        named that a browser would fetch; `title` and `description` are what a screen reader says. All text is escaped.
        """
        root = ElementTree.fromstring(self.svg)
        for part in (f"{{{SVG}}}metadata", f"{{{SVG}}}title"):
            for found in root.findall(part):
                root.remove(found)
        _take_out_style(root)
        _own_ids(root, self.name)
        _round(root)
        for tag, text in (("desc", description), ("title", title)):
            element = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{self.name}-{tag}"})
            element.text = clean(text)
            root.insert(0, element)
        root.attrib.pop("version", None)
        root.set("role", "img")
        root.set("aria-labelledby", f"{self.name}-title {self.name}-desc")
        for side, inches in zip(("width", "height"), self.size, strict=True):
            root.set(side, f"{inches * PIXELS:.0f}")
        root.set("style", "stroke-linejoin:round;stroke-linecap:butt")
        # here and not once at import: the registry is shared, and weasyprint takes the SVG namespace for itself
        ElementTree.register_namespace("", SVG)
        ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
        return ElementTree.tostring(root, encoding="unicode")

    def write(self, folder: Path) -> tuple[Path, Path, Path]:
        """Write name.svg, name.pdf and name.png (300 dpi) into a folder; the same figure gives the same bytes.

        Returns
        -------
        svg, pdf, png : Path
        """
        svg, pdf, png = (folder / f"{self.name}.{suffix}" for suffix in ("svg", "pdf", "png"))
        svg.write_text(self.svg, encoding="utf-8")
        with styled():
            whole = _whole(self.size)
            undated = dict.fromkeys(("Creator", "Producer", "CreationDate"))
            self.figure.savefig(pdf, metadata=undated, bbox_inches=whole)
            self.figure.savefig(png, dpi=PNG_DPI, metadata={"Software": None}, bbox_inches=whole)
        return svg, pdf, png


def draw(figure: Figure, name: str, mark: str = "") -> Drawing:
    """Draw a figure as SVG: text as text, and the same bytes for the same figure.

    `mark` is stamped above the right corner, in a strip of its own, where it covers no number: what nobody who meets
    the figure elsewhere may overlook.
    """
    if mark:
        _stamp(figure, mark)
    drawing, buffer = Drawing(figure, name, "", mark), BytesIO()
    with styled():
        undated = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", metadata=undated, bbox_inches=_whole(drawing.size))
    return replace(drawing, svg=clean(buffer.getvalue().decode("utf-8")))


def _whole(size: tuple[float, float]) -> Bbox:
    """What is drawn: the figure, and the strip above it where there is one."""
    return Bbox.from_bounds(0, 0, *size)


def _stamp(figure: Figure, text: str) -> None:
    """Write in the strip above the figure, at its right, on the colour of the mark."""
    width, height = figure.get_size_inches()
    figure.text(
        1 - 0.08 / width, 1 + STAMP / 2 / height, text, size=8, ha="right", va="center", weight="bold", color="white",
        bbox={"facecolor": MARK, "edgecolor": "none", "boxstyle": "round,pad=0.25"}, in_layout=False, zorder=10,
    )  # fmt: skip


def _take_out_style(root: ElementTree.Element) -> None:
    """Matplotlib's one style rule is for every element, which in a page would be the page's own."""
    for definitions in root.findall(f"{{{SVG}}}defs"):
        for style in definitions.findall(f"{{{SVG}}}style"):
            definitions.remove(style)
        if not len(definitions):
            root.remove(definitions)


def _round(root: ElementTree.Element) -> None:
    """Coordinates to a hundredth of a point, which no eye can tell and which halves the page."""
    for element in root.iter():
        for key in ("d", "x", "y"):
            if key in element.attrib:
                element.set(key, DECIMALS.sub(lambda m: f"{float(m[0]):.2f}", element.attrib[key]))


def _own_ids(root: ElementTree.Element, name: str) -> None:
    """Keep only the ids that something points to, and rename them so that they are the drawing's own."""
    pointed = {
        found for element in root.iter() for value in element.attrib.values() for found in POINTER.findall(value)
    }
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key != "id":
                element.set(key, POINTER.sub(lambda m: m[0].replace("#", f"#{name}-", 1), value))
            elif value in pointed:
                element.set(key, f"{name}-{value}")
            else:
                del element.attrib[key]
