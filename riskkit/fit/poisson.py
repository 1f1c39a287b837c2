"""Poisson regression: rates with person-time, and the modified Poisson model of risks."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design, build
from riskkit.design.surv import Surv
from riskkit.design.survey import SurveyDesign
from riskkit.design.weights import WeightKind
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import UNITS_PER_YEAR, Fit, check_choice
from riskkit.fit.glm import MAX_ITERATIONS, Penalty, check_options, fit_glm, highest_within, single_outcome
from riskkit.fit.likelihoods import POISSON, GlmLikelihood


def poisson(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str | None = None,
    weights: str | None = None,
    weight_kind: WeightKind = None,
    cluster: str | None = None,
    robust: bool = False,
    survey: SurveyDesign | None = None,
    penalty: Penalty = None,
    time_unit: str = "years",
    max_iterations: int = MAX_ITERATIONS,
) -> Fit:
    """Fit a Poisson regression; its ratios are rate ratios, or risk ratios (below).

    With an outcome of 0/1 (or booleans), no person-time and a robust covariance this is Zou's modified Poisson model:
    exp(coefficient) is a risk ratio, whose intervals the robust covariance makes right.

    Parameters
    ----------
    formula : str
        `events ~ terms` with counts of events, or `Surv(entry, exit, event) ~ terms`, where each row's person-time is
        its time at risk. `offset(column)` is allowed, `strata(...)` is not.
    data : DataFrame
        One row per person, per period of a person's follow-up, or per cell of a table.
    time : str, optional
        Column of person-time: its logarithm is an offset, and exp(intercept) is the rate per unit of it.
    weights : str, optional
        Column of case weights; zero is nobody. Those of a survey go into `survey`.
    weight_kind : {"frequency", "sampling"}, optional
        What the weights are: "frequency", a row stands for so many people, whom `n`, `events`, person-years, robust
        errors and groups count; "sampling", a person stands for so many of a population, and the covariance is robust.
        Unsaid, a row is one person, and the model-based covariance that of so many, as R's glm has it.
    cluster : str, optional
        Column of cluster identifiers: the covariance is then cluster-robust.
    robust : bool
        White's sandwich covariance, robust against over-dispersion and any other wrong variance.
    survey : SurveyDesign, optional
        How the people of a survey were drawn: estimates are then of its population, with a design-based covariance.
    penalty : {None, "firth"}
        Firth's penalised likelihood, which has finite estimates when a group has no events.
    time_unit : {"days", "months", "years"}
        Unit of the person-time; only person-years depend on it.
    max_iterations : int
        Newton steps allowed.

    Returns
    -------
    Fit
        Coefficients are log rate ratios, per unit of their columns.

    Raises
    ------
    SpecError
        If the formula or an argument cannot be understood, or person-time is given twice.
    DataError
        If the outcome is not counts, or another column cannot be what the formula makes of it.
    FitError
        If the model cannot be estimated: no events, a constant column, collinear columns, separation.

    References
    ----------
    Breslow NE, Day NE (1987) Statistical Methods in Cancer Research II, chapter 4; Zou G (2004) Am J Epidemiol
    159:702. R: glm(formula, poisson, data, offset = log(time)); sandwich::sandwich.
    """
    design = build(
        formula,
        data,
        weights=weights,
        weight_kind=weight_kind,
        cluster=cluster,
        time=time,
        intercept=True,
        survey=survey,
    )
    return fit_design(design, robust=robust, penalty=penalty, time_unit=time_unit, max_iterations=max_iterations)


def fit_design(
    design: Design,
    *,
    robust: bool = False,
    penalty: Penalty = None,
    time_unit: str = "years",
    max_iterations: int = MAX_ITERATIONS,
) -> Fit:
    """Fit a Poisson regression to a design; the same as `poisson`, for callers that build once and fit many times.

    Raises
    ------
    SpecError, DataError, FitError
        As `poisson` does.
    """
    robust = check_options(design, robust, penalty)
    check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    of_data, time = likelihood(design), person_time(design)
    y = of_data.y
    if not y.any():
        raise FitError(f"there are no events among the {len(y)} rows used; nothing can be estimated.")
    risks = robust and of_data.offset is None and y.max() == 1
    return fit_glm(
        design,
        of_data,
        "poisson",
        partial(fit_design, robust=robust, penalty=penalty, time_unit=time_unit, max_iterations=max_iterations),
        partial(highest_within, of_data, penalty, max_iterations),
        robust=robust,
        penalty=penalty,
        max_iterations=max_iterations,
        person_years=float("nan") if time is None else float(design.people @ time) / UNITS_PER_YEAR[time_unit],
        ratio="risk ratio" if risks else None,
    )


def likelihood(design: Design) -> GlmLikelihood:
    """The log-likelihood of a design, the logarithm of its person-time among the offset."""
    y, time = counts(design), person_time(design)
    offset = design.offset if time is None else np.log(time) + (0.0 if design.offset is None else design.offset)
    return GlmLikelihood(design.x, y, POISSON, design.weights, offset, design.recipe.intercept)


def counts(design: Design) -> Array:
    """Events of each row of a design, shape (n,).

    Raises
    ------
    SpecError, DataError
        If the outcome is no count, or the formula has strata.
    """
    if isinstance(design.response, Surv):
        single_outcome(design, "a Poisson model", survival=True)
        return design.response.event.astype(float)
    y = single_outcome(design, "a Poisson model")
    wrong = (y < 0) | (y != np.round(y))
    if wrong.any():
        raise DataError(
            f"outcome '{design.recipe.formula.response[0]}' must be counts of events: {int(wrong.sum())} rows are "
            f"negative or not whole (the first is {y[wrong][0]:g}). Rates go in as events with time=person-time."
        )
    return y


def person_time(design: Design) -> Array | None:
    """Person-time of each row of a design, shape (n,); None where the outcome has none.

    Raises
    ------
    SpecError, DataError
        If it is given twice, or is not positive.
    """
    if not isinstance(design.response, Surv):
        return design.time
    if design.time is not None:
        raise SpecError("person-time is given twice: by Surv(...) and by time=...; leave one out.")
    time = design.response.person_time
    if not (time > 0).all():
        raise DataError(
            f"{int((time <= 0).sum())} rows have no person-time; a rate needs follow-up. Leave those rows out."
        )
    return time
