"""Who takes part in a task, and what of their follow-up."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.spec.analysis import AnalysisSpec, SensitivitySpec, VariantSpec
from riskkit.spec.expression import parse
from riskkit.spec.plan import Task
from riskkit.spec.tables import PER_YEAR

START = "start_of_risk"


def variant_of(task: Task, spec: AnalysisSpec) -> VariantSpec | None:
    """The subgroup or sensitivity analysis a task belongs to."""
    return next((variant for variant in spec.variants if variant.name == task.variant), None)


def people(task: Task, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    """The rows of a variant: those its condition picks, the exposure trimmed, the first years taken off follow-up.

    A lag moves the start of risk (the column `start_of_risk` on the follow-up scale, the age at entry on the age
    scale); whoever has left by then is never at risk, which a missing end of follow-up says.
    """
    data = cohort.data
    variant = variant_of(task, spec)
    if variant is None:
        return data
    if variant.when is not None:
        data = data[(parse(variant.when).truth(data) == 1).to_numpy()]
    if not isinstance(variant, SensitivitySpec):
        return data
    if variant.trim is not None:
        values = cohort.data[task.exposure]
        low, high = np.nanpercentile(values, variant.trim)
        data = data[data[task.exposure].between(low, high)]
    if variant.lag is not None:
        data = _later(data, variant.lag * PER_YEAR[str(cohort.time_unit)], spec, cohort)
    return data


def response(task: Task, spec: AnalysisSpec, cohort: Cohort) -> str:
    """The task's follow-up as a formula writes it."""
    time = str(cohort.outcomes[task.outcome].time)
    if task.time_scale == "age":
        return f"Surv(age_entry, {_age_exit(time)}, {task.outcome})"
    variant = variant_of(task, spec)
    if isinstance(variant, SensitivitySpec) and variant.lag is not None:
        return f"Surv({START}, {time}, {task.outcome})"
    return f"Surv({time}, {task.outcome})"


def _later(data: pd.DataFrame, lag: float, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    times = {str(cohort.outcomes[outcome].time) for outcome in spec.outcomes}
    ends = {time: data[time].where(data[time] > lag) for time in times}
    moved = data.assign(**{START: lag}, **ends)
    if "age_entry" in data:
        ages = {_age_exit(time): data[_age_exit(time)].where(data[time] > lag) for time in times}
        moved = moved.assign(age_entry=data["age_entry"] + lag, **ages)
    return moved


def _age_exit(time: str) -> str:
    return time.removesuffix("follow_up") + "age_exit"
