"""Newton's method for a concave log-likelihood, stopped by its decrement, with the failures said in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.errors import FitError
from riskkit.fit import diagnosis

CONVERGED = 1e-20  # squared distance from the maximum in standard errors, g'I^-1 g; weights may be shares of one
NEGLIGIBLE = 1e-18  # the same as a share of the log-likelihood: below it, the information changes by some 1e-8 at most
ROUNDING = 1e-9  # decrement below which a log-likelihood that no longer rises is at its maximum to rounding
FAR = 2.0  # decrement a coefficient above which a Newton step errs by more than the sampling error of its information
SLOW = 1e-3  # decrement under which steps must shrink fast, and from which none may end at the maximum
HALVINGS = 60  # of a step that an information next to nothing made a million million times too long
RISE = 1e-12  # relative fall of the log-likelihood that is rounding, not a step too long


class Evaluated(Protocol):
    """What a log-likelihood is at one value of the coefficients."""

    @property
    def loglik(self) -> float:
        """Its value."""

    @property
    def gradient(self) -> Array:
        """Its derivative, shape (p,)."""


E = TypeVar("E", bound=Evaluated)


class LogLikelihood(Protocol[E]):
    """A concave function of p coefficients."""

    @property
    def x(self) -> Array:
        """Covariates, shape (n, p)."""

    def evaluate(self, coef: Array) -> E:
        """Compute the log-likelihood and its gradient at coefficients of shape (p,)."""

    def information(self, at: E, *, far: bool = False) -> Array:
        """Minus the second derivative, shape (p, p); far from the maximum, an estimate will do where it is cheaper."""

    def first_information(self, at: E, names: tuple[str, ...]) -> Array:
        """The same where Newton's method starts, refusing columns that tell nothing (FitError)."""


@dataclass(frozen=True, eq=False)
class Maximum(Generic[E]):
    """Where Newton's method ended, and the log-likelihood and score statistic where it began."""

    coef: Array
    at: E
    information: Array
    loglik: float
    loglik_null: float
    score_chi2: float
    iterations: int


def maximise(
    likelihood: LogLikelihood[E], names: tuple[str, ...], max_iterations: int, start: Array | None = None
) -> Maximum[E]:
    """Maximise a log-likelihood from `start`, shape (p,), or from zero.

    Stops when the Newton decrement g'I^-1 g is below 1e-20 (or 1e-18 of the log-likelihood), or when it is below 1e-9
    and rounding hides any further rise of the log-likelihood; the last step, already at hand, is still added to the
    coefficients. A step that lowers the log-likelihood is halved.

    Raises
    ------
    FitError
        If a column is constant or collinear, a coefficient has no finite estimate, or steps run out.
    """
    coef = np.zeros(len(names)) if start is None else start
    with np.errstate(over="ignore", invalid="ignore"):  # of an offset; the first step is then refused
        at = likelihood.evaluate(coef)
    if not names:
        return Maximum(coef, at, np.empty((0, 0)), at.loglik, at.loglik, 0.0, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        information = likelihood.first_information(at, names)
    loglik_null = at.loglik
    step = _solve(information, at.gradient)
    decrement = score_chi2 = float(at.gradient @ step)
    iterations, taken = 0, step
    previous = np.inf
    while decrement > max(CONVERGED, NEGLIGIBLE * abs(at.loglik)):
        if iterations == max_iterations or (decrement < SLOW and decrement > 0.1 * previous):
            _check_separation(likelihood, coef, step, at, names)
        if iterations == max_iterations:
            raise FitError(
                f"no convergence in {max_iterations} Newton steps (decrement {decrement:.3g}); look at the scale and "
                "the extremes of the covariates, or raise max_iterations."
            )
        forward, coef_new = _advance(likelihood, coef, step, at)
        rise, taken = forward.loglik - at.loglik, coef_new - coef
        coef, at, iterations, previous = coef_new, forward, iterations + 1, decrement
        far = float(at.gradient @ _solve(information, at.gradient)) > FAR * coef.size
        information = likelihood.information(at, far=far)
        step = _solve(information, at.gradient)
        if far and not at.gradient @ step > max(ROUNDING, NEGLIGIBLE * abs(at.loglik)):
            information = likelihood.information(at)  # no estimate of it may be the last
            step = _solve(information, at.gradient)
        decrement = float(at.gradient @ step)
        if decrement < ROUNDING and rise <= 4 * np.finfo(float).eps * abs(at.loglik) and decrement <= 0.1 * previous:
            break
    if iterations and previous > SLOW:
        _check_separation(likelihood, coef, taken, at, names)
    diagnosis.check_learnt(information, names)
    return Maximum(coef + step, at, information, at.loglik, loglik_null, score_chi2, iterations)


def _check_separation(likelihood: LogLikelihood[E], coef: Array, step: Array, at: E, names: tuple[str, ...]) -> None:
    """Look far ahead along a step, though not so far that exponentials of the linear predictors underflow."""
    moves = likelihood.x @ step
    furthest = float(np.ptp(moves))
    most = float(np.quantile(np.abs(moves - np.median(moves)), 0.9)) / max(furthest, np.finfo(float).tiny)
    if diagnosis.STILL < most < diagnosis.LEVERAGE:  # few rows are far out; what the others say would not be seen
        return
    steps = min(diagnosis.INFINITE, diagnosis.FURTHEST / max(1.0, furthest))
    with np.errstate(over="ignore", invalid="ignore"):
        ahead = likelihood.evaluate(coef + steps * step).loglik
    diagnosis.check_separation(at.loglik, ahead, step, likelihood.x, names)


def _advance(likelihood: LogLikelihood[E], coef: Array, step: Array, at: E) -> tuple[E, Array]:
    """Take the Newton step, or the longest of its halvings that does not lower the log-likelihood."""
    for halving in range(HALVINGS):
        moved = coef + step / 2**halving
        with np.errstate(over="ignore", invalid="ignore"):  # a step too long overflows; its loglik is then not finite
            forward = likelihood.evaluate(moved)
        finite = np.isfinite(forward.loglik) and np.isfinite(forward.gradient).all()
        if finite and forward.loglik >= at.loglik - RISE * abs(at.loglik):
            return forward, moved
    raise FitError("no step along Newton's direction raises the log-likelihood; look for extreme covariate values.")


def _solve(information: Array, gradient: Array) -> Array:
    if not (np.isfinite(information).all() and np.isfinite(gradient).all()):
        raise FitError("linear predictors overflow; look for extreme values of the covariates, or of the offset.")
    try:
        return np.asarray(linalg.cho_solve(linalg.cho_factor(information), gradient))
    except linalg.LinAlgError:
        return np.asarray(linalg.lstsq(information, gradient)[0])
