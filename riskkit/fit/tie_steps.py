"""The steps of the partial likelihood, one by one, for whatever looks closer than a fit does.

A key is one step (Breslow), or one for each of its d tied events (Efron): at step r = 0 .. d - 1 the risk set has lost
r / d of the tied events' own share, and the step has the events' mean weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from riskkit.design.bases import Array
from riskkit.fit.kernel import Ints
from riskkit.fit.partial import Evaluation, PartialLikelihood


@dataclass(frozen=True, eq=False)
class Steps:
    """M steps in the order of their keys.

    Attributes
    ----------
    key : int array, shape (M,)
    first : int array, shape (D,)
        First step of each key.
    share : array, shape (M,)
        r / d, the share of its own tied events a step leaves out.
    weight, s0 : array, shape (M,)
        Weight of the step, and S0 of what is left of its risk set.
    mean : array, shape (M, p)
        Mean of the covariates over what is left of the risk set.
    """

    key: Ints
    first: Ints
    share: Array
    weight: Array
    s0: Array
    mean: Array

    def by_key(self, values: Array) -> Array:
        """Sum values of steps, shape (M, ...), over each key; shape (D, ...)."""
        return np.asarray(np.add.reduceat(values, self.first, axis=0))


def steps(likelihood: PartialLikelihood, at: Evaluation) -> Steps:
    """Lay out the steps at an evaluation."""
    sets = likelihood.sets
    rows, d = sets.event_rows, sets.d
    weight = np.add.reduceat(likelihood.event_weights, sets.tied[:-1])
    if not likelihood.efron:
        key = np.arange(sets.size)
        first, share, left = key, np.zeros(sets.size), at.sums[:-1]
    else:
        key, first = sets.event_keys, sets.tied[:-1]
        share = (np.arange(key.size) - first[key]) / d[key]
        weight = (weight / d)[key]
        own = np.column_stack([likelihood.x[rows], np.ones(rows.size)]) * at.theta[rows, None]
        left = at.sums[key] - share[:, None] * np.add.reduceat(own, first, axis=0)[key]
    return Steps(key, first, share, weight, left[:, -1], left[:, :-1] / left[:, -1:])


def expected_over_steps(likelihood: PartialLikelihood, at: Evaluation, these: Steps, g: Array) -> Array:
    """Each row's weighted expected events with every step's part multiplied by g: (M, m) to (n, m)."""
    rows = likelihood.sets.event_rows
    increments = (these.weight / these.s0)[:, None] * g
    out = at.theta[:, None] * likelihood.while_at_risk(at, these.by_key(increments))
    spared = these.by_key(these.share[:, None] * increments)
    out[rows] -= at.theta[rows, None] * spared[likelihood.sets.event_keys]
    return np.asarray(out)


def weighted_information(likelihood: PartialLikelihood, at: Evaluation, these: Steps, g: Array) -> Array:
    """The information with each key's part of it multiplied by g, shape (D,); shape (p, p)."""
    weighted = likelihood.expected(replace(at, hazard=at.hazard * g, relief=at.relief * g))
    return likelihood.gram(weighted) - these.mean.T @ (these.mean * (these.weight * g[these.key])[:, None])
