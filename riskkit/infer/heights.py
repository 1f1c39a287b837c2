"""How far an end of the range lies above the lowest point between, when that point is wherever the curve is lowest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.band import root
from riskkit.infer.linear import critical, place, standard_errors

Limit = float | str

LIMITS: tuple[Limit, Limit] = ("p5", "p95")  # the range of all that is said of a shape, unless another is declared
POINTS = 201
PAIRS = 2_000  # of opposite directions behind a supremum


@dataclass(frozen=True)
class Height:
    """One end of the range against the lowest (or highest) point of the curve.

    Attributes
    ----------
    x : float
        The end, in the variable's unit.
    estimate, low, high : float
        Log ratio of the end to the extreme point, with its two-sided interval: never below zero against the lowest
        point, never above it against the highest. The interval has the probability of its level wherever that point is.
    p : float
        Two-sided p value of the end being itself the extreme point; below 1 - level just when the interval leaves out
        zero.
    statistic, critical : float
        The largest standardised difference between the end and any point, and what it must pass.
    """

    x: float
    estimate: float
    low: float
    high: float
    p: float
    statistic: float
    critical: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero: the end is not the extreme point."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Supremum:
    """The largest of m standardised estimates whose truths are all zero.

    A normal vector is a random length in a random direction. The length's distribution is known, so only directions are
    drawn, and small p values are as exact as large ones.

    Attributes
    ----------
    reach : array
        The largest of the m in each direction, per unit of length.
    rank : int
        Dimensions of the normal vector.
    df : float
        Degrees of freedom of the t distribution; infinite means normal.
    """

    reach: Array
    rank: int
    df: float

    def p(self, largest: float) -> float:
        """Probability that the largest is at least this."""
        if largest <= 0:
            return 1.0
        squared = (largest / self.reach[self.reach > 0]) ** 2
        if np.isinf(self.df):
            beyond = special.chdtrc(self.rank, squared)
        else:
            beyond = special.fdtrc(self.rank, self.df, squared / self.rank)
        return float(beyond.sum() / self.reach.size)

    def critical(self, p: float) -> float:
        """The value that the largest reaches with probability p, which is below a half."""
        upper = 4.0
        while self.p(upper) > p:
            upper *= 2
        return float(optimize.brentq(lambda value: self.p(value) - p, 1e-9, upper, xtol=1e-9))


def supremum(fit: Fit, rows: Array, seed: int = 1) -> Supremum:
    """Distribution of the largest of m standardised linear combinations, shape (m, p), whose truths are all zero.

    With the degrees of freedom of the row that has fewest, where rows differ.
    """
    used = rows.any(axis=0)
    spread = rows[:, used] @ root(fit.vcov[np.ix_(used, used)])
    spread /= np.linalg.norm(spread, axis=1)[:, None]
    direction = np.random.default_rng(seed).standard_normal((spread.shape[1], PAIRS))
    along = spread @ (direction / np.linalg.norm(direction, axis=0))
    return Supremum(np.append(along.max(axis=0), -along.min(axis=0)), spread.shape[1], float(fit.t_df(rows).min()))


def heights(fit: Fit, grid: Array, rows: Array, end: int, level: float = 0.95, seed: int = 1) -> tuple[Height, Height]:
    """Compare an end of a grid with the lowest point on it, and with the highest.

    The null hypothesis is that no point lies lower than the end. The largest standardised difference is then at most
    as large as if the curve were flat, whose distribution is known but for the covariance being an estimate; the lowest
    point is not named, so the test pays for the search. The lower limit of the interval inverts this test, the upper
    one is the largest of the pointwise upper limits, which the point that is truly lowest is among.

    Parameters
    ----------
    fit : Fit
    grid : array, shape (m,)
        Values of the variable.
    rows : array, shape (m, p)
        Coding of them, of which differences mean something.
    end : {0, -1}
        The first of the grid or the last.
    level : float
        Confidence level.
    seed : int
        Of the directions drawn.

    Raises
    ------
    SpecError
        If nothing on the grid differs from the end with a standard error.

    References
    ----------
    Berger RL (1982) Technometrics 24:295-300, intersection-union tests; Chernozhukov V, Lee S, Rosen AM (2013)
    Econometrica 81:667-737, intervals of a largest difference.
    """
    above = np.delete(rows[end] - rows, end, axis=0)
    se = standard_errors(fit, above)
    above, se = above[se > 0], se[se > 0]
    if not se.size:
        raise SpecError("the curve has no standard error anywhere between the limits; is its coefficient fixed?")
    difference, law = above @ fit.coef, supremum(fit, above, seed)
    bound, pointwise = law.critical((1 - level) / 2), critical(fit, above, level)

    def against(sign: float) -> Height:
        higher = sign * difference
        lower = max(float((higher - bound * se).max()), 0.0)  # the end is one of the points
        upper = max(float((higher + pointwise * se).max()), 0.0)
        low, high = sorted((sign * lower + 0.0, sign * upper + 0.0))  # no zero with a minus sign
        estimate = sign * max(float(higher.max()), 0.0) + 0.0
        statistic = float((higher / se).max())
        return Height(float(grid[end]), estimate, low, high, min(2 * law.p(statistic), 1.0), statistic, bound)

    return against(1.0), against(-1.0)


def spread(fit: Fit, rows: Array, level: float = 0.95) -> float:
    """Upper confidence limit of the difference between the highest and the lowest point of m rows, shape (m, p).

    The largest of the upper limits of all pairs of points, which the pair that truly differs most is among.
    """
    thinned = rows[:: max(1, len(rows) // 50)]
    first, second = np.triu_indices(len(thinned), 1)
    pairs = thinned[first] - thinned[second]
    return float((np.abs(pairs @ fit.coef) + critical(fit, pairs, level) * standard_errors(fit, pairs)).max())


def search_grid(fit: Fit, variable: str, limits: tuple[Limit, Limit]) -> Array:
    """Turn two limits into a grid between them.

    Raises
    ------
    SpecError
        If they are not in order.
    """
    low, high = (place(fit, variable, limit) for limit in limits)
    if not low < high:
        raise SpecError(
            f"limits of '{variable}': {limits[0]!r} must lie below {limits[1]!r}; they are {low:g} and {high:g}."
        )
    return np.linspace(low, high, POINTS)
