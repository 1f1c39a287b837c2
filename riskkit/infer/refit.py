"""The same people and outcome with other columns, fitted the same way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from riskkit.design.bases import Array, Basis, Linear
from riskkit.design.design import Design, Recipe, Term
from riskkit.design.smooth import Bs, Natural, Rcs, recovered
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.pooled import PooledFit
from riskkit.infer.linear import number

MOST_REPLICATES = 100_000  # fits to samples
MOST_WORK = 1e13  # rows x columns x samples: a day and more


def design_of(fit: Fit) -> Design:
    """The design of a fit that has not let go of it.

    Raises
    ------
    SpecError
        If it has.
    """
    if isinstance(fit, PooledFit):
        raise SpecError("this is of one set of data, and a pooled fit is of several; ask each of `fits`.")
    if fit.design is None:
        raise SpecError("this needs the data that the fit was made from, which a light fit has let go of; fit again.")
    return fit.design


def refuse_frequencies(design: Design, what: str) -> None:
    """Refuse what treats a row as one person.

    Raises
    ------
    SpecError
        If weights are frequencies.
    """
    if design.weight_kind == "frequency":
        raise SpecError(
            f"{what} takes each row for one person, and with frequencies it is several; repeat the rows, as in "
            "data.loc[data.index.repeat(data['n'])], and fit without weights."
        )


def refitted(fit: Fit, design: Design) -> Fit:
    """Fit another design the way this fit was made.

    Raises
    ------
    SpecError
        If the fit cannot be made again.
    """
    if fit.refit is None:
        raise SpecError(f"this needs the {fit.model} model fitted again, which this fit cannot do.")
    return fit.refit(design)


def affordable(what: str, replicates: int, design: Design) -> None:
    """Refuse to start what could not end: fits to samples are paid by their rows, columns and number.

    Raises
    ------
    SpecError
        If there are too many of them.
    """
    rows, columns = design.x.shape
    most = max(100, min(MOST_REPLICATES, int(MOST_WORK / max(rows * columns, 1))))
    if replicates > most:
        raise SpecError(
            f"{what}: {replicates:,} samples of {rows:,} rows and {columns:,} columns would take for ever; ask for "
            f"{most:,} at most. 1,000 are enough for intervals."
        )


def with_columns(design: Design, x: Array, names: list[str]) -> Design:
    """The design with other columns, shape (n, p), that only have names: no recipe could code new data."""
    first = int(design.recipe.intercept)
    terms = tuple(Term((Linear(name),), slice(j, j + 1)) for j, name in enumerate(names) if j >= first)
    return replace(design, recipe=replace(design.recipe, terms=terms), x=np.ascontiguousarray(x))


def recoded(design: Design, variable: str, basis: Basis, values: Array) -> Design:
    """The design with the main effect of a variable, whose values have shape (n,), coded by another basis."""
    first = int(design.recipe.intercept)
    blocks, terms, position = [design.x[:, :first]], [], first
    for term in design.recipe.terms:
        ours = term.variables == (variable,)
        block = basis.columns(values) if ours else design.x[:, term.columns]
        columns = slice(position, position + block.shape[1])
        terms.append(Term((basis,), columns) if ours else replace(term, columns=columns))
        blocks.append(block)
        position = columns.stop
    recipe = Recipe(design.recipe.formula, tuple(terms), design.recipe.intercept)
    return replace(design, recipe=recipe, x=np.ascontiguousarray(np.hstack(blocks)))


def values_used(fit: Fit, variable: str) -> Array:
    """Recover the values of a number that stands in the model as one spline or line, from its columns; shape (n,).

    Raises
    ------
    SpecError
        If the fit is light, the variable interacts, or its coding holds no straight line.
    """
    design = design_of(fit)
    number(fit, variable)
    terms = fit.recipe.terms_with(variable)
    if len(terms) > 1:
        raise SpecError(
            f"'{variable}' stands in more than one term ({', '.join(term.label for term in terms)}); one is needed."
        )
    columns = design.x[:, terms[0].columns]
    match terms[0].bases[0]:
        case Rcs():
            return columns[:, 0]
        case Linear() as basis:
            return columns[:, 0] * basis.unit
        case Natural() | Bs() as basis:
            return recovered(columns, basis.columns, (basis.boundary[0], *basis.knots, basis.boundary[1]))
        case basis:
            raise SpecError(f"the values of '{variable}' cannot be had back from {basis.label}; use rcs, ns or bs.")
