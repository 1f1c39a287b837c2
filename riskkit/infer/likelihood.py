"""Likelihood-ratio tests: the model again, with fewer or other columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from riskkit.design.bases import Array, Linear
from riskkit.design.design import Design, Recipe, Term
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit

Columns = NDArray[np.bool_]


def likelihood_ratio(fit: Fit, columns: Columns) -> tuple[float, float]:
    """Likelihood-ratio chi-squared of leaving out columns (boolean, shape (p,)), and its p value.

    Raises
    ------
    SpecError
        If the fit has let go of its design, or its covariance is robust: its likelihood is then not that of the data.
    """
    if fit.covariance != "model-based":
        raise SpecError(
            f'a likelihood-ratio test needs a model-based covariance, not a {fit.covariance} one; use "wald".'
        )
    tested = int(columns.sum())
    if columns[int(fit.recipe.intercept) :].all():
        smaller = fit.loglik_null
    else:
        design = design_of(fit)
        names = [name for name, left_out in zip(fit.recipe.names, columns, strict=True) if not left_out]
        smaller = refitted(fit, with_columns(design, design.x[:, ~columns], names)).loglik
    chi2 = 2 * (fit.loglik - smaller)
    return chi2, float(stats.chi2.sf(chi2, tested))


def design_of(fit: Fit) -> Design:
    """The design of a fit that has not let go of it.

    Raises
    ------
    SpecError
        If it has.
    """
    if fit.design is None:
        raise SpecError("this needs the data that the fit was made from, which a light fit has let go of; fit again.")
    return fit.design


def refitted(fit: Fit, design: Design) -> Fit:
    """Fit another design the way this fit was made.

    Raises
    ------
    SpecError
        If the fit cannot be made again.
    """
    if fit.refit is None:
        raise SpecError(
            f"this needs the {fit.model} model fitted again, which this fit cannot do; fit it with riskkit."
        )
    return fit.refit(design)


def with_columns(design: Design, x: Array, names: list[str]) -> Design:
    """The same people and outcome with other columns, shape (n, p); the recipe then only names them."""
    first = int(design.recipe.intercept)
    terms = tuple(Term((Linear(name),), slice(j, j + 1)) for j, name in enumerate(names) if j >= first)
    recipe = Recipe(design.recipe.formula, terms, design.recipe.intercept)
    return replace(design, recipe=recipe, x=np.ascontiguousarray(x))
