"""The main model as an estimate of the population a survey was drawn from, beside that of the people examined."""

from __future__ import annotations

import pandas as pd

from riskkit.cohort.survey import Sampling
from riskkit.design.bases import numbers
from riskkit.design.survey import Sample, SurveyDesign
from riskkit.fit.fit import Fit
from riskkit.infer.anova import anova
from riskkit.spec.plan import Task, is_main
from riskkit.study.batch import Batch
from riskkit.study.coding import ExposureCoding
from riskkit.study.estimators import fit_model
from riskkit.study.splines import curve_over, group_spline, percentiles_of
from riskkit.study.study import FAILED, Rows, Running, Study


def weighted(study: Study, batch: Batch) -> Rows:
    """Fit the models of a batch once more, by the design of the cohort's survey, if they are the main ones.

    The design needs everybody who was sampled, so people of the cohort whom a model did not use stay in it.

    Returns
    -------
    dict of frame name to DataFrame
        weighted_tests of every coding; weighted_curves of a spline and weighted of the others; failures.
    """
    if not study.spec.asked("survey") or not is_main(batch.task, study.spec):
        return {}
    found = [
        {name: frame.assign(outcome=each.task.outcome) for name, frame in _by_design(each.task, each.formula,
         study.cohort.data[each.used], study).items()}
        for each in batch.fitted
    ]  # fmt: skip
    names = dict.fromkeys(name for rows in found for name in rows)
    return {name: pd.concat([rows[name] for rows in found if name in rows], ignore_index=True) for name in names}


def _by_design(task: Task, formula: str, data: pd.DataFrame, study: Study) -> Rows:
    cohort, coding, level = study.cohort, study.codings[task.exposure], study.spec.level
    assert cohort.design is not None  # the analysis file is refused otherwise
    try:
        fit = fit_model(formula, data, task, cohort.time_unit, survey_design(cohort.design))
        assert fit.design is not None
        assert fit.design.sample is not None
        tests = anova(fit)
        rows = {"weighted_tests": tests[tests["term"] == task.exposure].assign(df_resid=fit.df_resid)}
        if task.coding == "spline":
            rows["weighted_curves"] = curve_over(fit, task.exposure, coding, level)
            about = {"kind": "weighted", "by": "", "group": "", "n": fit.n, "events": fit.events}
            own = percentiles_of(numbers(data[task.exposure]))
            rows |= group_spline(fit, task.exposure, coding, own, {**about, "person_years": fit.person_years})
        else:
            rows["weighted"] = _estimates(task, fit, fit.design.sample, coding, level)
    except FAILED as error:
        return {"failures": pd.DataFrame({"reason": [f"Weighted by the survey design: {error}"], "formula": [formula]})}
    return rows


def survey_design(sampling: Sampling) -> SurveyDesign:
    """The design of a cohort's survey as models take it."""
    fields = ("weights", "strata", "psu", "nested", "lonely_psu", "units")
    return SurveyDesign(**{name: getattr(sampling, name) for name in fields})


def _estimates(task: Task, fit: Fit, sample: Sample, coding: ExposureCoding, level: float) -> pd.DataFrame:
    """The exposure's rows of estimates, without the reference group, with what they rest on."""
    own = fit.tidy(level).iloc[fit.recipe.terms[0].columns]
    groups = task.coding == "groups"
    others = [g for g in range(1, len(own) + 2) if g != coding.reference_group]
    levels = [f"Q{g}" for g in others] if groups else [f"per {coding.per_label}"]
    return own.assign(
        level=levels,
        n=fit.n,
        events=fit.events,
        population=float(sample.weights.sum()),
        psus=sample.n_psu,
        strata=sample.n_strata,
        df_resid=fit.df_resid,
    )


RUNNING = Running(of_batch=weighted)
