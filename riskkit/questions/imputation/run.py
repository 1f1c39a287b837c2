"""The main model with missing covariates imputed, beside the one that excludes people who lack them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.imputation.diagnostics import convergence, distributions
from riskkit.imputation.impute import Imputed, impute
from riskkit.infer.ushape import ushape
from riskkit.questions.imputation.spec import ImputationSpec
from riskkit.spec.plan import Task, is_main
from riskkit.spec.terms import columns, columns_of
from riskkit.study.answers import answers, keyed, terms_of
from riskkit.study.behind import cells
from riskkit.study.eligibility import check_events, response
from riskkit.study.estimators import fit_model
from riskkit.study.progress import within
from riskkit.study.sample import failure
from riskkit.study.splines import shape_row, told_between
from riskkit.study.study import FAILED, Job, Rows, Running, Study

IMPUTED = "imputed"  # the variant of these tasks
FRAMES = {"estimates": "imputed", "curves": "imputed_curves", "shapes": "imputed_shapes", "tests": "imputed_tests"}


def jobs(study: Study) -> Iterator[Job]:
    """One job for each exposure of which the main model's covariates are to be imputed."""
    wanted: ImputationSpec | None = study.spec.asked("imputation")
    if wanted is None:
        return
    tasks: dict[str, list[Task]] = {}
    for task in study.tasks:
        if is_main(task, study.spec):
            tasks.setdefault(task.exposure, []).append(task)
    for exposure, own in tasks.items():
        if _lacking(own[0], wanted, study.cohort):
            yield Job(imputed_models, (exposure, tuple(own)), f"{exposure}, imputed sets", wanted.m * len(own))


def imputed_models(study: Study, exposure: str, tasks: tuple[Task, ...]) -> Rows:
    """Impute the covariates of the main model of one exposure, and fit it to every set.

    The sets are made among those who have the exposure, jointly for all outcomes (each with its event and the hazard
    lived through), so that the outcomes of a report rest on the same imputed people.

    Returns
    -------
    dict of frame name to DataFrame
        imputed, imputed_curves, imputed_shapes, imputed_tests, imputations, imputation_values, imputation_trace and
        failures: what could not be imputed or fitted.
    """
    data = _people(tasks[0], study)
    try:
        imputed = _imputed(tasks, data, study)
    except FAILED as error:
        return {"failures": pd.concat([_failure(task, error) for task in tasks], ignore_index=True)}
    found: dict[str, list[pd.DataFrame]] = {
        name: [frame.assign(exposure=exposure)] for name, frame in _diagnosed(data, imputed).items()
    }
    for task in tasks:
        try:
            rows = _answered(task, data, imputed, study)
        except FAILED as error:
            rows = {"failures": _failure(task, error)}
        for name, frame in rows.items():
            found.setdefault(name, []).append(frame)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}


def _people(task: Task, study: Study) -> pd.DataFrame:
    """Who has the exposure and the strata, and what is not imputed; who is not at risk of an outcome has no event."""
    wanted: ImputationSpec = study.spec.asked("imputation")
    cohort, data = study.cohort, study.cohort.data
    needed = [task.exposure, *task.strata]
    if wanted.variables != "covariates":
        needed += [name for name in columns_of(task.covariates) if name not in wanted.variables]
    data = data[data[needed].notna().all(axis=1)]
    events = {name: data[name].astype(float).where(data[cohort.outcomes[name].at_risk]) for name in study.spec.outcomes}
    return data.assign(**events)


def _lacking(task: Task, wanted: ImputationSpec, cohort: Cohort) -> list[str]:
    """The covariates to impute: those that anyone who has the exposure lacks."""
    named = columns_of(task.covariates) if wanted.variables == "covariates" else list(wanted.variables)
    have = cohort.data[cohort.data[task.exposure].notna()]
    return [name for name in named if have[name].isna().any()]


def _imputed(tasks: Sequence[Task], data: pd.DataFrame, study: Study) -> Imputed:
    wanted: ImputationSpec = study.spec.asked("imputation")
    task, coding = tasks[0], study.codings[tasks[0].exposure]
    lacking = _lacking(task, wanted, study.cohort)
    auxiliary = [name for name in wanted.auxiliary if name not in (*lacking, task.exposure)]
    incomplete = [name for name in auxiliary if data[name].isna().any()]
    complete = [term for term in (*task.covariates, *auxiliary) if not {*columns(term)} & {*lacking, *incomplete}]
    exposure = f"rcs({task.exposure}, {list(coding.knots)})" if coding.knots else task.exposure
    age = ["rcs(age_entry, 4)"] if task.time_scale == "age" else []
    varying = [name for name in task.strata if data[name].nunique() > 1]
    strata = [f"C({name})" for name in varying]
    return impute(
        data,
        [*lacking, *incomplete],
        outcomes=list(dict.fromkeys(response(each, study.spec, study.cohort) for each in tasks)),
        predictors=" + ".join(dict.fromkeys([exposure, *age, *complete, *strata])),
        m=wanted.m,
        iterations=wanted.iterations,
        seed=wanted.seed,
        ordered=[name for name in wanted.ordered if name in (*lacking, *incomplete)],
        on_progress=within,
    )


def _answered(task: Task, data: pd.DataFrame, imputed: Imputed, study: Study) -> Rows:
    """What the pooled model of one task says, in the frames of the results."""
    task, spec, cohort = replace(task, variant=IMPUTED), study.spec, study.cohort
    coding = study.codings[task.exposure]
    at_risk = data[cohort.outcomes[task.outcome].at_risk].to_numpy(dtype=bool) & data[task.outcome].notna().to_numpy()
    check_events(task, spec, coding, data.loc[at_risk, task.outcome].to_numpy(dtype=float))
    formula = f"{response(task, spec, cohort)} ~ {terms_of(task, coding)}"
    fit = imputed.among(at_risk).fit(partial(fit_model, task=task, time_unit=cohort.time_unit), formula)
    rows = answers(task, fit, data, at_risk, study)
    if "curves" in rows:
        rows["shapes"] = shape_row(
            ushape(fit, task.exposure, limits=told_between(fit, task.exposure, coding), level=spec.level)
        )
    if task.coding == "linear":
        rows["estimates"] = rows["estimates"].assign(m=len(fit.fits))
    behind: Rows = {}
    if task.coding == "linear" and cohort.disclosure is not None:
        behind = {"cells": cells(task, data.loc[at_risk, task.exposure], data.loc[at_risk, task.outcome])}
    return behind | {FRAMES[name]: _with_keys(rows[name], task) for name in FRAMES if name in rows}


def _with_keys(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    rows.insert(0, "outcome", task.outcome)
    return keyed(rows, task).drop(columns="variant")


def _failure(task: Task, error: Exception) -> pd.DataFrame:
    return failure(task, "Missing covariates imputed", str(error))


def _diagnosed(data: pd.DataFrame, imputed: Imputed) -> Rows:
    problems = imputed.log.groupby("variable")["problem"].agg("; ".join)
    about = imputed.variables.rename(columns={"name": "variable"}).drop(columns=["low", "high"])
    about = about.merge(convergence(imputed.trace), on="variable").assign(
        m=len(imputed.sets), problems=about["variable"].map(problems).fillna("")
    )
    return {
        "imputations": about,
        "imputation_values": distributions(data, imputed),
        "imputation_trace": imputed.trace,
    }


RUNNING = Running(jobs=jobs)
