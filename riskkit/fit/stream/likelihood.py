"""Cox's partial likelihood of partitions: two sums an evaluation, whatever the partitions are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.fit import kernel, stable_sums
from riskkit.fit.diagnosis import check_information
from riskkit.fit.partial import DIGITS_LOST, EVENTS_ENOUGH, Evaluation
from riskkit.fit.stream.rows import Coder, Rows
from riskkit.fit.stream.source import Source


@dataclass(frozen=True, eq=False)
class At(Evaluation):
    """The partial likelihood at coefficients, shape (p,); `theta` is that of the events, shape (E,)."""

    coef: Array


@dataclass(frozen=True, eq=False)
class Summing:
    """A partition's share of a sum of arrays."""

    coder: Coder

    def add(self, left: Array, right: Array) -> Array:
        """Add sums of two sets of partitions."""
        left += right
        return left


@dataclass(frozen=True, eq=False)
class Entering(Summing):
    """A partition's share of the sums over risk sets, S1 and S0 of each key, not yet cumulated."""

    coef: Array
    shift: float
    additive: bool = False

    def __call__(self, frame: pd.DataFrame, total: Array | None = None) -> Array:
        """Shape (D + 1, p + 1)."""
        rows = self.coder(frame)
        theta = rows.theta(self.coef, self.shift)
        sums = np.zeros((rows.sets.size + 1, self.coef.size + 1)) if total is None else total
        if self.additive:
            return self.add(sums, stable_sums.at_risk(rows.x, theta, rows.sets))
        kernel.enter_and_leave(rows.x, theta, rows.sets.last, rows.sets.before, sums)
        return sums


@dataclass(frozen=True, eq=False)
class Weighing(Summing):
    """A partition's share of X' diag(expected events) X."""

    at: At

    def __call__(self, frame: pd.DataFrame, total: Array | None = None) -> Array:
        """Shape (p, p)."""
        rows = self.coder(frame)
        out = np.empty((self.at.coef.size, self.at.coef.size))
        kernel.weighted_gram(rows.x, expected(rows, self.at), out)
        return out if total is None else self.add(total, out)


@dataclass(frozen=True, eq=False)
class Extent:
    """A partition's smallest and largest covariates."""

    coder: Coder

    def __call__(self, frame: pd.DataFrame, total: Array | None = None) -> Array:
        """Shape (2, p)."""
        x = self.coder(frame).x
        found = np.array([x.min(axis=0, initial=np.inf), x.max(axis=0, initial=-np.inf)])
        return found if total is None else self.add(total, found)

    def add(self, left: Array, right: Array) -> Array:
        """Extremes of two sets of partitions."""
        return np.array([np.minimum(left[0], right[0]), np.maximum(left[1], right[1])])


def expected(rows: Rows, at: At) -> Array:
    """Expected events of each row times its weight, shape (n,)."""
    theta, sets = rows.theta(at.coef, at.shift), rows.sets
    if at.additive:
        out = theta * stable_sums.while_at_risk(at.hazard[:, None], sets)[:, 0]
    else:
        out = np.empty(theta.size)
        kernel.expected(theta, sets.last, sets.before, sets.cumulative(at.hazard), out)
    ill = np.flatnonzero(rows.event)
    out[ill] -= theta[ill] * at.relief[sets.last[ill]]  # zero with Breslow's ties
    return out


@dataclass(frozen=True, eq=False)
class StreamedLikelihood:
    """What `riskkit.fit.newton` maximises.

    Attributes
    ----------
    source : Source
    coder : Coder
    events : array, shape (E, p)
        Covariates of the events, in order of their keys, about the coder's centre.
    weights, offset : array, shape (E,), or None
        Of the events.
    efron : bool
    n : int
        Rows used.
    """

    source: Source
    coder: Coder
    events: Array
    weights: Array
    offset: Array | None
    efron: bool
    n: int

    @cached_property
    def x(self) -> Array:
        """The events' covariates, and the extremes of all rows' in two rows more: for whoever looks for separation."""
        low, high = self.source.fold(self.columns, Extent(self.coder))
        return np.vstack([self.events, low, high])

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns read in every pass."""
        return self.coder.wanted.columns

    @cached_property
    def event_total(self) -> Array:
        """Weighted sum of the events' covariates, shape (p,)."""
        return np.asarray(np.einsum("e,ej->j", self.weights, self.events))

    def evaluate(self, coef: Array) -> At:
        """Compute the log partial likelihood and its gradient at coefficients of shape (p,), in one pass."""
        sets, weights, total = self.coder.sets, self.weights, self.event_total
        weight = float(weights.sum())
        offsets = 0.0 if self.offset is None else float((weights * self.offset).sum())
        shift = (float(total @ coef) + offsets) / weight
        at_risk = self.source.fold(self.columns, Entering(self.coder, coef, shift))
        lost = kernel.cumulate(at_risk, sets.bounds)
        if lost > DIGITS_LOST:
            at_risk = self.source.fold(self.columns, Entering(self.coder, coef, shift, additive=True))
        theta = np.empty(len(self.events))
        kernel.linear_predictor(self.events, coef, shift, theta)
        theta = np.exp(theta if self.offset is None else theta + self.offset) * weights
        gradient, outer = total.copy(), np.empty((coef.size, coef.size))
        hazard, relief = np.empty(sets.size), np.empty(sets.size)
        logs = kernel.steps(
            at_risk,
            self.events,
            theta,
            weights,
            sets.event_rows,
            sets.tied,
            self.efron,
            gradient,
            hazard,
            relief,
            outer,
        )
        loglik = float(total @ coef) + offsets - shift * weight - logs
        return At(loglik, gradient, theta, at_risk, hazard, relief, outer, shift, lost > DIGITS_LOST, coef)

    def information(self, at: At, *, far: bool = False) -> Array:
        """Observed information, shape (p, p), in one pass; far from the maximum its estimate by the events alone."""
        p = at.coef.size
        if far and EVENTS_ENOUGH * p < len(self.events) < self.n / 10:
            residual = self.events - (at.sums[:-1, :-1] / at.sums[:-1, -1:])[self.coder.sets.event_keys]
            out = np.empty((p, p))
            kernel.weighted_gram(residual, self.weights, out)
            return out
        return self.gram(at) - at.outer

    def first_information(self, at: At, names: tuple[str, ...]) -> Array:
        """Compute the information where Newton's method starts, refusing columns that tell nothing (FitError)."""
        gram = self.gram(at)
        information = gram - at.outer
        check_information(information, gram, names)
        return information

    def gram(self, at: At) -> Array:
        """X' diag(expected events) X, shape (p, p)."""
        slim = replace(at, sums=at.sums[:0], theta=at.theta[:0])  # what partitions need of it
        return self.source.fold(self.columns, Weighing(self.coder, slim))
