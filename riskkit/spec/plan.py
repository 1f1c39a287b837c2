"""From an analysis to its tasks: the whole grid as a tuple of values, before anything is fitted."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import product
from typing import Literal

from riskkit.spec.analysis import TERM, AnalysisSpec, ExposureSpec

Coding = Literal["spline", "groups", "linear"]


@dataclass(frozen=True)
class Task:
    """One model to fit.

    Attributes
    ----------
    exposure, outcome : str
        Names in the cohort.
    time_scale : {"age", "follow_up"}
    coding : {"spline", "groups", "linear"}
        How the exposure enters.
    model : str
        Name of the covariate set.
    covariates, strata : tuple of str
        Formula terms; the age variable is not among them where age is the time scale.
    """

    exposure: str
    outcome: str
    time_scale: str
    coding: Coding
    model: str
    covariates: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What tells this task from the others of its analysis."""
        return astuple(self)[:5]


def plan(spec: AnalysisSpec, age: str | None) -> tuple[Task, ...]:
    """List every task of an analysis: exposure x outcome x time scale x model x coding, in the file's order.

    Parameters
    ----------
    spec : AnalysisSpec
    age : str or None
        The cohort's variable of age at entry, which is no covariate where age is the time scale.
    """
    tasks = []
    for exposure, outcome, scale, model in product(spec.exposures, spec.outcomes, spec.time_scales, spec.models):
        accounted_for = {exposure, *spec.strata, *([age] if scale == "age" else [])}
        others = tuple(term for term in spec.covariates(model) if variable_of(term) not in accounted_for)
        for coding in codings(spec.exposures[exposure]):
            tasks.append(Task(exposure, outcome, scale, coding, model.name, others, spec.strata))
    return tuple(tasks)


def codings(exposure: ExposureSpec) -> tuple[Coding, ...]:
    """The codings an exposure asks for."""
    wanted: tuple[tuple[Coding, bool], ...] = (
        ("spline", exposure.spline is not False),
        ("groups", exposure.groups is not False),
        ("linear", exposure.per is not False),
    )
    return tuple(coding for coding, asked in wanted if asked)


def variable_of(term: str) -> str:
    """The variable of a covariate term: 'bmi' of 'rcs(bmi, 4)'."""
    found = TERM.match(term)
    return found["variable"] if found else term
