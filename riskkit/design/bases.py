"""Exposure and covariate codings: how one variable becomes columns.

A basis is a frozen recipe. It holds everything that was learnt from the data (knots, cut points, levels), so that
prediction, curves and tests code new values exactly as the fit did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design import splines
from riskkit.errors import DataError, SpecError

Array = NDArray[np.float64]


class Basis(Protocol):
    """What every coding of a variable offers."""

    @property
    def variable(self) -> str:
        """The one column of the frame this basis codes."""

    @property
    def label(self) -> str:
        """How the user would write it in a formula, knots and cut points included."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, as R's rms writes them."""

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        """Which columns a straight line would not need."""

    def encode(self, values: pd.Series) -> NDArray[Any]:
        """Turn a column of data into numbers (NaN: missing) or level codes (-1: missing)."""

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


def numbers(values: pd.Series) -> Array:
    """Encode a numeric or boolean column as floats, NaN where missing.

    Raises
    ------
    DataError
        If the column holds text or other things that are not numbers, or infinite values.
    """
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        raise DataError(
            f"column '{values.name}' is {values.dtype}, not numbers; write C({values.name}) to use it as a factor."
        )
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
    def label(self) -> str:
        return self.variable if self.unit == 1 else f"per({self.variable}, {self.unit:g})"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.label,)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,)

    def encode(self, values: pd.Series) -> Array:
        return numbers(values)

    def columns(self, encoded: Array) -> Array:
        return (encoded / self.unit if self.unit != 1 else encoded)[:, None]

    def summary(self, columns: Array) -> Summary:
        return summarise(columns[:, 0] * self.unit)


FUNCTIONS = {"log": np.log, "log2": np.log2, "sqrt": np.sqrt}
INVERSES = {"log": np.exp, "log2": np.exp2, "sqrt": np.square}


@dataclass(frozen=True)
class Transformed:
    """A fixed function of the variable: `log(x)`, `log2(x)` (a coefficient per doubling), `sqrt(x)`."""

    variable: str
    function: str

    @property
    def label(self) -> str:
        return f"{self.function}({self.variable})"

    @property
    def names(self) -> tuple[str, ...]:
        return (self.label,)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,)

    def encode(self, values: pd.Series) -> Array:
        out = numbers(values)
        below = out < 0 if self.function == "sqrt" else out <= 0
        if below.any():
            raise DataError(
                f"{self.label}: {int(below.sum())} values of '{self.variable}' are "
                f"{'negative' if self.function == 'sqrt' else 'zero or negative'} (smallest {np.nanmin(out):g})."
            )
        return out

    def columns(self, encoded: Array) -> Array:
        return FUNCTIONS[self.function](encoded)[:, None]

    def summary(self, columns: Array) -> Summary:
        return summarise(INVERSES[self.function](columns[:, 0]))


@dataclass(frozen=True)
class Rcs:
    """Restricted cubic spline with the knots it was fitted with: `rcs(x, 5)`, `rcs(x, [10, 20, 30])`."""

    variable: str
    knots: tuple[float, ...]

    @property
    def label(self) -> str:
        return f"rcs({self.variable}, [{', '.join(f'{k:.6g}' for k in self.knots)}])"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.variable + "'" * j for j in range(len(self.knots) - 1))

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False, *([True] * (len(self.knots) - 2)))

    def encode(self, values: pd.Series) -> Array:
        return numbers(values)

    def columns(self, encoded: Array) -> Array:
        return splines.rcs(encoded, self.knots)

    def summary(self, columns: Array) -> Summary:
        return summarise(columns[:, 0])


@dataclass(frozen=True)
class Factor:
    """Indicator columns of a categorical variable: `C(x)`, `C(x, ref="Q3")`, or a column of text or categories.

    `levels[0]` is the reference. `full` keeps its column too, for an interaction without the main effect.
    """

    variable: str
    levels: tuple[Any, ...]
    full: bool = False

    @property
    def label(self) -> str:
        return f"C({self.variable}, ref={str(self.levels[0])!r})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.variable}={level}" for level in self.levels[0 if self.full else 1 :])

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    def encode(self, values: pd.Series) -> NDArray[np.int64]:
        codes = np.asarray(pd.Categorical(values, categories=list(self.levels)).codes, dtype=np.int64)
        unseen = values[(codes < 0) & values.notna().to_numpy()]
        if len(unseen):
            raise DataError(
                f"column '{self.variable}' has the value {unseen.iloc[0]!r}, not one of the levels of the fit: "
                f"{', '.join(str(level) for level in self.levels)}."
            )
        return codes

    def columns(self, encoded: NDArray[np.int64]) -> Array:
        kept = np.arange(0 if self.full else 1, len(self.levels))
        return (encoded[:, None] == kept).astype(float)

    def summary(self, columns: Array) -> Summary:
        return Summary(self.levels[0], levels=self.levels)


@dataclass(frozen=True)
class Groups:
    """Indicator columns of a number cut into groups: `groups(x, 10)`, `fifths(x)`, `groups(x, [10, 20, 30], ref=2)`.

    A value belongs to group g when cuts[g-2] < value <= cuts[g-1]; `ref` counts groups from 1.
    """

    variable: str
    cuts: tuple[float, ...]
    ref: int = 1
    full: bool = False

    @property
    def label(self) -> str:
        return f"groups({self.variable}, [{', '.join(f'{c:.6g}' for c in self.cuts)}], ref={self.ref})"

    @property
    def levels(self) -> tuple[str, ...]:
        return tuple(f"Q{g}" for g in range(1, len(self.cuts) + 2))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.variable}={level}" for g, level in enumerate(self.levels, 1) if self.full or g != self.ref)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    def encode(self, values: pd.Series) -> Array:
        return numbers(values)

    def columns(self, encoded: Array) -> Array:
        group = np.searchsorted(self.cuts, encoded, side="left") + 1
        kept = [g for g in range(1, len(self.cuts) + 2) if self.full or g != self.ref]
        return (group[:, None] == np.array(kept)).astype(float)

    def summary(self, columns: Array) -> Summary:
        """Stand for the reference group by a value inside it: group g ends at (and includes) its upper cut point."""
        inside = self.cuts[self.ref - 1] if self.ref <= len(self.cuts) else np.nextafter(self.cuts[-1], np.inf)
        return Summary(float(inside), levels=self.levels)


def factor(values: pd.Series, ref: Any = None) -> Factor:
    """Learn the levels of a factor: declared categories in their order, otherwise the sorted distinct values.

    Raises
    ------
    SpecError
        If `ref` is not a level.
    DataError
        If fewer than two levels are present.
    """
    name = str(values.name)
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = set(values.cat.remove_unused_categories().cat.categories)
        levels = [level for level in values.cat.categories if level in present]
    else:
        levels = sorted(values.dropna().unique().tolist(), key=lambda v: (isinstance(v, str), v))
    if len(levels) < 2:
        raise DataError(
            f"factor '{name}' has {len(levels)} level among the rows used"
            f"{' (' + str(levels[0]) + ')' if levels else ''}; a model needs at least two. Take it out of the formula."
        )
    if ref is not None:
        matching = [level for level in levels if level == ref or str(level) == str(ref)]
        if not matching:
            raise SpecError(f"C({name}, ref={ref!r}): no such level; the levels are {', '.join(map(str, levels))}.")
        levels = [matching[0], *(level for level in levels if level != matching[0])]
    return Factor(name, tuple(levels))


def groups(values: pd.Series, how: int | Sequence[float], ref: int = 1) -> Groups:
    """Learn the cut points of quantile groups (type-7 quantiles of the rows used), or take those given.

    Raises
    ------
    SpecError
        If the number of groups, the cut points or the reference make no sense.
    DataError
        If ties leave a group empty.
    """
    name = str(values.name)
    if isinstance(how, int):
        if not 2 <= how <= 100:
            raise SpecError(f"groups({name}, {how}): the number of groups must be 2 to 100.")
        cuts = np.quantile(numbers(values.dropna()), np.arange(1, how) / how)
        if (np.diff(cuts) <= 0).any():
            raise DataError(
                f"groups({name}, {how}): '{name}' is too heavily tied; use fewer groups or give cut points."
            )
    else:
        cuts = np.asarray(how, dtype=float)
        if cuts.ndim != 1 or cuts.size < 1 or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
            raise SpecError(f"groups({name}, {list(how)!r}): cut points must be finite numbers in increasing order.")
    if not 1 <= ref <= cuts.size + 1:
        raise SpecError(f"groups({name}, ..., ref={ref}): there are {cuts.size + 1} groups, counted from 1.")
    return Groups(name, tuple(cuts.tolist()), ref)


def with_all_levels(basis: Basis) -> Basis:
    """The same coding with a column for every level (R's full dummy coding, for terms without their margin)."""
    return replace(basis, full=True) if isinstance(basis, Factor | Groups) else basis
