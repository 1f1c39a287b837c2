"""Who is left out of a cohort, step by step, in a flow that adds up."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from riskkit.errors import DataError
from riskkit.spec.expression import parse
from riskkit.spec.tables import ExclusionSpec


@dataclass(frozen=True)
class FlowStep:
    """One step: why, how many it removes, and how many remain."""

    label: str
    removed: int
    remaining: int


def leave_out(
    people: pd.DataFrame, flow: tuple[FlowStep, ...], label: str, out: pd.Series
) -> tuple[pd.DataFrame, tuple[FlowStep, ...]]:
    """Take one step.

    Parameters
    ----------
    people : DataFrame, n rows
    flow : tuple of FlowStep
        The steps so far; `people` are those who remain.
    label : str
        Who is left out, in words.
    out : Series of bool, n rows

    Raises
    ------
    DataError
        If nobody remains.
    """
    kept = people[~out]
    step = FlowStep(label, int(out.sum()), len(kept))
    if kept.empty:
        raise DataError(f"nobody is left after the step '{label}', which removes {step.removed:,} people. Correct it.")
    return kept, (*flow, step)


def exclude(
    people: pd.DataFrame, flow: tuple[FlowStep, ...], exclusions: tuple[ExclusionSpec, ...]
) -> tuple[pd.DataFrame, tuple[FlowStep, ...]]:
    """Take the declared steps in their order; a condition that is unknown for a person does not leave them out."""
    for exclusion in exclusions:
        people, flow = leave_out(people, flow, exclusion.label, parse(exclusion.when).truth(people) == 1)
    return people, flow
