"""The main model with missing covariates imputed, beside the one that leaves people out; and how much was missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.errors import FitError, RiskkitError
from riskkit.imputation.diagnostics import convergence, distributions
from riskkit.imputation.impute import Imputed, impute
from riskkit.infer.nadir import nadir
from riskkit.runner.fits import Rows, answers, keyed, terms_of
from riskkit.runner.grid import Progress
from riskkit.runner.model import fit_model, measure
from riskkit.runner.people import response
from riskkit.runner.scale import Scale
from riskkit.runner.splines import SEARCHED, shape_row
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.imputation import ImputationSpec
from riskkit.spec.plan import Task, is_main, variable_of

IMPUTED = "imputed"  # the variant of these tasks
FRAMES = {"estimates": "imputed", "curves": "imputed_curves", "shapes": "imputed_shapes", "tests": "imputed_tests"}
DIAGNOSTICS = ("imputations", "imputation_values", "imputation_trace")


def main_tasks(tasks: tuple[Task, ...], spec: AnalysisSpec) -> dict[str, list[Task]]:
    """The tasks of the main model on the first time scale, by exposure."""
    found: dict[str, list[Task]] = {}
    for task in tasks:
        if is_main(task, spec):
            found.setdefault(task.exposure, []).append(task)
    return found


def how_much_missing(tasks: Mapping[str, list[Task]], cohort: Cohort) -> pd.DataFrame:
    """How many people lack each variable of the main model.

    Returns
    -------
    DataFrame
        exposure variable n n_missing: the exposure among everyone in the cohort, its covariates and strata among those
        who have it, and, with an empty variable, how many of these lack any. Then states at baseline that are not
        known of some, among those who have the exposure and could have them; follow-up is known of everyone.
    """
    rows = []
    for exposure, (task, *others) in tasks.items():
        measured = cohort.data[exposure].notna()
        rows.append((exposure, exposure, len(measured), int((~measured).sum())))
        lacking = cohort.data.loc[measured, [*_covariates(task), *task.strata]].isna()
        rows += [(exposure, name, len(lacking), int(lacking[name].sum())) for name in lacking]
        rows.append((exposure, "", len(lacking), int(lacking.any(axis=1).sum())))
        for name in dict.fromkeys(each.outcome for each in (task, *others)):
            possible = cohort.data.loc[measured & cohort.data[cohort.outcomes[name].at_risk], name]
            if possible.isna().any():
                rows.append((exposure, name, len(possible), int(possible.isna().sum())))
    return pd.DataFrame(rows, columns=["exposure", "variable", "n", "n_missing"])


def imputed_frames(
    tasks: Mapping[str, list[Task]],
    scales: Mapping[str, Scale],
    spec: AnalysisSpec,
    cohort: Cohort,
    on_progress: Progress | None = None,
) -> Rows:
    """Impute the covariates of the main model, once for each exposure, and fit it to every set.

    The sets are made among those who have the exposure, jointly for all outcomes (each with its event and the hazard
    lived through), so that the outcomes of a report rest on the same imputed people.

    Returns
    -------
    dict of frame name to DataFrame
        imputed, imputed_curves, imputed_shapes, imputed_tests, imputations, imputation_values, imputation_trace and
        failures: what could not be imputed or fitted.
    """
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in (*FRAMES.values(), *DIAGNOSTICS, "failures")}
    wanted = spec.imputation
    for exposure, own in tasks.items() if wanted else ():
        data, lacking = _people(own[0], spec, cohort), _lacking(own[0], wanted, cohort)
        if not lacking:
            continue
        try:
            imputed = _imputed(own, data, lacking, scales[exposure], wanted, spec, cohort, on_progress)
        except RiskkitError as error:
            found["failures"] += [_failure(task, error) for task in own]
            continue
        for name, frame in _diagnosed(data, imputed).items():
            found[name].append(frame.assign(exposure=exposure))
        for task in own:
            try:
                rows = _answered(task, data, imputed, scales[exposure], spec, cohort)
            except RiskkitError as error:
                found["failures"].append(_failure(task, error))
                continue
            for name, frame in rows.items():
                found[name].append(frame)
    return {name: pd.concat(frames, ignore_index=True) if frames else pd.DataFrame() for name, frames in found.items()}


def _covariates(task: Task) -> list[str]:
    return list(dict.fromkeys(map(variable_of, task.covariates)))


def _people(task: Task, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    """Who has the exposure and the strata, and what is not imputed; who is not at risk of an outcome has no event."""
    wanted = spec.imputation
    data = cohort.data
    needed = [task.exposure, *task.strata]
    if wanted and wanted.variables != "covariates":
        needed += [name for name in _covariates(task) if name not in wanted.variables]
    data = data[data[needed].notna().all(axis=1)]
    events = {name: data[name].astype(float).where(data[cohort.outcomes[name].at_risk]) for name in spec.outcomes}
    return data.assign(**events)


def _lacking(task: Task, wanted: ImputationSpec, cohort: Cohort) -> list[str]:
    """The covariates to impute: those that anyone who has the exposure lacks."""
    named = _covariates(task) if wanted.variables == "covariates" else list(wanted.variables)
    have = cohort.data[cohort.data[task.exposure].notna()]
    return [name for name in named if have[name].isna().any()]


def _imputed(
    tasks: list[Task],
    data: pd.DataFrame,
    lacking: list[str],
    scale: Scale,
    wanted: ImputationSpec,
    spec: AnalysisSpec,
    cohort: Cohort,
    on_progress: Progress | None,
) -> Imputed:
    task = tasks[0]
    auxiliary = [name for name in wanted.auxiliary if name not in (*lacking, task.exposure)]
    incomplete = [name for name in auxiliary if data[name].isna().any()]
    complete = [term for term in (*task.covariates, *auxiliary) if variable_of(term) not in (*lacking, *incomplete)]
    exposure = f"rcs({task.exposure}, {list(scale.knots)})" if scale.knots else task.exposure
    age = ["rcs(age_entry, 4)"] if task.time_scale == "age" else []
    varying = [name for name in task.strata if data[name].nunique() > 1]
    strata = [f"C({name})" for name in varying]
    return impute(
        data,
        [*lacking, *incomplete],
        outcomes=list(dict.fromkeys(response(each, spec, cohort) for each in tasks)),
        predictors=" + ".join(dict.fromkeys([exposure, *age, *complete, *strata])),
        m=wanted.m,
        iterations=wanted.iterations,
        seed=wanted.seed,
        ordered=[name for name in wanted.ordered if name in (*lacking, *incomplete)],
        on_progress=on_progress and (lambda done, of: on_progress(done, of, f"{task.exposure}, imputed sets")),
    )


def _answered(
    task: Task, data: pd.DataFrame, imputed: Imputed, scale: Scale, spec: AnalysisSpec, cohort: Cohort
) -> Rows:
    """What the pooled model of one task says, in the frames of the results."""
    task = replace(task, variant=IMPUTED)
    at_risk = data[cohort.outcomes[task.outcome].at_risk].to_numpy(dtype=bool) & data[task.outcome].notna().to_numpy()
    events = int(data.loc[at_risk, task.outcome].sum())
    if events < spec.min_events:
        raise FitError(f"{events} events, fewer than the {spec.min_events} asked for.")
    formula = f"{response(task, spec, cohort)} ~ {terms_of(task, scale)}"
    fit = imputed.among(at_risk).fit(partial(fit_model, task=task, time_unit=cohort.time_unit), formula)
    rows = answers(task, fit, data, at_risk, scale, spec, cohort)
    if "curves" in rows:
        lowest = nadir(fit, task.exposure, spec.level, limits=SEARCHED)
        rows["shapes"] = shape_row(fit, task.exposure, lowest, scale.unit or "", measure(spec).level)
    if task.coding == "linear":
        rows["estimates"] = rows["estimates"].assign(m=len(fit.fits))
    return {FRAMES[name]: _with_keys(rows[name], task) for name in FRAMES if name in rows}


def _with_keys(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    rows.insert(0, "outcome", task.outcome)
    return keyed(rows, task).drop(columns="variant")


def _failure(task: Task, error: RiskkitError) -> pd.DataFrame:
    row = pd.DataFrame({"outcome": [task.outcome], "reason": [str(error)], "formula": [""]})
    return keyed(row, replace(task, variant=IMPUTED))


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
