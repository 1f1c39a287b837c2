"""Linear regression, for outcomes that are numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import linalg

from riskkit.design.composed import untransformed
from riskkit.design.design import Design, build
from riskkit.design.smooth import Penalised
from riskkit.design.surv import Surv
from riskkit.design.survey import SurveyDesign
from riskkit.errors import FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.glm import sandwich, summed
from riskkit.fit.linearise import covariance_name, degrees_of_freedom, design_notes, linearised


def linear(formula: str, data: pd.DataFrame, *, survey: SurveyDesign | None = None) -> Fit:
    """Fit a linear model by least squares, with the HC3 covariance, which needs no equal variances.

    `estimate` is a difference of means; its exponential is a ratio (of geometric means) only when the outcome is a
    logarithm.

    Parameters
    ----------
    formula : str
        `outcome ~ terms`, the outcome a number.
    data : DataFrame
        One row per person.
    survey : SurveyDesign, optional
        How the people of a survey were drawn: weighted least squares, with a design-based covariance.

    Returns
    -------
    Fit
        Coefficients are differences of means in the outcome's unit, per unit of their columns.

    Raises
    ------
    SpecError
        If the formula asks for survival times, strata or an offset.
    DataError
        If a column cannot be what the formula makes of it.
    FitError
        If there are too few rows, or a column is a combination of others.

    References
    ----------
    Long JS, Ervin LH (2000) Am Stat 54:217-224. R: lm() with sandwich::vcovHC(type = "HC3");
    survey::svyglm.
    """
    return fit_design(build(formula, data, intercept=True, survey=survey))


def fit_design(design: Design) -> Fit:
    """Fit a linear model to a design with an intercept; the same as `linear`.

    Raises
    ------
    SpecError, FitError
        As `linear` does.
    """
    text = design.recipe.formula.text
    if isinstance(design.response, Surv) or design.strata is not None or design.offset is not None:
        raise SpecError(f"formula {text!r}: a linear model takes a number as outcome, and no Surv, strata or offset.")
    if design.sample is None and (design.weights is not None or design.cluster is not None):
        raise SpecError(f"formula {text!r}: a linear model takes no weights and no cluster here.")
    penalised = [b.label for term in design.recipe.terms for b in term.bases if isinstance(untransformed(b), Penalised)]
    if penalised:
        raise SpecError(f"{penalised[0]} is not for linear models; use ns or rcs.")
    n, p = design.x.shape
    root = np.ones(n) if design.weights is None else np.sqrt(design.weights)
    x, y = design.x * root[:, None], design.response * root
    spread = design.x - design.x.mean(axis=0) * (np.ptp(design.x, axis=0) > 0) if design.recipe.intercept else design.x
    size = np.linalg.norm(spread, axis=0)  # whatever their units and wherever their zero, columns are compared alike
    if n <= p or np.linalg.matrix_rank(spread / np.where(size > 0, size, 1.0), tol=1e-8) < p:
        raise FitError(f"formula {text!r}: {n} rows do not determine {p} coefficients; take out a redundant term.")
    q, r = np.linalg.qr(x)
    coef = np.linalg.solve(r, q.T @ y)
    residual = y - x @ coef
    root_inverse = linalg.solve_triangular(r, np.eye(p))
    inverse = root_inverse @ root_inverse.T
    if design.sample is not None:
        scores = summed(x, residual, design.sample.psu, design.sample.stratum.size)
        vcov = linearised(design.sample, scores @ inverse)
    else:
        leverage = np.einsum("ij,ij->i", q, q)
        within = sandwich(q, residual / np.maximum(1 - leverage, 1e-12), np.eye(p), None)
        vcov = root_inverse @ within @ root_inverse.T  # by way of q, whose columns are of one size
    rss = float(residual @ residual)
    centre = root @ y / n if design.recipe.intercept else 0.0  # the squares of root, the weights, add up to n
    rss_null = float(((y - root * centre) ** 2).sum())
    return Fit(
        model="linear",
        recipe=design.recipe,
        coef=coef,
        vcov=vcov,
        vcov_model=inverse * rss / (n - p),
        loglik=_gaussian(rss, n),
        loglik_null=_gaussian(rss_null, n),
        n=n,
        events=0,
        person_years=float("nan"),
        n_missing=design.n_missing,
        iterations=1,
        method="least squares",
        covariance=covariance_name(design, robust=True),
        df_resid=min(float(n - p), degrees_of_freedom(design)),
        ratio="exponentiated difference",
        notes=design_notes(design),
        design=design,
        refit=fit_design,
    )


def _gaussian(rss: float, n: int) -> float:
    return -n / 2 * (np.log(2 * np.pi * rss / n) + 1)
