"""What a cohort's variables are made from, so that none is used beside what it follows from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from riskkit.errors import SpecError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.expression import parse
from riskkit.spec.tables import DerivedSpec

Origins = dict[str, frozenset[str]]


def origins(cohort: CohortSpec) -> Origins:
    """Every variable of a cohort with all that it is made from, itself among them; nothing of one that has faults."""
    found: Origins = {name: frozenset({name}) for name in (*cohort.variables, *cohort.histories)}
    for name, derived in cohort.derived.items():
        used = {each for text in _expressions(derived) for each in _names(text)}
        found[name] = frozenset({name}).union(*(found.get(each, frozenset({each})) for each in used))
    return found


def of_outcomes(cohort: CohortSpec, outcomes: Iterable[str], made_from: Origins) -> dict[str, str]:
    """Variables that say how long people were followed or who has one of these outcomes, each with what it says.

    An outcome follows from a single variable where its condition names no other, and from what that is made from alone.
    Where a variable is one of several that an outcome is made from (limits of a waist that differ by sex), it does not
    follow from it.
    """
    told = "says how long follow-up lasts or who has the outcome"
    found: dict[str, str] = {}
    if cohort.follow_up is not None and cohort.follow_up.time is not None:
        found[cohort.follow_up.time] = told
    for name in outcomes:
        outcome = cohort.outcomes.get(name)
        if outcome is None:
            continue
        if outcome.time is not None:
            found[outcome.time] = told
        for text in (outcome.event, outcome.state):
            names = _names(text) if text else ()
            if len(names) == 1:
                found |= dict.fromkeys(_alone(names[0], made_from), told)
    return found


def _alone(name: str, made_from: Origins) -> frozenset[str]:
    """A variable and all that it is made from, as long as each is made from no more than one other."""
    chain = made_from.get(name, frozenset({name}))
    raw = [each for each in chain if made_from.get(each) == {each}]
    return chain if len(raw) == 1 else frozenset({name})


def _expressions(derived: DerivedSpec) -> Iterator[str]:
    if derived.expression is not None:
        yield derived.expression
    for case in derived.cases or ():
        yield case.when
        if derived.kind == "number" and isinstance(case.then, str):
            yield case.then


def _names(text: str) -> tuple[str, ...]:
    try:
        return parse(text).names
    except SpecError:
        return ()  # a fault of its own
