"""Codings with levels: factors, and numbers cut into groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, Basis, Summary, numbers
from riskkit.errors import DataError, SpecError
from riskkit.formula import quoted


@dataclass(frozen=True)
class Factor:
    """Indicator columns of a categorical variable: `C(x)`, `C(x, ref="Q3")`, or a column of text or categories.

    `levels[0]` is the reference. `full` keeps its column too, for an interaction without the main effect.
    """

    variable: str
    levels: tuple[Any, ...]
    full: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        return f"C({quoted(self.variable)}, ref={str(self.levels[0])!r})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.variable}={level}" for level in self.levels[0 if self.full else 1 :])

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    def encode(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        values = frame[self.variable]
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
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        return f"groups({quoted(self.variable)}, [{', '.join(f'{c:.6g}' for c in self.cuts)}], ref={self.ref})"

    @property
    def levels(self) -> tuple[str, ...]:
        return tuple(f"Q{g}" for g in range(1, len(self.cuts) + 2))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.variable}={level}" for g, level in enumerate(self.levels, 1) if self.full or g != self.ref)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return (False,) * len(self.names)

    def encode(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        return self.group_of(numbers(frame[self.variable]))

    def group_of(self, values: Array) -> NDArray[np.int64]:
        """Group of each value, counted from 1; shape (n,)."""
        return np.searchsorted(self.cuts, values, side="left") + 1

    def columns(self, encoded: NDArray[np.int64]) -> Array:
        kept = [g for g in range(1, len(self.cuts) + 2) if self.full or g != self.ref]
        return (encoded[:, None] == np.array(kept)).astype(float)

    def summary(self, columns: Array) -> Summary:
        """Stand for the reference group by a value inside it: group g ends at (and includes) its upper cut point."""
        inside = self.cuts[self.ref - 1] if self.ref <= len(self.cuts) else np.nextafter(self.cuts[-1], np.inf)
        return Summary(float(inside), levels=self.levels)


@dataclass(frozen=True)
class GroupsBy:
    """Groups with cut points of their own in each level of another column: `groups(x, 5, by=sex)`."""

    by: Factor
    groups: tuple[Groups, ...]

    @property
    def variable(self) -> str:
        return self.groups[0].variable

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable, self.by.variable)

    @property
    def label(self) -> str:
        first = self.groups[0]
        return f"groups({quoted(self.variable)}, {len(first.levels)}, by={quoted(self.by.variable)}, ref={first.ref})"

    @property
    def names(self) -> tuple[str, ...]:
        return self.groups[0].names

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        return self.groups[0].nonlinear

    def encode(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        if self.by.variable not in frame:
            raise SpecError(
                f"{self.label}: the cut points depend on '{self.by.variable}', so its value is needed beside "
                f"'{self.variable}'; in contrasts say at={{'{self.by.variable}': ...}}."
            )
        values, level = numbers(frame[self.variable]), self.by.encode(frame)
        out = np.empty(len(values), dtype=np.int64)
        for code, groups in enumerate(self.groups):
            out[level == code] = groups.group_of(values[level == code])
        return out

    def columns(self, encoded: NDArray[np.int64]) -> Array:
        return self.groups[0].columns(encoded)

    def summary(self, columns: Array) -> Summary:
        return self.groups[0].summary(columns)


def factor(values: pd.Series, ref: Any = None, order: tuple[Any, ...] | None = None) -> Factor:
    """Learn the levels of a factor: declared categories in their order, otherwise the sorted distinct values.

    `order` puts them in another order, the first being the reference unless `ref` names one.

    Raises
    ------
    SpecError
        If `ref` is not a level, or `order` names a level twice.
    DataError
        If fewer than two levels are present, or one that `order` does not name.
    """
    name = str(values.name)
    if isinstance(values.dtype, pd.CategoricalDtype):
        present = set(values.cat.remove_unused_categories().cat.categories)
        levels = [level for level in values.cat.categories if level in present]
    else:
        levels = sorted(values.dropna().unique().tolist(), key=lambda v: (isinstance(v, str), v))
    if order is not None:
        levels = _ordered(name, levels, order)
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


def _ordered(name: str, levels: list[Any], order: tuple[Any, ...]) -> list[Any]:
    """The levels that are present, in the order given; a level may be named by its text."""
    named = [str(level) for level in order]
    if len(set(named)) < len(named):
        raise SpecError(f"C({name}, levels=...): a level is named twice; name each once.")
    absent = [level for level in levels if str(level) not in named]
    if absent:
        raise DataError(
            f"C({name}, levels=...): the data also hold {', '.join(map(repr, absent[:5]))}; name every level, or blank "
            "those values."
        )
    return sorted(levels, key=lambda level: named.index(str(level)))


def groups(values: pd.Series, how: int | Sequence[float], ref: int = 1) -> Groups:
    """Learn the cut points of quantile groups (type-7 quantiles of the values given), or take those given.

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
        if values.empty:
            raise DataError(f"groups({name}, {how}): there is no one to take the cut points from.")
        cuts = np.quantile(numbers(values), np.arange(1, how) / how)
        if (np.diff(cuts) <= 0).any():
            raise DataError(
                f"groups({name}, {how}): '{name}' is too heavily tied; use fewer groups or give cut points."
            )
    else:
        cuts = np.asarray(how, dtype=float)
        if cuts.ndim != 1 or cuts.size < 1 or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
            raise SpecError(f"groups({name}, {how!r}): cut points must be finite numbers in increasing order.")
    if not 1 <= ref <= cuts.size + 1:
        raise SpecError(f"groups({name}, ..., ref={ref}): there are {cuts.size + 1} groups, counted from 1.")
    return Groups(name, tuple(cuts.tolist()), ref)


def groups_by(
    values: pd.Series, by: pd.Series, how: int, ref: int = 1, used: NDArray[np.bool_] | None = None
) -> GroupsBy:
    """Learn the cut points of quantile groups within each level of `by`, from the rows `used` (all unless given)."""
    levels = factor(by)
    code = levels.encode(by.to_frame())
    chosen = np.ones(len(values), dtype=bool) if used is None else used
    return GroupsBy(levels, tuple(groups(values[chosen & (code == c)], how, ref) for c in range(len(levels.levels))))


def with_all_levels(basis: Basis) -> Basis:
    """The same coding with a column for every level (R's full dummy coding, for terms without their margin)."""
    if isinstance(basis, GroupsBy):
        return replace(basis, groups=tuple(replace(groups, full=True) for groups in basis.groups))
    return replace(basis, full=True) if isinstance(basis, Factor | Groups) else basis
