"""Tests of whole variables: overall, nonlinear and interaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from typing import Literal

import numpy as np
import pandas as pd
from scipy import linalg

from riskkit.design.bases import Array, Basis
from riskkit.design.composed import untransformed
from riskkit.design.design import Recipe, Term
from riskkit.design.smooth import Bs, Natural, Penalised
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.pooled import PooledFit
from riskkit.infer.likelihood import likelihood_ratio
from riskkit.infer.nested import restrictions

Kind = Literal["wald", "lr", "d2"]


def anova(fit: Fit, other: Fit | Kind | None = None, test: Kind | None = None) -> pd.DataFrame:
    """Test each variable, its nonlinearity and its interactions, and the whole model; or two models, one in the other.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do for Wald tests.
    other : Fit, optional
        A model of the same people within this one, or that this one is within: the test is of what the larger has
        more, by likelihood ratio unless its covariance is not model-based.
    test : {"wald", "lr", "d2"}
        May stand in the place of `other`, as in `anova(fit, "lr")`; "wald" unless given. Wald tests with the fit's
        covariance, or likelihood-ratio tests, which fit the model again without the columns. Of a pooled fit these are
        the D1 and D4 of multiple imputation; "d2" pools the Wald statistics of the sets.

    Returns
    -------
    DataFrame
        term part chi2 df p. For each variable: "overall" (every column it takes part in, interactions included),
        "interaction" (all its interactions) and "nonlinear" (every column in which it is not linear), where there are
        any; then each interaction (its variables joined by ':'; with it the interactions of more variables that
        contain it, without which the test would depend on where those are zero), and TOTAL with the same parts and
        "nonlinear or interaction", "overall" last. Of two models one row, named by the formula of the smaller. Where a
        statistic is missing, `attrs["missing"]` has the reason by term and part.

    Raises
    ------
    SpecError
        If the test is unknown, or likelihood-ratio tests are asked of a light fit or one with a robust covariance.

    References
    ----------
    Harrell, Regression Modeling Strategies (2nd ed.), 9.3; R: rms::anova.rms. The p values are of F with the fit's
    residual degrees of freedom where it has any (survey and pooled fits).
    """
    if isinstance(other, str):
        if test is not None:
            raise SpecError(f"anova takes one test; got {other!r} and {test!r}.")
        test, other = other, None
    if other is not None:
        return _two(fit, other, test)
    test = test or "wald"
    if test not in ("wald", "lr", "d2"):
        raise SpecError(f'anova: test is "wald", "lr" or, of a pooled fit, "d2"; got {test!r}.')
    if test == "d2" and not isinstance(fit, PooledFit):
        raise SpecError('anova: test="d2" is for pooled fits (rk.pool); write "wald".')
    tested, missing = [], {}
    for term, part, hypothesis in questions(fit.recipe):
        if test == "d2" and isinstance(fit, PooledFit):
            found = fit.wald_d2(hypothesis)
        elif test == "wald":
            found = fit.wald(hypothesis, degrees_of_freedom(fit, hypothesis))
        else:
            found = likelihood_ratio(fit, hypothesis)
        tested.append({"term": term, "part": part, "chi2": found.chi2, "df": found.df, "p": found.p})
        if found.reason:
            missing[(term, part)] = found.reason
    table = pd.DataFrame(tested, columns=["term", "part", "chi2", "df", "p"])
    if missing:
        table.attrs["missing"] = missing
    return table


def _two(fit: Fit, other: Fit, test: Kind | None) -> pd.DataFrame:
    """Test what the larger of two models has more than the other."""
    larger, smaller = (fit, other) if fit.coef.size >= other.coef.size else (other, fit)
    about = restrictions(larger, smaller)
    if not len(about):
        raise SpecError("anova: the two models are the same.")
    if test is None:
        test = "lr" if larger.covariance == "model-based" and larger.edf is None else "wald"
    if test == "d2":
        raise SpecError('anova: test="d2" is for pooled fits (rk.pool); write "wald" or "lr".')
    found = likelihood_ratio(larger, about) if test == "lr" else larger.wald(about)
    row = {"term": smaller.recipe.formula.text, "part": "overall", "chi2": found.chi2, "df": found.df, "p": found.p}
    return pd.DataFrame([row])


def degrees_of_freedom(fit: Fit, hypothesis: Array) -> float:
    """Degrees of freedom of a hypothesis, shape (q, p): q, less what penalties take from the columns it is about."""
    columns = np.flatnonzero(hypothesis.any(axis=0))
    return fit.df(columns) - columns.size + len(hypothesis)


def questions(recipe: Recipe) -> Iterator[tuple[str, str, Array]]:
    """Yield the term, the part and the hypothesis of every test the model allows.

    A hypothesis is an array of shape (q, p): q combinations of the coefficients that are zero under it.
    """
    interactions = [term for term in recipe.terms if len(term.bases) > 1]
    for variable in recipe.variables:
        terms = recipe.terms_with(variable)
        yield variable, "overall", _rows(recipe, terms, _all)
        if any(term in interactions for term in terms):
            yield variable, "interaction", _rows(recipe, [term for term in terms if term in interactions], _all)
        yield from _if_any(variable, "nonlinear", _rows(recipe, terms, partial(_bends, variables=(variable,))))
    for term in interactions:
        higher = [other for other in interactions if set(term.variables) <= set(other.variables)]
        yield term.label, "overall", _rows(recipe, higher, _all)
        yield from _if_any(term.label, "nonlinear", _rows(recipe, higher, partial(_bends, variables=term.variables)))
    nonlinear = _rows(recipe, recipe.terms, _bends)
    yield from _if_any("TOTAL", "nonlinear", nonlinear)
    if interactions:
        yield "TOTAL", "interaction", _rows(recipe, interactions, _all)
        main = [term for term in recipe.terms if term not in interactions]
        both = np.vstack([_rows(recipe, main, _bends), _rows(recipe, interactions, _all)])
        if len(nonlinear):
            yield "TOTAL", "nonlinear or interaction", both
    if recipe.terms:
        yield "TOTAL", "overall", _rows(recipe, recipe.terms, _all)


def _if_any(term: str, part: str, rows: Array) -> Iterator[tuple[str, str, Array]]:
    if len(rows):
        yield term, part, rows


def _rows(recipe: Recipe, terms: Iterable[Term], own: Callable[[Term], Array]) -> Array:
    """Stack hypotheses about single terms, each of shape (q, columns of the term), over all columns of the design."""
    out = [np.zeros((0, len(recipe.names)))]
    for term in terms:
        rows = own(term)
        wide = np.zeros((len(rows), len(recipe.names)))
        wide[:, term.columns] = rows
        out.append(wide)
    return np.vstack(out)


def _all(term: Term) -> Array:
    return np.eye(len(term.names))


def _bends(term: Term, variables: tuple[str, ...] | None = None) -> Array:
    """The hypothesis that a term is linear in some variables (all unless named); no rows where it always is."""
    rows = []
    for chosen in term.bases:
        if variables is None or chosen.variable in variables:
            parts = [_curvature(basis) if basis is chosen else np.eye(len(basis.names)) for basis in term.bases]
            rows.append(reduce(lambda fast, slow: np.asarray(np.kron(slow, fast)), parts))
    stacked = np.vstack([np.zeros((0, len(term.names))), *rows])
    return stacked if len(rows) < 2 else linalg.orth(stacked.T).T


def _curvature(basis: Basis) -> Array:
    """The hypothesis that a coding is a straight line; for a spline without a linear column, no second differences."""
    basis = untransformed(basis)
    if not isinstance(basis, Natural | Bs | Penalised):
        return np.eye(len(basis.names))[np.array(basis.nonlinear)]
    columns = basis.columns(np.linspace(*basis.boundary, 20 * (len(basis.names) + 1) + 1))
    return np.asarray(np.linalg.svd(np.diff(columns, 2, axis=0))[2][: columns.shape[1] - 1])
