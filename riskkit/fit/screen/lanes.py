"""Newton's method in many Cox models at once: one outcome, shared covariates, an exposure in each lane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskkit.design.bases import Array
from riskkit.fit.diagnosis import COLLINEAR, CONSTANT
from riskkit.fit.kernel import Ints
from riskkit.fit.newton import RISE, ROUNDING, SLOW
from riskkit.fit.partial import DIGITS_LOST
from riskkit.fit.screen import kernel
from riskkit.fit.screen.outcome import Bools, Outcome

MOST = 10  # Newton steps; whoever needs more is fitted alone, where separation is told
CLOSE = 1e-19  # squared distance from the maximum in standard errors, so close that these too have ten digits
SOON = 1e-6  # decrement from which the next evaluation is likely the last, and brings the columns of the tests


@dataclass(frozen=True, eq=False)
class TimeTest:
    """What the first own column times a function of time would add to each model.

    Attributes
    ----------
    score, information : array, shape (L,)
    cross : array, shape (L, c)
        Its information with the c coefficients.
    """

    score: Array
    information: Array
    cross: Array


@dataclass(frozen=True, eq=False)
class At:
    """L partial likelihoods at one value of their coefficients, c of them each.

    Attributes
    ----------
    loglik : array, shape (L,)
    gradient : array, shape (c, L)
    information, gram : array, shape (L, c, c)
        The information, and the same without the subtraction of the means of those at risk.
    lost : array, shape (L,)
        By how much subtraction magnified rounding.
    time : TimeTest or None
        When asked for.
    """

    loglik: Array
    gradient: Array
    information: Array
    gram: Array
    lost: Array
    time: TimeTest | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """Where Newton's method ended in each lane, and where it began."""

    coef: Array
    at: At
    good: Bools
    loglik_start: Array
    score_chi2: Array


@dataclass(frozen=True, eq=False)
class Lanes:
    """L Cox models of one outcome: the shared covariates, and columns of their own.

    Attributes
    ----------
    outcome : Outcome
    own : array, shape (m, n, L)
    absent : bool array, shape (n, L), or None
        Rows that are not in a lane's data.
    time : array, shape (D, L)
        The function of time of the test of proportional hazards.
    """

    outcome: Outcome
    own: Array
    absent: Bools | None
    time: Array

    @property
    def size(self) -> int:
        """Number of lanes, L."""
        return self.time.shape[1]

    @cached_property
    def here(self) -> Array:
        """Which events are in a lane's data, shape (E, L), as 0 and 1."""
        rows = self.outcome.sets.event_rows
        return np.ones((rows.size, self.size)) if self.absent is None else (~self.absent[rows]).astype(float)

    @cached_property
    def event_totals(self) -> Array:
        """Sum of the events' covariates and own columns, shape (p + m, L)."""
        rows, here = self.outcome.sets.event_rows, self.here
        own = np.einsum("el,mel->ml", here, self.own[:, rows])
        return np.concatenate([np.einsum("el,ej->jl", here, self.outcome.design.x[rows]), own])

    def evaluate(self, coef: Array, m: int, *, time: bool) -> At:
        """Evaluate likelihood, gradient and information with the first m own columns, at coefficients (p + m, L)."""
        outcome, own, here = self.outcome, self.own[:m], self.here
        sets, x, lanes, c = outcome.sets, outcome.design.x, self.size, len(coef)
        n, p, size = len(x), x.shape[1], sets.size
        total, events = self.event_totals[:c], here.sum(axis=0)
        predicted = (total * coef).sum(axis=0)
        offset = outcome.design.offset
        if offset is not None:
            predicted = predicted + offset[sets.event_rows] @ here
        shift = predicted / np.maximum(events, 1)
        theta = np.empty((n, lanes))
        kernel.linear_predictors(x, own, coef, shift, sets.last, theta)
        if offset is not None:
            theta += offset[:, None]
        np.exp(theta, out=theta)
        if self.absent is not None:
            theta[self.absent] = 0.0
        sums, lost = np.zeros((size + 1, c + 1, lanes)), np.empty(lanes)
        kernel.add_runs(x, own, theta, outcome.leaving.order, outcome.leaving.starts, 1.0, sums)
        if outcome.entering.starts[0] < outcome.entering.order.size:
            kernel.add_runs(x, own, theta, outcome.entering.order, outcome.entering.starts, -1.0, sums)
        kernel.cumulate(sums, sets.bounds, lost)
        gradient, logs = total.copy(), np.empty(lanes)
        hazard, relief = np.empty((size, lanes)), np.empty((size, lanes))
        outer = np.empty((lanes, c, c))
        timed = np.empty(lanes), np.empty((c, lanes)), np.empty(lanes)
        kernel.steps(
            sums, x, own, theta, here, sets.event_rows, sets.tied, outcome.efron, self.time,
            logs, gradient, hazard, relief, outer, *timed,
        )  # fmt: skip
        weights, cumulative = np.empty((n, lanes)), np.empty((size + 1, lanes))

        def expect(power: int) -> None:
            """Each row's expected events, each key's part multiplied by a power of the function of time."""
            scale = self.time**power if power else 1.0
            kernel.cumulate_forward(hazard * scale, sets.bounds, cumulative)
            kernel.expected(theta, sets.last, sets.before, cumulative, weights)
            if outcome.efron:
                kernel.spare(theta, sets.event_rows, sets.event_keys, relief * scale, weights)

        expect(0)
        gram = _gram(x, own, weights)
        loglik = predicted - shift * events - logs
        if not time:
            return At(loglik, gradient, gram - outer, gram, lost)
        at_events = self.time[sets.event_keys] * here * own[0, sets.event_rows]
        once = np.empty((p, 1, lanes)), np.empty((m, 1, lanes))
        expect(1)
        kernel.own_gram(x, own, weights, *once)
        twice = np.empty((0, 1, lanes)), np.empty((1, 1, lanes))
        expect(2)
        kernel.own_gram(x[:, :0], own[:1], weights, *twice)
        test = TimeTest(
            score=at_events.sum(axis=0) - timed[0],
            cross=(np.concatenate(once)[:, 0] - timed[1]).T,
            information=twice[1][0, 0] - timed[2],
        )
        return At(loglik, gradient, gram - outer, gram, lost, test)

    def of(self, these: Ints) -> Lanes:
        """Some of the lanes, without own columns."""
        absent = None if self.absent is None else np.ascontiguousarray(self.absent[:, these])
        own = np.empty((0, len(self.outcome.design.x), these.size))
        return Lanes(self.outcome, own, absent, np.ascontiguousarray(self.time[:, these]))

    def maximise(self, start: Array, m: int, first: At) -> Found:
        """Maximise the likelihoods over the coefficients of x and the first m own columns, from start (p + m, L).

        `first` is the evaluation at the start. The last evaluation has all own columns, with coefficients of zero.
        """
        coef, c = start, len(start)
        good = self.here.sum(axis=0) > 0
        previous, loglik = np.full(self.size, np.inf), np.full(self.size, -np.inf)
        full = False
        for iteration in range(MOST):
            columns = len(self.own) if full else m
            with np.errstate(all="ignore"):  # a lane that fails is fitted alone, and told of there
                padded = np.concatenate([coef, np.zeros((columns - m, self.size))])
                at = self.evaluate(padded, columns, time=full) if iteration else first
                step, solved = _solve(at.information[:, :c, :c], at.gram[:, :c, :c], at.gradient[:c])
                decrement = np.asarray((step * at.gradient[:c]).sum(axis=0))
                rise = at.loglik - loglik
                good &= solved & np.isfinite(at.loglik) & (at.lost < DIGITS_LOST) & (decrement >= -CLOSE)
                good &= ~(rise < -RISE * np.abs(at.loglik))
            if iteration == 0:
                loglik_start, score_chi2 = at.loglik, decrement
            flat = (decrement < ROUNDING) & (rise <= 4 * np.finfo(float).eps * np.abs(at.loglik))
            done = (decrement <= CLOSE) | (flat & (decrement <= 0.1 * previous))
            good &= done | (decrement > SLOW) | (decrement <= 0.1 * previous)
            if iteration >= MOST - 3:  # whoever is still far must not keep the others
                good &= decrement < SOON
            coef = coef + np.where(good, step, 0.0)
            if full and (done | ~good).all():
                break
            full = bool((decrement[good] < SOON).all())
            previous, loglik = decrement, at.loglik
        else:
            good &= done & full
        # A leap to the maximum is the mark of one at infinity.
        good &= ~(np.isfinite(previous) & (previous > SLOW))
        return Found(coef, at, good, loglik_start, score_chi2)


def adjusted_step(at: At, p: int) -> tuple[Array, Array, Bools]:
    """Newton's steps of the first p coefficients alone, shape (p, L), their decrements, and where there are any."""
    with np.errstate(all="ignore"):  # a lane that fails is fitted alone, and told of there
        step, good = _solve(at.information[:, :p, :p], at.gram[:, :p, :p], at.gradient[:p])
        good &= np.isfinite(at.loglik) & (at.lost < DIGITS_LOST)
        return step, np.asarray((step * at.gradient[:p]).sum(axis=0)), good


def _gram(x: Array, own: Array, weights: Array) -> Array:
    """Weighted Gram matrices of the covariates and own columns (m, n, L), weights (n, L); shape (L, p + m, p + m)."""
    p, m, lanes = x.shape[1], own.shape[0], weights.shape[1]
    out = np.empty((lanes, p + m, p + m))
    shared = np.empty((p * (p + 1) // 2, lanes))
    kernel.shared_gram(x, weights, shared)
    j, k = np.triu_indices(p)
    out[:, j, k] = out[:, k, j] = shared.T
    if m:
        crossed, squared = np.empty((p, m, lanes)), np.empty((m, m, lanes))
        kernel.own_gram(x, own, weights, crossed, squared)
        out[:, :p, p:] = crossed.transpose(2, 0, 1)
        out[:, p:, :p] = crossed.transpose(2, 1, 0)
        out[:, p:, p:] = squared.transpose(2, 0, 1)
    return out


def _solve(information: Array, gram: Array, gradient: Array) -> tuple[Array, Bools]:
    """Newton's steps, shape (c, L), and where the information, shape (L, c, c), allows one; zero elsewhere."""
    own = np.einsum("lcc->lc", information)
    good = np.asarray((own > CONSTANT * np.einsum("lcc->lc", gram)).all(axis=1) & np.isfinite(information).all((1, 2)))
    scale = np.sqrt(np.where(good[:, None], own, 1.0))
    correlation = np.where(good[:, None, None], information, np.eye(own.shape[1])) / (
        scale[:, :, None] * scale[:, None]
    )
    try:
        pivots = np.einsum("lcc->lc", np.linalg.cholesky(correlation))
    except np.linalg.LinAlgError:
        pivots = np.array([_pivots(matrix) for matrix in correlation])
    good &= (pivots**2 > COLLINEAR).all(axis=1)
    correlation = np.where(good[:, None, None], correlation, np.eye(own.shape[1]))
    step = np.linalg.solve(correlation, (gradient.T / scale)[:, :, None])[:, :, 0] / scale
    return np.where(good, step.T, 0.0), good


def _pivots(matrix: Array) -> Array:
    try:
        return np.asarray(np.diag(np.linalg.cholesky(matrix)))
    except np.linalg.LinAlgError:
        return np.zeros(len(matrix))
