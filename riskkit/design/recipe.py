"""The recipe: how rows of data become rows of the design matrix, with all that was learnt from the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, Basis
from riskkit.errors import SpecError, did_you_mean
from riskkit.formula import Formula

CHUNK = 8192  # rows coded at a time, so that filling a row-major matrix column by column stays in cache


@dataclass(frozen=True)
class Term:
    """A main effect (one basis) or an interaction (several); its columns are a slice of the matrix."""

    bases: tuple[Basis, ...]
    columns: slice

    @property
    def label(self) -> str:
        """Short name: the variables joined by ':'."""
        return ":".join(self.variables)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the term."""
        return tuple(basis.variable for basis in self.bases)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns a frame must have to be coded: the variables, and those that cut points depend on."""
        return tuple(dict.fromkeys(name for basis in self.bases for name in basis.inputs))

    @property
    def names(self) -> tuple[str, ...]:
        """Column names; in an interaction the first factor varies fastest, as in R."""
        return tuple(_products([basis.names for basis in self.bases], lambda a, b: f"{a}:{b}"))

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        """Which columns a straight line (or a product of straight lines) would not need."""
        return tuple(_products([basis.nonlinear for basis in self.bases], lambda a, b: a or b))

    def matrix(self, encoded: list[NDArray[Any]]) -> Array:
        """Design columns of encoded values, one array per basis; shape (m, columns)."""
        out = self.bases[0].columns(encoded[0])
        for basis, values in zip(self.bases[1:], encoded[1:], strict=True):
            right = basis.columns(values)
            out = (right[:, :, None] * out[:, None, :]).reshape(len(out), -1)
        return out


def _products(parts: list[tuple[Any, ...]], join: Callable[[Any, Any], Any]) -> list[Any]:
    out = list(parts[0])
    for right in parts[1:]:
        out = [join(a, b) for b in right for a in out]
    return out


@dataclass(frozen=True)
class Recipe:
    """How rows of data become rows of the design matrix."""

    formula: Formula
    terms: tuple[Term, ...]
    intercept: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns (coefficients), in the matrix's order."""
        first = ("Intercept",) if self.intercept else ()
        return first + tuple(name for term in self.terms for name in term.names)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables on the right-hand side, each once."""
        return tuple(dict.fromkeys(v for term in self.terms for v in term.variables))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns a frame must have to be coded: those of the terms, each once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.inputs))

    def terms_with(self, variable: str) -> tuple[Term, ...]:
        """Find the terms a variable takes part in.

        Raises
        ------
        SpecError
            If it takes part in none.
        """
        found = tuple(term for term in self.terms if variable in term.variables)
        if not found:
            raise SpecError(f"'{variable}' is not in the model.{did_you_mean(variable, self.variables)}")
        return found

    def matrix(self, frame: pd.DataFrame, terms: Iterable[Term] | None = None) -> Array:
        """Code a frame without missing values; shape (n, p), row-major.

        With `terms`, the columns of other terms are left at zero, and their variables need not be in the frame.
        """
        chosen = self.terms if terms is None else tuple(terms)
        encoded = [[basis.encode(frame) for basis in term.bases] for term in chosen]
        out = (np.empty if terms is None else np.zeros)((len(frame), len(self.names)))
        if self.intercept:
            out[:, 0] = 1.0
        for start in range(0, len(frame), CHUNK):
            rows = slice(start, start + CHUNK)
            for term, values in zip(chosen, encoded, strict=True):
                out[rows, term.columns] = term.matrix([v[rows] for v in values])
        return out
