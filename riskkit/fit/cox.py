"""Cox's proportional hazards model."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import pandas as pd

from riskkit.design.design import Design, build
from riskkit.design.surv import Surv
from riskkit.errors import FitError, SpecError, did_you_mean
from riskkit.fit.fit import Fit
from riskkit.fit.newton import maximise
from riskkit.fit.partial import ROWS_PER_PART, PartialLikelihood
from riskkit.fit.riskset import RiskSets, risk_sets

TIES = ("efron", "breslow")
UNITS_PER_YEAR = {"days": 365.25, "months": 12.0, "years": 1.0}


def cox(
    formula: str,
    data: pd.DataFrame,
    *,
    ties: str = "efron",
    weights: str | None = None,
    cluster: str | None = None,
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    formula : str
        `Surv(time, event) ~ terms` or `Surv(entry, exit, event) ~ terms`; at risk means entry < t <= exit. With
        `strata(...)` each stratum has its own baseline hazard.
    data : DataFrame
        One row per person, or per period of a person's follow-up.
    ties : {"efron", "breslow"}
    weights : str, optional
        Column of case weights.
    cluster : str, optional
        Column of cluster identifiers (a person, when follow-up is split).
    time_unit : {"days", "months", "years"}
        Unit of the time scale; only person-years depend on it.
    max_iterations : int
        Newton steps allowed.

    Raises
    ------
    SpecError
        If the formula or an argument cannot be understood.
    DataError
        If a column cannot be what the formula makes of it.
    FitError
        If the model cannot be estimated: no events, a constant column, collinear columns, separation.

    References
    ----------
    Cox DR (1972) JRSS B 34:187; Efron B (1977) JASA 72:557; Lin DY, Wei LJ (1989) JASA 84:1074.
    R: survival::coxph(formula, data, ties, weights, cluster, robust).
    """
    design = build(formula, data, weights=weights, cluster=cluster)
    return fit_design(design, ties=ties, time_unit=time_unit, max_iterations=max_iterations)


def fit_design(
    design: Design,
    *,
    ties: str = "efron",
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit Cox's model to a design; the same as `cox`, for callers that build designs once and fit many times.

    Raises
    ------
    SpecError, FitError
        As `cox` does.
    """
    _check_choice("ties", ties, TIES)
    _check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    surv = design.response
    if not isinstance(surv, Surv):
        raise SpecError(
            f"formula {design.recipe.formula.text!r}: a Cox model's outcome is Surv(time, event) or "
            "Surv(entry, exit, event)."
        )
    sets = risk_sets(surv, design.strata)
    if sets.size == 0:
        raise FitError(f"there are no events among the {len(design.x)} rows used; nothing can be estimated.")
    with _threads(len(design.x)) as pool:
        likelihood = partial_likelihood(design, sets, ties, pool)
        best = maximise(likelihood, design.recipe.names, max_iterations)
    covariance = np.asarray(np.linalg.inv(best.information))
    person_years = float(surv.person_time.sum()) / UNITS_PER_YEAR[time_unit]
    return Fit(
        model="cox",
        recipe=design.recipe,
        coef=best.coef,
        vcov=covariance,
        vcov_model=covariance,
        loglik=best.at.loglik,
        loglik_null=best.loglik_null,
        n=len(design.x),
        events=int(surv.event.sum()),
        person_years=person_years,
        n_missing=design.n_missing,
        iterations=best.iterations,
        method=f"{ties.capitalize()} ties",
        covariance="model-based",
        score_chi2=best.score_chi2,
        design=design,
        refit=partial(fit_design, ties=ties, time_unit=time_unit, max_iterations=max_iterations),
    )


def partial_likelihood(
    design: Design, sets: RiskSets, ties: str, pool: ThreadPoolExecutor | None = None
) -> PartialLikelihood:
    """Assemble the partial likelihood of a design."""
    return PartialLikelihood(design.x, sets, ties == "efron", design.weights, design.offset, pool)


def _threads(n: int) -> AbstractContextManager[ThreadPoolExecutor | None]:
    """Threads for large data; for small data starting them would cost more than the fit."""
    return ThreadPoolExecutor(os.cpu_count() or 1) if n >= 2 * ROWS_PER_PART else nullcontext()


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SpecError(f"{name}={value!r} is not one of {', '.join(choices)}.{did_you_mean(str(value), choices)}")
