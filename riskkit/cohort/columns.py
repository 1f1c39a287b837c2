"""Columns of a raw file by the names a specification uses, whatever the naming scheme of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from riskkit.errors import DataError, did_you_mean
from riskkit.spec.tables import FileSpec

FIELD = re.compile(r"p(?P<field>[0-9]+)(_i(?P<instance>[0-9]+))?(_a(?P<array>[0-9]+))?")
SCHEMES = {
    "platform": re.compile(r"p[0-9]+(_i[0-9]+)?(_a[0-9]+)?"),
    "prefixed": re.compile(r"participant\.\w+"),
    "legacy": re.compile(r"[0-9]+-[0-9]+\.[0-9]+"),
}
MOST_INSTANCES = 40  # the cancer register, the longest, has 22


def find_columns(path: Path, file: FileSpec, names: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """Find columns as they stand in a file; capitals do not matter unless two differ by them.

    Parameters
    ----------
    path : Path
        The file, for error messages.
    file : FileSpec
        With ``names = "uk biobank"``, a field may stand as ``p4080_i0_a1`` or ``participant.p4080_i0_a1`` (Research
        Analysis Platform) or ``4080-0.1`` (older extracts), all of the file in one way.
    names : iterable of str
        As the specification writes them.
    known : sequence of str
        The columns of the file.

    Returns
    -------
    dict
        Column of the file by name.

    Raises
    ------
    DataError
        If a column is not there or not unique, or the file mixes naming schemes.
    """
    scheme = _scheme(path, known) if file.names == "uk biobank" else None
    folded: dict[str, list[str]] = {}
    for column in known:
        folded.setdefault(column.casefold(), []).append(column)
    actual = {}
    for name in names:
        written = _written(name, scheme)
        alike = [c for c in known if c == written] or folded.get(written.casefold(), []) or folded.get(name.casefold())
        if not alike:
            raise DataError(f"{path}: there is no column '{written}'.{did_you_mean(written, known)}")
        if len(alike) > 1:
            raise DataError(f"{path}: {len(alike)} columns are called '{name}': {', '.join(alike)}. Rename them.")
        actual[name] = alike[0]
    return actual


def instances(path: Path, file: FileSpec, field: str, known: Sequence[str]) -> list[int]:
    """List the instances a field has in a file: 0, 1, 2 of p40005 where p40005_i0 to p40005_i2 are there."""
    scheme, there = _scheme(path, known), {column.casefold() for column in known}
    found = [i for i in range(MOST_INSTANCES) if _written(f"{field}_i{i}", scheme).casefold() in there]
    if not found:
        raise DataError(f"{path}: there is no column '{_written(f'{field}_i0', scheme)}', nor one of a later instance.")
    return found


def _scheme(path: Path, known: Sequence[str]) -> str | None:
    examples = {
        scheme: next((column for column in known if pattern.fullmatch(column)), None)
        for scheme, pattern in SCHEMES.items()
    }
    there = {scheme: example for scheme, example in examples.items() if example is not None}
    if len(there) > 1:
        shown = " and ".join(f"'{example}' ({scheme})" for scheme, example in there.items())
        raise DataError(f"{path}: its columns are named in {len(there)} ways: {shown}. Export all of them in one way.")
    return next(iter(there), None)


def _written(name: str, scheme: str | None) -> str:
    if scheme == "prefixed":
        return f"participant.{name}"
    found = FIELD.fullmatch(name)
    if scheme == "legacy" and found:
        return f"{found['field']}-{found['instance'] or 0}.{found['array'] or 0}"
    return name
