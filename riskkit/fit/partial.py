"""Cox's log partial likelihood, its gradient and its information, at any coefficients.

The likelihood and the gradient take one pass over the rows, which leaves S0 and S1 of every risk set. The information
is one weighted Gram matrix, X' diag(theta (H(exit) - H(entry))) X, less the sum over events of S1 S1' / S0^2: no sum
of x x' over any risk set is ever formed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.errors import FitError, SpecError
from riskkit.fit import kernel, stable_sums
from riskkit.fit.diagnosis import check_information
from riskkit.fit.riskset import RiskSets, in_parts, risk_sets

CHUNK = 4096  # rows whose exponentials are taken while their covariates are still in cache
FAR_FROM_ZERO = 1e3  # standard deviations; a Gram matrix of columns further off would lose half its digits
EVENTS_ENOUGH = 50  # events a coefficient from which their own spread is a fair estimate of the information
DIGITS_LOST = 1e7  # subtraction that magnifies rounding more than this gives way to sums that only add


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The partial likelihood at one value of the coefficients.

    Attributes
    ----------
    loglik : float
    gradient : array, shape (p,)
    theta : array, shape (n,)
        weight exp(x'b + offset - shift), 0 for rows never at risk; the shift, one number for all rows, leaves every
        ratio as it is.
    sums : array, shape (D + 1, p + 1)
        S1 and, in the last column, S0 at each key; the last row is spare.
    hazard, relief : array, shape (D,)
        Increments of the baseline hazard, and what a tied event is spared of them at its own key (Efron).
    outer : array, shape (p, p)
        Sum over events of w S1 S1' / S0^2.
    shift : float
    additive : bool
        Whether the sums had to be formed by addition alone.
    """

    loglik: float
    gradient: Array
    theta: Array
    sums: Array
    hazard: Array
    relief: Array
    outer: Array
    shift: float
    additive: bool


@dataclass(frozen=True, eq=False)
class PartialLikelihood:
    """What a partial likelihood is a function of: covariates, risk sets, weights, offset and the treatment of ties.

    Attributes
    ----------
    x : array, shape (n, p), row-major
    surv : Surv
    sets : RiskSets
    efron : bool
        Efron's treatment of ties, else Breslow's.
    weights, offset : array, shape (n,), or None
    pool : ThreadPoolExecutor or None
        Threads for the passes over the rows of large data.
    centre : array, shape (p,), or 0
        What was taken off the design's columns to give `x`.
    """

    x: Array
    surv: Surv
    sets: RiskSets
    efron: bool = True
    weights: Array | None = None
    offset: Array | None = None
    pool: ThreadPoolExecutor | None = None
    centre: Array | float = 0.0

    @property
    def case_weights(self) -> Array:
        """Weights of the rows, shape (n,)."""
        return np.ones(len(self.x)) if self.weights is None else self.weights

    @cached_property
    def event_weights(self) -> Array:
        """Weights of the events, shape (E,), in the order of `sets.event_rows`."""
        rows = self.sets.event_rows
        return np.ones(rows.size) if self.weights is None else self.weights[rows]

    @cached_property
    def event_total(self) -> Array:
        """Weighted sum of the events' covariates, shape (p,)."""
        # Not by `@`, which would wake OpenBLAS's threads: they keep spinning beside ours.
        return np.asarray(np.einsum("e,ej->j", self.event_weights, self.x[self.sets.event_rows]))

    def evaluate(self, coef: Array) -> Evaluation:
        """Compute the log partial likelihood and its gradient at coefficients of shape (p,)."""
        sets, w_events = self.sets, self.event_weights
        total_x, total_w = self.event_total, float(w_events.sum())
        offset_events = 0.0 if self.offset is None else float((w_events * self.offset[sets.event_rows]).sum())
        shift = float(total_x @ coef + offset_events) / total_w
        theta = np.empty(len(self.x))

        def enter(rows: slice) -> Array:
            sums = np.zeros((sets.size + 1, coef.size + 1))
            for start in range(rows.start, rows.stop, CHUNK):
                chunk = slice(start, min(start + CHUNK, rows.stop))
                kernel.linear_predictor(self.x[chunk], coef, shift, theta[chunk])
                if self.offset is not None:
                    theta[chunk] += self.offset[chunk]
                kernel.silence(sets.last[chunk], theta[chunk])
                np.exp(theta[chunk], out=theta[chunk])
                if self.weights is not None:
                    theta[chunk] *= self.weights[chunk]
                kernel.enter_and_leave(self.x[chunk], theta[chunk], sets.last[chunk], sets.before[chunk], sums)
            return sums

        at_risk, *others = in_parts(enter, len(self.x), self.pool)
        for sums in others:
            at_risk += sums
        lost = kernel.cumulate(at_risk, sets.bounds)
        if lost > DIGITS_LOST:
            at_risk = stable_sums.at_risk(self.x, theta, sets)
        self.join(coef, shift, theta, at_risk)
        gradient, outer = total_x.copy(), np.empty((coef.size, coef.size))
        hazard, relief = np.empty(sets.size), np.empty(sets.size)
        total = kernel.steps(
            at_risk, self.x, theta, w_events, sets.event_rows, sets.tied, self.efron, gradient, hazard, relief, outer
        )
        loglik = float(total_x @ coef) + offset_events - shift * total_w - total
        return Evaluation(loglik, gradient, theta, at_risk, hazard, relief, outer, shift, lost > DIGITS_LOST)

    def join(self, coef: Array, shift: float, theta: Array, at_risk: Array) -> None:
        """Add to the sums over risk sets, shape (D + 1, p + 1), whoever a model keeps in them; a Cox model nobody."""

    def linear_predictor(self, coef: Array) -> Array:
        """x'b + offset of each row, shape (n,), up to one number shared by all."""
        out = np.empty(len(self.x))
        kernel.linear_predictor(self.x, coef, 0.0, out)
        return out if self.offset is None else out + self.offset

    def expected(self, at: Evaluation) -> Array:
        """Expected events of each row times its weight, shape (n,): the hazard accumulated while at risk."""
        if at.additive:
            out = at.theta * stable_sums.while_at_risk(at.hazard[:, None], self.sets)[:, 0]
        else:
            out = np.empty(len(self.x))
            kernel.expected(at.theta, self.sets.last, self.sets.before, self.sets.cumulative(at.hazard), out)
        rows = self.sets.event_rows
        if self.efron:
            out[rows] -= at.theta[rows] * at.relief[self.sets.event_keys]
        return out

    def while_at_risk(self, at: Evaluation, increments: Array, rows: slice = slice(None)) -> Array:
        """Sum (D, m) increments over the keys each row is at risk at, (rows, m); by addition alone if need be."""
        if at.additive:
            return stable_sums.while_at_risk(increments, self.sets, rows)
        return self.sets.while_at_risk(increments, rows)

    def information(self, at: Evaluation, *, far: bool = False) -> Array:
        """Observed information, shape (p, p): minus the second derivative of the log partial likelihood.

        Far from the maximum, and with events enough but few among the rows, its estimate by the events alone: the outer
        product of their covariates less the mean of their risk set, which takes no pass over the rows.

        References
        ----------
        Berndt E, Hall B, Hall R, Hausman J (1974) Annals of Economic and Social Measurement 3:653.
        """
        events, p = self.sets.event_rows, self.x.shape[1]
        if far and EVENTS_ENOUGH * p < events.size < len(self.x) / 10:
            residual = self.x[events] - (at.sums[:-1, :-1] / at.sums[:-1, -1:])[self.sets.event_keys]
            out = np.empty((p, p))
            kernel.weighted_gram(residual, self.event_weights, out)
            return out
        return self.gram(self.expected(at)) - at.outer

    def first_information(self, at: Evaluation, names: tuple[str, ...]) -> Array:
        """Compute the information where Newton's method starts, refusing columns that tell nothing (FitError)."""
        gram = self.gram(self.expected(at))
        information = gram - at.outer
        check_information(information, gram, names)
        return information

    def gram(self, weights: Array) -> Array:
        """X' diag(weights) X, shape (p, p)."""

        def gram(rows: slice) -> Array:
            out = np.empty((self.x.shape[1], self.x.shape[1]))
            kernel.weighted_gram(self.x[rows], weights[rows], out)
            return out

        return np.asarray(np.sum(in_parts(gram, len(self.x), self.pool), axis=0))


def partial_likelihood(design: Design, ties: str, pool: ThreadPoolExecutor | None = None) -> PartialLikelihood:
    """Index a design's follow-up and assemble its partial likelihood.

    Columns that lie far from zero for their spread are centred (on a copy), which changes no coefficient.

    Raises
    ------
    SpecError
        If the outcome is not Surv(...).
    FitError
        If there are no events.
    """
    if not isinstance(design.response, Surv):
        raise SpecError(
            f"formula {design.recipe.formula.text!r}: a Cox model's outcome is Surv(time, event) or "
            "Surv(entry, exit, event)."
        )
    sets = risk_sets(design.response, design.strata, pool)
    if sets.size == 0:
        raise FitError(f"there are no events among the {len(design.x)} rows used; nothing can be estimated.")
    sample = design.x[:: max(1, len(design.x) // 1000)]
    centre, spread = sample.mean(axis=0), sample.std(axis=0)
    far = np.abs(centre) > FAR_FROM_ZERO * np.where(spread > 0, spread, 1.0)
    taken_off = centre if far.any() else 0.0
    x = design.x - centre if far.any() else design.x
    return PartialLikelihood(x, design.response, sets, ties == "efron", design.weights, design.offset, pool, taken_off)


def unusual(sets: RiskSets, at: Evaluation) -> tuple[str, ...]:
    """Say what is unusual about the data but no obstacle to the fit."""
    notes = []
    empty = int((np.diff(sets.bounds) == 0).sum())
    if empty:
        notes.append(f"{empty} of {sets.bounds.size - 1} strata have no events and tell nothing.")
    if sets.merged:
        notes.append(
            f"{sets.merged} event times that differ from another by rounding alone (1e-9 of their size) are ties."
        )
    if at.additive:
        notes.append("some linear predictors are so extreme that the risk sets were summed by addition alone.")
    return tuple(notes)
