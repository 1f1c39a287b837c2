"""Who takes part in a task, and what of their follow-up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit import formula as language
from riskkit.cohort.cohort import Cohort
from riskkit.errors import FitError
from riskkit.infer.affordable import PER_DF
from riskkit.spec.analysis import AnalysisSpec, SensitivitySpec, VariantSpec
from riskkit.spec.expression import parse
from riskkit.spec.plan import NO_TIME, Task
from riskkit.spec.tables import PER_YEAR
from riskkit.spec.terms import columns, columns_of
from riskkit.study.coding import ExposureCoding

START = "start_of_risk"


def variant_of(task: Task, spec: AnalysisSpec) -> VariantSpec | None:
    """The subgroup or sensitivity analysis a task belongs to."""
    return next((variant for variant in spec.variants if variant.name == task.variant), None)


def people(task: Task, spec: AnalysisSpec, cohort: Cohort, wanted: list[str]) -> pd.DataFrame:
    """Columns of the cohort, for the people of a variant: those its condition picks, trimmed, their first years off.

    A lag moves the start of risk (the column `start_of_risk` on the follow-up scale, the age at entry on the age
    scale); whoever has left by then is never at risk, which a missing end of follow-up says.
    """
    data = cohort.data[wanted]
    variant = variant_of(task, spec)
    if variant is None:
        return data
    kept = np.ones(len(data), dtype=bool)
    if variant.when is not None:
        kept &= parse(variant.when).truth(cohort.data).to_numpy() == 1
    lag = None
    if isinstance(variant, SensitivitySpec):
        lag = variant.lag
        if variant.trim is not None:
            low, high = np.nanpercentile(data[task.exposure], variant.trim)
            kept &= data[task.exposure].between(low, high).to_numpy()
    data = data[kept]
    return data if lag is None else _later(data, lag * PER_YEAR[str(cohort.time_unit)], spec, cohort)


def only(data: pd.DataFrame, formula: str, used: np.ndarray) -> pd.DataFrame:
    """The rows used, and the columns a formula names."""
    return data.loc[used, list(language.parse(formula).columns)]


def response(task: Task, spec: AnalysisSpec, cohort: Cohort) -> str:
    """The task's outcome as a formula writes it: its follow-up, or the state itself."""
    outcome = cohort.outcomes[task.outcome]
    time = outcome.time
    if time is None:
        return task.outcome
    if task.time_scale == "age":
        return f"Surv(age_entry, {outcome.age_exit}, {task.outcome})"
    variant = variant_of(task, spec)
    if isinstance(variant, SensitivitySpec) and variant.lag is not None:
        return f"Surv({START}, {time}, {task.outcome})"
    return f"Surv({time}, {task.outcome})"


def _later(data: pd.DataFrame, lag: float, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    moved: dict[str, pd.Series] = {START: pd.Series(lag, index=data.index)}
    for outcome in (cohort.outcomes[name] for name in spec.outcomes):
        if outcome.time in data:
            stays = data[outcome.time] > lag
            moved[outcome.at_risk] = data[outcome.at_risk] & stays
            moved |= {
                name: data[name].where(stays) for name in (outcome.time, outcome.age_exit) if name and name in data
            }
    if "age_entry" in data:
        moved["age_entry"] = data["age_entry"] + lag
    return data.assign(**moved)


def in_category_without_events(task: Task, data: pd.DataFrame, used: np.ndarray, cohort: Cohort) -> np.ndarray:
    """Who is in a category of a covariate in which nobody used has the event, shape (n,); of a state, also everybody.

    The likelihood puts the hazard or the odds of such a category at zero (or at infinity), which no iteration reaches;
    with its people left out the other coefficients are exactly those of that limit.
    """
    event = data[task.outcome].to_numpy() == 1
    out = np.zeros(len(data), dtype=bool)
    for name in columns_of(task.covariates):
        if cohort.variables[name].kind != "number":
            codes, levels = pd.factorize(data[name])
            present, cases = (
                np.bincount(codes[rows & (codes >= 0)], minlength=len(levels)) for rows in (used, used & event)
            )
            of_one_kind = (cases == 0) | ((cases == present) & (task.time_scale == NO_TIME))
            out |= (codes >= 0) & np.append(of_one_kind, False)[codes]
    return out


def cases_only(task: Task, data: pd.DataFrame, used: np.ndarray, kept: np.ndarray) -> str | None:
    """Why a model cannot be fitted to those kept: without categories that have no events, only cases are left.

    A stratum in which everybody has the event, beside strata without any, is no better.
    """
    event = data[task.outcome].to_numpy() == 1
    for name in task.strata:
        shares = pd.Series(event[used]).groupby(data.loc[used, name].to_numpy()).mean()
        if set(shares) == {0.0, 1.0}:
            return f"in each stratum of '{name}' everybody or nobody has the outcome: it says who has it; leave it out."
    if not kept.any() or not event[kept].all() or event[used].all():
        return None
    names = [
        name for name in columns_of(task.covariates) if data.loc[kept, name].nunique() < data.loc[used, name].nunique()
    ]
    return (
        f"only people with the outcome are left where '{names[0] if names else '?'}' has a category without events: it "
        "says who has the outcome, and is no covariate of it."
    )


def informing(task: Task, data: pd.DataFrame, used: np.ndarray, cohort: Cohort) -> np.ndarray:
    """Who of those used tells something in a sample of a cohort, shape (n,); everybody where it is no sample.

    Of a case-cohort sample the subcohort and the outcome's cases, without other outcomes' cases; of sets, those that
    have a case and a control with all values.
    """
    drawn = cohort.sampled
    if drawn is None:
        return used
    event = data[task.outcome].to_numpy() == 1
    if drawn.subcohort is not None:
        return used & (event | (data[drawn.subcohort] == 1).to_numpy())
    codes, _ = pd.factorize(data[str(drawn.set)])
    cases, people = np.bincount(codes, used & event), np.bincount(codes, used)
    return used & ((cases > 0) & (people > cases))[codes]


def varying_terms(task: Task, data: pd.DataFrame) -> tuple[str, ...]:
    """The covariates that still differ between the people who are left."""
    return tuple(term for term in task.covariates if all(data[name].nunique() > 1 for name in columns(term)))


def check_events(task: Task, spec: AnalysisSpec, coding: ExposureCoding, event: np.ndarray) -> None:
    """Refuse a model whose events cannot carry the exposure's coefficients; `event` is of who is used, shape (n,).

    Ten are asked for each degree of freedom of the exposure (of a prevalent outcome, as many without it), and as many
    as the analysis asks for in any case. Where that is too few for a curve or groups, the straight line stands alone.

    Raises
    ------
    FitError
        With how many there are, and how many are needed.

    References
    ----------
    Peduzzi P et al (1995) J Clin Epidemiol 48:1503-1510. See `riskkit.infer.affordable`.
    """
    happened = int((event == 1).sum())
    fewer = min(happened, len(event) - happened) if task.time_scale == NO_TIME else happened
    if happened < spec.min_events:
        raise FitError(f"{happened} events, fewer than the {spec.min_events} asked for.")
    df = coding.df(task)
    if fewer < PER_DF * df:
        counted = f"{fewer} events" if fewer == happened else f"{fewer} people without the outcome"
        what = {"spline": "the spline", "groups": "the groups", "linear": "the straight line"}[task.coding]
        each = "" if df == 1 else f", {PER_DF:.0f} for each of the {df} coefficients of {what}"
        raise FitError(f"{counted}, fewer than the {PER_DF * df:.0f} asked for{each}.")


def is_complete(formula: str, data: pd.DataFrame) -> np.ndarray:
    """Which rows are complete in everything a formula names, shape (n,)."""
    used = [name for name in language.parse(formula).columns if name in data]
    return np.asarray(data[used].notna().all(axis=1))


def person_years(task: Task, data: pd.DataFrame, cohort: Cohort) -> np.ndarray:
    """Time at risk of each row in years, shape (n,); missing where there is none, and of the sample of a cohort."""
    if task.time_scale == NO_TIME or cohort.sampled is not None:
        return np.full(len(data), np.nan)
    time = str(cohort.outcomes[task.outcome].time)
    lag = data[START].to_numpy() if START in data else 0.0
    return (data[time].to_numpy(dtype=float) - lag) / PER_YEAR[str(cohort.time_unit)]
