"""Conditional logistic regression for matched sets, with the exact likelihood.

Given that d of a set's n people are cases, which d they are has the probability exp(sum of the cases' x'b) over the sum
of the same for all subsets of size d. That sum comes from a recursion over people (Gail, Lubin & Rubinstein): a subset
of size m of the first i people either leaves person i out or takes her in. Here the recursion carries the logarithm of
the sum and the mean and covariance of the subset's covariates, each a weighted average of the two branches, so that
nothing overflows and no digits are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.design import Design, build
from riskkit.design.surv import Surv, indicator
from riskkit.errors import FitError, SpecError
from riskkit.fit.diagnosis import check_information
from riskkit.fit.few_clusters import count
from riskkit.fit.fit import Fit
from riskkit.fit.glm import inverse
from riskkit.fit.kernel import Ints, compiled
from riskkit.fit.linearise import degrees_of_freedom, design_notes
from riskkit.fit.smoothing import maximise_smooth, smooths
from riskkit.fit.within import limit_notes, maximise_limit, maximum_within, without_events


def clogit(
    formula: str,
    data: pd.DataFrame,
    *,
    cluster: str | None = None,
    robust: bool = False,
    max_iterations: int = 30,
) -> Fit:
    """Fit a conditional logistic regression; its ratios are odds ratios within matched sets.

    Parameters
    ----------
    formula : str
        `case ~ terms + strata(set)`; the outcome is 0/1 or boolean, and `strata` names the matched sets.
    data : DataFrame
        One row per person in a set.
    cluster : str, optional
        Column of cluster identifiers, for a cluster-robust covariance; whole sets must lie in one cluster.
    robust : bool
        Robust covariance with each matched set as a cluster.
    max_iterations : int
        Newton steps allowed.

    Returns
    -------
    Fit
        `n` and `events` count the rows of sets with both cases and controls; the others tell nothing and are noted.

    Raises
    ------
    SpecError
        If the formula has no strata, or an argument cannot be understood.
    DataError
        If the outcome is not 0/1, or another column cannot be what the formula makes of it.
    FitError
        If no set has both cases and controls, or the model cannot be estimated: a column that is constant within every
        set, collinear columns, separation.

    References
    ----------
    Breslow NE, Day NE (1980) Statistical Methods in Cancer Research I, chapter 7; Gail MH, Lubin JH, Rubinstein LV
    (1981) Biometrika 68:703. R: survival::clogit(formula, data, method = "exact").
    """
    design = build(formula, data, cluster=cluster)
    return fit_design(design, robust=robust, max_iterations=max_iterations)


def fit_design(design: Design, *, robust: bool = False, max_iterations: int = 30) -> Fit:
    """Fit a conditional logistic regression to a design; the same as `clogit`, for callers that fit many times.

    Raises
    ------
    SpecError, DataError, FitError
        As `clogit` does.
    """
    likelihood = matched_sets(design)
    robust = robust or design.cluster is not None
    splines = smooths(design.recipe, plain=not robust)
    names, edf = design.recipe.names, None
    case = np.zeros(len(design.x), dtype=bool)
    case[likelihood.rows] = likelihood.case
    infinite = None if splines else without_events(design, case, case @ design.x)
    if infinite is not None:
        best = maximise_limit(likelihood, names, infinite, max_iterations, np.zeros(len(names)))
    else:
        best, edf = maximise_smooth(likelihood, names, splines, max_iterations)
    vcov = vcov_model = inverse(best.information) if best.coef.size else best.information
    if robust:
        vcov = vcov_model @ _meat(best.at.scores, likelihood, design.cluster) @ vcov_model
    return Fit(
        model="clogit",
        recipe=design.recipe,
        coef=best.coef,
        vcov=vcov,
        vcov_model=vcov_model,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=len(likelihood.x),
        events=int(likelihood.case.sum()),
        person_years=float("nan"),
        n_missing=design.n_missing,
        iterations=best.iterations,
        method="exact conditional likelihood",
        df_resid=degrees_of_freedom(design),
        covariance="cluster-robust" if design.cluster is not None else "robust" if robust else "model-based",
        score_chi2=best.score_chi2,
        edf=edf,
        notes=(*limit_notes(names, infinite), *_notes(design, likelihood)),
        clusters=count(design),
        infinite=infinite,
        design=design,
        constrained=partial(_highest_within, likelihood, max_iterations),
        refit=partial(fit_design, robust=robust, max_iterations=max_iterations),
    )


def _highest_within(
    likelihood: ConditionalLikelihood, max_iterations: int, start: Array, basis: Array, begin: Array
) -> tuple[float, Array]:
    return maximum_within(likelihood, start, basis, begin, max_iterations)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A conditional log-likelihood at one value of the coefficients, with the gradient's terms by set, shape (S, p)."""

    loglik: float
    scores: Array
    spread: Array

    @property
    def gradient(self) -> Array:
        """Derivative, shape (p,)."""
        return self.scores.sum(axis=0)


@dataclass(frozen=True, eq=False)
class ConditionalLikelihood:
    """Matched sets with both cases and controls, one after the other.

    Attributes
    ----------
    x : array, shape (n, p)
    case : boolean array, shape (n,)
    offset : array, shape (n,)
    bounds : int array, shape (S + 1,)
        Rows bounds[s] to bounds[s + 1] are set s.
    rows : int array, shape (n,)
        Where each row stood in the design.
    """

    x: Array
    case: NDArray[np.bool_]
    offset: Array
    bounds: Ints
    rows: Ints

    def evaluate(self, coef: Array) -> Evaluation:
        """Compute the conditional log-likelihood and its derivatives at coefficients of shape (p,)."""
        p = coef.size
        scores, spread = np.zeros((self.bounds.size - 1, p)), np.zeros((p, p))
        predictor = self.x @ coef + self.offset
        loglik = float(predictor[self.case].sum())
        loglik -= _sum_over_sets(self.x, predictor, self.case, self.bounds, scores, spread)
        return Evaluation(loglik, scores, spread)

    def information(self, at: Evaluation, *, far: bool = False) -> Array:
        """Observed information, shape (p, p): the covariance of the cases' total over the subsets of each set."""
        return at.spread

    def first_information(self, at: Evaluation, names: tuple[str, ...]) -> Array:
        """Compute the information where Newton's method starts, refusing columns that tell nothing (FitError)."""
        check_information(at.spread, self.x.T @ self.x, names, among="everyone within each matched set")
        return at.spread


def matched_sets(design: Design) -> ConditionalLikelihood:
    """Put a design's rows in order of their sets, leaving out sets without a case or without a control.

    Raises
    ------
    SpecError
        If there are no strata, or the outcome is Surv(...).
    DataError
        If the outcome is not 0/1.
    FitError
        If no set has both.
    """
    text = design.recipe.formula.text
    if design.strata is None:
        raise SpecError(f"formula {text!r}: name the column of matched sets, as in '... + strata(set)'.")
    if isinstance(design.response, Surv):
        raise SpecError(f"formula {text!r}: the outcome of a conditional logistic model is one column, not Surv(...).")
    if design.weights is not None:
        raise SpecError("a conditional logistic model has no case weights; fit without them.")
    case = indicator(pd.Series(design.response, name=design.recipe.formula.response[0]), "outcome")
    size, cases = np.bincount(design.strata), np.bincount(design.strata, case)
    tells = (cases > 0) & (cases < size)
    if not tells.any():
        raise FitError(f"none of the {size.size} matched sets has both cases and controls; nothing can be compared.")
    rows = np.argsort(design.strata, kind="stable")
    rows = rows[tells[design.strata[rows]]]
    offset = np.zeros(rows.size) if design.offset is None else design.offset[rows]
    bounds = np.concatenate([[0], np.cumsum(size[tells])])
    return ConditionalLikelihood(np.ascontiguousarray(design.x[rows]), case[rows], offset, bounds, rows)


def _meat(scores: Array, likelihood: ConditionalLikelihood, cluster: Ints | None) -> Array:
    if cluster is None:
        return scores.T @ scores
    of_row, first = cluster[likelihood.rows], likelihood.bounds[:-1]
    of_set = of_row[first]
    if (of_row != np.repeat(of_set, np.diff(likelihood.bounds))).any():
        raise SpecError("a matched set is split between clusters; give a cluster column that keeps sets whole.")
    by_cluster = np.zeros((int(cluster.max()) + 1, scores.shape[1]))
    np.add.at(by_cluster, of_set, scores)
    return by_cluster.T @ by_cluster


def _notes(design: Design, likelihood: ConditionalLikelihood) -> tuple[str, ...]:
    idle = len(design.strata_labels) - (likelihood.bounds.size - 1)
    notes = design_notes(design)
    if not idle:
        return notes
    return (
        *notes,
        f"{idle} of {len(design.strata_labels)} matched sets have no case or no control and are not counted.",
    )


@compiled
def _sum_over_sets(
    x: Array, predictor: Array, case: NDArray[np.bool_], bounds: Ints, scores: Array, spread: Array
) -> float:
    """Sum the log of each set's denominator; fill the sets' scores and add up their covariances.

    For m = 0 .. d, `log_sum[m]` is the log of the sum over subsets of size m of the people seen so far, and `mean[m]`
    and `covariance[m]` are those of the subset's total of x. `taken` is the share of subsets that have the newcomer.
    """
    p = x.shape[1]
    total = 0.0
    for s in range(bounds.size - 1):
        first, last = bounds[s], bounds[s + 1]
        d = case[first:last].sum()
        log_sum = np.full(d + 1, -np.inf)
        log_sum[0] = 0.0
        mean, covariance = np.zeros((d + 1, p)), np.zeros((d + 1, p, p))
        step = np.empty(p)
        for i in range(first, last):
            for m in range(min(d, i - first + 1), max(0, d - (last - i)), -1):
                with_newcomer = log_sum[m - 1] + predictor[i]
                larger = max(log_sum[m], with_newcomer)
                both = larger + np.log(np.exp(log_sum[m] - larger) + np.exp(with_newcomer - larger))
                taken = np.exp(with_newcomer - both)
                left = 1.0 - taken
                for j in range(p):
                    step[j] = mean[m - 1, j] + x[i, j] - mean[m, j]
                for j in range(p):
                    for k in range(p):
                        within = left * covariance[m, j, k] + taken * covariance[m - 1, j, k]
                        covariance[m, j, k] = within + taken * left * step[j] * step[k]
                    mean[m, j] += taken * step[j]
                log_sum[m] = both
        total += log_sum[d]
        spread += covariance[d]
        scores[s] -= mean[d]
        for i in range(first, last):
            if case[i]:
                scores[s] += x[i]
    return total
