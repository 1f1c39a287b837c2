"""The models of the analysis: every exposure with every outcome, batch by batch, and every question asked of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from riskkit import formula as language
from riskkit import registry
from riskkit.cohort.cohort import Cohort
from riskkit.errors import FitError
from riskkit.fit.fit import Fit
from riskkit.fit.outcomes import cox_many
from riskkit.infer.multiplicity import adjust
from riskkit.infer.ph import ph_test
from riskkit.spec.plan import EVERYONE, NO_TIME, Task, batches, is_main
from riskkit.study.answers import answers, keyed, terms_of
from riskkit.study.batch import Batch, Fitted
from riskkit.study.eligibility import (
    cases_only,
    check_events,
    in_category_without_events,
    informing,
    is_complete,
    only,
    people,
    response,
    varying_terms,
)
from riskkit.study.estimators import fit_model, fit_sampled, sampling_columns
from riskkit.study.leading import primary_tests
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study

CORRECTED = ["p_holm", "p_fdr", "family_size", "family_missing"]
OF_VARIANTS = {"estimates": "variants", "shapes": "variant_shapes", "ends": "variant_ends"}
OF_GROUPS = ("group_splines", "group_covariances")  # which name the variant in a column of their own


def jobs(study: Study) -> Iterator[Job]:
    """One job for each batch of models that differ in the outcome only."""
    for batch in batches(study.tasks):
        task = batch[0]
        yield Job(fit_batch, (batch,), f"{task.exposure}, {task.coding}, {task.variant or task.model}", len(batch))


def fit_batch(study: Study, batch: tuple[Task, ...]) -> Rows:
    """Fit tasks that differ in the outcome only; a task that cannot be fitted is a row of `failures` with its reason.

    Returns
    -------
    dict of frame name to DataFrame
        Rows of estimates, curves, splines, covariances, shapes, tests, fits and coefficients; of a subgroup or
        sensitivity analysis of variants and variant_shapes; failures; and what questions add that take the fits.
    """
    spec, cohort, coding = study.spec, study.cohort, study.codings[batch[0].exposure]
    terms = terms_of(batch[0], coding)
    responses = {task.outcome: response(task, spec, cohort) for task in batch}
    formulas = {name: f"{follow_up} ~ {terms}" for name, follow_up in responses.items()}
    data = people(batch[0], spec, cohort, _columns(formulas, cohort))
    drawn = cohort.sampled is not None
    at_risk = {name: data[cohort.outcomes[name].at_risk].to_numpy() for name in formulas}
    complete = {name: is_complete(formula, data) for name, formula in formulas.items()}
    used = {name: complete[name] & at_risk[name] for name in formulas}
    used = {task.outcome: informing(task, data, used[task.outcome], cohort) for task in batch}
    without_events = {
        task.outcome: in_category_without_events(task, data, used[task.outcome], cohort)
        if not drawn
        else np.zeros(len(data), dtype=bool)  # the size of the cohort without them is not known
        for task in batch
    }
    outcomes: dict[str, Fit | Exception] = {}
    for name, follow_up in responses.items():
        try:
            check_events(batch[0], spec, coding, data.loc[used[name], name].to_numpy(dtype=float))
        except FitError as error:
            outcomes[name] = error
            continue
        if drawn:
            kept = used[name]
            left = replace(batch[0], outcome=name, covariates=varying_terms(batch[0], data[kept]))
            formulas[name] = f"{follow_up} ~ {terms_of(left, coding)}"
            if cohort.sampled is not None and cohort.sampled.subcohort is not None:
                # Who lacks a value was drawn too: the model counts cases and subcohort, and leaves rows out by itself.
                kept = informing(left, data, at_risk[name], cohort)
            outcomes[name] = _fit_alone(left, formulas[name], data, kept, cohort)
        elif reason := cases_only(
            replace(batch[0], outcome=name), data, used[name], used[name] & ~without_events[name]
        ):
            outcomes[name] = FitError(reason)
        elif batch[0].time_scale == NO_TIME or without_events[name].any() or (complete[name] & ~at_risk[name]).any():
            kept = used[name] & ~without_events[name]
            left = replace(batch[0], covariates=varying_terms(batch[0], data[kept]))
            formulas[name] = f"{follow_up} ~ {terms_of(left, coding)}"
            outcomes[name] = _fit_alone(left, formulas[name], data, kept, cohort)
    together = {name: follow_up for name, follow_up in responses.items() if name not in outcomes}
    if together:
        try:
            outcomes |= cox_many(terms, data, together, time_unit=str(cohort.time_unit))
        except FAILED as error:  # the terms themselves cannot be coded: no outcome can have them
            outcomes |= dict.fromkeys(together, error)
    rows: list[Rows] = []
    fitted: list[Fitted] = []
    for task in batch:
        name, text, fit = task.outcome, formulas[task.outcome], outcomes[task.outcome]
        kept = used[name] & ~without_events[name]
        if isinstance(fit, Fit):
            of_sample = informing(task, data, at_risk[name], cohort)
            fit = replace(fit, n_missing=int((of_sample & ~complete[name]).sum()))
            if drawn:  # the time at risk of a sample is not that of the cohort
                fit = replace(fit, person_years=float("nan"))
        rows.append(_rows(task, fit, text, data, kept, study))
        if "fits" in rows[-1] and isinstance(fit, Fit):
            rows[-1]["fits"]["n_without_events"] = int((without_events[name] & used[name]).sum())
            fitted.append(Fitted(task, text, fit, kept))
    asked = Batch(batch[0], terms, data, tuple(fitted), _of("estimates", rows))
    rows += [
        running.of_batch(study, asked)
        for running in registry.parts("run").values()
        if running.of_batch and (running.of_samples or not drawn)
    ]
    names = dict.fromkeys(name for each in rows for name in each)
    return _named({name: keyed(_of(name, rows), batch[0]) for name in names}, batch[0])


def _of(name: str, rows: list[Rows]) -> pd.DataFrame:
    """One frame of all of them."""
    frames = [each[name] for each in rows if name in each]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _named(rows: Rows, task: Task) -> Rows:
    """Rows under the names of the frames they are for: those of variants have their own, and keep estimates only."""
    of_all = {name: rows[name] for name in ("corrected", "failures", "cells") if name in rows}
    if task.variant != EVERYONE:
        of_groups = {name: rows[name].drop(columns="variant") for name in OF_GROUPS if name in rows}
        return {OF_VARIANTS[name]: rows[name] for name in OF_VARIANTS if name in rows} | of_groups | of_all
    return {name: frame.drop(columns="variant") for name, frame in rows.items()} | of_all


def _fit_alone(task: Task, formula: str, data: pd.DataFrame, used: np.ndarray, cohort: Cohort) -> Fit | Exception:
    """Fit one outcome to its own people; of the variables' summaries only the exposure's is kept."""
    try:
        if cohort.sampled is not None:
            columns = dict.fromkeys([*language.parse(formula).columns, *sampling_columns(cohort)])
            fit = fit_sampled(formula, data.loc[used, list(columns)], task, cohort)
        else:
            fit = fit_model(formula, only(data, formula, used), task, cohort.time_unit)
    except FAILED as error:
        return error
    assert fit.design is not None
    term = fit.recipe.terms[0]
    return fit.light({term.variables[0]: term.bases[0].summary(fit.design.x[:, term.columns])})


def _columns(formulas: Mapping[str, str], cohort: Cohort) -> list[str]:
    """The cohort's columns that a batch needs: those of its formulas, and follow-up for person-years."""
    names = [name for formula in formulas.values() for name in language.parse(formula).columns]
    for outcome in (cohort.outcomes[name] for name in formulas):
        names += [outcome.at_risk, str(outcome.time)]
    return [name for name in dict.fromkeys([*names, *sampling_columns(cohort)]) if name in cohort.data]


def _rows(task: Task, fit: Fit | Exception, text: str, data: pd.DataFrame, used: np.ndarray, study: Study) -> Rows:
    if isinstance(fit, Fit):
        try:
            rows = answers(task, fit, data, used, study)
            rows["fits"] = fit.glance().drop(columns="model").assign(formula=text)
            if (
                is_main(task, study.spec)
                and task.coding == "spline"
                and task.time_scale != NO_TIME
                and study.cohort.sampled is None
            ):
                hazards = _hazards(task, text, data, used, study.cohort)
                rows["tests"] = pd.concat([rows["tests"], hazards], ignore_index=True)
        except FAILED as error:
            fit = error
    if isinstance(fit, Exception):
        rows = {"failures": pd.DataFrame({"reason": [str(fit)], "formula": [text]})}
    for frame in rows.values():
        frame.insert(0, "outcome", task.outcome)
    return rows


def _hazards(task: Task, text: str, data: pd.DataFrame, used: np.ndarray, cohort: Cohort) -> pd.DataFrame:
    """Tests of proportional hazards, for the exposure and for the whole model; they need the design again."""
    found = ph_test(fit_model(text, only(data, text, used), task, cohort.time_unit))
    found = found[found["term"].isin([task.exposure, "GLOBAL"])]
    return found.assign(part="proportional hazards")[["term", "part", "chi2", "df", "p"]]


def adjusted(study: Study, frames: Frames) -> Rows:
    """P values corrected for their number: each coding, model, time scale and kind of test is a family.

    The primary tests of the main model are one family whatever their coding, which counts the pairs that could not be
    tested, too. What is declared (`family`) says whether a family holds all exposures, or each has its own.
    """
    own = ["exposure"] if study.spec.family == "exposure" else []
    family = [*own, "time_scale", "coding", "model", "about"]
    made: Rows = {}
    for name, more in (("estimates", []), ("tests", ["part"])):
        frame = frames[name]
        about = np.where(frame["term"] == "GLOBAL", "GLOBAL", "")
        made[name] = adjust(frame.assign(about=about), [*family, *more]).drop(columns="about") if len(frame) else frame
    primary = primary_tests(made["tests"], study.spec)
    if len(primary):
        whole = adjust(primary, own)
        asked = len(study.spec.outcomes) * (1 if own else len(study.spec.exposures))
        whole = whole.assign(family_missing=asked - whole["family_size"])
        made["tests"].loc[whole.index, CORRECTED] = whole[CORRECTED]
    return made


RUNNING = Running(jobs=jobs, finish=adjusted, of_samples=True)
