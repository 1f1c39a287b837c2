"""Random-effects regression of blocks of correlated estimates: the engine of dose-response across studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import linalg, optimize

from riskkit.design.bases import Array
from riskkit.errors import FitError
from riskkit.evidence.heterogeneity import between

RandomMethod = Literal["REML", "ML", "common"]
RANK = 1e-9  # of a study's columns, relative to the largest, in units of the information of all studies
STARTS = (0.3, 3.0, 0.03)  # of the variance between studies, in units of a typical one within


@dataclass(frozen=True, eq=False)
class Block:
    """One study's estimates, reduced to what they say of the coefficients.

    With y ~ N(X b, S + X Psi X'), the r statistics `z` ~ N(A b, I + A Psi A') are sufficient for b and Psi, r being the
    rank of X: so the two-stage model, of each study's own coefficients A^-1 z, is the one-stage model wherever r is p.

    Attributes
    ----------
    z : array, shape (r,)
    a : array, shape (r, p)
    rows : int
        Estimates of the study, n.
    rest : float
        Sum of squares of its n - r residuals from its own curve, in units of their covariance.
    log_root : float
        Half the log-determinant of S.
    """

    z: Array
    a: Array
    rows: int
    rest: float
    log_root: float

    @property
    def full(self) -> bool:
        """Whether the study has coefficients of its own."""
        return self.a.shape[0] == self.a.shape[1]

    @property
    def own(self) -> tuple[Array, Array]:
        """The study's own coefficients, shape (p,), and their covariance, shape (p, p)."""
        inverse = np.linalg.inv(self.a)
        return inverse @ self.z, inverse @ inverse.T


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """Coefficients and the covariance of true ones between studies.

    Attributes
    ----------
    coef : array, shape (p,)
    cov : array, shape (p, p)
    psi : array, shape (p, p)
    loglik : float
        (Restricted) log-likelihood of the statistics `z`; that of estimates differs by a constant.
    q : float
        Weighted sum of squared residuals at these estimates.
    """

    coef: Array
    cov: Array
    psi: Array
    loglik: float
    q: float


def blocks(parts: Sequence[tuple[Array, Array, Array]]) -> list[Block]:
    """Reduce studies, each of y (n,), X (n, p) and S (n, n).

    Raises
    ------
    FitError
        If all studies together do not determine the coefficients.
    """
    whitened = []
    for y, x, s in parts:
        root = np.linalg.cholesky(s)
        whitened.append(
            (linalg.solve_triangular(root, y, lower=True), linalg.solve_triangular(root, x, lower=True), root)
        )
    information = sum(x.T @ x for _, x, _ in whitened)
    scale = np.sqrt(np.diag(information))
    if (
        not (scale > 0).all()
        or np.linalg.matrix_rank(information / np.outer(scale, scale), hermitian=True) < scale.size
    ):
        raise FitError(
            "the doses of all studies together do not determine the curve; use fewer knots, or leave a term out."
        )
    out = []
    for y, x, root in whitened:
        u, d, vt = np.linalg.svd(x / scale, full_matrices=False)
        rank = int((d > RANK * d.max(initial=0.0)).sum())
        z = u[:, :rank].T @ y
        a = (d[:rank, None] * vt[:rank]) * scale
        rest = float(y @ y - z @ z)
        out.append(Block(z, a, y.size, max(rest, 0.0), float(np.log(np.diag(root)).sum())))
    return out


def fit_blocks(parts: Sequence[Block], method: RandomMethod) -> RandomEffects:
    """Fit b and Psi to reduced studies by REML or ML; "common" says that Psi is zero.

    Raises
    ------
    FitError
        If the search for the maximum fails.

    References
    ----------
    Jackson D, White IR, Riley RD (2012) Stat Med 31:3805; Crippa A and others (2019) Stat Methods Med Res 28:1579. R:
    mixmeta::mixmeta, dosresmeta::dosresmeta.
    """
    p = parts[0].a.shape[1]
    information = sum(block.a.T @ block.a for block in parts)
    unit = np.linalg.cholesky(information / len(parts)).T  # a study's typical precision: R'R
    inverse = np.linalg.inv(unit)
    z, a, live = _padded([(block.z, block.a @ inverse) for block in parts])
    if method == "common" or len(parts) < 2:
        root = np.zeros((p, p))
    elif p == 1 and all(block.full for block in parts):
        y, v = (
            np.array(values) for values in zip(*((b.z[0] / b.a[0, 0], b.a[0, 0] ** -2) for b in parts), strict=True)
        )
        root = np.array([[np.sqrt(between(y, v, np.ones((len(y), 1)), method)) * unit[0, 0]]])
    else:
        root = _best(z, a, live, restricted=method == "REML")
    coef, cov, q, loglik = _profile(z, a, live, root @ root.T, restricted=method == "REML")
    psi = inverse @ root @ root.T @ inverse.T
    if method == "REML":  # the information of the coefficients was taken in units of a typical study
        loglik -= float(np.log(np.diag(unit)).sum())
    return RandomEffects(inverse @ coef, inverse @ cov @ inverse.T, psi, loglik, q)


def _padded(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array, Array]:
    """Statistics, columns and which rows are there, shapes (m, r), (m, r, p), (m, r): absent rows say nothing."""
    m, p = len(parts), parts[0][1].shape[1]
    r = max(z.size for z, _ in parts)
    z, a, live = np.zeros((m, r)), np.zeros((m, r, p)), np.zeros((m, r), dtype=bool)
    for i, (own_z, own_a) in enumerate(parts):
        z[i, : own_z.size], a[i, : own_z.size], live[i, : own_z.size] = own_z, own_a, True
    return z, a, live


def _profile(z: Array, a: Array, live: Array, psi: Array, *, restricted: bool) -> tuple[Array, Array, float, float]:
    """Coefficients, covariance, weighted squares and log-likelihood at a covariance between studies."""
    v = np.eye(z.shape[1]) + a @ psi @ a.transpose(0, 2, 1)
    w = np.linalg.inv(v)
    aw = a.transpose(0, 2, 1) @ w
    information = (aw @ a).sum(axis=0)
    coef = np.linalg.solve(information, (aw @ z[..., None]).sum(axis=0)[:, 0])
    residual = z - a @ coef
    q = float(np.einsum("mi,mij,mj->", residual, w, residual))
    size = int(live.sum()) - (a.shape[2] if restricted else 0)
    loglik = -0.5 * (size * np.log(2 * np.pi) + np.linalg.slogdet(v)[1].sum() + q)
    if restricted:
        loglik -= 0.5 * np.linalg.slogdet(information)[1]
    return coef, np.linalg.inv(information), q, float(loglik)


def _best(z: Array, a: Array, live: Array, *, restricted: bool) -> Array:
    """The lower-triangular root of Psi at which the likelihood is highest, shape (p, p)."""
    p = a.shape[2]
    lower = np.tril_indices(p)
    at = a.transpose(0, 2, 1)

    def objective(values: Array) -> tuple[float, Array]:
        root = np.zeros((p, p))
        root[lower] = values
        v = np.eye(z.shape[1]) + a @ (root @ root.T) @ at
        w = np.linalg.inv(v)
        aw = at @ w
        awa = aw @ a
        information = awa.sum(axis=0)
        coef = np.linalg.solve(information, (aw @ z[..., None]).sum(axis=0)[:, 0])
        residual = (z - a @ coef)[..., None]
        score = aw @ residual
        q = float((residual.transpose(0, 2, 1) @ w @ residual).sum())
        value = np.linalg.slogdet(v)[1].sum() + q
        slope = awa - score @ score.transpose(0, 2, 1)  # of minus twice the log-likelihood by Psi, each study
        if restricted:
            value += np.linalg.slogdet(information)[1]
            slope = slope - awa @ np.linalg.inv(information) @ awa
        return 0.5 * float(value), (slope.sum(axis=0) @ root)[lower]

    found = []
    for start in STARTS:
        tried = optimize.minimize(
            objective,
            np.sqrt(start) * np.eye(p)[lower],
            jac=True,
            method="BFGS",
            options={"gtol": 1e-9, "maxiter": 1000},
        )
        if np.isfinite(tried.fun):
            found.append(tried)
    best = min(found, key=lambda each: float(each.fun), default=None)
    if best is None or np.abs(best.jac).max() > 1e-4:
        raise FitError("the covariance between studies has no estimate that the search finds; use fewer columns.")
    root = np.zeros((p, p))
    root[lower] = best.x
    return root
