"""Covariance robust against a wrong model, and between clusters that span partitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.surv import Surv
from riskkit.fit import kernel, stable_sums
from riskkit.fit.partial import PartialLikelihood
from riskkit.fit.residuals import mean_at_event
from riskkit.fit.stream.likelihood import At, StreamedLikelihood, Summing, expected
from riskkit.fit.stream.rows import Coder
from riskkit.fit.tie_steps import steps

CHUNK = 8192  # rows whose residuals are formed at a time
TOTALS = 1 << 28  # bytes of clusters' sums at a time; more clusters are looked at in several passes

Hashes = NDArray[np.uint64]
Totals = tuple[Hashes, Array]


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a row's score residual is made of beside the row.

    Attributes
    ----------
    increments, relief : array, shape (D, p)
        Sums over a key's steps of w/S0 times the mean of its risk set, and what tied events are spared of them.
    at_event : array, shape (D, p)
        What an event's covariates are compared with.
    """

    coder: Coder
    at: At
    increments: Array
    relief: Array
    at_event: Array

    def blocks(self, frame: pd.DataFrame) -> Iterator[tuple[slice, Array, pd.DataFrame]]:
        """Score residuals of some thousand rows at a time, times their weights; see `riskkit.fit.residuals`."""
        rows = self.coder(frame)
        theta, events = rows.theta(self.at.coef, self.at.shift), expected(rows, self.at)
        sets, hazard = rows.sets, rows.sets.cumulative(self.increments)
        for start in range(0, theta.size, CHUNK):
            some = slice(start, start + CHUNK)
            x, last = rows.x[some], sets.last[some]
            if self.at.additive:
                at_risk = stable_sums.while_at_risk(self.increments, sets, some)
            else:
                at_risk = hazard[last] - hazard[sets.before[some]]
            out = theta[some, None] * at_risk - events[some, None] * x
            ill = np.flatnonzero(rows.event[some])
            key = last[ill]
            weight = 1.0 if rows.weights is None else rows.weights[some][ill, None]
            out[ill] -= theta[some][ill, None] * self.relief[key]
            out[ill] += weight * (x[ill] - self.at_event[key])
            yield some, out, rows.frame


@dataclass(frozen=True, eq=False)
class OwnClusters(Summing):
    """A partition's sum of r r' over the residuals r of its rows."""

    residuals: Residuals

    def __call__(self, frame: pd.DataFrame, total: Array | None = None) -> Array:
        """Shape (p, p)."""
        p = self.residuals.at.coef.size
        meat, part = np.zeros((p, p)) if total is None else total, np.empty((p, p))
        for _, block, _ in self.residuals.blocks(frame):
            kernel.weighted_gram(block, np.ones(len(block)), part)
            meat += part
        return meat


@dataclass(frozen=True, eq=False)
class ByCluster:
    """A partition's sums of residuals over the clusters whose hash leaves `share` when divided by `shares`."""

    residuals: Residuals
    cluster: str
    share: int
    shares: int

    def __call__(self, frame: pd.DataFrame, total: Totals | None = None) -> Totals:
        """Hashes of G clusters, and sums of shape (G, p)."""
        found = [(np.empty(0, dtype=np.uint64), np.empty((0, self.residuals.at.coef.size)))]
        for some, block, rows in self.residuals.blocks(frame):
            hashes = _hashes(rows[self.cluster].iloc[some])
            ours = hashes % np.uint64(self.shares) == self.share
            found.append((hashes[ours], block[ours]))
        here = _summed([h for h, _ in found], [b for _, b in found])
        return here if total is None else self.add(total, here)

    def add(self, left: Totals, right: Totals) -> Totals:
        """Add up the clusters of two sets of partitions."""
        return _summed([left[0], right[0]], [left[1], right[1]])


def _hashes(values: pd.Series) -> Hashes:
    """64 bits for each value, the same in every partition: two of 17 million clusters meet with probability 1e-5."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.is_numeric_dtype(values):
        values = values.astype(float)  # a gap elsewhere makes floats of whole numbers
    return np.asarray(pd.util.hash_array(values.to_numpy()), dtype=np.uint64)


def _summed(hashes: list[Hashes], blocks: list[Array]) -> Totals:
    names, place = np.unique(np.concatenate(hashes), return_inverse=True)
    values = np.concatenate(blocks)
    totals = np.zeros((names.size, values.shape[1]))
    kernel.add_by_group(values, np.ones(len(values)), place.astype(np.int64), totals)
    return names, totals


def robust_covariance(likelihood: StreamedLikelihood, at: At, model: Array, cluster: str | None) -> Array:
    """Sandwich covariance, shape (p, p), as `riskkit.fit.residuals.robust_covariance` has it.

    Parameters
    ----------
    model : array, shape (p, p)
        Model-based covariance.
    cluster : str or None
        Column of clusters; None makes every row its own.
    """
    nothing = Surv(None, np.empty(0), np.empty(0, dtype=bool))
    events = PartialLikelihood(
        likelihood.events, nothing, likelihood.coder.sets, likelihood.efron, likelihood.weights, likelihood.offset
    )
    these = steps(events, at)
    increment = (these.weight / these.s0)[:, None] * these.mean
    residuals = Residuals(
        likelihood.coder,
        replace(at, sums=at.sums[:0], theta=at.theta[:0]),
        these.by_key(increment),
        these.by_key(these.share[:, None] * increment),
        mean_at_event(these),
    )
    source, columns = likelihood.source, likelihood.columns
    if cluster is None:
        meat = source.fold(columns, OwnClusters(likelihood.coder, residuals))
    else:
        shares = max(1, -(-likelihood.n * 8 * (model.shape[0] + 1) // TOTALS))
        meat, part = np.zeros_like(model), np.empty_like(model)
        for share in range(shares):
            _, totals = source.fold(columns, ByCluster(residuals, cluster, share, shares))
            kernel.weighted_gram(totals, np.ones(len(totals)), part)
            meat += part
    return np.asarray(model @ meat @ model)
