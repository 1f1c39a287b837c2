"""Exposure and covariate codings: how one variable becomes columns.

A basis is a frozen recipe. It holds everything that was learnt from the data (knots, cut points, levels), so that
prediction, curves and tests code new values exactly as the fit did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.errors import DataError
from riskkit.formula import quoted

Array = NDArray[np.float64]


class Basis(Protocol):
    """What every coding of a variable offers."""

    @property
    def variable(self) -> str:
        """The column of the frame this basis codes."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column of the frame that coding takes: the variable, and what its cut points depend on."""

    @property
    def label(self) -> str:
        """How the user would write it in a formula, knots and cut points included."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, as R's rms writes them."""

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        """Which columns a straight line would not need."""

    def encode(self, frame: pd.DataFrame) -> NDArray[Any]:
        """Read the basis's columns of a frame without missing values as numbers or level codes, shape (n,)."""

    def columns(self, encoded: NDArray[Any]) -> Array:
        """Turn encoded values, shape (m,), into design columns, shape (m, len(names))."""

    def summary(self, columns: Array) -> Summary:
        """Summarise the variable from its own design columns, shape (n, len(names))."""


@dataclass(frozen=True)
class Summary:
    """What inference needs to know of a variable over the rows used.

    Attributes
    ----------
    typical : number or level
        The median of a number, the reference level of a factor: where a variable stands while another one varies.
    percentiles : tuple of 101 floats
        Percentiles 0, 1, ..., 100 (type 7) of a number; empty for a factor.
    mean, sd : float
        Of a number; NaN for a factor.
    levels : tuple
        Levels of a factor; empty for a number.
    """

    typical: Any
    percentiles: tuple[float, ...] = ()
    mean: float = float("nan")
    sd: float = float("nan")
    levels: tuple[Any, ...] = ()


def summarise(values: Array) -> Summary:
    """Summarise a number, shape (n,)."""
    percentiles = np.percentile(values, np.arange(101))
    return Summary(float(percentiles[50]), tuple(percentiles.tolist()), float(values.mean()), float(values.std(ddof=1)))


def is_number(values: pd.Series) -> bool:
    """Whether a column holds real numbers or booleans."""
    numeric = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
    return numeric and not pd.api.types.is_complex_dtype(values)


def numbers(values: pd.Series, remedy: str | None = None) -> Array:
    """Encode a numeric or boolean column as floats, NaN where missing.

    `remedy` says what to do about a column of another kind; a covariate can be a factor.

    Raises
    ------
    DataError
        If the column holds text or other things that are not numbers, or infinite values.
    """
    if not is_number(values):
        remedy = remedy or f"write C({values.name}) to use it as a factor, or turn it into numbers"
        raise DataError(f"column '{values.name}' is {values.dtype}, not numbers; {remedy}.")
    out = values.to_numpy(dtype=float, na_value=np.nan) if values.hasnans else values.to_numpy(dtype=float)
    if np.isinf(out).any():
        raise DataError(
            f"column '{values.name}' holds {int(np.isinf(out).sum())} infinite values; correct or blank them."
        )
    return out


@dataclass(frozen=True)
class Linear:
    """The variable as it is, or per `unit` of it: `x`, `per(x, 5)`."""

    variable: str
    unit: float = 1.0

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        name = quoted(self.variable)
        return name if self.unit == 1 else f"per({name}, {self.unit:g})"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.variable if self.unit == 1 else f"per({self.variable}, {self.unit:g})",)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,)

    def encode(self, frame: pd.DataFrame) -> Array:
        return numbers(frame[self.variable])

    def columns(self, encoded: Array) -> Array:
        return (encoded / self.unit if self.unit != 1 else encoded)[:, None]

    def values(self, columns: Array) -> Array:
        """The variable itself, shape (n,), from its columns."""
        return columns[:, 0] * self.unit

    def summary(self, columns: Array) -> Summary:
        return summarise(self.values(columns))


FUNCTIONS = {"log": np.log, "log2": np.log2, "sqrt": np.sqrt}
INVERSES = {"log": np.exp, "log2": np.exp2, "sqrt": np.square}


@dataclass(frozen=True)
class Transformed:
    """A fixed function of the variable: `log(x)`, `log2(x)` (a coefficient per doubling), `sqrt(x)`, `log(x + 1)`."""

    variable: str
    function: str
    shift: float = 0.0

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        return self._written(quoted(self.variable))

    def _written(self, name: str) -> str:
        shift = f" {'+' if self.shift > 0 else '-'} {abs(self.shift):g}" if self.shift else ""
        return f"{self.function}({name}{shift})"

    @property
    def names(self) -> tuple[str, ...]:
        return (self._written(self.variable),)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,)

    def encode(self, frame: pd.DataFrame) -> Array:
        out = numbers(frame[self.variable])
        moved = out + self.shift if self.shift else out
        below = moved < 0 if self.function == "sqrt" else moved <= 0
        if below.any():
            bound = "negative" if self.function == "sqrt" else "zero or negative"
            if self.shift:
                bound = f"{'below' if self.function == 'sqrt' else 'at or below'} {-self.shift:g}"
            raise DataError(
                f"{self.label}: {int(below.sum())} values of '{self.variable}' are {bound} (smallest "
                f"{np.nanmin(out):g})."
            )
        return out

    def columns(self, encoded: Array) -> Array:
        return FUNCTIONS[self.function](encoded + self.shift if self.shift else encoded)[:, None]

    def inverse(self, transformed: Array) -> Array:
        """The variable itself from its transform; shape (n,)."""
        return np.asarray(INVERSES[self.function](transformed) - self.shift)

    def summary(self, columns: Array) -> Summary:
        return summarise(self.inverse(columns[:, 0]))
