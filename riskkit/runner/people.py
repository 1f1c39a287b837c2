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
    outcome = cohort.outcomes[task.outcome]
    time = outcome.time
    if task.time_scale == "age":
        return f"Surv(age_entry, {outcome.age_exit}, {task.outcome})"
    variant = variant_of(task, spec)
    if isinstance(variant, SensitivitySpec) and variant.lag is not None:
        return f"Surv({START}, {time}, {task.outcome})"
    return f"Surv({time}, {task.outcome})"


def _later(data: pd.DataFrame, lag: float, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    columns = {START: pd.Series(lag, index=data.index)}
    for outcome in (cohort.outcomes[name] for name in spec.outcomes):
        stays = data[outcome.time] > lag
        columns |= {name: data[name].where(stays) for name in (outcome.time, outcome.age_exit) if name is not None}
    if "age_entry" in data:
        columns["age_entry"] = data["age_entry"] + lag
    return data.assign(**columns)
