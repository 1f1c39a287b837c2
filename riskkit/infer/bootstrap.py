"""Resampling people: the fit again on bootstrap samples, its codings kept."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.errors import FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.linearise import refuse_survey
from riskkit.infer.heights import LIMITS, Limit, search_grid
from riskkit.infer.linear import coded
from riskkit.infer.nadir import Direction
from riskkit.infer.refit import affordable, design_of, refitted, refuse_frequencies

_TOLERATED = 0.05  # share of samples in which the model may fail before the bootstrap means nothing


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Coefficients of the model on bootstrap samples.

    Attributes
    ----------
    fit : Fit
        The fit that was resampled.
    coef : array, shape (replicates, p)
    failed : int
        Samples in which the model could not be estimated; they are left out of `coef`.
    """

    fit: Fit
    coef: Array
    failed: int

    @property
    def vcov(self) -> Array:
        """Bootstrap covariance of the coefficients, shape (p, p)."""
        return np.atleast_2d(np.cov(self.coef.T))

    def nadirs(
        self,
        variable: str,
        *,
        direction: Direction = "lowest",
        at: dict[str, Any] | None = None,
        limits: tuple[Limit, Limit] = LIMITS,
    ) -> Array:
        """Where each sample's curve is lowest (or highest), shape (replicates,); see `riskkit.infer.nadir.nadir`.

        They show how the nadir scatters. Their percentiles are no confidence interval when the curve is shallow
        (docs/calibration.md): `rk.nadir` has one.
        """
        grid = search_grid(self.fit, variable, limits)
        sign = 1.0 if direction == "lowest" else -1.0
        rows = sign * coded(self.fit, {variable: grid}, at)
        return np.asarray(grid[(self.coef @ rows.T).argmin(axis=1)])


def bootstrap(
    fit: Fit, replicates: int = 1000, *, seed: int = 1, workers: int | None = None, progress: bool = True
) -> Bootstrap:
    """Fit the model again on samples of the people, drawn with replacement.

    Whole clusters are drawn where the design has clusters, and whole matched sets of a conditional logistic model.
    Knots, cut points and levels stay those of the fit.

    Parameters
    ----------
    fit : Fit
        Not a light one.
    replicates : int
    seed : int
        The same seed gives the same samples with any number of workers.
    workers : int, optional
        Threads; as many as there are processors unless given.
    progress : bool
        Whether to show a bar with the time left.

    Returns
    -------
    Bootstrap
        The coefficients of every sample, shape (replicates, p), and the intervals they give.

    Raises
    ------
    SpecError
        If the fit is light, or `replicates` is less than 2.
    FitError
        If the model fails in more than 5% of the samples, or the fit is of a survey.

    References
    ----------
    Efron B, Tibshirani RJ (1993) An Introduction to the Bootstrap.
    """
    design = design_of(fit)
    if design.cluster is None:
        refuse_frequencies(design, "bootstrap")
    refuse_survey(design, "this bootstrap", "its design-based covariance stands in fit.cov")
    if replicates < 2:
        raise SpecError(f"bootstrap: ask for at least 2 replicates, 1000 or more for intervals; got {replicates}.")
    affordable("bootstrap", replicates, design)
    matched = fit.model == "clogit" or design.sampling == "nested case-control"
    sampler = Sampler.of(design.strata if matched else design.cluster, len(design.x))

    def once(stream: np.random.SeedSequence) -> Array | None:
        try:
            again = refitted(fit, sampled(design, *sampler.draw(np.random.default_rng(stream)), matched))
            return again.coef if (again.infinite is None) == (fit.infinite is None) else None  # a level lost its events
        except FitError:
            return None

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), disable=not progress
    )
    with bar, ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        streams = np.random.SeedSequence(seed).spawn(replicates)
        results = list(bar.track(pool.map(once, streams), total=replicates, description="Bootstrap"))
    coefficients = [coef for coef in results if coef is not None]
    failed = replicates - len(coefficients)
    if failed > _TOLERATED * replicates:
        raise FitError(
            f"bootstrap: the model could not be estimated in {failed} of {replicates} samples; "
            'simplify it, or fit with penalty="firth".'
        )
    return Bootstrap(fit, np.array(coefficients), failed)


@dataclass(frozen=True, eq=False)
class Sampler:
    """The rows of each unit that is drawn: `order[start[u]:start[u + 1]]` are those of unit u."""

    order: NDArray[np.int64]
    start: NDArray[np.int64]

    @staticmethod
    def of(unit: NDArray[np.int64] | None, n: int) -> Sampler:
        """Of n rows: each its own unit, or in the units given, shape (n,)."""
        if unit is None:
            return Sampler(np.arange(n), np.arange(n + 1))
        return Sampler(np.argsort(unit, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(unit))]))

    def draw(self, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of a sample and the number of the draw that each belongs to; rows are in their original order."""
        units = np.sort(random.integers(0, self.start.size - 1, self.start.size - 1))
        sizes = np.diff(self.start)[units]
        draws = np.repeat(np.arange(units.size), sizes)
        within = np.arange(draws.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.order[self.start[units][draws] + within], draws


def sampled(design: Design, rows: NDArray[np.int64], draws: NDArray[np.int64], matched: bool = False) -> Design:
    """The design of the rows given, a row as often as it is named.

    Each draw of a cluster, or of a matched set, is a cluster or a set of its own.
    """
    response = design.response
    if isinstance(response, Surv):
        entry = None if response.entry is None else response.entry[rows]
        response = Surv(entry, response.exit[rows], response.event[rows])
    else:
        response = response[rows]
    columns = {name: getattr(design, name) for name in ("strata", "offset", "weights", "time", "cluster")}
    taken = {name: values[rows] for name, values in columns.items() if values is not None}
    if matched:
        taken["strata"] = draws
    elif design.cluster is not None:
        taken["cluster"] = draws
    if design.sample is not None:
        taken["sample"] = design.sample.take(rows)
    again = replace(design, x=design.x[rows], response=response, index=design.index[rows], **taken)
    return replace(again, source=None, rows=None)
