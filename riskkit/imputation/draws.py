"""One variable drawn given others: a Bayesian draw of a model's coefficients, then of the values that are missing.

Predictors have shape (n, p), a column of ones first, the others of about unit size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.imputation.logits import Logit, maximised

DONORS = 5
LEAST_SPREAD = 1e-4  # variance of a direction in which predictors differ so little that nothing is learnt from it


@dataclass(frozen=True, eq=False)
class Line:
    """A normal linear model: least squares, and one draw of coefficients and residual sd from their posterior."""

    coef: Array
    drawn: Array
    sd: float


def oriented(known: Array, missing: Array) -> tuple[Array, Array]:
    """Turn predictors to directions that are uncorrelated and of unit variance among the people who are known.

    Directions in which these do not differ (a predictor said twice, hazards that add up to another, an event that none
    of them had) are left out: no model could tell what they do. Predictions stay the same.

    Parameters
    ----------
    known, missing : array, shape (n, p) and (n_missing, p)
        A column of ones first, the others of about unit variance.
    """
    mean = known[:, 1:].mean(axis=0)
    centred = known[:, 1:] - mean
    variance, directions = np.linalg.eigh(centred.T @ centred / len(known))
    kept = variance > LEAST_SPREAD
    rotation = directions[:, kept] / np.sqrt(variance[kept])
    turned = (centred @ rotation, (missing[:, 1:] - mean) @ rotation)
    first, second = (np.column_stack([np.ones(len(each)), each]) for each in turned)
    return first, second


def line(random: np.random.Generator, x: Array, y: Array) -> Line:
    """Fit and draw a normal linear model of y, shape (n,).

    References
    ----------
    Rubin DB (1987), 5.3; R: mice::norm.draw.
    """
    factor = np.linalg.cholesky(x.T @ x)
    coef = scipy.linalg.cho_solve((factor, True), x.T @ y)
    residual = y - x @ coef
    sd = float(np.sqrt(residual @ residual / random.chisquare(max(len(y) - x.shape[1], 1))))
    normal = random.standard_normal(x.shape[1])
    drawn = coef + sd * scipy.linalg.solve_triangular(factor.T, normal)
    return Line(coef, drawn, sd)


def matched(random: np.random.Generator, model: Line, x: Array, y: Array, x_missing: Array) -> Array:
    """Predictive mean matching: a value observed in one of the people whose prediction is closest, at random.

    Observed people are predicted with the estimates, the others with the draw (type 1 matching).

    References
    ----------
    Little RJA (1988) J Bus Econ Stat 6:287-296; Morris TP, White IR, Royston P (2014) BMC Med Res Methodol 14:75.
    """
    known = x @ model.coef
    # People who are predicted alike stand in random order, or the first of them would always be the donors.
    order = random.permutation(len(y))
    order = order[np.argsort(known[order], kind="stable")]
    known, wanted = known[order], x_missing @ model.drawn
    donors = min(DONORS, len(y))
    first = np.searchsorted(known, wanted) - donors
    window = np.clip(first, 0, max(len(y) - 2 * donors, 0))[:, None] + np.arange(min(2 * donors, len(y)))
    distance = np.abs(known[window] - wanted[:, None])
    closest = np.argpartition(distance, donors - 1, axis=1)[:, :donors]
    chosen = closest[np.arange(len(wanted)), random.integers(donors, size=len(wanted))]
    return np.asarray(y[order[window[np.arange(len(wanted)), chosen]]])


def normal_between(random: np.random.Generator, mean: Array, sd: float, low: float, high: float) -> Array:
    """Draw normal values, shape (n,), between two bounds."""
    if np.isinf(low) and np.isinf(high):
        return mean + sd * random.standard_normal(mean.size)
    bottom, top = scipy.special.ndtr((low - mean) / sd), scipy.special.ndtr((high - mean) / sd)
    share = bottom + (top - bottom) * random.random(mean.size)
    # Where all of the distribution lies outside, only the nearer bound is left.
    return np.clip(mean + sd * scipy.special.ndtri(np.clip(share, 1e-300, 1 - 1e-16)), low, high)


def probabilities(
    random: np.random.Generator, x: Array, codes: NDArray[np.int64], k: int, ordered: bool, x_missing: Array
) -> tuple[Array, bool]:
    """Draw a logit model of k levels, and give the probability of each for the people who miss it.

    Where some level is predicted perfectly, the likelihood has no maximum; a few people of small weight are then added
    at every level, as many as there are coefficients in all.

    Returns
    -------
    array, shape (n_missing, k), and whether people were added

    References
    ----------
    White IR, Daniel R, Royston P (2010) Comput Stat Data Anal 54:2267-2275. R: mice::augment.
    """
    weights = np.ones(len(x))
    found = maximised(x, codes, weights, k, ordered)
    added = found is None
    if found is None:
        found = maximised(*_augmented(x, codes, weights, k), k, ordered, settle=False)
    assert found is not None  # an unsettled maximum is returned as it is
    factor = np.linalg.cholesky(found.information)
    drawn = found.coef + scipy.linalg.solve_triangular(factor.T, random.standard_normal(found.coef.size))
    return Logit(drawn, found.information, k, ordered).probabilities(x_missing), added


def chosen(random: np.random.Generator, probability: Array) -> Array:
    """Draw a level of each row of probabilities, shape (n, k); codes as floats, shape (n,)."""
    cumulative = np.cumsum(probability, axis=1)
    below = random.random(len(probability))[:, None] * cumulative[:, -1:] > cumulative[:, :-1]
    return below.sum(axis=1).astype(float)


def _augmented(x: Array, codes: NDArray[np.int64], weights: Array, k: int) -> tuple[Array, NDArray[np.int64], Array]:
    """Add people one standard deviation below and above the mean of each predictor, at each level."""
    p = x.shape[1]
    mean, sd = x.mean(axis=0), x.std(axis=0)
    steps = np.vstack([np.diag(sd)[1:], -np.diag(sd)[1:]])
    people = np.tile(mean + steps, (k, 1))
    levels = np.repeat(np.arange(k), len(steps))
    each = np.full(len(people), p / max(len(people), 1))
    return np.vstack([x, people]), np.concatenate([codes, levels]), np.concatenate([weights, each])
