"""Follow-up and outcomes: how long each person was observed, from which age, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.expression import parse
from riskkit.spec.tables import PER_YEAR


@dataclass(frozen=True)
class FollowUp:
    """From when to when people were observed, in words, and the unit of follow_up, age_entry and age_exit."""

    start: str
    end: str
    unit: str


@dataclass(frozen=True)
class Outcome:
    """An outcome of a cohort.

    Attributes
    ----------
    name, label : str
    event : str
        Its 0/1 column (int8); 0 for those it cannot happen to.
    time : str or None
        Its column of follow-up: ``follow_up`` unless it has its own. None where the cohort has no follow-up.
    only : str or None
        The condition (an expression) of whom it can happen to.
    note : str or None
    """

    name: str
    label: str
    event: str
    time: str | None
    only: str | None
    note: str | None


def follow_up(people: pd.DataFrame, spec: CohortSpec) -> dict[str, pd.Series]:
    """Make ``follow_up`` and, with a variable of age, ``age_entry`` and ``age_exit``, all in the declared unit.

    Raises
    ------
    DataError
        If a time is missing, zero or negative, or an age is missing.
    """
    if spec.follow_up is None:
        return {}
    time = _in_unit(people, spec, spec.follow_up.time)
    _must_be_positive(people, time, spec.follow_up.time)
    if spec.follow_up.age is None:
        return {"follow_up": time}
    age = _in_unit(people, spec, spec.follow_up.age)
    _must_be_there(people, age, spec.follow_up.age)
    return {"follow_up": time, "age_entry": age, "age_exit": age + time}


def outcome(people: pd.DataFrame, spec: CohortSpec, name: str) -> tuple[Outcome, dict[str, pd.Series]]:
    """Make the columns of one outcome: its events and, where it has its own end, ``<name>_follow_up``.

    Raises
    ------
    DataError
        If it is unknown for somebody whether the event happened, or its own time is missing, zero or negative.
    """
    declared = spec.outcomes[name]
    possible = parse(declared.only).truth(people) == 1 if declared.only else pd.Series(True, index=people.index)
    happened = parse(declared.event).truth(people).where(possible, 0.0)
    unknown = happened.isna()
    if unknown.any():
        raise DataError(
            f"outcomes.{name}.event '{declared.event}' is unknown for {unknown.sum():,} people "
            f"({_who(people, unknown)}): "
            "a value is missing. Say what they count as, for instance with 'not missing(x) and ...', or exclude them."
        )
    columns = {name: happened.astype(np.int8)}
    time = "follow_up" if spec.follow_up else None
    if declared.time is not None:
        time = f"{name}_follow_up"
        own = _in_unit(people, spec, declared.time)
        _must_be_positive(people[possible], own[possible], declared.time)
        columns[time] = own
    return Outcome(name, declared.label, name, time, declared.only, declared.note), columns


def _in_unit(people: pd.DataFrame, spec: CohortSpec, name: str) -> pd.Series:
    assert spec.follow_up is not None
    declared = spec.variables.get(name) or spec.derived[name]
    return people[name] * PER_YEAR[spec.follow_up.unit] / PER_YEAR[str(declared.unit)]


def _must_be_positive(people: pd.DataFrame, time: pd.Series, name: str) -> None:
    _must_be_there(people, time, name)
    negative, zero = time < 0, time == 0
    if negative.any():
        raise DataError(
            f"{negative.sum():,} people leave before they enter: '{name}' is negative ({_who(people, negative)}). "
            f"Correct the data, or exclude them: when = '{name} < 0'."
        )
    if zero.any():
        raise DataError(
            f"{zero.sum():,} people leave when they enter: '{name}' is 0 ({_who(people, zero)}). They cannot be "
            f"analysed; exclude them: when = '{name} == 0'."
        )


def _must_be_there(people: pd.DataFrame, values: pd.Series, name: str) -> None:
    missing = values.isna()
    if missing.any():
        raise DataError(
            f"'{name}' is missing for {missing.sum():,} people ({_who(people, missing)}). Exclude them: "
            f"when = 'missing({name})'."
        )


def _who(people: pd.DataFrame, chosen: pd.Series) -> str:
    ids = [str(identifier) for identifier in people.loc[chosen, "id"].head(3)]
    return f"id {', '.join(ids)}{', ...' if chosen.sum() > 3 else ''}"
