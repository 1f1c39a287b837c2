from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from pypdf import PdfReader

from riskkit.figures.svg import PIXELS, PNG_DPI, STAMP, draw
from riskkit.figures.theme import styled

HOSTILE = '<script>alert("x")</script> & ]]> --> $\\frac{'


@styled()
def figure(label: str = HOSTILE) -> Figure:
    drawn = Figure(figsize=(3, 2))
    ax = drawn.add_subplot()
    ax.plot([1, 2], [1, 2], marker="s")
    ax.set_title(label)
    return drawn


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        draw(figure(), "f").write(tmp_path / name)
    for file in ("f.svg", "f.png", "f.pdf"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a/f.svg").read_bytes()


def test_a_png_has_300_dots_an_inch(tmp_path: Path) -> None:
    *_, png = draw(figure(), "f").write(tmp_path)
    assert struct.unpack(">II", png.read_bytes()[16:24]) == (3 * PNG_DPI, 2 * PNG_DPI)


def test_ids_are_the_drawings_own_and_every_pointer_finds_its_target() -> None:
    svg = draw(figure(), "one").inline("t", "d")
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert all(i.startswith("one-") for i in ids)
    pointers = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)
    assert pointers
    assert {a or b for a, b in pointers} <= set(ids)
    assert not set(ids) & set(re.findall(r'\bid="([^"]+)"', draw(figure(), "two").inline("t", "d")))


def test_hostile_text_stays_text() -> None:
    svg = draw(figure(), "f").inline(HOSTILE, HOSTILE)
    root = ElementTree.fromstring(svg)
    tags = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
    assert "script" not in tags
    assert HOSTILE in ["".join(element.itertext()) for element in root.iter()]


@pytest.mark.filterwarnings("ignore:Glyph")  # no font has them
def test_control_characters_do_not_break_the_drawing() -> None:
    svg = draw(figure("IGF\x07-I \x1b[0m"), "f").inline("a\x00b", "d")
    assert ElementTree.fromstring(svg).tag.endswith("svg")  # XML knows no control characters: one would not parse
    assert not {"\x00", "\x07", "\x1b"} & set(svg)


def test_a_screen_reader_is_told_title_and_finding() -> None:
    root = ElementTree.fromstring(draw(figure(), "f").inline("Figure 1", "The risk is lowest at 150."))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root}
    assert [named[i] for i in root.get("aria-labelledby", "").split()] == ["Figure 1", "The risk is lowest at 150."]


def test_a_drawing_styles_nothing_but_itself_and_fetches_nothing() -> None:
    svg = draw(figure(), "f").inline("t", "d")
    assert "<style" not in svg
    assert not re.findall(r'(?:href|src)="(?!#)', svg)
    assert set(re.findall(r'https?://[^"\s<]+', svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.mark.parametrize("size", [(7.1, 4.4), (3.5, 9.0), (7.1, 1.2), (4.9, 3.0)])
def test_a_stamp_stands_above_the_figure_and_covers_nothing_of_it(size: tuple[float, float], tmp_path: Path) -> None:
    with styled():
        drawn = Figure(figsize=size)
    drawing = draw(drawn, "f", "SIMULATED DATA")
    assert "SIMULATED DATA" in drawing.svg
    drawn.draw_without_rendering()
    box, whole = drawn.texts[0].get_bbox_patch().get_window_extent(), drawn.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1
    assert whole.y1 <= box.y0 < box.y1 <= whole.y1 + STAMP * drawn.dpi
    assert drawing.size == (size[0], size[1] + STAMP)
    *_, png = drawing.write(tmp_path)
    wide, tall = struct.unpack(">II", png.read_bytes()[16:24])
    assert (wide, tall) == pytest.approx([side * PNG_DPI for side in drawing.size], abs=1)
    root = ElementTree.fromstring(drawing.inline("t", "d"))
    assert [float(root.get(side, "")) for side in ("width", "height")] == [round(s * PIXELS) for s in drawing.size]


def test_letters_of_a_pdf_are_truetype(tmp_path: Path) -> None:
    _, pdf, _ = draw(figure("IGF-I"), "f").write(tmp_path)
    fonts = PdfReader(pdf).pages[0]["/Resources"]["/Font"]
    kinds = {font.get_object()["/Subtype"] for font in fonts.values()}
    assert kinds == {"/Type0"}
    assert {font.get_object()["/DescendantFonts"][0].get_object()["/Subtype"] for font in fonts.values()} == {
        "/CIDFontType2"
    }
