"""Draws that the analysis itself accepts or rejects: compatible with whatever splines and interactions it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.imputation import draws
from riskkit.imputation.columns import Column
from riskkit.imputation.hazard import hazard_lived

TRIES = 1000
TOGETHER = 4000  # draws tried at once
KEPT = f"no draw was accepted in {TRIES} tries for some people, who kept the value of the round before"


@dataclass(frozen=True, eq=False)
class Substantive:
    """The analysis that imputed values are to be compatible with.

    Attributes
    ----------
    design : Design, n rows
        With any values in the place of the missing ones; its recipe codes the others.
    refit : function of a Design
    data : DataFrame, n rows
        As it was given.
    columns : tuple of Column
        What is imputed.

    References
    ----------
    Bartlett JW, Seaman SR, White IR, Carpenter JR (2015) Stat Methods Med Res 24:462-487. R: smcfcs::smcfcs.
    """

    design: Design
    refit: Callable[[Design], Fit]
    data: pd.DataFrame
    columns: tuple[Column, ...]

    def drawn(
        self, random: np.random.Generator, column: Column, x: Array, values: dict[str, Array]
    ) -> tuple[Array, tuple[str, ...]]:
        """Draw the missing values of a variable, and say which fallback was taken.

        Parameters
        ----------
        random : Generator
        column : Column
        x : array, shape (n, p)
            Predictors of the variable, the outcome not among them.
        values : dict of name to array, shape (n,)
            The current values of everything that is imputed.
        """
        rows = np.flatnonzero(column.missing)
        likelihood = self._posterior(random, column, values)
        everyone, wanted = draws.oriented(x, x[rows])
        if column.kind != "number":
            codes = values[column.name].astype(int)
            k = len(column.levels)
            prior, added = draws.probabilities(random, everyone, codes, k, column.kind == "ordered", wanted)
            by_level = (likelihood(rows, np.full(rows.size, float(level)))[0] for level in range(k))
            log_likelihood = np.column_stack(list(by_level))
            weight = prior * np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
            problem = "predicted perfectly; a few people of small weight were added at every level"
            return draws.chosen(random, weight / weight.sum(axis=1, keepdims=True)), (problem,) if added else ()
        model = draws.line(random, everyone, values[column.name])
        mean, taken = wanted @ model.drawn, values[column.name][rows]
        waiting, tries = np.arange(rows.size), 0
        while waiting.size and tries < TRIES:
            at_once = int(np.clip(TOGETHER // waiting.size, 1, TRIES - tries))
            each = np.repeat(waiting, at_once)
            draw = draws.normal_between(random, mean[each], model.sd, *column.bounds)
            found, highest = likelihood(rows[each], draw)
            accepted = (np.log(random.random(each.size)) < found - highest).reshape(-1, at_once)
            first = accepted.argmax(axis=1)
            done = accepted.any(axis=1)
            taken[waiting[done]] = draw.reshape(-1, at_once)[done, first[done]]
            waiting, tries = waiting[~done], tries + at_once
        return taken, (KEPT,) if waiting.size else ()

    def _posterior(
        self, random: np.random.Generator, column: Column, values: dict[str, Array]
    ) -> Callable[[NDArray[np.int64], Array], tuple[Array, Array]]:
        """Fit the analysis and draw its coefficients.

        Returns a function of people and values of a variable: their log-likelihood, and the highest it could be.
        """
        design = replace(
            self.design,
            x=self.design.recipe.matrix(self._frame(np.arange(len(self.data)), values, column, values[column.name])),
        )
        fit = self.refit(design)
        coef = fit.coef + np.linalg.cholesky(fit.vcov) @ random.standard_normal(fit.coef.size)
        response, offset = design.response, design.offset
        shift = np.zeros(len(design.x)) if offset is None else offset
        event = response.event if isinstance(response, Surv) else response == 1
        lived = None
        if isinstance(response, Surv):
            lived = np.maximum(hazard_lived(response, np.exp(design.x @ coef + shift), design.strata), 1e-300)

        def likelihood(rows: NDArray[np.int64], tried: Array) -> tuple[Array, Array]:
            linear = design.recipe.matrix(self._frame(rows, values, column, tried)) @ coef + shift[rows]
            if lived is None:
                return np.where(event[rows], linear, 0.0) - np.logaddexp(0.0, linear), np.zeros(len(rows))
            found = np.where(event[rows], linear, 0.0) - lived[rows] * np.exp(np.minimum(linear, 500.0))
            return found, np.where(event[rows], -np.log(lived[rows]) - 1, 0.0)

        return likelihood

    def _frame(self, rows: NDArray[np.int64], values: dict[str, Array], column: Column, tried: Array) -> pd.DataFrame:
        """The columns that the analysis codes, for some of the people, with these values of one variable."""
        imputed = {each.name: each for each in self.columns}
        found = {}
        for name in self.design.recipe.inputs:
            own = self.data[name].iloc[rows]
            if name in imputed:
                own = imputed[name].filled_in(own, tried if name == column.name else values[name][rows])
            found[name] = own.reset_index(drop=True)
        return pd.DataFrame(found)


def substantive(
    formula: str, model: Callable[[str, pd.DataFrame], Fit], data: pd.DataFrame, columns: tuple[Column, ...]
) -> Substantive:
    """Code an analysis with any values in the place of the missing ones.

    Raises
    ------
    SpecError
        If it is not a Cox or a logistic model, or it is weighted or of a survey.
    DataError
        If it uses something else that is missing.
    """
    random = np.random.default_rng(0)
    filled = {}
    for column in columns:
        drawn = np.where(column.missing, random.choice(column.values[~column.missing], len(data)), column.values)
        filled[column.name] = column.filled_in(data[column.name], drawn)
    fit = model(formula, data.assign(**filled))
    if fit.model not in ("cox", "logistic") or fit.design is None or fit.refit is None:
        raise SpecError(f"impute: the analysis {formula!r} must be a Cox or a logistic model that keeps its design.")
    if fit.design.weights is not None or fit.design.sample is not None:
        raise SpecError(
            f"impute: the analysis {formula!r} has weights or a survey design, which the draws do not know; "
            "impute without `analysis`, with the weights among the predictors."
        )
    if fit.n_missing:
        raise DataError(
            f"impute: {fit.n_missing} rows lack something else that {formula!r} uses; leave them out first."
        )
    return Substantive(fit.design, fit.refit, data, columns)
