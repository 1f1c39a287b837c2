"""The main model as an estimate of the population a survey was drawn from, beside that of the people examined."""

from __future__ import annotations

import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.cohort.survey import Sampling
from riskkit.design.survey import Sample, SurveyDesign
from riskkit.errors import RiskkitError
from riskkit.fit.fit import Fit
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.runner.model import fit_model
from riskkit.runner.scale import Scale
from riskkit.spec.plan import Task

FRAMES = ("weighted", "weighted_curves", "weighted_tests")


def weighted(
    task: Task, formula: str, data: pd.DataFrame, scale: Scale, level: float, cohort: Cohort
) -> dict[str, pd.DataFrame]:
    """Fit a task's model once more, by the design of the cohort's survey.

    Parameters
    ----------
    task : Task
    formula : str
    data : DataFrame
        The cohort's columns of the people whom the unweighted model used: the others stay in the design.
    scale : Scale
    level : float
    cohort : Cohort
        With a design.

    Returns
    -------
    dict of frame name to DataFrame
        weighted_tests of every coding; weighted_curves of a spline and weighted of the others; or failures.
    """
    assert cohort.design is not None  # the analysis file is refused otherwise
    try:
        fit = fit_model(formula, data, task, cohort.time_unit, survey_design(cohort.design))
        assert fit.design is not None
        assert fit.design.sample is not None
        tests = anova(fit)
        rows = {"weighted_tests": tests[tests["term"] == task.exposure].assign(df_resid=fit.df_resid)}
        if task.coding == "spline":
            rows["weighted_curves"] = curve(fit, task.exposure, reference=scale.reference, level=level)
        else:
            rows["weighted"] = _estimates(task, fit, fit.design.sample, scale, level)
    except RiskkitError as error:
        return {"failures": pd.DataFrame({"reason": [f"Weighted by the survey design: {error}"], "formula": [formula]})}
    return rows


def survey_design(sampling: Sampling) -> SurveyDesign:
    """The design of a cohort's survey as models take it."""
    fields = ("weights", "strata", "psu", "nested", "lonely_psu", "units")
    return SurveyDesign(**{name: getattr(sampling, name) for name in fields})


def _estimates(task: Task, fit: Fit, sample: Sample, scale: Scale, level: float) -> pd.DataFrame:
    """The exposure's rows of estimates, without the reference group, with what they rest on."""
    own = fit.tidy(level).iloc[fit.recipe.terms[0].columns]
    groups = task.coding == "groups"
    others = [g for g in range(1, len(own) + 2) if g != scale.reference_group]
    levels = [f"Q{g}" for g in others] if groups else [f"per {scale.per_label}"]
    return own.assign(
        level=levels,
        n=fit.n,
        events=fit.events,
        population=float(sample.weights.sum()),
        psus=sample.n_psu,
        strata=sample.n_strata,
        df_resid=fit.df_resid,
    )
