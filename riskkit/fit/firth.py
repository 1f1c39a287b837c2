"""Firth's penalised likelihood: finite estimates where the likelihood itself rises for ever."""

from __future__ import annotations

import numpy as np

from riskkit.design.bases import Array
from riskkit.errors import FitError
from riskkit.fit.newton import CONVERGED, RISE, Maximum
from riskkit.fit.partial import Evaluation, PartialLikelihood
from riskkit.fit.tie_steps import expected_over_steps, steps

LONGEST = 5.0  # standard errors a step may take
ENOUGH = 0.1  # share of the rise its slope promises that a step must bring


def maximise_penalised(
    likelihood: PartialLikelihood,
    names: tuple[str, ...],
    max_iterations: int,
    fixed: Array | None = None,
    basis: Array | None = None,
    begin: Array | None = None,
) -> Maximum[Evaluation]:
    """Maximise l(b) + log det I(b) / 2 from zero, by quasi-Newton steps.

    The steps start with the information of l and learn the penalty's own curvature on the way (BFGS). With `fixed`,
    shape (p,), and `basis`, shape (p, q), over b = fixed + basis a, from a = `begin`: the penalty stays that of all
    columns.

    The log-likelihoods returned are penalised ones; twice their difference is the penalised likelihood-ratio statistic.

    Raises
    ------
    FitError
        If a column is constant or collinear, or steps run out.

    References
    ----------
    Firth D (1993) Biometrika 80:27; Heinze G, Schemper M (2001) Biometrics 57:114. R: coxphf::coxphf, with Efron's
    ties and delayed entry besides.
    """
    if fixed is None or basis is None or begin is None:
        fixed, basis, begin = np.zeros(len(names)), np.eye(len(names)), np.zeros(len(names))
    coef = fixed + basis @ begin
    at = likelihood.evaluate(coef)
    information = likelihood.first_information(at, names)
    score_chi2 = float(at.gradient @ np.linalg.solve(information, at.gradient))
    value = null = _penalised(at, information)
    gradient = (at.gradient + _penalty_gradient(likelihood, at, information)) @ basis
    inverse = np.asarray(np.linalg.inv(basis.T @ information @ basis))
    for iterations in range(max_iterations):
        step = inverse @ gradient
        decrement = float(gradient @ step)
        if decrement <= CONVERGED:
            return Maximum(coef, at, information, value, null, score_chi2, iterations)
        step *= min(1.0, LONGEST / np.sqrt(decrement))
        for _ in range(30):
            moved = likelihood.evaluate(coef + basis @ step)
            information = likelihood.information(moved)
            risen = _penalised(moved, information)
            if risen >= value + ENOUGH * (gradient @ step) - RISE * abs(value):
                break
            step = step / 2
        turned = (moved.gradient + _penalty_gradient(likelihood, moved, information)) @ basis
        inverse = _updated(inverse, step, gradient - turned)
        coef, at, value, gradient = coef + basis @ step, moved, risen, turned
    raise FitError(
        f"no convergence of the penalised likelihood in {max_iterations} steps; raise max_iterations, or look at the "
        "scale and the extremes of the covariates."
    )


def _updated(inverse: Array, step: Array, change: Array) -> Array:
    """BFGS: the inverse curvature, having seen the gradient fall by `change` along `step`."""
    seen = float(step @ change)
    if seen <= 0:
        return inverse
    left = np.eye(step.size) - np.outer(step, change) / seen
    return np.asarray(left @ inverse @ left.T + np.outer(step, step) / seen)


def _penalised(at: Evaluation, information: Array) -> float:
    sign, logdet = np.linalg.slogdet(information)
    return at.loglik + logdet / 2 if sign > 0 and np.isfinite(at.loglik) else -np.inf


def _penalty_gradient(likelihood: PartialLikelihood, at: Evaluation, information: Array) -> Array:
    """Derivative of log det I(b) / 2, shape (p,).

    It is half the sum over steps of w times the risk set's mean of (x - m)(x - m)' A (x - m), m being its mean of x and
    A the inverse information; multiplied out, every part is a sum over rows of what each expects while at risk.
    """
    x, these = likelihood.x, steps(likelihood, at)
    inverse = np.linalg.inv(information)
    ones = np.ones((these.key.size, 1))
    once = expected_over_steps(likelihood, at, these, ones)[:, 0]
    means = expected_over_steps(likelihood, at, these, these.mean)
    xa = x @ inverse
    square = np.einsum("ij,ij->i", xa, x)
    own = these.weight * np.einsum("mj,jk,mk->m", these.mean, inverse, these.mean)
    third = (once * square) @ x - 2 * x.T @ np.einsum("ij,ij->i", xa, means) - square @ means + 2 * own @ these.mean
    return np.asarray(third / 2)
