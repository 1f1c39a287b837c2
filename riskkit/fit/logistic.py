"""Logistic regression."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design, build
from riskkit.design.surv import indicator
from riskkit.design.survey import SurveyDesign
from riskkit.design.weights import WeightKind
from riskkit.errors import FitError
from riskkit.fit.fit import Fit
from riskkit.fit.glm import MAX_ITERATIONS, Penalty, check_options, fit_glm, highest_within, single_outcome
from riskkit.fit.likelihoods import BERNOULLI, GlmLikelihood


def logistic(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    weight_kind: WeightKind = None,
    cluster: str | None = None,
    robust: bool = False,
    survey: SurveyDesign | None = None,
    penalty: Penalty = None,
    max_iterations: int = MAX_ITERATIONS,
) -> Fit:
    """Fit a logistic regression; its ratios are odds ratios.

    Parameters
    ----------
    formula : str
        `outcome ~ terms`; the outcome is 0/1 or boolean. `offset(column)` is allowed, `strata(...)` is not.
    data : DataFrame
        One row per person.
    weights : str, optional
        Column of case weights; zero is nobody. Those of a survey go into `survey`.
    weight_kind : {"frequency", "sampling"}, optional
        What the weights are: "frequency", a row stands for so many people, whom `n`, `events`, robust errors and
        groups count; "sampling", a person stands for so many of a population, and the covariance is robust. Unsaid, a
        row is one person, and the model-based covariance that of so many, as R's glm has it.
    cluster : str, optional
        Column of cluster identifiers: the covariance is then cluster-robust.
    robust : bool
        White's sandwich covariance, robust against a wrong model.
    survey : SurveyDesign, optional
        How the people of a survey were drawn: estimates are then of its population, with a design-based covariance.
    penalty : {None, "firth"}
        Firth's penalised likelihood, which has finite estimates under separation; the log-likelihoods of the fit are
        then penalised ones.
    max_iterations : int
        Newton steps allowed.

    Returns
    -------
    Fit
        Coefficients are log odds ratios, per unit of their columns.

    Raises
    ------
    SpecError
        If the formula or an argument cannot be understood.
    DataError
        If the outcome is not 0/1, or another column cannot be what the formula makes of it.
    FitError
        If the model cannot be estimated: one outcome only, a constant column, collinear columns, separation.

    References
    ----------
    McCullagh P, Nelder JA (1989) Generalized Linear Models; Heinze G, Schemper M (2002) Stat Med 21:2409.
    R: glm(formula, binomial, data); sandwich::sandwich; logistf::logistf.
    """
    design = build(
        formula, data, weights=weights, weight_kind=weight_kind, cluster=cluster, intercept=True, survey=survey
    )
    return fit_design(design, robust=robust, penalty=penalty, max_iterations=max_iterations)


def fit_design(
    design: Design, *, robust: bool = False, penalty: Penalty = None, max_iterations: int = MAX_ITERATIONS
) -> Fit:
    """Fit a logistic regression to a design; the same as `logistic`, for callers that build once and fit many times.

    Raises
    ------
    SpecError, DataError, FitError
        As `logistic` does.
    """
    robust = check_options(design, robust, penalty)
    of_data = likelihood(design)
    y = of_data.y
    if y.min() == y.max():
        raise FitError(
            f"'{design.recipe.formula.response[0]}' is {y[0]:g} in every row used; there is nothing to compare."
        )
    return fit_glm(
        design,
        of_data,
        "logistic",
        partial(fit_design, robust=robust, penalty=penalty, max_iterations=max_iterations),
        partial(highest_within, of_data, penalty, max_iterations),
        robust=robust,
        penalty=penalty,
        max_iterations=max_iterations,
    )


def likelihood(design: Design) -> GlmLikelihood:
    """The log-likelihood of a design."""
    return GlmLikelihood(design.x, outcome(design), BERNOULLI, design.weights, design.offset, design.recipe.intercept)


def outcome(design: Design) -> Array:
    """The 0/1 outcome of a design as numbers, shape (n,).

    Raises
    ------
    SpecError
        If the outcome is Surv(...), or the formula has strata.
    DataError
        If it holds anything but 0 and 1.
    """
    y = single_outcome(design, "a logistic model")
    return np.asarray(indicator(pd.Series(y, name=design.recipe.formula.response[0]), "outcome"), dtype=float)
