"""From an analysis to its tasks: the whole grid as a tuple of values, before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product

from riskkit.spec.analysis import AnalysisSpec, Coding
from riskkit.spec.exposure import ExposureSpec
from riskkit.spec.terms import coded, without

EVERYONE = ""
NO_TIME = "none"  # the time scale of states at baseline


@dataclass(frozen=True)
class Task:
    """One model to fit.

    Attributes
    ----------
    exposure, outcome : str
        Names in the cohort.
    time_scale : {"age", "follow_up", "none"}
        "none" (`NO_TIME`) where the outcome is a state at baseline.
    coding : {"spline", "groups", "linear"}
        How the exposure enters.
    model : str
        Name of the covariate set.
    variant : str
        Name of the subgroup or sensitivity analysis; empty for the main analysis.
    covariates, strata : tuple of str
        Single formula terms, and columns; the age variable is not among them where age is the time scale.
    """

    exposure: str
    outcome: str
    time_scale: str
    coding: Coding
    model: str
    variant: str = EVERYONE
    covariates: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()


def plan(spec: AnalysisSpec, age: str | None) -> tuple[Task, ...]:
    """List every task of an analysis, so that tasks that differ in the outcome only stand side by side.

    The main analysis is exposure x time scale x model x coding x outcome; each subgroup and sensitivity analysis is
    exposure x coding x outcome, in the main model on the first time scale.

    Parameters
    ----------
    spec : AnalysisSpec
    age : str or None
        The cohort's variable of age at entry, which is no covariate where age is the time scale.
    """
    tasks: list[Task] = []
    for exposure, scale, model in product(spec.exposures, spec.time_scales, spec.models):
        accounted_for = {exposure, *spec.strata, *([age] if scale == "age" else [])}
        terms = tuple(term for term in spec.terms(model) if coded(term) not in accounted_for)
        strata = tuple(name for name in spec.strata if name != exposure)
        main = Task(exposure, "", scale, "linear", model.name, EVERYONE, terms, strata)
        tasks += _for_each_outcome(main, codings(spec.exposures[exposure]), spec.outcomes)
        if not is_main(main, spec):
            continue
        for variant in spec.variants:
            changed = replace(
                main,
                variant=variant.name,
                covariates=without(terms, variant.without),
                strata=tuple(name for name in strata if name not in variant.without),
            )
            tasks += _for_each_outcome(changed, variant.codings, spec.outcomes)
    return tuple(tasks)


def is_main(task: Task, spec: AnalysisSpec) -> bool:
    """Whether a task is of what the report leads with: everyone, the main model, the first time scale."""
    return (task.model, task.time_scale, task.variant) == (spec.main.name, spec.time_scales[0], EVERYONE)


def batches(tasks: Sequence[Task]) -> Iterator[tuple[Task, ...]]:
    """Group tasks that differ in the outcome only: they share covariates, and are fitted together."""
    for _, batch in groupby(tasks, key=lambda task: replace(task, outcome="")):
        yield tuple(batch)


def plan_told(tasks: Sequence[Task]) -> Iterator[str]:
    """Say, line by line, what would be fitted: each batch with its number of models."""
    together = list(batches(tasks))
    for batch in together:
        task = batch[0]
        terms = " + ".join([task.exposure, *task.covariates])
        strata = f", strata {', '.join(task.strata)}" if task.strata else ""
        what = f"{task.exposure} as {task.coding}, {task.time_scale}, {task.variant or task.model}"
        yield f"{len(batch):>4} x {what}: {terms}{strata}"
    yield f"{len(tasks)} models in {len(together)} batches"


def leading(
    tasks: Sequence[Task], spec: AnalysisSpec, coding: Coding, time_scale: str | None = None
) -> tuple[Task, ...]:
    """The main model's tasks of one coding; of exposures without a spline, the linear ones.

    On the first time scale, unless another is given.
    """
    main = (spec.main.name, time_scale or spec.time_scales[0], EVERYONE)
    wanted = {name: coding if coding in codings(exposure) else "linear" for name, exposure in spec.exposures.items()}
    return tuple(
        task
        for task in tasks
        if (task.model, task.time_scale, task.variant) == main and task.coding == wanted[task.exposure]
    )


def codings(exposure: ExposureSpec) -> tuple[Coding, ...]:
    """The codings an exposure asks for."""
    wanted: tuple[tuple[Coding, bool], ...] = (
        ("spline", exposure.spline is not False),
        ("groups", exposure.groups is not False),
        ("linear", exposure.per is not False),
    )
    return tuple(coding for coding, asked in wanted if asked)


def _for_each_outcome(task: Task, codings: Sequence[Coding], outcomes: Sequence[str]) -> list[Task]:
    return [replace(task, coding=coding, outcome=outcome) for coding, outcome in product(codings, outcomes)]
