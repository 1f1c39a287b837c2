"""Few clusters: the bias-reduced covariance CR2, with the degrees of freedom that it leaves each question."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.fit.fit import Fit
from riskkit.fit.hypothesis import Test, wald_chi2

LEAST = 1e-12  # variance left to a direction below which one cluster alone tells of it


@dataclass(frozen=True, eq=False)
class Cr2:
    """What CR2 is made of, for G clusters and p coefficients of a generalised linear model.

    Attributes
    ----------
    scores : array, shape (G, p)
        Each cluster's adjusted share of the gradient.
    once, twice : array, shape (G, p, p)
        X' A W X and X' W A V A W X of each cluster: A is the adjustment, V the working variance, W its inverse.
    model : array, shape (p, p)
        Model-based covariance.
    """

    scores: Array
    once: Array
    twice: Array
    model: Array

    @property
    def vcov(self) -> Array:
        """The bias-reduced covariance, shape (p, p)."""
        moved = self.scores @ self.model
        return np.asarray(moved.T @ moved)

    def products(self, rows: Array) -> Array:
        """Inner products over clusters of q combinations, shape (q, p): shape (q, q, G, G).

        Entry (s, t, i, j) is the covariance, under the working model, of cluster i's part of combination s and cluster
        j's part of combination t.
        """
        at = rows @ self.model
        reach = np.einsum("gab,sb->sga", self.once, at)
        out = -np.einsum("sga,ab,thb->stgh", reach, self.model, reach)
        own = np.einsum("sa,gab,tb->stg", at, self.twice, at)
        each = np.arange(len(self.scores))
        out[:, :, each, each] += own
        return np.asarray(out)

    def satterthwaite(self, row: Array) -> float:
        """Degrees of freedom of one combination, shape (p,)."""
        p = self.products(row[None])[0, 0]
        total = float(np.trace(p)) ** 2
        return total / float((p**2).sum()) if total else float("inf")


@dataclass(frozen=True, eq=False, repr=False)
class Cr2Fit(Fit):
    """A fit with the CR2 covariance: every combination of coefficients has degrees of freedom of its own.

    References
    ----------
    Bell RM, McCaffrey DF (2002) Surv Methodol 28:169; Pustejovsky JE, Tipton E (2018) J Bus Econ Stat 36:672.
    R: clubSandwich::vcovCR(type = "CR2"), coef_test, Wald_test(test = "HTZ").
    """

    cr2: Cr2 | None = field(default=None, repr=False)

    def t_df(self, rows: Array) -> Array:
        """Satterthwaite's degrees of freedom of m linear combinations, shape (m, p); shape (m,)."""
        assert self.cr2 is not None
        return np.array([self.cr2.satterthwaite(row) for row in rows])

    def wald(self, rows: Array, df: float | None = None) -> Test:
        """Test that q linear combinations, shape (q, p), are zero: by t for one, by Hotelling's T squared for more."""
        assert self.cr2 is not None
        q = len(rows)
        if not q:
            return Test(0.0, 0)
        if q == 1:
            return Test(wald_chi2(rows @ self.coef, rows @ self.vcov @ rows.T), 1, float(self.t_df(rows)[0]))
        target = rows @ self.model_under_work @ rows.T
        values, vectors = np.linalg.eigh(target)
        whitened = (vectors / np.sqrt(values)) @ vectors.T @ rows
        p = self.cr2.products(whitened)
        spread = 0.0
        for s in range(q):
            for t in range(q):
                spread += float((p[s, s] * p[t, t]).sum() + (p[s, t] * p[s, t].T).sum())
        eta = q * (q + 1) / spread
        if eta <= q - 1 or q > len(self.cr2.scores) - 1:
            return Test(float("nan"), q, float("nan"), f"{len(self.cr2.scores)} clusters leave no degrees of freedom.")
        chi2 = wald_chi2(rows @ self.coef, rows @ self.vcov @ rows.T)
        left = eta - q + 1
        return Test(chi2 * left / eta, q, left)

    @property
    def model_under_work(self) -> Array:
        """What `vcov` is on average if the working variances are right: the model-based covariance, shape (p, p)."""
        assert self.cr2 is not None
        return self.cr2.model


def cr2(x: Array, residual: Array, variance: Array, weight: Array, cluster: NDArray[np.int64]) -> Cr2:
    """Adjust each cluster's share of the gradient for its leverage.

    Parameters
    ----------
    x : array, shape (n, p)
        Derivative of each mean with respect to the coefficients.
    residual : array, shape (n,)
        Outcome less its mean.
    variance : array, shape (n,)
        Working variance of each outcome.
    weight : array, shape (n,)
        Its inverse, as far as the fit knew.
    cluster : int array, shape (n,)
    """
    order = np.argsort(cluster, kind="stable")
    ends = np.cumsum(np.bincount(cluster))
    parts = [rows for rows in np.split(order, ends[:-1]) if rows.size]
    model = np.asarray(np.linalg.inv(x.T @ (x * weight[:, None])), dtype=float)
    scores, once, twice = [], [], []
    for rows in parts:
        near, spread = x[rows], np.sqrt(variance[rows])
        left = np.diag(variance[rows]) - near @ model @ near.T
        values, vectors = np.linalg.eigh(left * np.outer(spread, spread))
        # A direction that one cluster alone tells of has no variance left: its generalised inverse is zero.
        power = np.where(values > LEAST, 1 / np.sqrt(np.maximum(values, LEAST)), 0.0)
        adjust = np.outer(spread, spread) * ((vectors * power) @ vectors.T)
        pull = adjust @ (near * weight[rows, None])
        scores.append(residual[rows] @ pull)
        once.append(near.T @ pull)
        twice.append(pull.T @ (pull * variance[rows, None]))
    return Cr2(np.stack(scores), np.stack(once), np.stack(twice), model)
