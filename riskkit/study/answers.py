"""What is asked of every fit of the study, in rows of the results."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import numbers
from riskkit.fit.fit import Fit
from riskkit.infer.anova import anova
from riskkit.infer.floating import floating
from riskkit.infer.nadir import nadir
from riskkit.infer.trend import trend
from riskkit.infer.ushape import ushape
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import EVERYONE, Task, is_main
from riskkit.study.coding import ExposureCoding
from riskkit.study.eligibility import person_years
from riskkit.study.splines import (
    covariances,
    curve_over,
    end_rows,
    group_spline,
    percentiles_of,
    shape_row,
    spline_row,
    told_between,
)
from riskkit.study.study import Rows, Study

KEY = ("exposure", "outcome", "time_scale", "coding", "model", "variant")


def terms_of(task: Task, coding: ExposureCoding) -> str:
    """The right-hand side of a task's formula: exposure first, then covariates and strata."""
    strata = [f"strata({', '.join(task.strata)})"] if task.strata else []
    return " + ".join([coding.term(task), *task.covariates, *strata])


def keyed(out: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Say in each row which task of the batch it is of."""
    for place, (name, value) in enumerate(zip(KEY, astuple(task), strict=False)):
        if name != "outcome":
            out.insert(place, name, value)
    return out


def answers(task: Task, fit: Fit, data: pd.DataFrame, used: np.ndarray, study: Study) -> Rows:
    """Ask a fit every question its coding allows; `used` are the rows of `data` it was fitted to, shape (n,)."""
    coding, spec = study.codings[task.exposure], study.spec
    tidy = fit.tidy(spec.level)
    tests = anova(fit)
    rows = {"coefficients": tidy, "tests": tests[tests["term"] == task.exposure].copy()}
    own = tidy.iloc[fit.recipe.terms[0].columns].copy()
    if task.coding == "linear":
        rows["estimates"] = own.assign(
            level=f"per {coding.per_label}",
            n=fit.n,
            events=fit.events,
            person_years=fit.person_years,
            n_missing=fit.n_missing,
        )
    elif task.coding == "groups":
        rows["estimates"] = _groups(task, fit, data, used, coding, spec, study.cohort)
        found = trend(fit, task.exposure, level=spec.level)
        rows["tests"] = pd.concat([rows["tests"], _trend_test(task, found)], ignore_index=True)
    else:
        limits = told_between(fit, task.exposure, coding)
        rows["curves"] = curve_over(fit, task.exposure, coding, spec.level)
        if is_main(task, spec) or task.variant != EVERYONE:
            rows["shapes"] = shape_row(ushape(fit, task.exposure, limits=limits, level=spec.level))
        if task.variant == EVERYONE:
            rows["splines"] = spline_row(fit, task.exposure, nadir(fit, task.exposure, spec.level, limits=limits))
            rows["covariances"] = covariances(fit)
        else:
            rows["ends"] = end_rows(fit, task.exposure, coding, spec.level)
            about = {"kind": "variant", "by": task.variant, "group": "", "n": fit.n, "events": fit.events}
            values = percentiles_of(numbers(data.loc[used, task.exposure]))
            rows |= group_spline(fit, task.exposure, coding, values, {**about, "person_years": fit.person_years})
    return rows


def _groups(
    task: Task,
    fit: Fit,
    data: pd.DataFrame,
    used: np.ndarray,
    coding: ExposureCoding,
    spec: AnalysisSpec,
    cohort: Cohort,
) -> pd.DataFrame:
    """One row per group, the reference included, with its people and events and its floating interval."""
    floats = floating(fit, task.exposure, spec.level)
    own = fit.tidy(spec.level).iloc[fit.recipe.terms[0].columns]
    first = {"term": task.exposure, "estimate": 0.0, "se": 0.0, "ratio": 1.0, "low": 1.0, "high": 1.0, "p": np.nan}
    order = np.insert(np.arange(1, len(own) + 1), coding.reference_group - 1, 0)
    relative = pd.concat([pd.DataFrame([first]), own], ignore_index=True).assign(term=task.exposure).iloc[order]
    values = numbers(data.loc[used, task.exposure])
    group = np.searchsorted(coding.cuts, values, side="left")
    inside = [group == g for g in range(len(coding.cuts) + 1)]
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
