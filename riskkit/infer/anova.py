"""Tests of whole variables: overall, nonlinear and interaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from riskkit.design.design import Recipe, Term
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.likelihood import Columns, likelihood_ratio
from riskkit.infer.linear import wald


def anova(fit: Fit, test: Literal["wald", "lr"] = "wald") -> pd.DataFrame:
    """Test each variable, its nonlinearity and its interactions, and the whole model.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do for Wald tests.
    test : {"wald", "lr"}
        Wald tests with the fit's covariance, or likelihood-ratio tests, which fit the model again without the columns.

    Returns
    -------
    DataFrame
        term part chi2 df p. For each variable: "overall" (every column it takes part in, interactions included),
        "interaction" (all its interactions) and "nonlinear" (every column in which it is not linear), where there are
        any; then each interaction (its variables joined by ':'), and TOTAL with the same parts and "nonlinear or
        interaction", "overall" last.

    Raises
    ------
    SpecError
        If the test is unknown, or likelihood-ratio tests are asked of a light fit or one with a robust covariance.

    References
    ----------
    Harrell, Regression Modeling Strategies (2nd ed.), 9.3; R: rms::anova.rms. The p values are of F with the fit's
    residual degrees of freedom where it has any (survey and pooled fits).
    """
    if test not in ("wald", "lr"):
        raise SpecError(f'anova: test is "wald" or "lr"; got {test!r}.')
    tested = []
    for term, part, columns in questions(fit.recipe):
        if test == "wald":
            chi2, p = wald(fit, fit.coef[columns], fit.vcov[np.ix_(columns, columns)])
        else:
            chi2, p = likelihood_ratio(fit, columns)
        tested.append({"term": term, "part": part, "chi2": chi2, "df": int(columns.sum()), "p": p})
    return pd.DataFrame(tested, columns=["term", "part", "chi2", "df", "p"])


def questions(recipe: Recipe) -> Iterator[tuple[str, str, Columns]]:
    """Yield the term, the part and the columns (boolean, shape (p,)) of every test the model allows."""
    interactions = [term for term in recipe.terms if len(term.bases) > 1]
    for variable in recipe.variables:
        terms = recipe.terms_with(variable)
        yield variable, "overall", _columns(recipe, terms)
        if any(term in interactions for term in terms):
            yield variable, "interaction", _columns(recipe, [term for term in terms if term in interactions])
        nonlinear = _columns(recipe, terms, variable)
        if nonlinear.any():
            yield variable, "nonlinear", nonlinear
    for term in interactions:
        yield term.label, "overall", _columns(recipe, [term])
        if any(term.nonlinear):
            yield term.label, "nonlinear", _nonlinear(recipe, [term])
    nonlinear = _nonlinear(recipe, recipe.terms)
    if nonlinear.any():
        yield "TOTAL", "nonlinear", nonlinear
    if interactions:
        yield "TOTAL", "interaction", _columns(recipe, interactions)
    if interactions and nonlinear.any():
        yield "TOTAL", "nonlinear or interaction", nonlinear | _columns(recipe, interactions)
    if recipe.terms:
        yield "TOTAL", "overall", _columns(recipe, recipe.terms)


def _columns(recipe: Recipe, terms: tuple[Term, ...] | list[Term], nonlinear_in: str | None = None) -> Columns:
    out = np.zeros(len(recipe.names), dtype=bool)
    for term in terms:
        out[term.columns] = True if nonlinear_in is None else _bends(term, nonlinear_in)
    return out


def _nonlinear(recipe: Recipe, terms: tuple[Term, ...] | list[Term]) -> Columns:
    out = np.zeros(len(recipe.names), dtype=bool)
    for term in terms:
        out[term.columns] = term.nonlinear
    return out


def _bends(term: Term, variable: str) -> Columns:
    """Which columns of a term are nonlinear in one of its variables; the first factor varies fastest."""
    out = np.array([False])
    for basis in term.bases:
        flags = np.array(basis.nonlinear) & (basis.variable == variable)
        out = (flags[:, None] | out[None, :]).ravel()
    return out
