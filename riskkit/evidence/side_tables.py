"""Two more tables beside the estimates: levels of an exposure in groups of people, and agents that shift it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from riskkit.errors import SpecError
from riskkit.evidence.cells import Row, is_number, number_faults, read_rows, repeated_ids
from riskkit.evidence.reference import Reference, from_groups

SOURCE = ("citation", "place", "url", "notes")
LEVEL_COLUMNS = (
    *(
        "id",
        "study",
        "cohort",
        "exposure",
        "unit",
        "population",
        "group",
        "groups",
        "occasion",
        "mean",
        "sd",
        "se",
        "n",
    ),
    *SOURCE,
)
AGENT_COLUMNS = (
    *("id", "agent", "class", "population", "dose", "duration", "n", "before", "after", "unit"),
    *("change", "change_low", "change_high", "direction", "p", "comparator", "design"),
    *SOURCE,
)
DIRECTIONS = ("up", "down", "none")
OCCASIONS = ("baseline", "repeat")


@dataclass(frozen=True)
class Level:
    """The mean of an exposure in some people.

    Attributes
    ----------
    id, study, cohort, exposure, unit, population : str
    group, groups : int or None
        Which of how many groups of equal size, where the people are one.
    occasion : {"baseline", "repeat"}
        When it was measured; the groups are those at baseline.
    mean : float
    sd, se : float
        NaN where not printed.
    citation, place : str
    """

    id: str
    study: str
    cohort: str
    exposure: str
    unit: str
    population: str
    group: int | None
    groups: int | None
    occasion: str
    mean: float
    sd: float
    se: float
    citation: str
    place: str


@dataclass(frozen=True)
class Shift:
    """What an agent did to the exposure.

    Attributes
    ----------
    id, agent, kind, population, dose, duration, comparator, design : str
        `kind` is the class of agents.
    direction : {"up", "down", "none"}
        "none": no change that could be told from chance.
    change, low, high : float
        Per cent; limits, or a range over studies; NaN where not printed.
    p : float
        NaN where not printed; of "p < 0.05" it is 0.05.
    citation, place, notes : str
    """

    id: str
    agent: str
    kind: str
    population: str
    dose: str
    duration: str
    direction: str
    change: float
    low: float
    high: float
    p: float
    comparator: str
    design: str
    citation: str
    place: str
    notes: str


def read_levels(path: str | Path) -> tuple[Level, ...]:
    """Read a table of levels, or list all its faults at once, by line and column.

    Raises
    ------
    DataError
        If there is no such file, or the table has faults.
    """
    rows = read_rows(path, LEVEL_COLUMNS, _level_faults, repeated_ids)
    words = ("id", "study", "cohort", "exposure", "unit", "population", "occasion", "citation", "place")
    return tuple(
        Level(
            **{name: row[name] for name in words},
            group=int(row["group"]) if row["group"] else None,
            groups=int(row["groups"]) if row["groups"] else None,
            mean=float(row["mean"]),
            sd=float(row["sd"] or "nan"),
            se=float(row["se"] or "nan"),
        )
        for _, row in rows
    )


def read_agents(path: str | Path) -> tuple[Shift, ...]:
    """Read a table of agents and what they did to the exposure, or list all its faults at once.

    Raises
    ------
    DataError
        If there is no such file, or the table has faults.
    """
    rows = read_rows(path, AGENT_COLUMNS, _agent_faults, repeated_ids)
    words = ("id", "agent", "population", "dose", "duration", "direction", "comparator", "design", "citation", "place")
    return tuple(
        Shift(
            **{name: row[name] for name in (*words, "notes")},
            kind=row["class"],
            change=float(row["change"] or "nan"),
            low=float(row["change_low"] or "nan"),
            high=float(row["change_high"] or "nan"),
            p=float(row["p"] or "nan"),
        )
        for _, row in rows
    )


def reference_of(levels: Iterable[Level], population: str) -> Reference:
    """The distribution that the groups of a population make, measured at baseline.

    Raises
    ------
    SpecError
        If not all of its groups have a mean and a standard deviation in one unit.
    """
    found = [row for row in levels if row.population == population and row.occasion == "baseline" and row.group]
    number = found[0].groups if found else 0
    complete = sorted(row.group or 0 for row in found) == list(range(1, (number or 0) + 1))
    if not found or not complete or len({row.unit for row in found}) > 1 or any(row.sd != row.sd for row in found):
        raise SpecError(
            f"'{population}': a distribution takes the mean and sd of all its groups at baseline, in one unit."
        )
    first = found[0]
    return from_groups(
        [row.mean for row in found],
        [row.sd for row in found],
        unit=first.unit,
        source=f"{first.citation}, {first.place}",
    )


def _level_faults(row: Row) -> Iterator[tuple[str, str]]:
    for name in ("id", "study", "cohort", "exposure", "unit", "population", "occasion", "mean", "citation", "place"):
        if not row[name]:
            yield name, "is empty"
    if row["occasion"] and row["occasion"] not in OCCASIONS:
        yield "occasion", f"'{row['occasion']}' is not one of {', '.join(OCCASIONS)}"
    yield from number_faults(row, ("mean", "sd", "se", "n"), positive=("sd", "se", "n"))
    if bool(row["group"]) != bool(row["groups"]):
        yield "group", "group and groups stand together, or neither"
    elif row["group"]:
        numbers = row["group"].isdigit() and row["groups"].isdigit()
        if not numbers or not 1 <= int(row["group"]) <= int(row["groups"]):
            yield "group", f"there is no group {row['group']} of {row['groups']}"


def _agent_faults(row: Row) -> Iterator[tuple[str, str]]:
    for name in ("id", "agent", "class", "population", "direction", "comparator", "design", "citation", "place"):
        if not row[name]:
            yield name, "is empty"
    yield from number_faults(
        row, ("n", "before", "after", "change", "change_low", "change_high", "p"), positive=("n", "p")
    )
    if row["direction"] and row["direction"] not in DIRECTIONS:
        yield "direction", f"'{row['direction']}' is not one of {', '.join(DIRECTIONS)}"
    moved = is_number(row["change"]) and row["direction"] in ("up", "down")
    if moved and (float(row["change"]) > 0) != (row["direction"] == "up"):
        yield "direction", f"is '{row['direction']}', but the change is {row['change']}%"
    low, high = row["change_low"], row["change_high"]
    if bool(low) != bool(high):
        yield "change_low", "one limit without the other; give both, or neither"
    elif is_number(low) and is_number(high):
        inside = not is_number(row["change"]) or float(low) <= float(row["change"]) <= float(high)
        if float(low) > float(high) or not inside:
            yield "change_low", f"{low} to {high} does not enclose the change"
