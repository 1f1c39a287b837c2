"""One imputed set by chained equations: each variable in turn drawn given all others, until the draws have settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.imputation import draws
from riskkit.imputation.columns import Column
from riskkit.imputation.substantive import Substantive

Values = dict[str, Array]
Propose = Callable[[], Array]


@dataclass(frozen=True, eq=False)
class Chain:
    """One imputed set, and how it came about.

    Attributes
    ----------
    values : dict of name to array, shape (n,)
        Every imputed variable, filled in.
    trace : DataFrame
        variable iteration mean sd, of the values drawn (of the codes of an ordered category; of the indicators of an
        unordered one, the mean of the first level's).
    log : tuple of (variable, problem)
        Every fallback that was taken.
    """

    values: Values
    trace: pd.DataFrame
    log: tuple[tuple[str, str], ...]


def chain(
    columns: tuple[Column, ...],
    fixed: Array,
    fixed_names: tuple[str, ...],
    iterations: int,
    seed: np.random.SeedSequence,
    analysis: Substantive | None = None,
) -> Chain:
    """Draw one set.

    Parameters
    ----------
    columns : tuple of Column
        What is imputed, in the order in which it is.
    fixed : array, shape (n, q)
        Predictors without missing values: outcomes, hazards, complete variables; of about unit size.
    fixed_names : tuple of str
        For the log.
    iterations : int
    seed : SeedSequence
    analysis : Substantive, optional
        That accepts or rejects draws.

    References
    ----------
    van Buuren S, Groothuis-Oudshoorn K (2011) J Stat Softw 45(3).
    """
    random = np.random.default_rng(seed)
    values = {column.name: _start(random, column) for column in columns}
    predictors = Predictors(columns, fixed, fixed_names, values)
    log: dict[tuple[str, str], None] = {}
    trace = []
    for iteration in range(1, iterations + 1):
        for column in columns:
            x, left_out = predictors.of(column)
            drawn, problems = analysis.drawn(random, column, x, values) if analysis else _drawn(random, column, x)
            log |= dict.fromkeys((column.name, problem) for problem in (*left_out, *problems))
            values[column.name][column.missing] = drawn
            predictors.update(column, values[column.name])
            trace.append(traced(column, iteration, drawn))
    return Chain(values, pd.DataFrame(trace), tuple(log))


class Predictors:
    """The matrix from which everything is predicted, whose columns follow the values as they are drawn."""

    def __init__(self, columns: tuple[Column, ...], fixed: Array, fixed_names: tuple[str, ...], values: Values):
        blocks = [column.predictors(values[column.name]) for column in columns]
        self._x = np.hstack([np.ones((len(fixed), 1)), fixed, *blocks])
        self._names = np.array(["", *fixed_names, *(c.name for c, b in zip(columns, blocks, strict=True) for _ in b.T)])

    def update(self, column: Column, filled: Array) -> None:
        """Take over newly drawn values of a variable."""
        self._x[:, self._names == column.name] = column.predictors(filled)

    def of(self, column: Column) -> tuple[Array, tuple[str, ...]]:
        """Predictors of one variable, shape (n, p), and which say nothing: they never vary where it is known."""
        others = self._names != column.name
        silent = others & (np.ptp(self._x[~column.missing], axis=0) == 0) & (np.ptp(self._x, axis=0) > 0)
        problems = [f"not predicted from {name}, which does not vary where it is known" for name in self._names[silent]]
        return self._x[:, others], tuple(dict.fromkeys(problems))


def _start(random: np.random.Generator, column: Column) -> Array:
    """Fill in values drawn from those observed."""
    filled, missing = column.values.copy(), column.missing
    filled[missing] = random.choice(column.values[~missing], int(missing.sum()))
    return filled


def _drawn(random: np.random.Generator, column: Column, x: Array) -> tuple[Array, tuple[str, ...]]:
    """Draw the missing values of a variable, and say which fallback was taken."""
    missing = column.missing
    known, wanted = draws.oriented(x[~missing], x[missing])
    y = column.values[~missing]
    if column.kind == "number":
        model = draws.line(random, known, y)
        if column.method == "pmm":
            return draws.matched(random, model, known, y, wanted), ()
        return draws.normal_between(random, wanted @ model.drawn, model.sd, *column.bounds), ()
    k = len(column.levels)
    probability, added = draws.probabilities(random, known, y.astype(int), k, column.kind == "ordered", wanted)
    problems = ("predicted perfectly; a few people of small weight were added at every level",) if added else ()
    return draws.chosen(random, probability), problems


def traced(column: Column, iteration: int, drawn: Array) -> dict[str, object]:
    """One row of the trace."""
    followed = (drawn == 0).astype(float) if column.kind in ("binary", "unordered") else drawn
    mean, sd = float(followed.mean()), float(followed.std())
    return {"variable": column.name, "iteration": iteration, "mean": mean, "sd": sd}


def missing_among(columns: tuple[Column, ...], events: dict[str, NDArray[np.bool_]]) -> list[tuple[str, str]]:
    """Variables that nobody with an event has: what is drawn for them rests on those without the event."""
    return [
        (column.name, f"missing in everyone with {name}; drawn as if they did not differ from others")
        for column in columns
        for name, event in events.items()
        if event.any() and column.missing[event].all()
    ]
