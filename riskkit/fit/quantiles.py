"""Smooth quantile curves that do not cross: linear programs, and Hendricks and Koenker's covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse, special

from riskkit.design.bases import Array
from riskkit.errors import FitError
from riskkit.fit.lms import SplineBasis, place_knots

FEWEST, MOST = 1, 9  # interior knots that are tried
GRID = 500  # points at which curves are compared


@dataclass(frozen=True, eq=False)
class QuantileFit:
    """Fitted quantile curves.

    Attributes
    ----------
    basis : SplineBasis
    shares : array, shape (K,)
        Which quantiles, in increasing order.
    coef : array, shape (K, k)
    inverse : array, shape (K, k, k)
        Of the density-weighted sums of squares: a quantile's influences are its scores times this.
    scores : array, shape (K, n, k)
        w (share - [y below the curve]) b of each person.
    crossed : bool
        Whether curves fitted one by one crossed, so that they were fitted together.
    """

    basis: SplineBasis
    shares: Array
    coef: Array
    inverse: Array
    scores: Array
    crossed: bool


def fit_quantiles(
    x: Array, y: Array, shares: Sequence[float], basis: SplineBasis | None = None, weights: Array | None = None
) -> QuantileFit:
    """Fit quantile curves of y as cubic B-splines of x.

    Curves that cross anywhere when fitted one by one are fitted together, with coefficients that increase from quantile
    to quantile: B-splines are nowhere negative, so that curves cross nowhere.

    Parameters
    ----------
    x, y : array, shape (n,)
    shares : increasing numbers between 0 and 1, K of them
    basis : SplineBasis, optional
        Chosen by Schwarz's criterion of the median's curve unless given.
    weights : array, shape (n,), optional
        Case weights, of mean 1.

    Raises
    ------
    FitError
        If a linear program has no solution.

    References
    ----------
    Koenker R, Bassett G (1978) Econometrica 46:33; Bondell HD, Reich BJ, Wang H (2010) Biometrika 97:825; Hendricks
    W, Koenker R (1992) JASA 87:58; Koenker R, Ng P, Portnoy S (1994) Biometrika 81:673 (criterion). R: quantreg::rq,
    summary(se = "nid").
    """
    w = np.ones(y.size) if weights is None else weights
    basis = _chosen(x, y, w) if basis is None else basis
    b, at = basis.columns(x), basis.columns(np.linspace(*basis.boundary, GRID))
    coef = np.stack([one_quantile(b, y, share, w) for share in shares])
    crossed = bool((np.diff(coef @ at.T, axis=0) < 0).any())
    if crossed:
        coef = _together(b, y, np.asarray(shares), w)
    parts = [_sparsity(b, y, c, share, w) for c, share in zip(coef, shares, strict=True)]
    inverse, scores = (np.stack(values) for values in zip(*parts, strict=True))
    return QuantileFit(basis, np.asarray(shares, dtype=float), coef, inverse, scores, crossed)


def one_quantile(b: Array, y: Array, share: float, w: Array) -> Array:
    """Coefficients that minimise the weighted check loss, shape (k,), by the dual linear program."""
    solved = optimize.linprog(
        -y,
        A_eq=sparse.csr_array(b.T),
        b_eq=(1 - share) * (b.T @ w),
        bounds=np.column_stack([np.zeros(y.size), w]),
        method="highs",
    )
    if solved.status != 0:
        raise FitError(f"the quantile {share:g} cannot be fitted: {solved.message}")
    return -np.asarray(solved.eqlin.marginals)


def check_loss(b: Array, y: Array, coef: Array, share: float, w: Array) -> float:
    """Weighted sum of share times what is above the curve and 1 - share times what is below."""
    residual = y - b @ coef
    return float(w @ np.where(residual >= 0, share * residual, (share - 1) * residual))


def _chosen(x: Array, y: Array, w: Array) -> SplineBasis:
    best: tuple[float, SplineBasis] | None = None
    for count in range(FEWEST, MOST + 1):
        basis = place_knots(x, count)
        b = basis.columns(x)
        loss = check_loss(b, y, one_quantile(b, y, 0.5, w), 0.5, w)
        criterion = np.log(loss / y.size) + basis.size * np.log(y.size) / (2 * y.size)
        if best is None or criterion < best[0]:
            best = (criterion, basis)
    assert best is not None
    return best[1]


def _together(b: Array, y: Array, shares: Array, w: Array) -> Array:
    """All quantiles at once, each coefficient no smaller than that of the quantile below; shape (K, k).

    The dual program: that of each quantile, joined by a multiplier for each pair of coefficients that must not cross.
    """
    (n, k), count = b.shape, shares.size
    same, none = sparse.eye_array(k), sparse.csr_array((k, k))
    joined = sparse.vstack(
        [
            sparse.hstack([-same if i == j else same if i == j - 1 else none for i in range(count - 1)])
            for j in range(count)
        ]
    )
    links = k * (count - 1)
    solved = optimize.linprog(
        np.concatenate([-np.tile(y, count), np.zeros(links)]),
        A_eq=sparse.hstack([sparse.block_diag([sparse.csr_array(b.T)] * count), joined], format="csr"),
        b_eq=np.concatenate([(1 - share) * (b.T @ w) for share in shares]),
        bounds=np.column_stack([np.zeros(n * count + links), np.append(np.tile(w, count), np.full(links, np.inf))]),
        method="highs",
    )
    if solved.status != 0:
        raise FitError(f"the quantiles cannot be fitted together: {solved.message}")
    return -np.asarray(solved.eqlin.marginals).reshape(count, k)


def _sparsity(b: Array, y: Array, coef: Array, share: float, w: Array) -> tuple[Array, Array]:
    """Inverse of b'diag(w f)b and the scores, shape (n, k).

    f is each person's density at the quantile: the distance of shares by that of the quantiles just above and below.
    """
    width = bandwidth(share, y.size)
    while share - width < 0 or share + width > 1:
        width /= 2
    apart = b @ (one_quantile(b, y, share + width, w) - one_quantile(b, y, share - width, w))
    density = np.maximum(0.0, 2 * width / (apart - np.finfo(float).eps ** (2 / 3)))
    try:
        inverse = np.asarray(np.linalg.inv((b.T * (w * density)) @ b), dtype=float)
    except np.linalg.LinAlgError:
        raise FitError(
            f"the spread about the quantile {share:g} cannot be estimated: too few people for so far a centile. Ask "
            "for centiles nearer the middle."
        ) from None
    return inverse, b * (w * (share - (y < b @ coef)))[:, None]


def bandwidth(share: float, n: int) -> float:
    """Hall and Sheather's bandwidth of the density at a quantile (1988, JRSS B 50:381), for 95% limits."""
    z = float(special.ndtri(share))
    f = float(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    return float(n ** (-1 / 3) * special.ndtri(0.975) ** (2 / 3) * (1.5 * f**2 / (2 * z**2 + 1)) ** (1 / 3))
