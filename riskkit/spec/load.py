"""TOML files to frozen, checked specifications; every fault of a file is listed at once, by its place in the file."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.faults import Fault, Place, translate

Model = TypeVar("Model", bound=BaseModel)

LABELS = ("title", "label", "name", "unit", "by")
LONGEST_LABEL, LONGEST_TEXT = 256, 100_000  # characters
MOST_MARKS = 8
MARKS = re.compile(f"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{MOST_MARKS + 1},}}")
TOML_POSITION = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")


class SpecModel(BaseModel):
    """One table of a specification: frozen, with no field but the declared ones, and no silent conversion.

    Lists of the file arrive as tuples, so declare ``tuple[str, ...]``, never ``list[str]``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    SpecError
        If there is no such file, it is not UTF-8 text, or its syntax is wrong (with the line and column).
    """
    path = Path(path)
    if not path.is_file():
        neighbours = sorted(p.name for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        raise SpecError(f"{path}: there is no such file.{did_you_mean(path.name, neighbours)}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: byte {error.start + 1} is not UTF-8 text. Save the file as UTF-8.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: {_syntax_error(str(error), text)}") from error
    except RecursionError as error:
        raise SpecError(f"{path}: lists or tables stand inside each other too deeply to be read.") from error


def validate(
    model: type[Model],
    data: Mapping[str, Any],
    path: str | Path,
    check: Callable[[Model], Iterable[Fault]] | None = None,
) -> Model:
    """Turn the tables of a file into a frozen specification, or list every fault of the file at once.

    Parameters
    ----------
    model : type
        A `SpecModel`.
    data : mapping
        What `read_toml` returned.
    path : path
        The file, for the error message.
    check : callable, optional
        Cross-checks between fields (names that do not exist, fields that exclude each other): takes the specification
        and yields a `Fault` for each. They are listed together with the faults of single fields: fields that are
        wrong are set aside for the check, and what it then says about their own table, or another field of it, is
        left out: it may be so only because they are gone. Only when a
        required field is missing or wrong must the check wait until it is right, and the message says so.

    Raises
    ------
    SpecError
        With all faults, one a line, each by its place in the file.
    """
    plain = _tuples(data)
    faults: list[Fault] = list(_text_faults(plain, ()))
    spec, waiting = None, False
    try:
        spec = model.model_validate(plain)
    except ValidationError as error:
        faults += translate(error, model, plain)
        try:
            spec = model.model_validate(_without(plain, [fault.place for fault in faults]))
        except ValidationError:
            waiting = check is not None
    if check is not None and spec is not None:
        suspect = {_table(fault.place) for fault in faults}
        faults += [fault for fault in check(spec) if not suspect & {fault.place, fault.place[:-1]}]
    if faults:
        lines = [f"  {fault}" for fault in faults]
        if waiting:
            lines.append("  (names that refer to other parts of the file are checked once these are mended)")
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SpecError("\n".join([f"{path}: {count}", *lines]))
    assert spec is not None
    return spec


def other_name(name: str, path: Path) -> tuple[Fault, ...]:
    """The fault of a name that is not the file's, by which make and the analyses would not find what was built."""
    if name == path.stem:
        return ()
    return (Fault(("name",), f"is '{name}', but the file is {path.name}; leave it out, or rename the file."),)


def _syntax_error(message: str, text: str) -> str:
    position = TOML_POSITION.search(message)
    lines = text.splitlines()
    reason = TOML_POSITION.sub("", message).removesuffix("(at end of document)").strip()
    if position is None:
        return f"not valid TOML: {reason}, at the end of the file (line {len(lines)})."
    line, column = int(position[1]), int(position[2])
    culprit = lines[line - 1] if line <= len(lines) else ""
    return f"line {line}, column {column}: not valid TOML: {reason}.\n  {culprit}\n  {' ' * (column - 1)}^"


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_tuples(item) for item in value)
    return value


def _text_faults(value: Any, place: Place) -> Iterable[Fault]:
    """What no text of a file may hold: it would break pages, file names or terminals, or take minutes to draw."""
    if isinstance(value, dict):
        for key, item in value.items():
            if _unprintable(key) or len(key) > LONGEST_LABEL:
                yield Fault((*place, key[:40]), f"a name must be printable, and at most {LONGEST_LABEL} characters.")
            yield from _text_faults(item, (*place, key))
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _text_faults(item, (*place, i))
    elif isinstance(value, str):
        field = place[-1] if place else ""
        most = LONGEST_LABEL if field in LABELS else LONGEST_TEXT
        if len(value) > most:
            yield Fault(place, f"is {len(value):,} characters long; the most is {most:,}.")
        elif _unprintable(value, "" if field in LABELS else "\n\t\r"):
            yield Fault(place, "holds a character that cannot be printed (or a line break). Leave it out.")
        elif MARKS.search(unicodedata.normalize("NFD", value)):
            yield Fault(place, f"piles more than {MOST_MARKS} marks on one letter. Leave them out.")


def _unprintable(text: str, but: str = "") -> bool:
    return any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in but for letter in text)


def _table(place: Place) -> Place:
    """The table that holds the field at `place`, or the list whose item is there."""
    while place and isinstance(place[-1], int):
        place = place[:-1]
    return place[:-1]


def _without(value: Any, places: Sequence[Place]) -> Any:
    """Leave out the keys at `places`; an item of a list cannot go alone (its number would shift), so its list goes."""
    if isinstance(value, tuple):
        return tuple(_without(item, [p[1:] for p in places if p[:1] == (i,)]) for i, item in enumerate(value))
    if not isinstance(value, dict):
        return value
    gone = {p[0] for p in places if len(p) == 1 or (len(p) == 2 and isinstance(p[1], int))}
    return {k: _without(v, [p[1:] for p in places if p[:1] == (k,)]) for k, v in value.items() if k not in gone}
