"""Log-likelihoods of generalised linear models with the canonical link, and Firth's penalty on them.

With the canonical link the gradient is X'W(y - mean) and the information is X'WVX, V being the variance of an outcome:
one Gram matrix an iteration, and nothing else that takes time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from riskkit.design.bases import Array
from riskkit.fit import kernel
from riskkit.fit.diagnosis import check_information

ROWS_PER_BLOCK = 4096  # rows whose intermediate values stay in cache
LARGEST = 700.0  # linear predictor whose exponential is still finite


@dataclass(frozen=True)
class Family:
    """Distribution of an outcome given its linear predictor, which is its canonical parameter.

    Attributes
    ----------
    mean : function of the linear predictor, shape (n,)
    variance, skewness : functions of the mean, shape (n,)
        Variance, and its logarithmic derivative with respect to the linear predictor.
    log_density : function of the outcome, the linear predictor and the mean, shape (n,)
    link : function of a mean
        The linear predictor of it.
    """

    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    skewness: Callable[[Array], Array]
    log_density: Callable[[Array, Array, Array], Array]
    link: Callable[[float], float]


BERNOULLI = Family(
    mean=special.expit,
    variance=lambda mean: mean * (1 - mean),
    skewness=lambda mean: 1 - 2 * mean,
    log_density=lambda y, predictor, mean: (
        y * predictor - np.maximum(predictor, 0) - np.log1p(np.exp(-np.abs(predictor)))
    ),
    link=lambda mean: float(special.logit(mean)),
)
POISSON = Family(
    mean=lambda predictor: np.exp(np.minimum(predictor, LARGEST)),
    variance=lambda mean: mean,
    skewness=np.ones_like,
    log_density=lambda y, predictor, mean: y * predictor - mean - special.gammaln(y + 1),
    link=lambda mean: float(np.log(mean)),
)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A log-likelihood at one value of the coefficients; `mean` is each row's expected outcome, shape (n,)."""

    loglik: float
    gradient: Array
    mean: Array


@dataclass(frozen=True, eq=False)
class GlmLikelihood:
    """Log-likelihood of n independent outcomes.

    Attributes
    ----------
    x : array, shape (n, p), row-major
        Its first column is the intercept's, if there is one.
    y : array, shape (n,)
    family : Family
    weights, offset : array, shape (n,), or None
    intercept : bool
    """

    x: Array
    y: Array
    family: Family
    weights: Array | None = None
    offset: Array | None = None
    intercept: bool = True

    def linear_predictor(self, coef: Array) -> Array:
        """x'b + offset, shape (n,)."""
        predictor = self.x @ coef
        return predictor if self.offset is None else predictor + self.offset

    def evaluate(self, coef: Array) -> Evaluation:
        """Compute the log-likelihood and its gradient at coefficients of shape (p,)."""
        predictor = self.linear_predictor(coef)
        mean = self.family.mean(predictor)
        terms = self.family.log_density(self.y, predictor, mean)
        loglik = float(terms.sum() if self.weights is None else self.weights @ terms)
        return Evaluation(loglik, self.residual(mean) @ self.x, mean)

    def residual(self, mean: Array) -> Array:
        """Weighted outcome less its mean, shape (n,): times x it is a row's term of the gradient."""
        return self.y - mean if self.weights is None else self.weights * (self.y - mean)

    def row_information(self, mean: Array) -> Array:
        """Weight times variance of each outcome, shape (n,)."""
        variance = self.family.variance(mean)
        return variance if self.weights is None else self.weights * variance

    def information(self, at: Evaluation, *, far: bool = False) -> Array:
        """Information, shape (p, p)."""
        return gram(self.x, self.row_information(at.mean))

    def first_information(self, at: Evaluation, names: tuple[str, ...]) -> Array:
        """Compute the information where Newton's method starts, refusing constant and collinear columns (FitError)."""
        information = self.information(at)
        if not self.intercept:
            check_information(information, information, names, among="every row")
            return information
        # Sweeping the intercept out leaves each column's spread about its mean.
        spread = information[1:, 1:] - np.outer(information[1:, 0], information[0, 1:]) / information[0, 0]
        check_information(spread, information[1:, 1:], names[1:], among="every row")
        return information


@dataclass(frozen=True, eq=False)
class FirthLikelihood:
    """l(b) + log det I(b) / 2 of a `GlmLikelihood`; Newton's steps take the information of l, as Firth does."""

    plain: GlmLikelihood

    @property
    def x(self) -> Array:
        """Covariates, shape (n, p)."""
        return self.plain.x

    def evaluate(self, coef: Array) -> Evaluation:
        """Compute the penalised log-likelihood and its gradient at coefficients of shape (p,)."""
        at = self.plain.evaluate(coef)
        row_information = self.plain.row_information(at.mean)
        information = gram(self.x, row_information)
        try:
            root = np.linalg.cholesky(information)
        except np.linalg.LinAlgError:
            return Evaluation(-np.inf, at.gradient, at.mean)
        whiten, leverage = np.linalg.inv(root).T, np.empty(len(self.x))
        for start in range(0, len(self.x), ROWS_PER_BLOCK):
            rows = slice(start, start + ROWS_PER_BLOCK)
            leverage[rows] = ((self.x[rows] @ whiten) ** 2).sum(axis=1)
        leverage *= row_information
        pull = leverage * self.plain.family.skewness(at.mean) / 2
        penalty = float(np.log(np.diag(root)).sum())
        return Evaluation(at.loglik + penalty, at.gradient + pull @ self.x, at.mean)

    def information(self, at: Evaluation, *, far: bool = False) -> Array:
        """Information of the likelihood that is penalised, shape (p, p)."""
        return self.plain.information(at)

    def first_information(self, at: Evaluation, names: tuple[str, ...]) -> Array:
        """Compute the information where Newton's method starts, refusing constant and collinear columns (FitError)."""
        return self.plain.first_information(at, names)


def gram(x: Array, weights: Array) -> Array:
    """X' diag(weights) X, shape (p, p)."""
    out = np.empty((x.shape[1], x.shape[1]))
    kernel.weighted_gram(x, weights, out)
    return out
