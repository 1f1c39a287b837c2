"""Percentiles and levels of a streamed fit's variables, read when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from riskkit.design.bases import Array, Summary
from riskkit.design.recipe import Recipe, Term
from riskkit.fit.stream.learn import Wanted, complete
from riskkit.fit.stream.source import Source


@dataclass(frozen=True, eq=False)
class Column:
    """The design columns of a term in a partition's complete rows."""

    wanted: Wanted
    recipe: Recipe
    term: Term

    def __call__(self, frame: pd.DataFrame, total: list[Array] | None = None) -> list[Array]:
        """One array more, shape (n, columns of the term)."""
        rows, _, _ = complete(frame, self.wanted)
        return [*(total or []), self.term.matrix([basis.encode(rows) for basis in self.term.bases])]

    def add(self, left: list[Array], right: list[Array]) -> list[Array]:
        """Join the arrays of two sets of partitions."""
        return left + right


@dataclass(frozen=True, eq=False)
class Summaries(Mapping[str, Summary]):
    """Summary of each variable with a main effect, as `riskkit.design.design.Design.summaries` has it."""

    source: Source
    wanted: Wanted
    recipe: Recipe
    known: dict[str, Summary] = field(default_factory=dict, repr=False)

    def __getitem__(self, variable: str) -> Summary:
        if variable not in self.known:
            term = self._terms[variable]
            basis = term.bases[0]
            if hasattr(basis, "levels"):  # known without reading anything
                self.known[variable] = basis.summary(np.empty((0, len(basis.names))))
            else:
                parts = self.source.fold(self.wanted.columns, Column(self.wanted, self.recipe, term))
                self.known[variable] = basis.summary(np.concatenate(parts))
        return self.known[variable]

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    @property
    def _terms(self) -> dict[str, Term]:
        terms: dict[str, Term] = {}
        for term in self.recipe.terms:
            if len(term.bases) == 1:
                terms.setdefault(term.variables[0], term)
        return terms
