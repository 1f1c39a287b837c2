"""Which column of a new file is what: as the user says, else by the names that columns usually have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from riskkit.cohort.codebook import printable
from riskkit.cohort.look import Column, Look, as_number
from riskkit.errors import SpecError
from riskkit.spec.tables import PER_YEAR, same_code

ID = re.compile(r"(\w*[_.])?(id|pid|eid|seqn|idno|record|subject|patient|participant)", re.IGNORECASE)
AGE = re.compile(
    r"age([_.]?(at)?[_.]?(entry|baseline|base|recruitment|years?|yrs?|exam|visit))?|(entry|baseline)[_.]?age|ridageyr",
    re.IGNORECASE,
)
EVENT = re.compile(r"death|died|dead|deceased|event|status|case|outcome|mortstat|failed|fail", re.IGNORECASE)
TIME = re.compile(
    r"(futime|fu|follow[_.]?up|time|survtime|surv|duration)([_.]?(time|days|months|years))?|days|months|permth_exm",
    re.IGNORECASE,
)
SEX = re.compile(r"sex|gender|male|female|riagendr", re.IGNORECASE)
NONE = "none"
OLDEST, LONGEST = 120.0, 100.0  # years: ages, and follow-up, that can be
UNITS = {  # what the last part of a name says
    **dict.fromkeys(("years", "year", "yrs", "yr"), "years"),
    **dict.fromkeys(("months", "month", "mths"), "months"),
    **dict.fromkeys(("days", "day"), "days"),
    **{unit: unit for unit in ("kg", "cm", "mm")},
    "mmhg": "mmHg",
    "ngml": "ng/mL",
    "mgdl": "mg/dL",
    "nmoll": "nmol/L",
    "mmoll": "mmol/L",
    "gl": "g/L",
}


@dataclass(frozen=True)
class Wishes:
    """What the user says of a file: names of columns; None leaves it to riskkit, 'none' means that there is none."""

    id: str | None = None
    exposure: str | None = None
    event: str | None = None
    time: str | None = None
    age: str | None = None
    entry: str | None = None
    time_unit: str | None = None


@dataclass(frozen=True)
class Roles:
    """Which column is what.

    Attributes
    ----------
    id, exposure, event : Column
    codes : tuple of str
        Codes of `event` that are events; none where its being there at all is (a date).
    time, age, entry, sex : Column or None
        `time` is a number or, with `entry`, the date of the end; `age` a number or the date of birth.
    time_unit, age_unit : str or None
    guessed : tuple of str
        A sentence for each that the user has not named.
    """

    id: Column
    exposure: Column
    event: Column
    codes: tuple[str, ...]
    time: Column | None
    age: Column | None
    entry: Column | None
    sex: Column | None
    time_unit: str | None
    age_unit: str | None
    guessed: tuple[str, ...]


def unit_of(name: str) -> str | None:
    """Unit that the name of a column ends with: weight_kg, days, age.years."""
    *before, last = re.split(r"[_.\s]+", name.casefold())
    return UNITS.get(last) if before or last in PER_YEAR else None


def roles(seen: Look, wishes: Wishes) -> Roles:
    """Find the columns of an analysis.

    Raises
    ------
    SpecError
        If a named column is not there or cannot be what it is named for, or one is needed and cannot be guessed.
    """
    guessed: list[str] = []
    identifier = _identifier(seen, wishes.id, guessed)
    taken = {identifier.name}
    event, codes = _event(seen, wishes.event, taken, guessed)
    taken.add(event.name)
    time = _optional(seen, "time", wishes.time, TIME, taken, guessed)
    taken |= {time.name} if time else set()
    entry = None if wishes.entry in (None, NONE) else _usable(seen, str(wishes.entry), "entry", ("date",))
    taken |= {entry.name} if entry else set()
    age = _optional(seen, "age", wishes.age, AGE, taken, guessed)
    taken |= {age.name} if age else set()
    if time is None and event.kind == "date":
        raise SpecError(
            f"'{event.name}' is a date of events: name the end of follow-up with --time and its start with --entry."
        )
    for column in (time, age):
        if column is not None and column.kind == "date" and entry is None:
            raise SpecError(f"'{column.name}' is a date: name the date on which follow-up starts, too: --entry COLUMN.")
    if event.kind == "date" and time is not None and time.kind != "date":
        raise SpecError(
            f"'{event.name}' is a date, so --time must be the date on which follow-up ends; '{time.name}' is none."
        )
    if entry is not None and (time is None or time.kind != "date"):
        raise SpecError(f"--entry '{entry.name}' needs a date on which follow-up ends: --time COLUMN.")
    exposure = _exposure(seen, wishes.exposure, taken, guessed)
    sex = next((c for c in seen.columns if SEX.fullmatch(c.name) and c.kind in ("category", "flag")), None)
    return Roles(
        identifier, exposure, event, codes, time, age, entry, None if sex is not None and sex.name in taken else sex,
        _time_unit(time, wishes.time_unit, guessed), _age_unit(age, guessed), tuple(guessed),
    )  # fmt: skip


def _identifier(seen: Look, wish: str | None, guessed: list[str]) -> Column:
    unique = [c for c in seen.columns if c.unique and not c.missing]
    if wish is not None:
        found = seen.column(wish)
        if found.missing:
            raise SpecError(f"--id '{found.name}': {found.missing:,} records have none. Everyone needs an identifier.")
        if not found.unique:
            raise SpecError(
                f"--id '{found.name}': values stand in more than one record. One record a person is needed."
            )
        return found
    named = [c for c in unique if ID.fullmatch(c.name)]
    if len(named) != 1:
        raise SpecError(
            f"{seen.path}: which column identifies people? Say it with --id.{_candidates(unique)}"
            + ("" if unique else " No column has a value of its own in every record: number the records in one.")
        )
    guessed.append(f"the identifier is '{named[0].name}', by its name (--id)")
    return named[0]


def _event(seen: Look, wish: str | None, taken: set[str], guessed: list[str]) -> tuple[Column, tuple[str, ...]]:
    if wish is None:
        found = next(
            (c for c in seen.columns if EVENT.fullmatch(c.name) and c.kind == "flag" and c.name not in taken), None
        )
        if found is None:
            likely = [c for c in seen.columns if c.kind == "flag" and c.name not in taken]
            raise SpecError(
                f"{seen.path}: which column says who has the outcome? Say it with --event COLUMN, or "
                f"--event COLUMN=CODE where it is not 0 and 1.{_candidates(likely)}"
            )
        guessed.append(f"the outcome is '{found.name}', by its name (--event)")
        wish = found.name
    name, _, given = wish.partition("=") if wish not in {c.name for c in seen.columns} else (wish, "", "")
    column = _usable(seen, name, "event", ("flag", "category", "date"))
    if column.kind == "date":
        return column, ()
    codes = tuple(same_code(code) for code in given.split(",")) if given else ()
    shown = ", ".join(f"{code[:30]} ({n:,})" for code, n in column.levels.items())
    for code in codes:
        if code not in column.levels:
            raise SpecError(f"--event {wish}: '{name}' has no code '{code}'. It has: {shown}.")
    if len(column.levels) < 2 or set(codes) == set(column.levels):
        raise SpecError(f"--event {wish}: all people would have the same. The codes of '{name}' are: {shown}.")
    if not codes and column.kind != "flag":
        raise SpecError(f"--event {name}: which code is an event? It has: {shown}. Write --event {name}=CODE.")
    return column, codes


def _optional(
    seen: Look, role: str, wish: str | None, usual: re.Pattern[str], taken: set[str], guessed: list[str]
) -> Column | None:
    if wish == NONE:
        return None
    if wish is not None:
        return _usable(seen, wish, role, ("number", "date"))
    columns = [as_number(c) for c in seen.columns if usual.fullmatch(c.name) and c.name not in taken]
    found = next((c for c in columns if c.kind == "number" and not c.unreadable), None)
    if found is not None:
        guessed.append(f"the {role} is '{found.name}', by its name (--{role}; --{role} none if there is none)")
    return found


def _exposure(seen: Look, wish: str | None, taken: set[str], guessed: list[str]) -> Column:
    numbers = [c for c in seen.columns if c.kind == "number" and not c.unreadable and c.name not in taken]
    if wish is None:
        if not numbers:
            raise SpecError(f"{seen.path}: no column is left that could be the exposure, which must be a number.")
        guessed.append(f"the exposure is '{numbers[0].name}', only because it is the first number (--exposure)")
        return numbers[0]
    column = as_number(_usable(seen, wish, "exposure", ("number", "category")))
    if column.name in taken:
        raise SpecError(f"--exposure '{column.name}' is the identifier, the outcome, its time or age already.")
    if column.kind != "number":
        raise SpecError(f"--exposure '{column.name}' is a category; it must be a number.{_candidates(numbers)}")
    return column


def _usable(seen: Look, name: str, role: str, kinds: tuple[str, ...]) -> Column:
    column = seen.column(name)
    if "number" in kinds:
        column = as_number(column) if "category" not in kinds or column.kind == "category" else column
    if column.unreadable:
        raise SpecError(f"--{role} '{printable(column.name)}': {column.unreadable}.")
    if column.kind not in kinds:
        raise SpecError(f"--{role} '{column.name}' is of kind {column.kind}; it must be {' or '.join(kinds)}.")
    return column


def _time_unit(time: Column | None, wish: str | None, guessed: list[str]) -> str | None:
    if wish is not None and wish not in PER_YEAR:
        raise SpecError(f"--time-unit must be {', '.join(PER_YEAR)}; got '{wish}'.")
    if time is None or time.kind == "date":
        return "days" if time is not None else None
    highest = float(time.values.max())
    possible = [unit for unit, per_year in PER_YEAR.items() if highest <= LONGEST * per_year]
    named = wish or unit_of(time.name)
    if named in PER_YEAR and named not in possible:
        raise SpecError(
            f"--time '{time.name}' in {named} would be follow-up of {highest / PER_YEAR[named]:,.0f} years."
        )
    if named in PER_YEAR:
        return named
    if len(possible) != 1:
        raise SpecError(
            f"--time '{time.name}' runs to {highest:g}: in which unit? Write --time-unit days, months or years."
        )
    guessed.append(f"'{time.name}' is in {possible[0]}: in any other unit {highest:g} would be over {LONGEST:g} years")
    return possible[0]


def _age_unit(age: Column | None, guessed: list[str]) -> str | None:
    if age is None or age.kind == "date":
        return "years" if age is not None else None
    highest, named = float(age.values.max()), unit_of(age.name)
    if named in PER_YEAR:
        return named
    unit = next((unit for unit in ("years", "months", "days") if highest <= OLDEST * PER_YEAR[unit]), None)
    if unit is None:
        raise SpecError(f"--age '{age.name}' runs to {highest:g}, which is no age. Correct it, or write --age none.")
    guessed.append(f"'{age.name}' is in {unit}, by its size: it runs to {highest:g}")
    return unit


def _candidates(columns: list[Column]) -> str:
    if not columns:
        return ""
    return f" Candidates: {', '.join(c.name for c in columns[:12])}{', ...' if len(columns) > 12 else ''}."
