"""Codings of a number as a spline curve: `rcs`, `ns`, `bs` and `ps`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from riskkit.design import bsplines, splines
from riskkit.design.bases import Array, Summary, numbers, summarise
from riskkit.design.bsplines import Boundary
from riskkit.errors import DataError
from riskkit.formula import quoted

HAIR = 1e-4  # of the range: how far beyond the boundary a derivative by differences may reach


@dataclass(frozen=True)
class Rcs:
    """Restricted cubic spline with the knots it was fitted with: `rcs(x, 5)`, `rcs(x, [10, 20, 30])`."""

    variable: str
    knots: tuple[float, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        return f"rcs({quoted(self.variable)}, {written(self.knots)})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.variable + "'" * j for j in range(len(self.knots) - 1))

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False, *([True] * (len(self.knots) - 2)))

    def encode(self, frame: pd.DataFrame) -> Array:
        return numbers(frame[self.variable])

    def columns(self, encoded: Array) -> Array:
        return splines.rcs(encoded, self.knots)

    def values(self, columns: Array) -> Array:
        """The variable itself, shape (n,), from its columns."""
        return columns[:, 0]

    def summary(self, columns: Array) -> Summary:
        return summarise(self.values(columns))


@dataclass(frozen=True)
class Natural:
    """Natural cubic spline as R's `ns`: `ns(x, 4)`, `ns(x, knots=[20, 30])`; linear beyond the boundary knots."""

    variable: str
    knots: tuple[float, ...]
    boundary: Boundary

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        return f"ns({quoted(self.variable)}, knots={written(self.knots)}, boundary={written(self.boundary)})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"ns({self.variable}){j}" for j in range(1, len(self.knots) + 2))

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    def encode(self, frame: pd.DataFrame) -> Array:
        return numbers(frame[self.variable])

    def columns(self, encoded: Array) -> Array:
        return bsplines.natural(encoded, self.knots, self.boundary)

    def values(self, columns: Array) -> Array:
        """The variable itself, shape (n,), from its columns."""
        return recovered(columns, self.columns, (self.boundary[0], *self.knots, self.boundary[1]))

    def summary(self, columns: Array) -> Summary:
        return summarise(self.values(columns))


@dataclass(frozen=True)
class Bs:
    """B-spline as R's `bs`: `bs(x, 6)`, `bs(x, knots=[20, 30], degree=2)`; not defined beyond the boundary knots."""

    variable: str
    knots: tuple[float, ...]
    boundary: Boundary
    degree: int = 3

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        place = f"knots={written(self.knots)}, boundary={written(self.boundary)}"
        return f"bs({quoted(self.variable)}, {place}, degree={self.degree})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"bs({self.variable}){j}" for j in range(1, len(self.knots) + self.degree + 1))

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    def encode(self, frame: pd.DataFrame) -> Array:
        out = numbers(frame[self.variable])
        low, high = self.boundary
        hair = HAIR * (high - low)
        outside = (out < low - hair) | (out > high + hair)
        if outside.any():
            raise DataError(
                f"bs({self.variable}): {int(outside.sum())} values lie outside the boundary knots {low:g} to {high:g} "
                f"(the first is {out[outside][0]:g}), where a B-spline means nothing. Leave them out, give a wider "
                f"boundary=[low, high], or use ns({self.variable}, ...), which goes on as a straight line."
            )
        return out

    def columns(self, encoded: Array) -> Array:
        return bsplines.bspline(encoded, self.knots, self.boundary, self.degree)

    def values(self, columns: Array) -> Array:
        """The variable itself, shape (n,), from its columns."""
        return recovered(columns, self.columns, (self.boundary[0], *self.knots, self.boundary[1]))

    def summary(self, columns: Array) -> Summary:
        return summarise(self.values(columns))


@dataclass(frozen=True)
class Penalised:
    """Penalised spline as survival's `pspline`: `ps(x, 4)`; a fit smooths it to `df` effective degrees of freedom.

    Cubic B-splines on an even grid of `terms` pieces, whose second differences are penalised: the smoother, the closer
    to a straight line. Linear beyond the boundary.
    """

    variable: str
    df: float
    terms: int
    boundary: Boundary

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        return f"ps({quoted(self.variable)}, df={self.df:g}, boundary={written(self.boundary)})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"ps({self.variable}){j}" for j in range(1, self.terms + 3))

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    @property
    def penalty(self) -> Array:
        """Matrix D with b'Db the sum of squared second differences, shape (terms + 2, terms + 2)."""
        differences = np.diff(np.eye(self.terms + 3), n=2, axis=0)
        return np.asarray(differences.T @ differences)[1:, 1:]

    def encode(self, frame: pd.DataFrame) -> Array:
        return numbers(frame[self.variable])

    def columns(self, encoded: Array) -> Array:
        return bsplines.on_even_grid(encoded, self.boundary, self.terms)

    def values(self, columns: Array) -> Array:
        """The variable itself, shape (n,), from its columns."""
        grid = np.linspace(*self.boundary, self.terms + 1)
        return recovered(columns, self.columns, tuple(grid.tolist()))

    def summary(self, columns: Array) -> Summary:
        return summarise(self.values(columns))


def recovered(columns: Array, code: Callable[[Array], Array], knots: tuple[float, ...]) -> Array:
    """Recover the variable from its spline columns, shape (n, q): straight lines are in the span of 1 and the columns.

    `code` makes the columns and `knots` has every knot from boundary to boundary.
    """
    between = np.unique(np.concatenate([np.linspace(a, b, 5) for a, b in pairwise(knots)]))
    with_constant = np.column_stack([np.ones(between.size), code(between)])
    line = np.linalg.lstsq(with_constant, between, rcond=None)[0]
    return line[0] + columns @ line[1:]


def written(values: tuple[float, ...]) -> str:
    """Write knots as a formula has them."""
    return f"[{', '.join(f'{value:.6g}' for value in values)}]"
