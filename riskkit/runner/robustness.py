"""How far a linear estimate could be due to bias or to a few people: the checks that the analysis file declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.errors import RiskkitError
from riskkit.fit.fit import Fit
from riskkit.infer.bootstrap import bootstrap
from riskkit.infer.confounding import evalue, tipping_point
from riskkit.infer.contrast import contrast, difference
from riskkit.infer.influence import influence
from riskkit.infer.leaveout import leave_one_out
from riskkit.runner.fits import KEY, Rows
from riskkit.runner.scale import Scale
from riskkit.runner.single import Sample, failure, sample, together
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.interactions import FLAG
from riskkit.spec.plan import Task
from riskkit.spec.robustness import RobustnessSpec

FRAMES = ("robustness", "failures")
RARE = 0.15  # share with the outcome up to which a hazard or odds ratio stands for a risk ratio
JACKKNIFE = 10  # groups from which on their spread says something of the standard error
Row = dict[str, Any]


def check_robustness(tasks: Sequence[Task], scales: Mapping[str, Scale], spec: AnalysisSpec, cohort: Cohort) -> Rows:
    """Check every linear estimate of the main model.

    Parameters
    ----------
    tasks : sequence of Task
        The main model's linear ones.
    scales, spec, cohort

    Returns
    -------
    dict of frame name to DataFrame
        robustness: one row per check, `check` and `item` saying which; failures.
    """
    declared = spec.robustness
    if declared is None:
        return together([], FRAMES)
    exposures = {task.exposure: task for task in tasks}
    controls = [replace(task, outcome=name) for task in exposures.values() for name in declared.negative_controls]
    rows: list[Rows] = []
    for task in (*tasks, *controls):
        control = task.outcome in declared.negative_controls
        found: list[Row] = []
        try:
            for row in _checks(task, declared, scales[task.exposure], spec, cohort, control):
                found.append({"item": "", "note": "", **row})
        except RiskkitError as error:  # what was found before it stays
            rows.append({"failures": failure(task, "Negative control" if control else "Robustness", str(error))})
        if found:
            frame = pd.DataFrame(found)
            for place, name in enumerate(name for name in KEY if name != "variant"):
                frame.insert(place, name, getattr(task, name))
            rows.append({"robustness": frame})
    return together(rows, FRAMES)


def _checks(
    task: Task, declared: RobustnessSpec, scale: Scale, spec: AnalysisSpec, cohort: Cohort, control: bool
) -> Iterator[Row]:
    chosen = sample(task, spec, cohort)
    fit = chosen.fit([scale.term(task)], cohort)
    step, zero = {task.exposure: scale.per}, {task.exposure: 0.0}
    estimate = contrast(fit, step, zero, level=spec.level).iloc[0].to_dict()
    people = {"n": fit.n, "events": fit.events}
    yield {"check": "negative control" if control else "main", **people, "n_missing": chosen.n_missing, **estimate}
    if control:
        return
    ratio = (estimate["ratio"], estimate["low"], estimate["high"])
    if declared.evalues:
        e = evalue(*ratio, measure=fit.ratio_name, rare=fit.events / fit.n <= RARE)
        yield {"check": "E-value", **people, "value": e.estimate, "limit": e.limit, "note": e.scale}
    for confounder in declared.confounders:
        fewer, more = sorted(confounder.prevalence)
        exposed, unexposed = (more, fewer) if estimate["ratio"] > 1 else (fewer, more)
        tipping = tipping_point(*ratio, exposed=exposed, unexposed=unexposed)
        both = {"exposed": exposed, "unexposed": unexposed, "value": tipping.estimate, "limit": tipping.limit}
        yield {"check": "tipping point", "item": confounder.label, **people, **both}
    if declared.leave_one_out is not None:
        yield from _left_out(fit, _groups(declared.leave_one_out, cohort), step, zero, spec.level)
    if declared.bootstrap:
        yield _resampled(fit, declared.bootstrap, step, zero, spec.level)
    if declared.influence:
        yield from _influential(fit, chosen, declared.influence, scale.term(task), step, zero, spec, cohort)


def _groups(name: str, cohort: Cohort) -> pd.Series:
    """The group of each person, by its label."""
    values = cohort.data[name]
    return values.map(dict(enumerate(FLAG))) if cohort.variables[name].kind == "flag" else values


def _left_out(fit: Fit, by: pd.Series, step: Row, zero: Row, level: float) -> Iterator[Row]:
    found = leave_one_out(fit, by, step, zero, level=level)
    for row in found.groups.to_dict("records"):
        yield {"check": "left out", "item": str(row.pop("left_out")), "note": row.pop("reason"), **row}
    if len(found.groups) < JACKKNIFE:
        return
    row = found.jackknife.iloc[0].to_dict()
    yield {"check": "jackknife", "value": row.pop("groups"), "n": fit.n, "events": fit.events, **row}


def _resampled(fit: Fit, samples: int, step: Row, zero: Row, level: float) -> Row:
    row = difference(fit, step, zero)
    drawn = bootstrap(fit, samples, progress=False).coef @ row
    low, high = np.exp(np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    estimate = float(row @ fit.coef)
    spread = {"estimate": estimate, "se": float(drawn.std(ddof=1)), "ratio": np.exp(estimate), "low": low, "high": high}
    return {"check": "bootstrap", "n": fit.n, "events": fit.events, "value": samples, **spread}


def _influential(
    fit: Fit, chosen: Sample, rows: int, term: str, step: Row, zero: Row, spec: AnalysisSpec, cohort: Cohort
) -> Iterator[Row]:
    """The most influential people, each with how far the estimate moves, and the model fitted again without them."""
    found = influence(fit, step, zero, rows=rows)
    for row in found.to_dict("records"):
        yield {"check": "influence", "item": str(row["row"]), "value": row["dfbetas"], "ratio": row["ratio"]}
    without = chosen.fit([term], cohort, chosen.data.drop(index=found["row"]))
    estimate = contrast(without, step, zero, level=spec.level).iloc[0].to_dict()
    yield {"check": "without influential", "value": rows, "n": without.n, "events": without.events, **estimate}
