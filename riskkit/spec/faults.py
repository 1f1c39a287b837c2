"""What is wrong with a specification, in the words of the person who wrote the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from riskkit.errors import did_you_mean

Place = tuple[str | int, ...]

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
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


def shown(value: object) -> str:
    """Write a value as it stands in a TOML file, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        text = "[" + ", ".join(shown(item) for item in value) + "]"
    else:
        text = repr(value) if isinstance(value, str) else str(value).removesuffix(".0")
    return text if len(text) <= 60 else text[:57] + "..."


def translate(error: ValidationError, model: type[BaseModel], data: Any) -> list[Fault]:
    """Translate pydantic's errors; the alternatives of one field (a number or a list) become one fault.

    Parameters
    ----------
    error : ValidationError
        What pydantic said about `data`.
    model : type
        The model `data` were checked against, for the fields it knows and their descriptions.
    data : mapping
        The tables of the file, lists as tuples.
    """
    messages: dict[Place, list[str]] = {}
    for item in error.errors(include_url=False):
        place = _walked(item["loc"], data, item["type"])
        messages.setdefault(place, []).append(_message(dict(item), model))
    return [Fault(place, message) for place, said in messages.items() for message in _joined(said)]


def _joined(messages: list[str]) -> list[str]:
    """Make one message of the alternatives of a union: ``must be a whole number or a list; got 'x'``."""
    wants = [message for message in messages if message.startswith("must be ") and "; got " in message]
    if len(wants) < 2:
        return messages
    kinds = dict.fromkeys(message.removeprefix("must be ").split("; got ")[0] for message in wants)
    got = wants[-1].split("; got ", 1)[1]
    return [f"must be {' or '.join(kinds)}; got {got}", *(message for message in messages if message not in wants)]


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


def _message(item: dict[str, Any], model: type[BaseModel]) -> str:
    kind, loc, context = item["type"], item["loc"], item.get("ctx", {})
    got = f"; got {shown(item['input'])}"
    if kind == "missing":
        about = _description(model, loc)
        return "is required and missing" + (f": {about}" if about else "")
    if kind == "extra_forbidden":
        known = [name for level in _levels(model, loc[:-1]) for name in _fields(level)]
        return f"unknown field.{did_you_mean(str(loc[-1]), known)}"
    if kind == "literal_error":
        guess = did_you_mean(str(item["input"]), re.findall("'([^']*)'", context["expected"]))
        return f"must be {context['expected']}{got}" + (f".{guess}" if "Did you mean" in guess else "")
    if kind in TYPES:
        return f"must be {TYPES[kind]}{got}"
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"must be {words} {shown(context[key])}{got}"
    if kind in LENGTHS:
        words = "at least" if kind == "too_short" else "at most"
        what = "table" if isinstance(item["input"], Mapping) else "list"
        return f"must be a {what} of {words} {context[LENGTHS[kind]]}{got}"
    if kind == "string_pattern_mismatch":
        return f"must be {_description(model, loc) or 'text that matches ' + context['pattern']}{got}"
    if kind in {"value_error", "assertion_error"}:
        return str(context["error"])
    return f"{item['msg'][:1].lower()}{item['msg'][1:]}{got}"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _description(model: type[BaseModel], loc: Place) -> str | None:
    """What the field at `loc` is, as its model says."""
    fields = [_fields(level).get(str(loc[-1])) for level in _levels(model, loc[:-1])]
    return next((field.description for field in fields if field is not None), None)


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
