"""The models that an analysis can ask for, apart from the time scale that they are fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.cohort.sampled import EVERYONE
from riskkit.design.sampling import CaseCohort, NestedCaseControl
from riskkit.design.survey import SurveyDesign
from riskkit.fit.clogit import clogit
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.fit.logistic import logistic
from riskkit.measure import HAZARD, ODDS, Measure
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import NO_TIME, Task
from riskkit.spec.sampling import MATCHED, NESTED


@dataclass(frozen=True)
class Estimator:
    """A model by its name, what its estimates are, and how it is fitted."""

    name: str
    measure: Measure
    fit: Callable[[str, pd.DataFrame, SurveyDesign | None, str | None], Fit]


def _cox(formula: str, data: pd.DataFrame, survey: SurveyDesign | None, time_unit: str | None) -> Fit:
    return cox(formula, data, survey=survey, time_unit=str(time_unit))


def _logistic(formula: str, data: pd.DataFrame, survey: SurveyDesign | None, time_unit: str | None) -> Fit:
    return logistic(formula, data, survey=survey)


ESTIMATORS = {each.name: each for each in (Estimator("cox", HAZARD, _cox), Estimator("logistic", ODDS, _logistic))}


def estimator(time_scale: str) -> Estimator:
    """The model of a time scale: Cox regression where there is follow-up, logistic regression of a prevalent state."""
    return ESTIMATORS["logistic" if time_scale == NO_TIME else "cox"]


def fit_model(
    formula: str, data: pd.DataFrame, task: Task, time_unit: str | None, survey: SurveyDesign | None = None
) -> Fit:
    """Fit a task's model, by the design of a survey if there is one.

    Raises
    ------
    RiskkitError
        As `riskkit.cox` and `riskkit.logistic` do.
    """
    return estimator(task.time_scale).fit(formula, data, survey, time_unit)


def fit_sampled(formula: str, data: pd.DataFrame, task: Task, cohort: Cohort) -> Fit:
    """Fit a task's model to the sample of a cohort that its file declares, as to the cohort.

    Parameters
    ----------
    formula : str
    data : DataFrame
        With the columns of the formula and of the sampling.
    task : Task
    cohort : Cohort

    Raises
    ------
    RiskkitError
        As `riskkit.cox(..., sampling=...)` and `riskkit.clogit` do.
    """
    drawn = cohort.sampled
    assert drawn is not None
    unit = str(cohort.time_unit)
    if drawn.design == MATCHED:
        return clogit(f"{formula} + strata({drawn.set})", data)
    if drawn.design == NESTED:
        return cox(
            formula, data, sampling=NestedCaseControl(str(drawn.set), task.outcome, drawn.weights), time_unit=unit
        )
    sizes = {level: int(n) for level, n in drawn.sizes[task.outcome].items()}
    size: int | dict[str, int] = sizes if drawn.strata else sizes[EVERYONE]
    sampling = CaseCohort(str(drawn.subcohort), drawn.method, size, drawn.strata)
    return cox(formula, data, sampling=sampling, time_unit=unit)


def sampling_columns(cohort: Cohort) -> list[str]:
    """The variables that say how people were drawn."""
    drawn = cohort.sampled
    given = (drawn.subcohort, drawn.strata, drawn.set, drawn.weights) if drawn else ()
    return [name for name in given if name is not None]


def measure(spec: AnalysisSpec) -> Measure:
    """What the ratios of an analysis are."""
    return estimator(spec.time_scales[0]).measure
