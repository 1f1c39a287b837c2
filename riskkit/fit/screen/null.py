"""Where every pair of one outcome starts: the adjusted model, whose risk sets all complete exposures share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.fit import kernel as single
from riskkit.fit.partial import partial_likelihood
from riskkit.fit.residuals import mean_at_event
from riskkit.fit.screen import kernel
from riskkit.fit.screen.lanes import At
from riskkit.fit.screen.outcome import Bools, Outcome
from riskkit.fit.tie_steps import Steps, steps


@dataclass(frozen=True, eq=False)
class Null:
    """An adjusted model at its maximum.

    Attributes
    ----------
    outcome : Outcome
    theta, expected : array, shape (n,)
        exp(x'b - shift) and expected events of each row.
    information, gram : array, shape (p, p)
    lost : float
        By how much subtraction magnified rounding.
    steps : Steps
        Those of its events.
    """

    outcome: Outcome
    loglik: float
    theta: Array
    expected: Array
    information: Array
    gram: Array
    lost: float
    steps: Steps

    def without(self, absent: Bools) -> Array:
        """Approximate coefficients of the adjusted model without some rows, (n, L) of them; shape (p, L).

        What those rows contribute to the score, taken off and divided by the information that is left (dfbeta).
        """
        outcome, sets, x = self.outcome, self.outcome.sets, self.outcome.design.x
        scores = np.zeros((x.shape[1], absent.shape[1]))
        kernel.scores(absent, x, self.theta, self.expected, sets.last, sets.before, self._hazard, scores)
        gone = absent[sets.event_rows]
        scores += (x[sets.event_rows] - mean_at_event(self.steps)[sets.event_keys]).T @ gone
        left = np.maximum(1 - gone.mean(axis=0), 0.1)  # of the information; who loses more starts less far away
        return outcome.fit.coef[:, None] - linalg.solve(self.information, scores, assume_a="pos") / left

    @cached_property
    def _hazard(self) -> Array:
        """Running sums of the hazard's increments times the covariates' means, with a row of zeros: (D + 1, p)."""
        these = self.steps
        return self.outcome.sets.cumulative(these.by_key((these.weight / these.s0)[:, None] * these.mean))

    def with_exposures(self, z: Array) -> At:
        """Evaluate the models of L complete exposures, shape (1, n, L), at coefficients of zero beside the adjusted."""
        outcome, sets, x, these = self.outcome, self.outcome.sets, self.outcome.design.x, self.steps
        p, lanes = x.shape[1], z.shape[2]
        crossed, squared = np.empty((p, 1, lanes)), np.empty((1, 1, lanes))
        kernel.own_gram(x, z, np.repeat(self.expected[:, None], lanes, axis=1), crossed, squared)
        sums = np.zeros((sets.size + 1, lanes))
        for runs, sign in ((outcome.leaving, 1.0), (outcome.entering, -1.0)):
            kernel.sum_runs(z[0], self.theta, runs.order, runs.starts, sign, sums)
        single.cumulate(sums, sets.bounds)
        at_events = z[0, sets.event_rows]
        if outcome.efron:
            own = np.add.reduceat(self.theta[sets.event_rows, None] * at_events, sets.tied[:-1], axis=0)
            mean = (sums[these.key] - these.share[:, None] * own[these.key]) / these.s0[:, None]
            total = mean.sum(axis=0)
            outer, square = kernel.cross(these.mean, mean), (mean**2).sum(axis=0)
        else:
            mean = sums[these.key] / these.s0[:, None]
            weighted = sets.d[:, None] * mean
            total = weighted.sum(axis=0)
            outer, square = kernel.cross(these.mean, weighted), (weighted * mean).sum(axis=0)
        gram = np.empty((lanes, p + 1, p + 1))
        gram[:, :p, :p] = self.gram
        gram[:, :p, p] = gram[:, p, :p] = crossed[:, 0].T
        gram[:, p, p] = squared[0, 0]
        information = gram.copy()
        information[:, :p, :p] = self.information
        information[:, :p, p] = information[:, p, :p] = gram[:, :p, p] - outer.T
        information[:, p, p] -= square
        gradient = np.zeros((p + 1, lanes))
        gradient[p] = at_events.sum(axis=0) - total
        return At(np.full(lanes, self.loglik), gradient, information, gram, np.full(lanes, self.lost))


def null(outcome: Outcome) -> Null:
    """Evaluate an outcome's adjusted model at its maximum."""
    likelihood = partial_likelihood(outcome.design, "efron" if outcome.efron else "breslow")
    at = likelihood.evaluate(outcome.fit.coef)
    expected, these = likelihood.expected(at), steps(likelihood, at)
    gram = likelihood.gram(expected)
    lost = np.inf if at.additive else 1.0
    return Null(
        outcome,
        at.loglik,
        at.theta,
        expected,
        gram - at.outer,
        gram,
        lost,
        these,
    )
