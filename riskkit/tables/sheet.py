"""Cells of CSV files that a spreadsheet shows and does not run."""

from __future__ import annotations

import re

import pandas as pd

RUN = re.compile(
    r"^[\s]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]"
)  # also in their full width, which some sheets take for them
PLAIN = re.compile(r"[+-]?[0-9.,][0-9.,eE()%<>;: to\u2013\u2212+-]*|[-+]")  # a number, an interval, a dash


def as_text(cell: str) -> str:
    """Begin a cell that a spreadsheet would take for a formula with an apostrophe, as in ``'=1+1``."""
    return f"'{cell}" if RUN.match(cell) and not PLAIN.fullmatch(cell.strip()) else cell


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text in it as `as_text` writes it."""
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].map(_cell, na_action="ignore") for name in texts}) if texts else frame


def _cell(value: object) -> object:
    return as_text(value) if isinstance(value, str) else value
