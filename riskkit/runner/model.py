"""The model a task asks for: Cox regression where there is follow-up, logistic regression of a state at baseline."""

from __future__ import annotations

import pandas as pd

from riskkit.design.survey import SurveyDesign
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.fit.logistic import logistic
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import NO_TIME, Task
from riskkit.tables.measure import HAZARD, ODDS, Measure


def fit_model(
    formula: str, data: pd.DataFrame, task: Task, time_unit: str | None, survey: SurveyDesign | None = None
) -> Fit:
    """Fit a task's model, by the design of a survey if there is one.

    Raises
    ------
    RiskkitError
        As `riskkit.cox` and `riskkit.logistic` do.
    """
    if task.time_scale == NO_TIME:
        return logistic(formula, data, survey=survey)
    return cox(formula, data, survey=survey, time_unit=str(time_unit))


def measure(spec: AnalysisSpec) -> Measure:
    """What the ratios of an analysis are."""
    return ODDS if NO_TIME in spec.time_scales else HAZARD
