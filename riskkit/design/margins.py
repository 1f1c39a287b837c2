"""From terms to codings: which factors get a column for every level, and which terms strata already hold.

R's rule: a factor has a column for every level but one where the rest of its term stands in the model by itself, and
for every level where it does not. Strata (of a Cox model, or matched sets) hold what is constant within them: such a
margin need not stand in the model, and where `smk * sex` writes it out, it is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, Basis
from riskkit.design.coding import learn
from riskkit.design.levels import with_all_levels
from riskkit.design.recipe import Recipe, Term
from riskkit.design.surv import Surv
from riskkit.errors import SpecError
from riskkit.formula import Factor, Formula, quoted

Written = tuple[Factor, ...]
MOST_COLUMNS = 2_000  # of a model: its information has as many rows and columns
BY_PEOPLE = ("rcs", "ns", "bs", "ps", "groups", "fifths", "per")  # codings that depend on how many people have a value


def recipe(
    spec: Formula,
    rows: pd.DataFrame,
    response: Surv | Array,
    *,
    intercept: bool,
    absorbed: frozenset[str] = frozenset(),
    people: NDArray[np.int64] | None = None,
) -> Recipe:
    """Learn every coding from the rows used.

    Parameters
    ----------
    spec : Formula
    rows : DataFrame, shape (n, ...)
    response : Surv, or array, shape (n,)
    intercept : bool
        Whether the model is one with an intercept, which the formula may take away.
    absorbed : set of str
        Factors, as written, that are constant within strata.
    people : int array, shape (n,), optional
        How many people each row stands for.

    Raises
    ------
    SpecError
        If a column would stand in the model twice, or an argument makes no sense.
    DataError
        If a column cannot be what its coding makes of it.
    """
    everyone = rows, response
    if people is not None and any(factor.function in BY_PEOPLE for term in spec.terms for factor in term):
        everyone = _each(spec, rows, response, people)
    learnt: dict[Factor, Basis] = {}
    margins = {frozenset(f.text for f in term) for term in spec.terms}
    constant = spec.intercept or not intercept
    terms: list[Term] = []
    position = int(intercept and spec.intercept)
    for factors in spec.terms:
        parts: list[Basis] = []
        for factor in factors:
            if factor not in learnt:
                learnt[factor] = learn(factor, *(everyone if factor.function in BY_PEOPLE else (rows, response)))
            margin = frozenset(f.text for f in factors) - {factor.text}
            if margin in margins or (margin and margin <= absorbed) or (not margin and constant):
                parts.append(learnt[factor])
            else:
                parts.append(with_all_levels(learnt[factor]))
                constant = constant or (not margin and parts[-1] != learnt[factor])  # its columns add up to one
        if factors in held(spec, absorbed):
            continue
        width = prod(len(basis.names) for basis in parts)
        if position + width > MOST_COLUMNS:
            written, crossed = ":".join(f.text for f in factors), quoted(factors[-1].variable)
            raise SpecError(
                f"formula {spec.text!r}: with {written} the model has {position + width:,} columns; the most is "
                f"{MOST_COLUMNS:,}. A factor of many levels goes into strata({crossed}), or into groups."
            )
        terms.append(Term(tuple(parts), slice(position, position + width)))
        position += width
    names = Counter(name for term in terms for name in term.names)
    repeated = {name for name, times in names.items() if times > 1}
    if repeated:
        raise SpecError(f"formula {spec.text!r}: the column '{sorted(repeated)[0]}' would stand in the model twice.")
    return Recipe(spec, tuple(terms), intercept and spec.intercept)


def constant_within(strata: NDArray[np.int64] | None, rows: pd.DataFrame, spec: Formula) -> frozenset[str]:
    """Factors of interactions, as written, whose columns have one value within each stratum, shape (n,)."""
    if strata is None or all(len(term) == 1 for term in spec.terms):
        return frozenset()
    found = set()
    for factor in {factor for term in spec.terms if len(term) > 1 for factor in term}:
        codes = np.zeros(len(rows), dtype=np.int64)
        for name in factor.columns:
            values, levels = pd.factorize(rows[name])
            codes = codes * max(len(levels), 1) + values
        first = np.zeros(int(strata.max()) + 1, dtype=np.int64)
        first[strata] = codes
        if (first[strata] == codes).all():
            found.add(factor.text)
    return frozenset(found)


def held(spec: Formula, absorbed: Iterable[str]) -> list[Written]:
    """Terms that strata hold already: constant within them, and in the formula as the margin of an interaction."""
    absorbed = set(absorbed)
    written = [(term, {factor.text for factor in term}) for term in spec.terms]
    return [term for term, texts in written if texts <= absorbed and any(texts < others for _, others in written)]


def notes(spec: Formula, absorbed: Iterable[str]) -> tuple[str, ...]:
    """Say which terms strata hold."""
    left_out = [":".join(factor.variable for factor in term) for term in held(spec, absorbed)]
    return tuple(
        f"'{name}' is constant within strata, which hold its effect: it has no coefficient." for name in left_out
    )


def _each(
    spec: Formula, rows: pd.DataFrame, response: Surv | Array, people: NDArray[np.int64]
) -> tuple[pd.DataFrame, Surv | Array]:
    """A row for each of the people, and the response of each."""
    place = np.repeat(np.arange(len(rows)), people)
    names = list(dict.fromkeys(name for term in spec.terms for factor in term for name in factor.columns))
    if isinstance(response, Surv):
        entry = None if response.entry is None else response.entry[place]
        outcome: Surv | Array = Surv(entry, response.exit[place], response.event[place])
    else:
        outcome = response[place] if response.size else response
    return rows[names].take(place), outcome
