"""The first cohort and analysis file of a data file, written for the user to go on with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from keyword import iskeyword

from riskkit.cohort.codebook import printable, quantiles
from riskkit.cohort.look import Column, Look
from riskkit.cohort.roles import Roles, unit_of
from riskkit.errors import SpecError
from riskkit.spec.cohort import OWN_COLUMNS, TAKEN
from riskkit.spec.expression import RESERVED

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
YES = ("1", "yes", "y", "true", "t")
LONGEST_LABEL = 200
MOST_SHOWN = 20
FEW = 10
OBSERVED, AGE_AT_ENTRY = "observed_days", "age_at_entry"


@dataclass(frozen=True)
class Draft:
    """Text of the two files, and what the user should look at in them."""

    name: str
    cohort: str
    analysis: str
    remarks: tuple[str, ...]


def draft(name: str, seen: Look, found: Roles) -> Draft:
    """Write both files.

    Parameters
    ----------
    name : str
        Of the cohort and of the analysis.

    Raises
    ------
    SpecError
        If the name cannot be one.
    """
    if not NAME.fullmatch(name) or name in TAKEN:
        raise SpecError(
            f"'{name}' cannot be the name of a cohort: give another with --name (letters, digits, - and _)."
        )
    names = _names(seen, found)
    told = {c.name: c for c in (found.exposure, found.time, found.age) if c is not None}
    columns = [told.get(c.name, c) for c in seen.columns if c.name in names]
    remarks = list(found.guessed)
    remarks += [
        f"'{c.name}': {', '.join(c.doubtful)} taken for missing ({sum(c.doubtful.values()):,} people)"
        for c in columns if c.doubtful
    ]  # fmt: skip
    return Draft(
        name,
        "\n".join(_cohort(name, seen, found, columns, names)),
        "\n".join(_analysis(name, found, columns, names)),
        tuple(printable(remark) for remark in remarks),
    )


def _names(seen: Look, found: Roles) -> dict[str, str]:
    """Name in the cohort of each column that riskkit can read."""
    outcome = _outcome(found)
    own = (f"{outcome}_{end}" for end in ("at_risk", "follow_up", "age_exit"))
    taken = {*OWN_COLUMNS, OBSERVED, AGE_AT_ENTRY, *RESERVED, outcome, *own}
    names: dict[str, str] = {}
    for column in seen.columns:
        if column.name == found.id.name or column.unreadable:
            continue
        plain = _slug(column.name)
        while plain in taken or iskeyword(plain):
            plain += "_"
        taken.add(plain)
        names[column.name] = plain
    return names


def _slug(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    return plain if plain[:1].isalpha() else f"v_{plain}"


def _outcome(found: Roles) -> str:
    return f"{_slug(found.event.name)}_event"


def _cohort(name: str, seen: Look, found: Roles, columns: list[Column], names: dict[str, str]) -> Iterator[str]:
    yield "#:schema .schema.json"
    yield f"# Written by riskkit init from {printable(seen.path.name)}. Go through it: what ends in ? is a guess."
    yield ""
    yield f"title = {quoted(_title(name))}"
    yield f"id = {quoted(found.id.name)}"
    yield 'base = "data"'
    yield from ("", "[files.data]", f"path = {quoted(seen.file.path)}", f'format = "{seen.file.format}"')
    if seen.file.format == "csv" and seen.file.delimiter != ",":
        yield f"delimiter = {quoted(seen.file.delimiter)}"
    if seen.file.encoding:
        yield f"encoding = {quoted(seen.file.encoding)}  # not UTF-8; this is what it can be read as?"
    for column in columns:
        yield from ("", *_variable(column, names[column.name], found))
    left = [(c.name, c.unreadable) for c in seen.columns if c.name != found.id.name and c.name not in names]
    if left:
        yield from ("", *(f"# Left out: {printable(column)} ({why})" for column, why in left))
    yield from _derived(found, names)
    yield from _exclusions(found, names)
    yield from _ends(found, names)
    yield from ("", f"[outcomes.{_outcome(found)}]", f"label = {quoted(_label(found.event))}")
    yield f"{'state' if found.time is None else 'event'} = {quoted(_condition(found, names))}"
    yield ""


def _variable(column: Column, name: str, found: Roles) -> Iterator[str]:
    kind = column.kind
    for line in _seen(column):
        yield f"# {line}"
    yield f"[variables.{name}]"
    yield f"source = {quoted(f'data.{column.name}')}"
    yield f"label = {quoted(_label(column))}"
    yield f'kind = "{kind}"'
    if kind == "number":
        unit = _unit(column, found)
        yield f"unit = {quoted(unit)}" if unit else '# unit = "?"'
        yield '# range = [lowest, highest]  # that are plausible; then outside = "missing", if others are to be missing'
    if kind in ("flag", "category"):
        yield f"codes = {{ {', '.join(f'{quoted(c)} = {quoted(_meaning(column, c))}' for c in column.levels)} }}"
    missing = [*column.absent, *column.doubtful]
    if missing:
        doubt = f"  # {', '.join(column.doubtful)}: suspected?" if column.doubtful else ""
        yield f"missing = [{', '.join(map(quoted, missing))}]{doubt}"


def _seen(column: Column) -> Iterator[str]:
    if column.missing:
        yield f"missing: {_count(column.missing)} of {column.records:,}"
    if len(column.values):
        yield quantiles(column, inner=True)
    if column.levels:
        yield ", ".join(f"{printable(code)[:40]}: {_count(n)}" for code, n in column.levels.items())
    if column.doubtful:
        counted = ", ".join(f"{code} ({_count(n)})" for code, n in column.doubtful.items())
        yield f"probably codes of missing values: {counted}; take them out of `missing` if they are values"
    if column.heaped:
        yield f"heaped at {', '.join(f'{code} ({n:,})' for code, n in column.heaped.items())}"


def _derived(found: Roles, names: dict[str, str]) -> Iterator[str]:
    entry = names[found.entry.name] if found.entry else ""
    if found.time is not None and found.time.kind == "date":
        yield from ("", f"[derived.{OBSERVED}]", 'label = "Follow-up"', 'kind = "number"', 'unit = "days"')
        yield f'expression = "{names[found.time.name]} - {entry}"'
    if found.age is not None and found.age.kind == "date":
        yield from ("", f"[derived.{AGE_AT_ENTRY}]", 'label = "Age at entry"', 'kind = "number"', 'unit = "years"')
        yield f'expression = "({entry} - {names[found.age.name]}) / 365.25"'


def _exclusions(found: Roles, names: dict[str, str]) -> Iterator[str]:
    """Leave out those of whom the follow-up or the outcome is not known: a cohort of them cannot be built."""
    steps = []
    if found.time is not None:
        time = _time(found, names)
        if _may_lack(found.time):
            steps.append(("Follow-up not known", f"missing({time})"))
        if found.time.kind == "date" or found.time.values.min() <= 0:
            steps.append(("No time of follow-up", f"{time} <= 0"))
    if found.age is not None and found.time is not None and _may_lack(found.age):
        steps.append(("Age not known", f"missing({_age(found, names)})"))
    if found.event.kind != "date" and (found.event.missing or found.event.doubtful):
        steps.append(("Outcome not known", f"missing({names[found.event.name]})"))
    for label, when in steps:
        yield from ("", "[[exclusions]]", f'label = "{label}"', f'when = "{when}"')


def _may_lack(column: Column) -> bool:
    return column.kind == "date" or bool(column.missing or column.doubtful)


def _ends(found: Roles, names: dict[str, str]) -> Iterator[str]:
    if found.time is None:
        return
    yield from ("", "[follow_up]", f'time = "{_time(found, names)}"')
    if found.age is not None:
        yield f'age = "{_age(found, names)}"'
    yield from ('unit = "years"', 'start = "entry"  # in words, for the report?')
    yield 'end = "the outcome, or the end of observation"  # in words, for the report?'


def _condition(found: Roles, names: dict[str, str]) -> str:
    event = names[found.event.name]
    if found.event.kind == "date":
        assert found.time is not None
        return f"not missing({event}) and {event} <= {names[found.time.name]}"
    if found.event.kind == "flag":
        wanted = {code.casefold() in YES for code in found.codes} or {True}
        return f"{event} == {int(wanted == {True})}"
    meant = dict.fromkeys(_meaning(found.event, code) for code in found.codes)
    return f"{event} in [{', '.join(_literal(label) for label in meant)}]"


def _analysis(name: str, found: Roles, columns: list[Column], names: dict[str, str]) -> Iterator[str]:
    exposure = names[found.exposure.name]
    sex = [names[found.sex.name]] if found.sex is not None and found.sex.name in names else []
    age = _age(found, names) if found.age is not None else None
    used = {exposure, age, *sex, names[found.event.name], names.get(found.time.name) if found.time else None}
    others = [names[c.name] for c in columns if c.kind != "date" and names[c.name] not in used]
    yield "#:schema .schema.json"
    yield "# Written by riskkit init. Go through it: what ends in ? is a guess."
    yield ""
    yield f"title = {quoted(f'{_label(found.exposure)} and {_label(found.event)}')}"
    yield f"question = {quoted(f'How does {_label(found.exposure)} go together with {_label(found.event)}?')}"
    yield f"cohort = {quoted(name)}"
    yield f"outcomes = [{quoted(_outcome(found))}]"
    if found.time is not None:
        yield f'time_scales = ["{"age" if age else "follow_up"}"]'
    shown = [each for each in (age, *sex, exposure) if each is not None]
    yield f"characteristics = [{', '.join(map(quoted, dict.fromkeys(shown)))}]"
    yield from ("", f"[exposures.{exposure}]")
    unit = _unit(found.exposure, found)
    if unit:
        yield f"unit = {quoted(unit)}"
    yield "spline = 5        # knots of the curve"
    yield "groups = 5        # quantile groups; cut points go too: [20, 25, 30]"
    yield 'per = "sd"        # increment of the linear estimate; or a number'
    covariates = [f"rcs({age}, 4)"] if age and found.time is None else []
    covariates += sex
    label = " and ".join(["Age"] * bool(age) + ["sex" if age else "Sex"] * bool(sex)) or "Unadjusted"
    yield from ("", "[[models]]", 'name = "first"', f'label = "{label}"')
    yield f"covariates = [{', '.join(map(quoted, covariates))}]" + _on_age(age, found)
    if others:
        yield ""
        yield "# What else to adjust for is for you to say: not what comes after the exposure, nor what follows from"
        yield (
            "# the outcome. There are: "
            + ", ".join(others[:MOST_SHOWN])
            + (", ..." if len(others) > MOST_SHOWN else "")
        )
        yield from ("# [[models]]", '# name = "second"', '# label = "+ ..."', f"# add = [{quoted(others[0])}]")
    yield ""


def _on_age(age: str | None, found: Roles) -> str:
    return "  # age is the time scale" if age and found.time is not None else ""


def _time(found: Roles, names: dict[str, str]) -> str:
    assert found.time is not None
    return OBSERVED if found.time.kind == "date" else names[found.time.name]


def _age(found: Roles, names: dict[str, str]) -> str:
    assert found.age is not None
    return AGE_AT_ENTRY if found.age.kind == "date" else names[found.age.name]


def _unit(column: Column, found: Roles) -> str | None:
    if found.time is not None and column.name == found.time.name:
        return found.time_unit
    if found.age is not None and column.name == found.age.name:
        return found.age_unit
    return unit_of(column.name)


def _meaning(column: Column, code: str) -> str:
    if column.kind == "flag":
        return "yes" if code.casefold() in YES else "no"
    return _clean(column.meanings.get(code, code)) or code


def _label(column: Column) -> str:
    text = _clean(column.label or re.sub(r"[_.]+", " ", column.name)) or column.name
    return text[:1].upper() + text[1:]


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _clean(text: str) -> str:
    return printable(text).strip()[:LONGEST_LABEL]


def _count(n: int) -> str:
    """Count people for a file that may be shown to others: few could be known by it."""
    return f"{n:,}" if n >= FEW else f"under {FEW}"


def _literal(label: str) -> str:
    if "'" in label and '"' in label:
        raise SpecError(f"the level {label} has both kinds of quotes, which no condition can hold. Rename it.")
    escaped = label.replace("\\", "\\\\")
    return f'"{escaped}"' if "'" in label else f"'{escaped}'"


def quoted(text: str) -> str:
    """Write a text as TOML does."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
