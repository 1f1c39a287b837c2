"""What a notebook shows of an object: escaped HTML, without a line that is not needed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

import pandas as pd

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return NOT_XML.sub("", text)


def escaped(text: object) -> str:
    """Text as HTML shows it, its lines kept."""
    return escape(clean(str(text))).replace("\n", "<br>")


def shown(title: str, lines: Iterable[str], frame: pd.DataFrame | None = None, notes: Iterable[str] = ()) -> str:
    """A title, lines of text, a frame and notes as HTML for a notebook, nothing in them taken for markup.

    Parameters
    ----------
    title : str
    lines, notes : iterable of str
        Above and below the frame.
    frame : DataFrame, optional
        Shown without its index; numbers to four significant digits.
    """
    parts = [f"<p><b>{escaped(title)}</b></p>", *(f"<p>{escaped(line)}</p>" for line in lines)]
    if frame is not None:
        texts = frame.map(lambda cell: f"{cell:.4g}" if isinstance(cell, float) else clean(str(cell)))
        parts.append(texts.to_html(index=False, escape=True, border=0))
    return "\n".join([*parts, *(f"<p><small>{escaped(note)}</small></p>" for note in notes)])
