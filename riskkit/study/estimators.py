"""The models that an analysis can ask for, apart from the time scale that they are fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from riskkit.design.survey import SurveyDesign
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.fit.logistic import logistic
from riskkit.measure import HAZARD, ODDS, Measure
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import NO_TIME, Task


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


def measure(spec: AnalysisSpec) -> Measure:
    """What the ratios of an analysis are."""
    return estimator(spec.time_scales[0]).measure
