"""TOML files to frozen, checked specifications; every fault of a file is listed at once, by its place in the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from riskkit.errors import SpecError, did_you_mean

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
TOML_POSITION = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")


class SpecModel(BaseModel):
    """One table of a specification: frozen, with no field but the declared ones, and no silent conversion.

    Lists of the file arrive as tuples, so declare ``tuple[str, ...]``, never ``list[str]``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Fault:
    """Something wrong at one place of a file: ``Fault(("exposures", 1, "knots"), "must be 3 to 7; got 9")``."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{in_file(self.place)}: {self.message}" if self.place else self.message


def in_file(place: Place) -> str:
    """Write a place as the reader of the TOML file knows it: ``exposures[1].knots`` (the first is number 1)."""
    text = ""
    for key in place:
        if isinstance(key, int):
            text += f"[{key + 1}]"
        else:
            text += ("." if text else "") + (key if BARE_KEY.fullmatch(key) else f'"{key}"')
    return text


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
        wrong are set aside for the check, and what it then says about their own table is left out. Only when a
        required field is missing or wrong must the check wait until it is right, and the message says so.

    Raises
    ------
    SpecError
        With all faults, one a line, each by its place in the file.
    """
    plain = _tuples(data)
    faults: list[Fault] = []
    spec, waiting = None, False
    try:
        spec = model.model_validate(plain)
    except ValidationError as error:
        faults = _faults(error, model, plain)
        try:
            spec = model.model_validate(_without(plain, [fault.place for fault in faults]))
        except ValidationError:
            waiting = check is not None
    if check is not None and spec is not None:
        suspect = {fault.place[:-1] for fault in faults}
        faults += [fault for fault in check(spec) if fault.place[:-1] not in suspect]
    if faults:
        lines = [f"  {fault}" for fault in faults]
        if waiting:
            lines.append("  (names that refer to other parts of the file are checked once these are mended)")
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SpecError("\n".join([f"{path}: {count}", *lines]))
    assert spec is not None
    return spec


def shown(value: object) -> str:
    """Write a value as it stands in a TOML file, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
    else:
        text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


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


def _without(value: Any, places: Sequence[Place]) -> Any:
    """Leave out the keys at `places`; an item of a list cannot go alone (its number would shift), so its list goes."""
    if isinstance(value, tuple):
        return tuple(_without(item, [p[1:] for p in places if p[:1] == (i,)]) for i, item in enumerate(value))
    if not isinstance(value, dict):
        return value
    gone = {p[0] for p in places if len(p) == 1 or (len(p) == 2 and isinstance(p[1], int))}
    return {k: _without(v, [p[1:] for p in places if p[:1] == (k,)]) for k, v in value.items() if k not in gone}


def _faults(error: ValidationError, model: type[BaseModel], data: Any) -> list[Fault]:
    """Translate pydantic's errors; the alternatives of one field (a number or a list) become one fault."""
    messages: dict[Place, list[str]] = {}
    for item in error.errors(include_url=False):
        place = _walked(item["loc"], data, item["type"])
        messages.setdefault(place, []).append(_message(dict(item), model))
    faults = []
    for place, said in messages.items():
        wants = list(dict.fromkeys(message for message in said if message.startswith("must be ")))
        others = list(dict.fromkeys(message for message in said if not message.startswith("must be ")))
        if wants:
            kinds = " or ".join(message.removeprefix("must be ").split("; got ")[0] for message in wants)
            others.insert(0, f"must be {kinds}; got {wants[-1].split('; got ', 1)[1]}")
        faults += [Fault(place, message) for message in others]
    return faults


def _walked(loc: Place, data: Any, kind: str) -> Place:
    """Keep the part of pydantic's location that is a place in the file, without the names of a union's members."""
    place: list[str | int] = []
    for key in loc:
        keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, tuple) else ()
        if key in keys:
            data = data[key]
        elif not (kind == "missing" and key == loc[-1]):
            continue
        place.append(key)
    return tuple(place)


TYPES = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "date_type": "a date (2019-12-31)",
}
LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
LENGTHS = {"too_short": "min_length", "too_long": "max_length"}


def _message(item: dict[str, Any], model: type[BaseModel]) -> str:
    kind, loc, context = item["type"], item["loc"], item.get("ctx", {})
    got = f"; got {shown(item['input'])}"
    if kind == "missing":
        wanted = [about for level in _levels(model, loc[:-1]) if (about := _description(level, loc[-1]))]
        return "is required and missing" + (f": {wanted[0]}" if wanted else "")
    if kind == "extra_forbidden":
        known = [name for level in _levels(model, loc[:-1]) for name in _fields(level)]
        return f"unknown field.{did_you_mean(str(loc[-1]), known)}"
    if kind == "literal_error":
        guess = did_you_mean(item["input"], re.findall("'([^']*)'", context["expected"]))
        return f"must be {context['expected']}{got}" + (f".{guess}" if "Did you mean" in guess else "")
    if kind in TYPES:
        return f"must be {TYPES[kind]}{got}"
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"must be {words} {str(context[key]).removesuffix('.0')}{got}"
    if kind in LENGTHS:
        words = "at least" if kind == "too_short" else "at most"
        return f"must be a list of {words} {context[LENGTHS[kind]]}{got}"
    if kind in {"value_error", "assertion_error"}:
        return str(context["error"])
    return f"{item['msg'][:1].lower()}{item['msg'][1:]}{got}"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _description(model: type[BaseModel], key: str | int) -> str | None:
    field = _fields(model).get(str(key))
    return field.description if field else None


def _levels(model: type[BaseModel], loc: Place) -> list[type[BaseModel]]:
    """Models that describe the table at `loc`."""
    here: list[Any] = [model]
    for key in loc:
        here = [inner for annotation in here for inner in _inner(annotation, key)] or here
    return [annotation for annotation in here if isinstance(annotation, type) and issubclass(annotation, BaseModel)]


def _inner(annotation: Any, key: str | int) -> list[Any]:
    """Types, unions taken apart, of what stands under `key` of a value of this type; none if it has no such key."""
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(key, int):
        return _members(args[0 if args[-1] is ... else key]) if origin is tuple else []
    if origin is dict:
        return _members(args[1])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and key in _fields(annotation):
        return _members(_fields(annotation)[key].annotation)
    return []


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [annotation]
