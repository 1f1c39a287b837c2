"""Logit models of two levels or more, ordered or not, by Newton's method; fast, since imputation fits thousands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from riskkit.design.bases import Array

STEPS = 25
LONGEST = 2.0  # step taken
RUNNING = 6  # steps after which a longer one means that coefficients run away
SETTLED = 1e-4  # of a step, for predictors of unit size; the next one would be its square


@dataclass(frozen=True, eq=False)
class Logit:
    """Coefficients of a logit model of k levels.

    Attributes
    ----------
    coef : array
        Unordered: (k - 1) p, level after level, relative to level 0. Ordered: the k - 1 thresholds of
        P(level <= j) = 1 / (1 + exp(-(threshold_j - x'b))), then p - 1 slopes b (the intercept is in the thresholds).
    information : array, shape (coef, coef)
        Negative second derivatives of the log-likelihood.
    k : int
    ordered : bool
    """

    coef: Array
    information: Array
    k: int
    ordered: bool

    def probabilities(self, x: Array) -> Array:
        """Probability of each level, shape (n, k), given predictors of shape (n, p)."""
        if self.ordered:
            thresholds = np.sort(self.coef[: self.k - 1])
            up_to = scipy.special.expit(thresholds - (x[:, 1:] @ self.coef[self.k - 1 :])[:, None])
            return np.diff(np.column_stack([np.zeros(len(x)), up_to, np.ones(len(x))]))
        linear = x @ self.coef.reshape(self.k - 1, -1).T
        return np.asarray(scipy.special.softmax(np.column_stack([np.zeros(len(x)), linear]), axis=1))


def maximised(
    x: Array, codes: NDArray[np.int64], weights: Array, k: int, ordered: bool, *, settle: bool = True
) -> Logit | None:
    """Maximise the likelihood; None where the steps do not settle, as under perfect prediction, unless `settle` is off.

    Parameters
    ----------
    x : array, shape (n, p)
    codes : int array, shape (n,)
        Level of each row, 0 ... k - 1, each of which occurs.
    weights : array, shape (n,)
    k : int
    ordered : bool
        Proportional odds; otherwise multinomial.
    """
    share = np.bincount(codes, weights, k) / weights.sum()
    if ordered and k > 2:
        start = np.concatenate([scipy.special.logit(np.cumsum(share)[:-1]), np.zeros(x.shape[1] - 1)])
        derivatives = _cumulative
    else:
        start = np.zeros((k - 1, x.shape[1]))
        start[:, 0] = np.log(share[1:] / share[0])
        start, derivatives, ordered = start.ravel(), _multinomial, False
    coef = start
    for taken in range(STEPS):
        gradient, information = derivatives(coef, x, codes, weights, k)
        step = np.linalg.solve(information, gradient)
        largest = float(np.abs(step).max())
        if settle and taken > RUNNING and largest > LONGEST:
            return None
        coef = coef + step * min(1.0, LONGEST / largest) if largest > 0 else coef
        if largest < SETTLED:
            return Logit(coef, information, k, ordered)
    return None if settle else Logit(coef, information, k, ordered)


def _multinomial(coef: Array, x: Array, codes: NDArray[np.int64], weights: Array, k: int) -> tuple[Array, Array]:
    probability = Logit(coef, np.empty(0), k, False).probabilities(x)[:, 1:]
    p = x.shape[1]
    residual = weights[:, None] * ((codes[:, None] == np.arange(1, k)) - probability)
    information = np.empty((k - 1, p, k - 1, p))
    for a in range(k - 1):
        for b in range(a, k - 1):
            w = weights * probability[:, a] * ((a == b) - probability[:, b])
            block = x.T @ (w[:, None] * x)
            information[a, :, b] = information[b, :, a] = block
    return (residual.T @ x).ravel(), information.reshape((k - 1) * p, (k - 1) * p)


def _cumulative(coef: Array, x: Array, codes: NDArray[np.int64], weights: Array, k: int) -> tuple[Array, Array]:
    thresholds = np.concatenate([[-np.inf], coef[: k - 1], [np.inf]])
    linear = x[:, 1:] @ coef[k - 1 :]
    upper, lower = (scipy.special.expit(thresholds[codes + side] - linear) for side in (1, 0))
    slopes = upper * (1 - upper), lower * (1 - lower)
    likelihood = np.maximum(upper - lower, 1e-300)
    # Derivatives with respect to the two arguments threshold - x'b that the level lies between.
    first = slopes[0] / likelihood, -slopes[1] / likelihood
    second = slopes[0] * (1 - 2 * upper) / likelihood, -slopes[1] * (1 - 2 * lower) / likelihood
    above, below = (np.zeros((len(x), k - 1 + x.shape[1] - 1)) for _ in range(2))
    rows = np.arange(len(x))
    above[rows[codes < k - 1], codes[codes < k - 1]] = 1.0
    below[rows[codes > 0], codes[codes > 0] - 1] = 1.0
    above[:, k - 1 :] = below[:, k - 1 :] = -x[:, 1:]
    gradient = above.T @ (weights * first[0]) + below.T @ (weights * first[1])
    across = above.T @ ((weights * first[0] * first[1])[:, None] * below)
    information = (
        above.T @ ((weights * (first[0] ** 2 - second[0]))[:, None] * above)
        + below.T @ ((weights * (first[1] ** 2 - second[1]))[:, None] * below)
        + across
        + across.T
    )
    return gradient, information
