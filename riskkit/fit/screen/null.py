"""Where every pair of one outcome starts: the adjusted model, whose risk sets all complete exposures share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskkit.design.bases import Array
from riskkit.fit import kernel as single
from riskkit.fit.kernel import Ints
from riskkit.fit.partial import partial_likelihood
from riskkit.fit.screen import kernel
from riskkit.fit.screen.lanes import At
from riskkit.fit.screen.outcome import Outcome
from riskkit.fit.tie_steps import steps


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
    key : int array, shape (M,)
    share, s0 : array, shape (M,)
    mean : array, shape (M, p)
        The events' steps, as `riskkit.fit.tie_steps.Steps` has them.
    """

    outcome: Outcome
    loglik: float
    theta: Array
    expected: Array
    information: Array
    gram: Array
    lost: float
    key: Ints
    share: Array
    s0: Array
    mean: Array

    def with_exposures(self, z: Array) -> At:
        """Evaluate the models of L complete exposures, shape (1, n, L), at coefficients of zero beside the adjusted."""
        outcome, sets, x = self.outcome, self.outcome.sets, self.outcome.design.x
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
            mean = (sums[self.key] - self.share[:, None] * own[self.key]) / self.s0[:, None]
            total = mean.sum(axis=0)
            outer, square = kernel.cross(self.mean, mean), (mean**2).sum(axis=0)
        else:
            mean = sums[self.key] / self.s0[:, None]
            weighted = sets.d[:, None] * mean
            total = weighted.sum(axis=0)
            outer, square = kernel.cross(self.mean, weighted), (weighted * mean).sum(axis=0)
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
        these.key,
        these.share,
        these.s0,
        these.mean,
    )
