from __future__ import annotations

import re
from importlib.resources import files

import pytest

from riskkit.figures import theme

CSS = (files("riskkit.report") / "templates" / "style.css").read_text(encoding="utf-8")
BLOCKS = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
LIGHT, DARK, PAPER = (dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block)) for block in BLOCKS)


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * c for c in digits)
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_has_its_known_extremes() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777") == 1


@pytest.mark.parametrize("colours", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])
@pytest.mark.parametrize("ground", ["ground", "panel", "mark"])
def test_text_stands_out_from_every_ground(colours: dict[str, str], ground: str) -> None:
    for text in ("ink", "muted", "link", "warn"):
        assert contrast(colours.get(text, LIGHT[text]), colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_lines_of_the_explorer_stand_out(colours: dict[str, str]) -> None:
    for line in ("link", "other"):
        assert contrast(colours[line], colours["ground"]) >= 3


def test_figures_stand_out_from_white() -> None:
    for text in (theme.INK, theme.MUTED, theme.MAIN):
        assert contrast(text, "#ffffff") >= 4.5
    for line in theme.SERIES:
        assert contrast(line, "#ffffff") >= 3
