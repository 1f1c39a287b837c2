"""Interaction with declared modifiers: both tests, a curve in each group, and measures on the additive scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import numbers
from riskkit.errors import FitError
from riskkit.fit.fit import Fit
from riskkit.infer.anova import questions
from riskkit.infer.bootstrap import bootstrap
from riskkit.infer.curve import curve
from riskkit.infer.interaction import additive_interaction
from riskkit.infer.likelihood import likelihood_ratio
from riskkit.questions.interactions.spec import PERCENTILE, AdditiveSpec, InteractionSpec, levels_of
from riskkit.spec.plan import Task, leading
from riskkit.study.answers import KEY
from riskkit.study.behind import cells
from riskkit.study.eligibility import person_years
from riskkit.study.sample import Sample, failure, sample
from riskkit.study.splines import group_spline, percentiles_of
from riskkit.study.study import FAILED, Job, Rows, Running, Study

POINTS = 100


def jobs(study: Study) -> Iterator[Job]:
    """One job for each modifier of each exposure with each outcome, in the main model."""
    declared: Sequence[InteractionSpec] = study.spec.asked("interactions")
    for interaction in declared or ():
        for task in leading(study.tasks, study.spec, "spline", interaction.time_scale):
            yield Job(modified, (task, interaction), f"{task.exposure} by {interaction.modifier}, {task.outcome}")


def modified(study: Study, task: Task, interaction: InteractionSpec) -> Rows:
    """Fit one model with one modifier.

    Returns
    -------
    dict of frame name to DataFrame
        interactions (tests), interaction_curves, additive; or failures: a level with too few events, a modifier with
        one level, a model that cannot be estimated.
    """
    try:
        return _answers(study, task, interaction)
    except FAILED as error:
        name = label_of(interaction, study.cohort)
        return {"failures": failure(task, f"Interaction with {name}", str(error))}


def label_of(interaction: InteractionSpec, cohort: Cohort) -> str:
    """What a modifier is called."""
    return interaction.label or cohort.variables[interaction.modifier].label


def _answers(study: Study, task: Task, interaction: InteractionSpec) -> Rows:
    coding, cohort = study.codings[task.exposure], study.cohort
    modifier = interaction.modifier
    chosen = sample(task, study, [modifier])
    levels = _levels(chosen, modifier, study)
    coded = f"C({modifier})" if cohort.variables[modifier].kind == "flag" else modifier
    own = coding.term(task)
    terms = [own, f"{own}:{coded}"] if modifier in task.strata else [f"{own} * {coded}"]
    fit = chosen.fit(terms)
    rows = {
        "interactions": _tests(fit, task, modifier, chosen),
        "interaction_curves": _curves(fit, task, modifier, levels, chosen, study),
    }
    of_levels = _splines(fit, task, modifier, levels, chosen, study) if task.coding == "spline" else {}
    if cohort.disclosure is not None:
        rows["cells"] = _cells(task, modifier, levels, chosen)
    if interaction.additive is not None:
        rows["additive"] = _additive(fit, task, interaction.additive, modifier, levels, study)
    key = {name: getattr(task, name) for name in KEY if name != "variant"}
    for frame in (each for name, each in rows.items() if name != "cells"):
        for place, (name, value) in enumerate([*key.items(), ("modifier", modifier)]):
            frame.insert(place, name, value)
    return rows | {name: frame.assign(**key) for name, frame in of_levels.items()}


def _cells(task: Task, modifier: str, levels: Mapping[str, Any], chosen: Sample) -> pd.DataFrame:
    """The people of each level of the modifier by value of the exposure."""
    frames = []
    for name, value in levels.items():
        own = chosen.data[chosen.data[modifier] == value]
        here = cells(task, own[task.exposure], own[task.outcome], modifier)
        frames.append(here.assign(level=f"{name}: " + here["level"]))
    return pd.concat(frames, ignore_index=True)


def _levels(chosen: Sample, modifier: str, study: Study) -> dict[str, Any]:
    """The levels of a modifier that people have, by label; each must have events enough.

    Raises
    ------
    FitError
        If there is only one level, or a level with too few events.
    """
    variable = study.cohort.variables[modifier]
    names = levels_of(variable.kind, variable.levels)
    values: Sequence[Any] = (0.0, 1.0) if variable.kind == "flag" else names
    present = {name: value for name, value in zip(names, values, strict=True) if (chosen.data[modifier] == value).any()}
    if len(present) < 2:
        raise FitError(f"{variable.label} is {next(iter(present), 'missing')} for everyone used: nothing to compare.")
    for name, value in present.items():
        events = int(chosen.data.loc[chosen.data[modifier] == value, chosen.task.outcome].sum())
        if events < study.spec.min_events:
            few = f"{events} events where {variable.label} is {name}"
            raise FitError(f"{few}, fewer than the {study.spec.min_events} asked for.")
    return present


def _tests(fit: Fit, task: Task, modifier: str, chosen: Sample) -> pd.DataFrame:
    """The likelihood-ratio and the Wald test that the association is the same at every level of the modifier."""
    asked = {(term, part): rows for term, part, rows in questions(fit.recipe)}[task.exposure, "interaction"]
    tests = {"likelihood ratio": likelihood_ratio(fit, asked), "Wald": fit.wald(asked)}
    about = {"n": fit.n, "events": fit.events, "person_years": fit.person_years, "n_missing": chosen.n_missing}
    return pd.DataFrame(
        [
            {"test": name, "chi2": test.chi2, "df": test.df, "p": test.p, **about, "formula": fit.recipe.formula.text}
            for name, test in tests.items()
        ]
    )


def _curves(
    fit: Fit,
    task: Task,
    modifier: str,
    levels: Mapping[str, Any],
    chosen: Sample,
    study: Study,
) -> pd.DataFrame:
    """The curve at each level of the modifier, over the range that its own people have."""
    coding, level = study.codings[task.exposure], study.spec.level
    low, high = np.percentile(chosen.data[task.exposure], [1, 99])
    grid = np.union1d(np.linspace(low, high, POINTS), [coding.reference])
    years = person_years(task, chosen.data, study.cohort)
    frames = []
    for name, value in levels.items():
        here = (chosen.data[modifier] == value).to_numpy()
        own = chosen.data[here]
        start, end = np.percentile(own[task.exposure], [1, 99])
        inside = grid[(grid >= start) & (grid <= end)]
        points = curve(fit, task.exposure, {modifier: value}, coding.reference, level, grid=inside)
        about = {
            "level": name,
            "n": len(own),
            "events": int(own[task.outcome].sum()),
            "person_years": years[here].sum(),
        }
        frames.append(points.assign(**about))
    return pd.concat(frames, ignore_index=True)


def _splines(
    fit: Fit, task: Task, modifier: str, levels: Mapping[str, Any], chosen: Sample, study: Study
) -> dict[str, pd.DataFrame]:
    """What the curve at each level of the modifier can be drawn from."""
    years, rows = person_years(task, chosen.data, study.cohort), []
    for name, value in levels.items():
        here = (chosen.data[modifier] == value).to_numpy()
        own = chosen.data[here]
        about = {"kind": "modifier", "by": modifier, "group": name, "n": len(own), "person_years": years[here].sum()}
        about["events"] = int(own[task.outcome].sum())
        values = percentiles_of(numbers(own[task.exposure]))
        rows.append(group_spline(fit, task.exposure, study.codings[task.exposure], values, about, {modifier: value}))
    return {name: pd.concat([each[name] for each in rows], ignore_index=True) for name in rows[0]}


def _additive(
    fit: Fit,
    task: Task,
    additive: AdditiveSpec,
    modifier: str,
    levels: Mapping[str, Any],
    study: Study,
) -> pd.DataFrame:
    """Measures on the additive scale, under the three ratios they are made of; `value` is on the scale of each."""
    absent = [name for name in additive.modifier if name not in levels]
    if absent:
        raise FitError(f"nobody used has the level {absent[0]}, which the additive contrast names.")
    exposed, reference = (_placed(value, study.cohort.data[task.exposure]) for value in additive.exposure)
    resampled = bootstrap(fit, additive.bootstrap, progress=False) if additive.bootstrap else None
    found = additive_interaction(
        fit,
        {task.exposure: exposed, modifier: levels[additive.modifier[0]]},
        {task.exposure: reference, modifier: levels[additive.modifier[1]]},
        level=study.spec.level,
        resampled=resampled,
    )
    names = {task.exposure: "exposure alone", modifier: "modifier alone", "both": "both"}
    ratios = found.ratios.assign(
        measure=found.ratios["exposed"].map(names), interval="Wald", value=found.ratios["ratio"]
    )
    rows = pd.concat([ratios, found.measures.rename(columns={"estimate": "value"})], ignore_index=True)
    return rows[["measure", "interval", "value", "se", "low", "high", "p"]].assign(
        exposed=exposed,
        reference=reference,
        exposed_level=additive.modifier[0],
        reference_level=additive.modifier[1],
        n=fit.n,
        events=fit.events,
    )


def _placed(value: float | str, values: pd.Series) -> float:
    """A level of an exposure: a number, or a percentile of everyone who has it."""
    if not isinstance(value, str):
        return float(value)
    found = PERCENTILE.fullmatch(value)
    return float(np.nanpercentile(values.to_numpy(dtype=float), float(found["percent"]) if found else 50.0))


RUNNING = Running(jobs=jobs)
