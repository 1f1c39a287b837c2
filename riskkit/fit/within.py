"""A log-likelihood on part of its coefficients: some fixed, some tied together, some at infinity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.levels import Factor, Groups, GroupsBy
from riskkit.fit.diagnosis import check_information
from riskkit.fit.newton import E, LogLikelihood, Maximum, maximise

BEYOND = 1000.0
"""A coefficient that stands for infinity: the exponential of its negative is zero to the last bit."""


@dataclass(frozen=True, eq=False)
class Evaluation(Generic[E]):
    """The log-likelihood at one value of the numbers that are free, and the evaluation of it in full."""

    plain: E
    loglik: float
    gradient: Array


@dataclass(frozen=True, eq=False)
class Within(Generic[E]):
    """A log-likelihood of coefficients start + basis a, as a function of a.

    Attributes
    ----------
    full : LogLikelihood
    start : array, shape (p,)
    basis : array, shape (p, q)
    """

    full: LogLikelihood[E]
    start: Array
    basis: Array

    @cached_property
    def x(self) -> Array:
        """Covariates, shape (n, q)."""
        return self.full.x @ self.basis

    def evaluate(self, coef: Array) -> Evaluation[E]:
        """Compute the log-likelihood and its gradient at a, shape (q,)."""
        at = self.full.evaluate(self.start + self.basis @ coef)
        return Evaluation(at, at.loglik, at.gradient @ self.basis)

    def information(self, at: Evaluation[E], *, far: bool = False) -> Array:
        """Information about a, shape (q, q)."""
        return np.asarray(self.basis.T @ self.full.information(at.plain, far=far) @ self.basis)

    def first_information(self, at: Evaluation[E], names: tuple[str, ...]) -> Array:
        """The same where Newton's method starts, refusing collinear columns (FitError)."""
        information = self.information(at)
        check_information(information, information, names)
        return information


ROUNDING = 1e-9  # share of the largest total that is no total at all: centred columns leave some


def maximum_within(
    likelihood: LogLikelihood[E], start: Array, basis: Array, begin: Array, max_iterations: int
) -> tuple[float, Array]:
    """Highest log-likelihood over coefficients start + basis a, from a = `begin`; and those coefficients, shape (p,).

    Raises
    ------
    FitError
        If it cannot be found.
    """
    names = tuple(f"free{j}" for j in range(1, basis.shape[1] + 1))
    best = maximise(Within(likelihood, start, basis), names, max_iterations, begin)
    return best.loglik, start + basis @ best.coef


def without_events(
    design: Design, happened: NDArray[np.bool_], totals: Array, *, everyone: bool = False
) -> Array | None:
    """Find levels of covariates without an event, whose coefficients are minus infinity.

    The first variable of a formula is its exposure, of which this would be the answer: it is not looked at, nor is a
    variable that interacts, a number, or a factor whose reference level has no event.

    Parameters
    ----------
    design : Design
    happened : bool array, shape (n,)
    totals : array, shape (p,)
        Sum of the columns over those to whom it happened, weighted or not: zero where a level is without events.
    everyone : bool
        Whether levels at which it happens to everyone are looked for too; their coefficients are infinity.

    Returns
    -------
    array, shape (p,), or None
        -1 where a coefficient is minus infinity, 1 where infinity, 0 elsewhere; None where none is.
    """
    recipe = design.recipe
    out = np.zeros(len(recipe.names))
    for term in recipe.terms[1:]:
        name = term.variables[0]
        if name in recipe.terms[0].variables or len(recipe.terms_with(name)) > 1 or len(term.bases) > 1:
            continue
        if not isinstance(term.bases[0], Factor | Groups | GroupsBy):
            continue
        if not everyone and (totals[term.columns] > ROUNDING * totals.max()).all():
            continue
        inside = design.x[:, term.columns]
        none = ~inside[happened].any(axis=0)
        every = ~inside[~happened].any(axis=0) if everyone else np.zeros_like(none)
        if not (none.any() or every.any()):
            continue
        reference = ~inside.any(axis=1)
        told = {bool(value) for value in happened[reference]}
        if told == {False, True} if everyone else True in told:
            out[term.columns] = np.where(every, 1.0, 0.0) - np.where(none, 1.0, 0.0)
    return out if out.any() else None


def maximise_limit(
    likelihood: LogLikelihood[E], names: tuple[str, ...], infinite: Array, max_iterations: int, start: Array
) -> Maximum[E]:
    """Maximise a log-likelihood some of whose coefficients are infinite, to the limit.

    Parameters
    ----------
    likelihood : LogLikelihood
    names : tuple of str
    infinite : array, shape (p,)
        As `without_events` gives.
    max_iterations : int
    start : array, shape (p,)
        The coefficients without covariates.

    Returns
    -------
    Maximum
        Its information is zero at the infinite coefficients; the score statistic is of all.

    Raises
    ------
    FitError
        If the model cannot be estimated for another reason.
    """
    at = likelihood.evaluate(start)
    information = likelihood.first_information(at, names)
    score_chi2 = float(at.gradient @ np.linalg.lstsq(information, at.gradient, rcond=None)[0])
    free = infinite == 0
    basis = np.eye(infinite.size)[:, free]
    kept = tuple(name for name, is_free in zip(names, free, strict=True) if is_free)
    best = maximise(Within(likelihood, BEYOND * infinite, basis), kept, max_iterations, start[free])
    whole = basis @ best.information @ basis.T
    coef = BEYOND * infinite + basis @ best.coef
    return Maximum(coef, best.at.plain, whole, best.loglik, at.loglik, score_chi2, best.iterations)


def limit_notes(names: tuple[str, ...], infinite: Array | None) -> tuple[str, ...]:
    """Say which coefficients are infinite, and why."""
    if infinite is None:
        return ()
    none = [name for name, sign in zip(names, infinite, strict=True) if sign < 0]
    every = [name for name, sign in zip(names, infinite, strict=True) if sign > 0]
    out = []
    for found, what, where in ((none, "no event", "minus infinity"), (every, "nobody without the event", "infinity")):
        if found:
            out.append(
                f"{', '.join(found)}: {what}, so that the coefficient is {where}; the other estimates are their limit."
            )
    return tuple(out)
