"""From a partition to arrays: covariates, and the keys at which each row is at risk."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.design import offset_of
from riskkit.design.recipe import Recipe
from riskkit.design.surv import TIE, Surv, surv
from riskkit.fit import kernel
from riskkit.fit.kernel import Ints
from riskkit.fit.riskset import RiskSets, risk_sets
from riskkit.fit.stream.learn import Seen, Wanted, complete


@dataclass(frozen=True, eq=False)
class Strata:
    """Numbers for the combinations of strata columns that occur.

    Attributes
    ----------
    columns : tuple of str
    levels : tuple of Index
        Values of each column.
    occurring : int array, shape (S,)
        Combinations that occur, each as one number, in order.
    """

    columns: tuple[str, ...]
    levels: tuple[pd.Index, ...]
    occurring: Ints

    def codes(self, rows: pd.DataFrame) -> Ints:
        """Stratum of each row, shape (n,)."""
        return np.searchsorted(self.occurring, self._combined(rows))

    def _combined(self, rows: pd.DataFrame) -> Ints:
        out = np.zeros(len(rows), dtype=np.int64)
        for name, levels in zip(self.columns, self.levels, strict=True):
            out = out * len(levels) + pd.Categorical(rows[name], categories=levels).codes
        return out


def strata_of(columns: tuple[str, ...], occurring: pd.DataFrame) -> Strata:
    """Number the distinct rows of the strata's columns."""
    levels = tuple(pd.Index(sorted(occurring[name].unique())) for name in columns)
    all_of_them = Strata(columns, levels, np.empty(0, dtype=np.int64))
    numbers = np.unique(all_of_them._combined(occurring)) if columns else np.zeros(1, dtype=np.int64)
    return replace(all_of_them, occurring=numbers)


@dataclass(frozen=True, eq=False)
class Rows:
    """A partition's complete rows.

    Attributes
    ----------
    x : array, shape (n, p)
        About `Coder.centre`.
    sets : RiskSets
        All keys, and the rows' places among them.
    event : bool array, shape (n,)
    weights, offset : array, shape (n,), or None
    frame : DataFrame
    """

    x: Array
    sets: RiskSets
    event: NDArray[np.bool_]
    weights: Array | None
    offset: Array | None
    frame: pd.DataFrame

    def theta(self, coef: Array, shift: float) -> Array:
        """weight exp(x'b + offset - shift), shape (n,), 0 for rows never at risk."""
        out = np.empty(len(self.x))
        kernel.linear_predictor(self.x, coef, shift, out)
        if self.offset is not None:
            out += self.offset
        kernel.silence(self.sets.last, out)
        np.exp(out, out=out)
        return out if self.weights is None else np.asarray(out * self.weights)


@dataclass(frozen=True, eq=False)
class Coder:
    """How a partition is coded.

    Attributes
    ----------
    wanted : Wanted
    recipe : Recipe
    strata : Strata
    sets : RiskSets
        The keys of all partitions' events; its rows are the events, in order of their keys.
    centre : array, shape (p,)
        Taken off the covariates, which changes no coefficient.
    """

    wanted: Wanted
    recipe: Recipe
    strata: Strata
    sets: RiskSets
    centre: Array

    def __call__(self, frame: pd.DataFrame) -> Rows:
        """Code the complete rows of a partition."""
        rows, _, _ = complete(frame, self.wanted)
        formula, keys = self.wanted.formula, self.sets
        *entry, exit_, event = formula.response
        response = surv(rows[entry[0]] if entry else None, rows[exit_], rows[event])
        codes = self.strata.codes(rows)
        last, before = np.empty(len(rows), dtype=np.int32), np.full(len(rows), -1, dtype=np.int32)
        rate, first = np.empty(keys.bounds.size - 1), np.empty(kernel.FINE * keys.size + 1, dtype=np.int64)
        kernel.divide(keys.times, keys.bounds, rate, first)
        kernel.locate(response.exit, codes, keys.times, keys.bounds, rate, first, TIE, last)
        if response.entry is not None:
            kernel.locate(response.entry, codes, keys.times, keys.bounds, rate, first, TIE, before)
            kernel.leave_out(last, before)
        x = self.recipe.matrix(rows)
        x -= self.centre
        weights = None if self.wanted.weights is None else rows[self.wanted.weights].to_numpy(dtype=float)
        return Rows(x, replace(keys, last=last, before=before), response.event, weights, offset_of(formula, rows), rows)


def coder(wanted: Wanted, seen: Seen, recipe: Recipe) -> tuple[Coder, pd.DataFrame]:
    """Make the coder, and give the events, of which there is one at least, in order of their keys."""
    strata = strata_of(wanted.formula.strata, seen.strata)
    events = pd.concat(seen.events, ignore_index=True)
    exit_ = events[wanted.formula.response[-2]].to_numpy(dtype=float)
    codes = strata.codes(events)
    sets = risk_sets(Surv(None, exit_, np.ones(len(events), dtype=bool)), codes)
    empty = strata.occurring.size + 1 - sets.bounds.size  # strata without events after the last that has any
    place = np.arange(len(events), dtype=np.int64)
    ordered = replace(
        sets,
        bounds=np.append(sets.bounds, np.full(empty, sets.size)),
        event_rows=place,
        last=np.repeat(np.arange(sets.size, dtype=np.int32), sets.d),
        before=np.full(len(events), -1, dtype=np.int32),
    )
    events = events.iloc[sets.event_rows].reset_index(drop=True)
    return Coder(wanted, recipe, strata, ordered, recipe.matrix(events).mean(axis=0)), events
