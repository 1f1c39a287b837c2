"""A coding of a transformed number: `rcs(log(x), 4)`, `per(log(x + 1), "sd")`."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from riskkit.design.bases import Array, Basis, Linear, Summary, Transformed, summarise
from riskkit.design.smooth import Bs, Natural, Penalised, Rcs
from riskkit.formula import quoted

Inner = Rcs | Natural | Bs | Penalised | Linear


@dataclass(frozen=True)
class Composed:
    """A spline (or a line per unit) of a transform of the variable.

    Attributes
    ----------
    inner : Basis
        Of the transformed number, for whose name its `variable` stands: "log(x)".
    outer : Transformed
    """

    inner: Inner
    outer: Transformed

    @property
    def variable(self) -> str:
        return self.outer.variable

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.outer.inputs

    @property
    def label(self) -> str:
        return self.inner.label.replace(quoted(self.inner.variable), self.outer.label)

    @property
    def names(self) -> tuple[str, ...]:
        return self.inner.names

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        """Which columns a straight line in the transformed number would not need."""
        return self.inner.nonlinear

    def encode(self, frame: pd.DataFrame) -> Array:
        transformed = self.outer.columns(self.outer.encode(frame))[:, 0]
        return self.inner.encode(pd.DataFrame({self.inner.variable: transformed}))

    def columns(self, encoded: Array) -> Array:
        return self.inner.columns(encoded)

    def summary(self, columns: Array) -> Summary:
        return summarise(self.outer.inverse(self.inner.values(columns)))


def untransformed(basis: Basis) -> Basis:
    """The coding itself, whether it is of the variable or of a transform of it."""
    return basis.inner if isinstance(basis, Composed) else basis
