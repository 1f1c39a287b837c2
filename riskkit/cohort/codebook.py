"""A codebook in text: what `riskkit look` prints of a data file."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import numpy as np

from riskkit.cohort.look import Column, Look

BARS = " ▁▂▃▄▅▆▇█"
BINS = 24
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
NAMED = ("lowest", "5%", "25%", "median", "75%", "95%", "highest")
LONGEST = 40  # characters shown of a code or a meaning
WIDTH = 20  # characters of the bar of the commonest level
EPOCH = datetime.date(1970, 1, 1)


def codebook(seen: Look) -> list[str]:
    """Lines of the codebook of a file: a heading, then each column with what is in it."""
    file = seen.file
    how = {"csv": f"csv, columns apart by {_said(file.delimiter)}"}.get(file.format, file.format)
    encoding = f", {file.encoding} text, not UTF-8" if file.encoding else ""
    lines = [f"{printable(seen.path.name)}: {seen.records:,} records, {len(seen.columns)} columns ({how}{encoding})"]
    for column in seen.columns:
        lines += ["", *_column(column)]
    return lines


def quantiles(column: Column, inner: bool = False) -> str:
    """Quantiles of a number or a date in one line; the `inner` ones are those that show no single person."""
    which = slice(1, -1) if inner else slice(None)
    found = np.quantile(column.values, QUANTILES[which], method="lower" if column.kind == "date" else "linear")
    shown = [str(_day(value)) if column.kind == "date" else f"{value:.6g}" for value in found]
    return ", ".join(f"{name} {value}" for name, value in zip(NAMED[which], shown, strict=True))


def histogram(values: np.ndarray) -> str:
    """Draw how values spread, between the 0.5th and 99.5th percentile, in one line of blocks."""
    low, high = np.quantile(values, [0.005, 0.995])
    if not low < high:
        return ""
    counts = np.histogram(values, bins=BINS, range=(low, high))[0]
    heights = np.ceil(counts / counts.max() * (len(BARS) - 1)).astype(int)
    return f"{low:.4g} {''.join(BARS[height] for height in heights)} {high:.4g}"


def printable(text: str) -> str:
    """Text of a file without what a terminal, or a line of a comment, would take for a command."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _column(column: Column) -> Iterator[str]:
    label = f" ({printable(column.label)})" if column.label else ""
    unique = ", a value of its own in every record" if column.unique else ""
    missing = f", {column.missing:,} missing ({column.missing / column.records:.1%})" if column.missing else ""
    yield f"{printable(column.name) or '(no name)'}{label}: {column.kind}{missing}{unique}"
    if column.absent:
        yield f"  said to be missing: {_counted(column.absent)}"
    if len(column.values):
        yield f"  {quantiles(column)}"
        if column.kind == "number" and (drawn := histogram(column.values)):
            yield f"  {drawn}"
    most = max(column.levels.values(), default=1)
    for code, n in column.levels.items():
        meaning = f" {_short(column.meanings[code])}" if code in column.meanings else ""
        yield f"  {_short(code)}{meaning}: {n:,} ({n / column.records:.1%}) {'█' * max(1, round(n / most * WIDTH))}"
    if column.doubtful:
        yield f"  probably codes of missing values: {_counted(column.doubtful)}"
    if column.heaped:
        yield f"  heaped (a limit of detection, a default, a code?): {_counted(column.heaped)}"
    if column.remark:
        yield f"  {printable(column.remark)}"


def _counted(codes: dict[str, int]) -> str:
    return ", ".join(f"{_short(code)} ({n:,})" for code, n in codes.items())


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _said(delimiter: str) -> str:
    return {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}[delimiter]


def _day(value: float) -> datetime.date:
    return EPOCH + datetime.timedelta(days=int(value))
