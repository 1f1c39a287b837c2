"""Few people who stand for many: averages over people of smooth functions of their hazards, exact to rounding.

Whatever else is known of a person, the risk depends on one number a cause, the log relative hazard, and does so
analytically. A polynomial through Chebyshev's points of the range of those numbers then equals it to rounding, and its
average over the people is a weighted sum of its values at the points: a few hundred people in place of 400,000, with
weights that may be negative. Whether the polynomial is good enough is tried on some of the people; if it is not, all
are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from riskkit.design.bases import Array

CHUNK = 8192
EXACT = 1e-11  # absolute error of a probability that is taken for rounding
DEGREES = {1: (16, 32, 64), 2: (10, 16, 24, 40), 3: (10, 16)}  # points a cause to try, by the number of causes
TRIED = 200  # people on whom a polynomial is tried


@dataclass(frozen=True, eq=False)
class Polynomial:
    """Interpolation at Chebyshev's points of a box.

    Attributes
    ----------
    low, high : array, shape (K,)
        The box: the range of each cause's log relative hazard.
    m : int
        Points a cause, so that m^K points in all.
    """

    low: Array
    high: Array
    m: int

    @property
    def _nodes(self) -> Array:
        return np.asarray(np.cos(np.pi * (np.arange(self.m) + 0.5) / self.m))

    @property
    def points(self) -> Array:
        """The points, shape (m^K, K), the last cause varying fastest."""
        axes = [
            (low + high) / 2 + (high - low) / 2 * self._nodes for low, high in zip(self.low, self.high, strict=True)
        ]
        return np.stack([grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")], axis=1)

    def gather(self, people: Array, weights: Array) -> Array:
        """Weights of the points, shape (m^K,), that give people's weighted sum of any function; people are (n, K)."""
        total = np.zeros((self.m ** (len(self.low) - 1), self.m))
        for rows in _chunks(len(people)):
            *others, last = self._chebyshev(people[rows])
            first = reduce(_products, others, weights[rows, None])
            total += first.T @ last
        return self._along_axes(self._matrix.T, total.reshape((self.m,) * len(self.low))).ravel()

    def spread(self, values: Array, people: Array) -> Array:
        """The values at people, shape (n, F), of functions whose values at the points have shape (m^K, F)."""
        k, f = len(self.low), values.shape[1]
        tables = np.hstack(
            [self._along_axes(self._matrix, v.reshape((self.m,) * k)).reshape(-1, self.m) for v in values.T]
        )
        out = np.empty((len(people), f))
        for rows in _chunks(len(people)):
            *others, last = self._chebyshev(people[rows])
            first = reduce(_products, others) if others else np.ones((len(last), 1))
            np.einsum("nfm,nm->nf", (first @ tables).reshape(len(last), f, self.m), last, out=out[rows])
        return out

    def _chebyshev(self, people: Array) -> list[Array]:
        """Chebyshev polynomials 0 .. m - 1 of each cause's number, each of shape (n, m)."""
        out = []
        for c, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            u = (2 * people[:, c] - low - high) / (high - low) if high > low else np.zeros(len(people))
            table = np.empty((self.m, u.size))
            table[0], table[1] = 1.0, u
            for degree in range(2, self.m):
                np.multiply(2 * u, table[degree - 1], out=table[degree])
                table[degree] -= table[degree - 2]
            out.append(table.T)
        return out

    @property
    def _matrix(self) -> Array:
        """From values at the points to coefficients of the polynomials, shape (m, m)."""
        degrees = np.arange(self.m)
        matrix = np.cos(np.outer(degrees, np.pi * (degrees + 0.5) / self.m)) * 2 / self.m
        matrix[0] /= 2
        return np.asarray(matrix)

    def _along_axes(self, matrix: Array, values: Array) -> Array:
        return reduce(
            lambda out, axis: np.moveaxis(np.tensordot(matrix, out, (1, axis)), 0, axis), range(values.ndim), values
        )


def _products(left: Array, right: Array) -> Array:
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK))


def polynomial(people: Array, exact: Callable[[Array], Array]) -> Polynomial | None:
    """The polynomial that stands for people, shape (n, K), in functions `exact`; None where no small one does.

    Parameters
    ----------
    exact : function
        Of log relative hazards, shape (Q, K), to values, shape (Q, F).
    """
    n, k = people.shape
    low, high = people.min(axis=0), people.max(axis=0)
    tried = np.unique(
        np.concatenate([people.argmin(axis=0), people.argmax(axis=0), np.arange(0, n, max(1, n // TRIED))])
    )
    for m in DEGREES.get(k, ()):
        if 2 * m**k > n:
            return None
        found = Polynomial(low, high, m)
        true = exact(people[tried])
        error = np.abs(found.spread(exact(found.points), people[tried]) - true).max(axis=0)
        if (error < EXACT * np.maximum(np.abs(true).max(axis=0), 1.0)).all():
            return found
    return None
