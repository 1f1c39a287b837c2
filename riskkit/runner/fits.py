"""A batch of tasks to rows of the results: one design, one fit per outcome, every question asked of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, replace

import numpy as np
import pandas as pd

from riskkit import formula as language
from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import numbers
from riskkit.errors import FitError, RiskkitError
from riskkit.fit.fit import Fit
from riskkit.fit.outcomes import cox_many
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.infer.floating import floating
from riskkit.infer.nadir import nadir
from riskkit.infer.ph import ph_test
from riskkit.infer.trend import trend
from riskkit.runner.model import fit_model, measure
from riskkit.runner.people import is_complete, is_silent, only, people, person_years, response, varying_terms
from riskkit.runner.scale import Scale
from riskkit.runner.splines import SEARCHED, covariances, shape_row, spline_row
from riskkit.runner.usual import Fitted, Repeated, usual_level
from riskkit.runner.weighted import weighted
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import EVERYONE, NO_TIME, Task, is_main

KEY = ("exposure", "outcome", "time_scale", "coding", "model", "variant")
Rows = dict[str, pd.DataFrame]


def fit_batch(batch: tuple[Task, ...], scale: Scale, spec: AnalysisSpec, cohort: Cohort) -> Rows:
    """Fit tasks that differ in the outcome only; a task that cannot be fitted is a row of `failures` with its reason.

    Returns
    -------
    dict of frame name to DataFrame
        Rows of estimates, corrected, curves, usual, splines, covariances, shapes, tests, fits, coefficients and
        failures, with the tasks' keys; weighted ones too where the analysis asks for them.
    """
    terms = terms_of(batch[0], scale)
    responses = {task.outcome: response(task, spec, cohort) for task in batch}
    formulas = {name: f"{follow_up} ~ {terms}" for name, follow_up in responses.items()}
    data = people(batch[0], spec, cohort, _columns(formulas, scale, cohort))
    at_risk = {name: data[cohort.outcomes[name].at_risk].to_numpy() for name in formulas}
    complete = {name: is_complete(formula, data) for name, formula in formulas.items()}
    used = {name: complete[name] & at_risk[name] for name in formulas}
    silent = {task.outcome: is_silent(task, data, used[task.outcome], cohort) for task in batch}
    outcomes: dict[str, Fit | RiskkitError] = {}
    for name, follow_up in responses.items():
        events = int(data.loc[used[name], name].sum())
        if events < spec.min_events:
            outcomes[name] = FitError(f"{events} events, fewer than the {spec.min_events} asked for.")
        elif batch[0].time_scale == NO_TIME or silent[name].any() or (complete[name] & ~at_risk[name]).any():
            left = replace(batch[0], covariates=varying_terms(batch[0], data[used[name] & ~silent[name]]))
            formulas[name] = f"{follow_up} ~ {terms_of(left, scale)}"
            outcomes[name] = _fit_alone(left, formulas[name], data, used[name] & ~silent[name], cohort)
    together = {name: follow_up for name, follow_up in responses.items() if name not in outcomes}
    if together:
        try:
            outcomes |= cox_many(terms, data, together, time_unit=str(cohort.time_unit))
        except RiskkitError as error:  # the terms themselves cannot be coded: no outcome can have them
            outcomes |= dict.fromkeys(together, error)
    rows: list[Rows] = []
    fitted: list[Fitted] = []
    for task in batch:
        people_used = used[task.outcome] & ~silent[task.outcome]
        text = formulas[task.outcome]
        fit = outcomes[task.outcome]
        if isinstance(fit, Fit):
            fit = replace(fit, n_missing=int((at_risk[task.outcome] & ~complete[task.outcome]).sum()))
        rows.append(_rows(task, fit, text, data, people_used, scale, spec, cohort))
        if "fits" in rows[-1] and isinstance(fit, Fit):
            rows[-1]["fits"]["n_silent"] = int((silent[task.outcome] & used[task.outcome]).sum())
            fitted.append(Fitted(task.outcome, text, fit, people_used))
    if scale.repeat is not None:
        twice = Repeated(batch[0], terms, data, tuple(fitted), scale.repeat)
        rows.append(usual_level(twice, _of("estimates", rows), scale, spec, cohort))
    names = dict.fromkeys(name for each in rows for name in each)
    return {name: keyed(_of(name, rows), batch[0]) for name in names}


def _of(name: str, rows: list[Rows]) -> pd.DataFrame:
    """One frame of all of them."""
    frames = [each[name] for each in rows if name in each]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _fit_alone(task: Task, formula: str, data: pd.DataFrame, used: np.ndarray, cohort: Cohort) -> Fit | RiskkitError:
    """Fit one outcome to its own people; of the variables' summaries only the exposure's is kept."""
    try:
        fit = fit_model(formula, only(data, formula, used), task, cohort.time_unit)
    except RiskkitError as error:
        return error
    assert fit.design is not None
    term = fit.recipe.terms[0]
    return fit.light({term.variables[0]: term.bases[0].summary(fit.design.x[:, term.columns])})


def _columns(formulas: Mapping[str, str], scale: Scale, cohort: Cohort) -> list[str]:
    """The cohort's columns that a batch needs: those of its formulas, the repeat, and follow-up for person-years."""
    names = [name for formula in formulas.values() for name in language.parse(formula).columns]
    for outcome in (cohort.outcomes[name] for name in formulas):
        names += [outcome.at_risk, str(outcome.time)]
    names += [scale.repeat] if scale.repeat else []
    return [name for name in dict.fromkeys(names) if name in cohort.data]


def terms_of(task: Task, scale: Scale) -> str:
    """The right-hand side of a task's formula: exposure first, then covariates and strata."""
    strata = [f"strata({', '.join(task.strata)})"] if task.strata else []
    return " + ".join([scale.term(task), *task.covariates, *strata])


def _rows(
    task: Task,
    fit: Fit | RiskkitError,
    text: str,
    data: pd.DataFrame,
    used: np.ndarray,
    scale: Scale,
    spec: AnalysisSpec,
    cohort: Cohort,
) -> Rows:
    if isinstance(fit, Fit):
        try:
            rows = answers(task, fit, data, used, scale, spec, cohort)
            rows["fits"] = fit.glance().drop(columns="model").assign(formula=text)
            if is_main(task, spec) and task.coding == "spline" and task.time_scale != NO_TIME:
                rows["tests"] = pd.concat([rows["tests"], _hazards(task, text, data, used, cohort)], ignore_index=True)
            if spec.survey and is_main(task, spec):
                rows |= weighted(task, text, cohort.data[used], scale, spec.level, cohort)
        except RiskkitError as error:
            fit = error
    if isinstance(fit, RiskkitError):
        rows = {"failures": pd.DataFrame({"reason": [str(fit)], "formula": [text]})}
    for frame in rows.values():
        frame.insert(0, "outcome", task.outcome)
    return rows


def keyed(out: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Say in each row which task of the batch it is of."""
    for place, (name, value) in enumerate(zip(KEY, astuple(task), strict=False)):
        if name != "outcome":
            out.insert(place, name, value)
    return out


def answers(
    task: Task, fit: Fit, data: pd.DataFrame, used: np.ndarray, scale: Scale, spec: AnalysisSpec, cohort: Cohort
) -> Rows:
    """Ask a fit every question its coding allows; `used` are the rows of `data` it was fitted to, shape (n,)."""
    tidy = fit.tidy(spec.level)
    tests = anova(fit)
    rows = {"coefficients": tidy, "tests": tests[tests["term"] == task.exposure].copy()}
    own = tidy.iloc[fit.recipe.terms[0].columns].copy()
    if task.coding == "linear":
        rows["estimates"] = own.assign(
            level=f"per {scale.per_label}",
            n=fit.n,
            events=fit.events,
            person_years=fit.person_years,
            n_missing=fit.n_missing,
        )
    elif task.coding == "groups":
        rows["estimates"] = _groups(task, fit, data, used, scale, spec, cohort)
        found = trend(fit, task.exposure, level=spec.level)
        rows["tests"] = pd.concat([rows["tests"], _trend_test(task, found)], ignore_index=True)
    else:
        rows["curves"] = curve(fit, task.exposure, reference=scale.reference, level=spec.level)
        lowest = nadir(fit, task.exposure, spec.level, limits=SEARCHED)
        if task.variant == EVERYONE:
            rows["splines"] = spline_row(fit, task.exposure, lowest)
            rows["covariances"] = covariances(fit)
        if is_main(task, spec) or task.variant != EVERYONE:
            rows["shapes"] = shape_row(fit, task.exposure, lowest, scale.unit or "", measure(spec).level)
    return rows


def _groups(
    task: Task, fit: Fit, data: pd.DataFrame, used: np.ndarray, scale: Scale, spec: AnalysisSpec, cohort: Cohort
) -> pd.DataFrame:
    """One row per group, the reference included, with its people and events and its floating interval."""
    floats = floating(fit, task.exposure, spec.level)
    own = fit.tidy(spec.level).iloc[fit.recipe.terms[0].columns]
    first = {"term": task.exposure, "estimate": 0.0, "se": 0.0, "ratio": 1.0, "low": 1.0, "high": 1.0, "p": np.nan}
    order = np.insert(np.arange(1, len(own) + 1), scale.reference_group - 1, 0)
    relative = pd.concat([pd.DataFrame([first]), own], ignore_index=True).assign(term=task.exposure).iloc[order]
    values = numbers(data.loc[used, task.exposure])
    group = np.searchsorted(scale.cuts, values, side="left")
    inside = [group == g for g in range(len(scale.cuts) + 1)]
    event = data.loc[used, task.outcome].to_numpy()
    time = person_years(task, data.loc[used], cohort)
    return relative.assign(
        reference=order == 0,
        level=[f"Q{g + 1}" for g in range(len(inside))],
        x=[float(np.median(values[rows])) for rows in inside],
        x_low=[float(values[rows].min()) for rows in inside],
        x_high=[float(values[rows].max()) for rows in inside],
        n=[int(rows.sum()) for rows in inside],
        events=[int(event[rows].sum()) for rows in inside],
        person_years=[float(time[rows].sum()) for rows in inside],
        n_missing=fit.n_missing,
        float_se=floats["se"].to_numpy(),
        float_low=floats["low"].to_numpy(),
        float_high=floats["high"].to_numpy(),
    )


def _trend_test(task: Task, found: pd.DataFrame) -> pd.DataFrame:
    row = found.iloc[0]
    return pd.DataFrame(
        [{"term": task.exposure, "part": "trend", "chi2": (row["estimate"] / row["se"]) ** 2, "df": 1, "p": row["p"]}]
    )


def _hazards(task: Task, text: str, data: pd.DataFrame, used: np.ndarray, cohort: Cohort) -> pd.DataFrame:
    """Tests of proportional hazards, for the exposure and for the whole model; they need the design again."""
    found = ph_test(fit_model(text, only(data, text, used), task, cohort.time_unit))
    found = found[found["term"].isin([task.exposure, "GLOBAL"])]
    return found.assign(part="proportional hazards")[["term", "part", "chi2", "df", "p"]]
