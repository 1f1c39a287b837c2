"""The people a risk is averaged over: the rows of the fits, or a frame, and their design columns at other levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from riskkit.design.bases import Array, Basis, Linear, numbers
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, offset_of
from riskkit.design.recipe import Recipe, Term
from riskkit.design.smooth import Rcs
from riskkit.errors import DataError, SpecError
from riskkit.fit.baseline import complete_people, strata_of
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints
from riskkit.infer.units import Units, aligned


class Population(Protocol):
    """People, as every fit of a question codes them."""

    @property
    def weights(self) -> Array:
        """Weights of the people, shape (n,), adding up to one."""

    @property
    def unit(self) -> Ints | None:
        """Unit of each person among those of the fits, shape (n,); None for people who are as given, and no sample."""

    def matrix(self, name: str) -> Array:
        """Design columns of a fit as the people are, shape (n, p)."""

    def part(self, name: str, basis: Basis) -> Array | None:
        """Columns of one coding as the people are, shape (n, q); None when they cannot be had."""

    def offset(self, name: str) -> Array | float:
        """Offset of each person in a fit."""

    def strata(self, name: str) -> Ints:
        """Stratum of each person in a fit, shape (n,)."""

    def values(self, variable: str) -> Array:
        """Each person's own level of a number, shape (n,)."""


@dataclass(frozen=True, eq=False)
class OfFits:
    """The rows that all fits used.

    Attributes
    ----------
    fits : mapping of name to Fit
    rows : mapping of name to int array, shape (n,)
        Where the people stand in each fit's design.
    """

    fits: Mapping[str, Fit]
    rows: Mapping[str, Ints]
    weights: Array
    unit: Ints | None

    @staticmethod
    def of(fits: Mapping[str, Fit], units: Units) -> OfFits:
        """Take the rows of the fits, with their weights."""
        designs = {name: cast(Design, fit.design) for name, fit in fits.items()}
        row, size = aligned(designs)
        count = np.bincount(np.concatenate(list(row.values())), minlength=size)
        common = np.flatnonzero(count == len(designs))
        if not common.size:
            raise DataError("no row was used by all fits; give the people to average over: over=data.")
        rows = {}
        for name, at in row.items():
            where = np.full(size, -1)
            where[at] = np.arange(at.size)
            rows[name] = where[common]
        first = next(iter(fits))
        weights = designs[first].weights
        chosen = np.ones(common.size) if weights is None else weights[rows[first]]
        return OfFits(fits, rows, chosen / chosen.sum(), units.of_rows[first][rows[first]])

    def _design(self, name: str) -> Design:
        return cast(Design, self.fits[name].design)

    def _take(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        rows = self.rows[name]
        return values if rows.size == len(values) and bool((np.diff(rows) == 1).all()) else values[rows]

    def matrix(self, name: str) -> Array:
        """Design columns of a fit as the people are, shape (n, p)."""
        return self._take(name, self._design(name).x)

    def part(self, name: str, basis: Basis) -> Array | None:
        """Columns of one coding, from where it stands alone in the model, or from the data."""
        for term in self._design(name).recipe.terms:
            if term.bases == (basis,):
                return self._take(name, self._design(name).x)[:, term.columns]
        source = self._source(name, basis.inputs)
        return None if source is None else basis.columns(basis.encode(source))

    def _source(self, name: str, columns: tuple[str, ...]) -> pd.DataFrame | None:
        """The people's rows of columns of the data that the fit was made from; None where it has kept none."""
        design = self._design(name)
        if design.source is None or not set(columns) <= set(design.source.columns):
            return None
        rows = self.rows[name] if design.rows is None else design.rows[self.rows[name]]
        return design.source[list(columns)].iloc[rows]

    def offset(self, name: str) -> Array | float:
        """Offset of each person in a fit."""
        offset = self._design(name).offset
        return 0.0 if offset is None else self._take(name, offset)

    def strata(self, name: str) -> Ints:
        """Stratum of each person in a fit, shape (n,)."""
        strata = self._design(name).strata
        return np.zeros(self.weights.size, dtype=np.int64) if strata is None else self._take(name, strata)

    def values(self, variable: str) -> Array:
        """Each person's own level of a number, from the data or from a coding that holds it as it is."""
        for name in self.fits:
            source = self._source(name, (variable,))
            if source is not None:
                return numbers(source[variable], "its levels can be set, but not moved")
        for name in self.fits:
            for term in self._design(name).recipe.terms:
                if term.variables == (variable,):
                    columns = self._take(name, self._design(name).x)[:, term.columns]
                    match term.bases[0]:
                        case Rcs():
                            return np.asarray(columns[:, 0])
                        case Linear() as basis:
                            return np.asarray(columns[:, 0] * basis.unit)
        raise SpecError(
            f"each person's own '{variable}' is not kept by this coding; give the people's data: over=data."
        )


@dataclass(frozen=True, eq=False)
class OfFrame:
    """The rows of a frame."""

    fits: Mapping[str, Fit]
    frame: pd.DataFrame
    weights: Array
    unit: Ints | None
    matrices: Mapping[str, Array]

    @staticmethod
    def of(
        fits: Mapping[str, Fit],
        frame: pd.DataFrame,
        weights: str | ArrayLike | None,
        drawn: bool,
        units: Units,
        exposure: str | None,
    ) -> OfFrame:
        """Take the rows of a frame; `drawn` says that they are rows of the fits, by their labels.

        Raises
        ------
        SpecError, DataError
            If a column is missing, or a weight is not positive, or a row that was drawn is in no fit.
        """
        check_columns(frame, [name for name in [exposure] if name], "over")
        for fit in fits.values():
            check_columns(frame, fit.recipe.formula.strata, "over")
        matrices = {name: complete_people(fit, frame, "over") for name, fit in fits.items()}
        if isinstance(weights, str):
            check_columns(frame, [weights], "over")
            weights = numbers(frame[weights], "weights are numbers")
        chosen = np.ones(len(frame)) if weights is None else np.asarray(weights, dtype=float)
        if chosen.shape != (len(frame),) or not (np.isfinite(chosen) & (chosen >= 0)).all() or not chosen.sum() > 0:
            raise DataError(f"weights: give one number, zero or more, for each of the {len(frame)} rows of over.")
        unit = None
        if drawn:
            unit = np.full(len(frame), -1)
            for name, fit in fits.items():
                index = cast(Design, fit.design).index
                if not (index.is_unique and frame.index.is_unique):
                    raise DataError("drawn=True matches people by the index of the data, which repeats labels here.")
                at = index.get_indexer(frame.index)
                unit = np.where((unit < 0) & (at >= 0), units.of_rows[name][at], unit)
            if (unit < 0).any():
                raise DataError(
                    f"drawn=True: {int((unit < 0).sum())} rows of over are in none of the fits; leave them out, or say "
                    "drawn=False to take the people as given."
                )
        return OfFrame(fits, frame, chosen / chosen.sum(), unit, matrices)

    def matrix(self, name: str) -> Array:
        """Design columns of a fit as the people are, shape (n, p)."""
        return self.matrices[name]

    def part(self, name: str, basis: Basis) -> Array | None:
        """Columns of one coding as the people are, shape (n, q)."""
        return basis.columns(basis.encode(self.frame))

    def offset(self, name: str) -> Array | float:
        """Offset of each person in a fit."""
        offset = offset_of(self.fits[name].recipe.formula, self.frame)
        return 0.0 if offset is None else offset

    def strata(self, name: str) -> Ints:
        """Stratum of each person in a fit, shape (n,)."""
        design = cast(Design, self.fits[name].design)
        found = strata_of(design, self.frame, "over")
        return np.zeros(len(self.frame), dtype=np.int64) if found is None else found

    def values(self, variable: str) -> Array:
        """Each person's own level of a number, shape (n,)."""
        return numbers(self.frame[variable], "its levels can be set, but not moved")


@dataclass(frozen=True, eq=False)
class Columns:
    """Design columns of people of whom one variable is set: their own, but for some blocks.

    The matrix itself is never formed: for 400,000 people it would be copied a dozen times.

    Attributes
    ----------
    own : array, shape (n, p)
    blocks : tuple of (slice, array)
        Columns that are other than their own: of shape (n, q), or (1, q) where they are the same for everyone.
    """

    own: Array
    blocks: tuple[tuple[slice, Array], ...] = ()

    def predictor(self, coef: Array, of_own: Array) -> Array:
        """x'b, shape (n,), from that of the columns that no setting changes."""
        return np.asarray(sum((block @ coef[columns] for columns, block in self.blocks), of_own))

    def total(self, weights: Array, of_own: Array) -> Array:
        """Sums over people of their columns weighted by (n, M), shape (M, p), from those of their own columns."""
        out = of_own.copy()
        for columns, block in self.blocks:
            out[:, columns] = np.outer(weights.sum(axis=0), block[0]) if len(block) == 1 else weights.T @ block
        return out


def changing(recipe: Recipe, variable: str | None) -> tuple[Term, ...]:
    """The terms that a setting of the variable changes."""
    return () if variable is None else tuple(term for term in recipe.terms if variable in term.inputs)


def unchanged(people: Population, name: str, recipe: Recipe, variable: str | None, coef: Array) -> Array:
    """x'b, shape (n,), of the columns that no setting of the variable changes."""
    kept = coef.copy()
    for term in changing(recipe, variable):
        kept[term.columns] = 0.0
    return np.asarray(people.matrix(name) @ kept)


def at_levels(people: Population, name: str, recipe: Recipe, variable: str | None, values: Any) -> Columns:
    """Design columns of a fit with a variable set to one level, or to a level each (an array of shape (n,)).

    Without a level people are as they are.

    Raises
    ------
    SpecError
        If what the variable interacts with cannot be had from the fit.
    """
    own = people.matrix(name)
    blocks = [
        (
            term.columns,
            own[:, term.columns] if values is None else _moved(people, name, term, cast(str, variable), values),
        )
        for term in changing(recipe, variable)
    ]
    return Columns(own, tuple(blocks))


def _moved(people: Population, name: str, term: Term, variable: str, values: Any) -> Array:
    single = not isinstance(values, np.ndarray)
    frame = pd.DataFrame({variable: [values] if single else values})
    out: Array | None = None
    for basis in term.bases:
        if basis.inputs == (variable,):
            columns = basis.columns(basis.encode(frame))
        elif variable in basis.inputs:
            raise SpecError(
                f"'{variable}' sets the cut points of {basis.label}; a risk at another level of it would move those "
                "too. Give the cut points in the formula."
            )
        else:
            found = people.part(name, basis)
            if found is None:
                raise SpecError(
                    f"'{variable}' interacts with {basis.label}, which has no main effect in '{name}' to read it from; "
                    "give the people's data: over=data."
                )
            columns = found
        out = (
            columns if out is None else (columns[:, :, None] * out[:, None, :]).reshape(max(len(out), len(columns)), -1)
        )
    return cast(Array, out)
