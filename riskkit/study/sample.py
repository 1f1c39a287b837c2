"""One model of the analysis with terms of its own, on the people that the main analysis would use for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from riskkit import formula as language
from riskkit.errors import FitError
from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.spec.plan import Task
from riskkit.spec.terms import coded
from riskkit.study.answers import KEY
from riskkit.study.eligibility import (
    cases_only,
    check_events,
    in_category_without_events,
    is_complete,
    people,
    response,
    varying_terms,
)
from riskkit.study.estimators import fit_model
from riskkit.study.study import Study


@dataclass(frozen=True, eq=False)
class Sample:
    """The people of one model.

    Attributes
    ----------
    task : Task
        With the covariates that differ between them.
    data : DataFrame
        One row per person used.
    response : str
        The left-hand side of the formula.
    n_missing : int
        Those at risk who lack a value.
    time_unit : str or None
        Of the follow-up, if there is any.
    """

    task: Task
    data: pd.DataFrame
    response: str
    n_missing: int
    time_unit: str | None

    def fit(self, terms: Sequence[str], data: pd.DataFrame | None = None) -> Fit:
        """Fit the model with these terms besides covariates and strata, to all of the sample or to some of its rows.

        Raises
        ------
        RiskkitError
            As `riskkit.cox` and `riskkit.logistic` do.
        """
        formula = _formula(self.response, terms, self.task)
        return fit_model(formula, self.data if data is None else data, self.task, self.time_unit)


def sample(task: Task, study: Study, beside: Sequence[str] = ()) -> Sample:
    """Select the people of a task who have everything it needs, and the variables `beside` that are used with it.

    Raises
    ------
    FitError
        If there are fewer events than the analysis asks for.
    """
    spec, cohort = study.spec, study.cohort
    outcome = cohort.outcomes[task.outcome]
    task = replace(task, covariates=tuple(term for term in task.covariates if coded(term) not in beside))
    follow_up = response(task, spec, cohort)
    formula = _formula(follow_up, [task.exposure, *beside], task)
    columns = [*language.parse(formula).columns, outcome.at_risk, *([outcome.time] if outcome.time else [])]
    data = people(task, spec, cohort, list(dict.fromkeys(columns)))
    complete, at_risk = is_complete(formula, data), data[outcome.at_risk].to_numpy()
    used = complete & at_risk
    check_events(task, spec, study.codings[task.exposure], data.loc[used, task.outcome].to_numpy(dtype=float))
    with_events = used & ~in_category_without_events(task, data, used, cohort)
    if reason := cases_only(task, data, used, with_events):
        raise FitError(reason)
    kept = data[with_events]
    left = replace(task, covariates=varying_terms(task, kept))
    return Sample(left, kept, follow_up, int((at_risk & ~complete).sum()), cohort.time_unit)


def failure(task: Task, what: str, reason: str) -> pd.DataFrame:
    """A row of what was not done and why; `what` stands where other rows name a variant."""
    key = {name: getattr(task, name) for name in KEY}
    return pd.DataFrame([{**key, "variant": what, "reason": reason, "formula": ""}])


def not_answered(about: Mapping[str, str], what: str, error: Exception) -> pd.DataFrame:
    """The same of a model that is known by its keys (`MODEL`)."""
    return pd.DataFrame([{**about, "variant": what, "reason": str(error), "formula": ""}])


def refitted(study: Study, outcome: str, formula: str) -> Fit:
    """Fit a Cox model of the analysis again, to everybody at risk, so that it keeps its people."""
    cohort = study.cohort
    at_risk = cohort.data[cohort.outcomes[outcome].at_risk]
    return cox(formula, cohort.data[at_risk], time_unit=str(cohort.time_unit))


def _formula(follow_up: str, terms: Sequence[str], task: Task) -> str:
    strata = [f"strata({', '.join(task.strata)})"] if task.strata else []
    return f"{follow_up} ~ {' + '.join([*terms, *task.covariates, *strata])}"
