"""Models with penalised splines: how much each is smoothed, so that it has the degrees of freedom asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import numpy as np

from riskkit.design.bases import Array
from riskkit.design.composed import untransformed
from riskkit.design.recipe import Recipe
from riskkit.design.smooth import Penalised
from riskkit.errors import FitError, SpecError
from riskkit.fit.diagnosis import check_information
from riskkit.fit.newton import E, LogLikelihood, Maximum, maximise

FACTOR, FURTHEST = 2.0, 40.0  # logarithms: steps in which the weight of a penalty is looked for, and how far
CYCLES = 50  # rounds over several penalised splines, whose degrees of freedom depend on each other
CLOSE = 1e-7  # degrees of freedom


@dataclass(frozen=True)
class Smooth:
    """A penalised spline in a model: its columns, its penalty, shape (q, q), and the effective df asked for."""

    columns: slice
    penalty: Array
    df: float


def smooths(recipe: Recipe, *, plain: bool) -> tuple[Smooth, ...]:
    """Find the penalised splines of a recipe.

    Parameters
    ----------
    recipe : Recipe
    plain : bool
        Whether the likelihood has no other penalty and the covariance is model-based, as these splines need.

    Raises
    ------
    SpecError
        If there is one and the model is not plain, or one stands in an interaction.
    """
    found = []
    for term in recipe.terms:
        for basis in map(untransformed, term.bases):
            if isinstance(basis, Penalised):
                if len(term.bases) > 1:
                    raise SpecError(f"{basis.label} cannot stand in an interaction; use rcs or ns.")
                if not plain:
                    raise SpecError(
                        f"{basis.label} has a model-based covariance only; leave out robust, cluster and penalty, "
                        f"or use rcs({basis.variable}, 5)."
                    )
                found.append(Smooth(term.columns, basis.penalty, basis.df))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Evaluation(Generic[E]):
    """A penalised log-likelihood at one value of the coefficients, and the one without penalty."""

    plain: E
    loglik: float
    gradient: Array


@dataclass(frozen=True, eq=False)
class PenalisedLikelihood(Generic[E]):
    """l(b) - b'Pb / 2."""

    plain: LogLikelihood[E]
    penalty: Array

    @property
    def x(self) -> Array:
        """Covariates, shape (n, p)."""
        return self.plain.x

    def evaluate(self, coef: Array) -> Evaluation[E]:
        """Compute the penalised log-likelihood and its gradient at coefficients of shape (p,)."""
        at, pull = self.plain.evaluate(coef), self.penalty @ coef
        return Evaluation(at, at.loglik - float(coef @ pull) / 2, at.gradient - pull)

    def information(self, at: Evaluation[E], *, far: bool = False) -> Array:
        """Minus the second derivative, shape (p, p)."""
        return self.plain.information(at.plain, far=far) + self.penalty

    def first_information(self, at: Evaluation[E], names: tuple[str, ...]) -> Array:
        """Compute the information where Newton's method starts, refusing collinear columns (FitError)."""
        information = self.information(at)
        check_information(information, information, names, among="every row")
        return information


def maximise_smooth(
    likelihood: LogLikelihood[E],
    names: tuple[str, ...],
    terms: tuple[Smooth, ...],
    max_iterations: int,
    start: Array | None = None,
) -> tuple[Maximum[E], Array | None]:
    """Maximise a log-likelihood with penalised splines (if any), each smoothed to its degrees of freedom.

    The effective degrees of freedom of a spline are the trace of V_jj^-1 (V I V)_jj, with V the inverse of the
    penalised information and I the information without penalty, at its columns j.

    Returns
    -------
    Maximum
        Its information is the penalised one, and its log-likelihood the one without penalty.
    array, shape (p,), or None
        Effective degrees of freedom, those of a spline spread evenly over its columns; None without splines.

    Raises
    ------
    FitError
        If the model cannot be estimated, or a spline cannot have the degrees of freedom asked for.

    References
    ----------
    Eilers PHC, Marx BD (1996) Stat Sci 11:89; Gray RJ (1992) JASA 87:942. R: survival::pspline(x, df).
    """
    if not terms:
        return maximise(likelihood, names, max_iterations, start), None
    p = len(names)
    begin = np.zeros(p) if start is None else start
    at_begin = likelihood.evaluate(begin)
    amount = np.diag(likelihood.information(at_begin))
    weights = [float(amount[term.columns].mean()) for term in terms]
    best: Maximum[Evaluation[E]] | None = None
    steps = 0

    def fitted(weights: list[float]) -> tuple[Maximum[Evaluation[E]], list[float]]:
        nonlocal best, steps
        penalty = np.zeros((p, p))
        for term, weight in zip(terms, weights, strict=True):
            penalty[term.columns, term.columns] = weight * term.penalty
        best = maximise(
            PenalisedLikelihood(likelihood, penalty), names, max_iterations, begin if best is None else best.coef
        )
        steps += best.iterations
        inverse = np.linalg.inv(best.information)
        middle = inverse @ (best.information - penalty) @ inverse
        blocks = [(inverse[t.columns, t.columns], middle[t.columns, t.columns]) for t in terms]
        return best, [float(np.trace(np.linalg.solve(whole, part))) for whole, part in blocks]

    for _ in range(CYCLES):
        for j, term in enumerate(terms):

            def excess(log_weight: float, j: int = j, df: float = term.df) -> float:
                trial = [*weights[:j], float(np.exp(log_weight)), *weights[j + 1 :]]
                return fitted(trial)[1][j] - df

            weights[j] = float(np.exp(_root(excess, float(np.log(weights[j])), names[term.columns.start])))
        maximum, found = fitted(weights)
        if max(abs(df - term.df) for df, term in zip(found, terms, strict=True)) < CLOSE:
            break
    else:
        raise FitError("the smoothing of several penalised splines does not settle; use fewer of them, or rcs.")
    edf = np.ones(p)
    for df, term in zip(found, terms, strict=True):
        edf[term.columns] = df / (term.columns.stop - term.columns.start)
    plain = maximum.at.plain
    nan = float("nan")  # a score test has no meaning before the smoothing is known
    done = Maximum(maximum.coef, plain, maximum.information, plain.loglik, at_begin.loglik, nan, steps)
    return done, edf


def _root(excess: Callable[[float], float], start: float, name: str) -> float:
    """Where a decreasing function of a log weight is zero, looked for outwards from `start`."""
    from scipy import optimize  # a tenth of a second and 20 MB that only penalised splines need

    low = high = start
    while excess(low) < 0:
        low -= FACTOR
        if start - low > FURTHEST:
            raise FitError(
                f"the spline of '{name}' cannot have so many degrees of freedom with these data; ask for fewer."
            )
    while excess(high) > 0:
        high += FACTOR
        if high - start > FURTHEST:
            raise FitError(f"the spline of '{name}' cannot be made so smooth with these data; use a straight line.")
    return float(optimize.brentq(excess, low, high, xtol=1e-12, rtol=1e-14)) if low < high else start
