"""How far a linear estimate could be due to bias or to a few people: the checks that the analysis file declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.fit.fit import Fit
from riskkit.infer.bootstrap import bootstrap
from riskkit.infer.confounding import evalue, tipping_point
from riskkit.infer.contrast import contrast, difference
from riskkit.infer.influence import influence
from riskkit.infer.leaveout import leave_one_out
from riskkit.questions.robustness.spec import ConfounderSpec, RobustnessSpec
from riskkit.spec.plan import Task, leading
from riskkit.spec.tables import FLAG
from riskkit.study.answers import KEY
from riskkit.study.sample import Sample, failure, sample
from riskkit.study.study import FAILED, Job, Rows, Running, Study

RARE = 0.15  # share with the outcome up to which a hazard or odds ratio stands for a risk ratio
JACKKNIFE = 10  # groups from which on their spread says something of the standard error
Row = dict[str, Any]
Limits = tuple[float, float, float]  # a ratio, and the ends of its interval


def jobs(study: Study) -> Iterator[Job]:
    """One job for each linear estimate of the main model, and for each exposure with each negative control."""
    declared: RobustnessSpec | None = study.spec.asked("robustness")
    if declared is None:
        return
    tasks = leading(study.tasks, study.spec, "linear")
    exposures = {task.exposure: task for task in tasks}
    controls = [replace(task, outcome=name) for task in exposures.values() for name in declared.negative_controls]
    for task in (*tasks, *controls):
        yield Job(checked, (task,), f"{task.exposure}, {task.outcome}, robustness", 1 + declared.bootstrap // 100)


def checked(study: Study, task: Task) -> Rows:
    """Check one linear estimate.

    Returns
    -------
    dict of frame name to DataFrame
        robustness: one row per check, `check` and `item` saying which; failures.
    """
    control = task.outcome in study.spec.asked("robustness").negative_controls
    coding, level = study.codings[task.exposure], study.spec.level
    step, zero = {task.exposure: coding.per}, {task.exposure: 0.0}
    try:
        chosen = sample(task, study)
        fit = chosen.fit([coding.term(task)])
        estimate = contrast(fit, step, zero, level=level).iloc[0].to_dict()
    except FAILED as error:
        return {"failures": failure(task, "Negative control" if control else "Robustness", str(error))}
    kind = "negative control" if control else "main"
    main = {"check": kind, "n": fit.n, "events": fit.events, "n_missing": chosen.n_missing, **estimate}
    found: list[Row] = [{"item": "", "note": "", **main}]
    failures: list[pd.DataFrame] = []
    for what, check in () if control else _checks(fit, chosen, estimate, study):
        try:
            for row in check:
                found.append({"item": "", "note": "", **row})
        except FAILED as error:  # what else was found stays
            failures.append(failure(task, f"Robustness: {what}", str(error)))
    frame = pd.DataFrame(found).assign(**{name: getattr(task, name) for name in KEY if name != "variant"})
    return {"robustness": frame, **({"failures": pd.concat(failures)} if failures else {})}


def _checks(fit: Fit, chosen: Sample, estimate: Row, study: Study) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each check of an estimate by its name, its rows not yet worked out."""
    task, declared = chosen.task, study.spec.asked("robustness")
    coding, level = study.codings[task.exposure], study.spec.level
    step, zero = {task.exposure: coding.per}, {task.exposure: 0.0}
    ratio = (estimate["ratio"], estimate["low"], estimate["high"])
    if declared.evalues:
        yield "E-value", _evalue(fit, ratio)
    for confounder in declared.confounders:
        yield f"tipping point, {confounder.label}", _tipping(fit, ratio, confounder)
    if declared.leave_one_out is not None:
        yield "groups left out", _left_out(fit, _groups(declared.leave_one_out, study.cohort), step, zero, level)
    if declared.bootstrap:
        yield "bootstrap", _resampled(fit, declared.bootstrap, step, zero, level)
    if declared.influence:
        yield "influence", _influential(fit, chosen, coding.term(task), declared.influence, step, zero, level)


def _evalue(fit: Fit, ratio: Limits) -> Iterator[Row]:
    e = evalue(*ratio, measure=fit.ratio_name, rare=fit.events / fit.n <= RARE)
    found = {"value": e.estimate, "limit": e.limit, "note": e.scale}
    yield {"check": "E-value", "n": fit.n, "events": fit.events, **found}


def _tipping(fit: Fit, ratio: Limits, confounder: ConfounderSpec) -> Iterator[Row]:
    fewer, more = sorted(confounder.prevalence)
    exposed, unexposed = (more, fewer) if ratio[0] > 1 else (fewer, more)
    tipping = tipping_point(*ratio, exposed=exposed, unexposed=unexposed)
    both = {"exposed": exposed, "unexposed": unexposed, "value": tipping.estimate, "limit": tipping.limit}
    yield {"check": "tipping point", "item": confounder.label, "n": fit.n, "events": fit.events, **both}


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


def _resampled(fit: Fit, samples: int, step: Row, zero: Row, level: float) -> Iterator[Row]:
    row = difference(fit, step, zero)
    drawn = bootstrap(fit, samples, progress=False).coef @ row
    low, high = np.exp(np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    estimate = float(row @ fit.coef)
    spread = {"estimate": estimate, "se": float(drawn.std(ddof=1)), "ratio": np.exp(estimate), "low": low, "high": high}
    yield {"check": "bootstrap", "n": fit.n, "events": fit.events, "value": samples, **spread}


def _influential(fit: Fit, chosen: Sample, term: str, rows: int, step: Row, zero: Row, level: float) -> Iterator[Row]:
    """The most influential people, each with how far the estimate moves, and the model fitted again without them."""
    found = influence(fit, step, zero, rows=rows)
    for row in found.to_dict("records"):
        yield {"check": "influence", "item": str(row["row"]), "value": row["dfbetas"], "ratio": row["ratio"]}
    without = chosen.fit([term], chosen.data.drop(index=found["row"]))
    estimate = contrast(without, step, zero, level=level).iloc[0].to_dict()
    yield {"check": "without influential", "value": rows, "n": without.n, "events": without.events, **estimate}


RUNNING = Running(jobs=jobs)
