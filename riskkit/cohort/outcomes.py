"""Follow-up and outcomes: how long each person was observed, from which age, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from riskkit.cohort.flow import FlowStep
from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.expression import parse
from riskkit.spec.tables import PER_YEAR, OutcomeSpec


@dataclass(frozen=True)
class FollowUp:
    """From when to when people were observed.

    Attributes
    ----------
    start, end : str
        In words.
    unit : str
        Of follow_up, age_entry and age_exit.
    censoring : dict
        Where records end: ``version`` and the last complete day by country (ISO), by kind of records.
    """

    start: str
    end: str
    unit: str
    censoring: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """An outcome of a cohort.

    Attributes
    ----------
    name, label : str
    event : str
        Its 0/1 column (int8); 0 for those not at risk. That of a state is float64, missing where it is not known.
    time : str or None
        Its column of follow-up: ``follow_up``, or its own ``<name>_follow_up``, missing for those not at risk. None
        for a state at baseline, and where the cohort has no follow-up.
    age_exit : str or None
        Its column of age at the end of follow-up: ``age_exit``, or its own ``<name>_age_exit``. None where the cohort
        has no ages.
    at_risk : str
        Its column (bool) of who can be analysed: ``only`` holds, and they had it not at baseline and are followed.
    only : str or None
        The condition (an expression) of whom it can happen to.
    note : str or None
    flow : tuple of FlowStep
        From everyone in the cohort to those at risk.
    """

    name: str
    label: str
    event: str
    time: str | None
    age_exit: str | None
    at_risk: str
    only: str | None
    note: str | None
    flow: tuple[FlowStep, ...] = ()


def follow_up(people: pd.DataFrame, spec: CohortSpec) -> dict[str, pd.Series]:
    """Make ``follow_up`` and, with a variable of age, ``age_entry`` and ``age_exit``, all in the declared unit.

    Raises
    ------
    DataError
        If a time is missing, zero or negative, or an age is missing.
    """
    if spec.follow_up is None:
        return {}
    assert spec.follow_up.time is not None
    time = _in_unit(people, spec, spec.follow_up.time)
    _must_not_be_of_cases(people, time, spec)
    _must_be_positive(people, time, spec.follow_up.time)
    if spec.follow_up.age is None:
        return {"follow_up": time}
    age = _in_unit(people, spec, spec.follow_up.age)
    _must_be_there(people, age, spec.follow_up.age)
    return {"follow_up": time, "age_entry": age, "age_exit": age + time}


def outcome(people: pd.DataFrame, spec: CohortSpec, name: str) -> tuple[Outcome, dict[str, pd.Series]]:
    """Make the columns of an outcome that is a condition: events, who is at risk and, with its own time, its ends.

    Raises
    ------
    DataError
        If it is unknown for somebody whether the event happened, its own time is zero or negative, or it happened and
        its time is missing. Where it did not happen, a time that is missing is the end of follow-up.
    """
    declared = spec.outcomes[name]
    assert declared.event is not None
    possible, flow = at_risk_of(people, declared)
    happened = parse(declared.event).truth(people).where(possible, 0.0)
    unknown = happened.isna()
    if unknown.any():
        raise DataError(_unknown(people, declared.event, happened, f"outcomes.{name}.event"))
    columns = {name: happened.astype(np.int8), f"{name}_at_risk": possible}
    time = "follow_up" if spec.follow_up else None
    age = "age_exit" if spec.follow_up and spec.follow_up.age else None
    if declared.time is not None:
        time = f"{name}_follow_up"
        own = _own_time(people, spec, declared.time, happened, f"outcomes.{name}")
        _must_be_positive(people[possible], own[possible], declared.time)
        columns[time] = own.where(possible)
        if age is not None:
            age = f"{name}_age_exit"
            columns[age] = _in_unit(people, spec, str(spec.follow_up and spec.follow_up.age)) + columns[time]
    at_risk = f"{name}_at_risk"
    return Outcome(name, declared.label, name, time, age, at_risk, declared.only, declared.note, flow), columns


def state(people: pd.DataFrame, spec: CohortSpec, name: str) -> tuple[Outcome, dict[str, pd.Series]]:
    """Make the columns of an outcome that is there at baseline or not; not known where the condition is not."""
    declared = spec.outcomes[name]
    possible, flow = at_risk_of(people, declared)
    there = parse(str(declared.state)).truth(people).where(possible, 0.0)
    made = Outcome(name, declared.label, name, None, None, f"{name}_at_risk", declared.only, declared.note, flow)
    return made, {name: there, made.at_risk: possible}


def at_risk_of(people: pd.DataFrame, declared: OutcomeSpec) -> tuple[pd.Series, tuple[FlowStep, ...]]:
    """Say whom an outcome can happen to (bool), with the first steps of its flow."""
    everyone = FlowStep("People of the cohort", 0, len(people))
    if declared.only is None:
        return pd.Series(True, index=people.index), (everyone,)
    possible = parse(declared.only).truth(people) == 1
    return possible, (everyone, step(f"Not of those it can happen to: {declared.only}", everyone, possible))


def step(label: str, before: FlowStep, at_risk: pd.Series) -> FlowStep:
    """Count a step of an outcome's flow from those who are at risk after it.

    Raises
    ------
    DataError
        If nobody remains.
    """
    remaining = int(at_risk.sum())
    if not remaining:
        raise DataError(
            f"nobody is left after the step '{label}', which removes {before.remaining:,} people. Correct it."
        )
    return FlowStep(label, before.remaining - remaining, remaining)


def _own_time(people: pd.DataFrame, spec: CohortSpec, name: str, happened: pd.Series, place: str) -> pd.Series:
    """An outcome's own time; as registries have it, it is blank where nothing happened: the end of follow-up counts."""
    assert spec.follow_up is not None
    own = _in_unit(people, spec, name)
    undated = own.isna() & (happened == 1)
    if undated.any():
        raise DataError(
            f"{place}: the event happened to {undated.sum():,} people ({_who(people, undated)}), and '{name}', its "
            f"time, is missing. Give it. To leave the outcome of these cases out: only = 'not missing({name}) or not "
            f"({spec.outcomes[place.removeprefix('outcomes.')].event})'."
        )
    return own.fillna(_in_unit(people, spec, str(spec.follow_up.time)))


def _must_not_be_of_cases(people: pd.DataFrame, time: pd.Series, spec: CohortSpec) -> None:
    """Refuse a time that only those with an event have: to leave out the others would leave a cohort of cases.

    Raises
    ------
    DataError
        If it is one.
    """
    there = time.notna()
    for name, declared in spec.outcomes.items():
        if there.all() or not there.any() or declared.event is None:
            continue
        happened = parse(declared.event).truth(people) == 1
        if happened.any() and not (happened ^ there).any():
            assert spec.follow_up is not None
            raise DataError(
                f"follow_up.time '{spec.follow_up.time}' is there for the {there.sum():,} people with the outcome "
                f"'{name}', and missing for all {(~there).sum():,} others ({_who(people, ~there)}): it is the time of "
                "the event, not of the end of follow-up, and without the others only cases would be left. Name a "
                f"variable that holds the end of follow-up of everyone, and write time = '{spec.follow_up.time}' in "
                f"outcomes.{name}."
            )


def _unknown(people: pd.DataFrame, event: str, happened: pd.Series, place: str) -> str:
    """Say of whom an outcome is not known; where it is known of cases only, that blank probably means no."""
    unknown = happened.isna()
    told = f"{place} '{event}' is unknown for {unknown.sum():,} people ({_who(people, unknown)}): a value is missing."
    cases = " All others have the event, so a blank probably says that it did not happen."
    told += cases if (happened.dropna() == 1).all() else ""
    names = parse(event).names
    if len(names) > 1:
        return f"{told} Say what a blank counts as, for each of its parts: 'not missing({names[0]}) and ...'."
    return f"{told} If a blank says that it did not happen, write event = 'not missing({names[0]}) and ({event})'" + (
        "."
        if cases in told
        else f"; if nobody knows, leave them out of this outcome: only = 'not missing({names[0]})'."
    )


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
