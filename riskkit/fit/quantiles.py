"""Smooth quantile curves that do not cross, by linear programs, and further ones that their limits are read from."""

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
STEP = 0.2  # in standard normal scores, from one of the quantiles that limits are read from to the next


@dataclass(frozen=True, eq=False)
class QuantileFit:
    """Fitted quantile curves.

    Attributes
    ----------
    basis : SplineBasis
    shares : array, shape (K,)
        Which quantiles, in increasing order.
    coef : array, shape (K, k)
    inverse : array, shape (k, k)
        Of the weighted sums of squares: what a share below a curve is uncertain by is made of its scores times this.
    scores : array, shape (K, n, k)
        w (share - [y below the curve]) b of each person.
    all_shares, all_coef : array, shapes (T,) and (T, k)
        These quantiles and further ones, in increasing order, from the share of half a person to all but that.
    crossed : bool
        Whether curves fitted one by one crossed, so that they were fitted together.
    """

    basis: SplineBasis
    shares: Array
    coef: Array
    inverse: Array
    scores: Array
    all_shares: Array
    all_coef: Array
    crossed: bool

    def limits(self, x: Array, k: int, half: Array) -> tuple[Array, Array]:
        """Limits of quantile k at x, shape (m,) each: the quantiles of its share less and plus `half`, shape (m,).

        Without limit (infinite) where that is a share of less than half a person, below or above: too few people are
        there for a limit.
        """
        b = self.basis.columns(x)
        curves = np.sort(b @ self.all_coef.T, axis=1)  # at each x in order, should they cross
        scores = special.ndtri(self.all_shares)
        value, share = b @ self.coef[k], float(self.shares[k])
        ends = []
        for side, edge in ((-1, self.all_shares[0]), (1, self.all_shares[-1])):
            wanted = share + side * half
            found = np.array(
                [np.interp(special.ndtri(one), scores, own) if 0 < one < 1 else np.nan
                 for one, own in zip(wanted, curves, strict=True)]
            )  # fmt: skip
            beyond = wanted <= edge if side < 0 else wanted >= edge
            ends.append(np.where(beyond, side * np.inf, found))
        return np.fmin(ends[0], value), np.fmax(ends[1], value)


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
        Unless given, half as many knots more as Schwarz's criterion chooses for the median's curve, and two: where
        limits shall hold, a curve must not be too stiff for the truth.
    weights : array, shape (n,), optional
        Case weights, of mean 1.

    Raises
    ------
    FitError
        If a linear program has no solution.

    References
    ----------
    Koenker R, Bassett G (1978) Econometrica 46:33; Bondell HD, Reich BJ, Wang H (2010) Biometrika 97:825; Koenker R,
    Ng P, Portnoy S (1994) Biometrika 81:673 (criterion); Zhou KQ, Portnoy SL (1996) Ann Stat 24:287 (limits). R:
    quantreg::rq.
    """
    w = np.ones(y.size) if weights is None else weights
    basis = _chosen(x, y, w) if basis is None else basis
    b, at = basis.columns(x), basis.columns(np.linspace(*basis.boundary, GRID))
    coef = np.stack([one_quantile(b, y, share, w) for share in shares])
    crossed = bool((np.diff(coef @ at.T, axis=0) < 0).any())
    if crossed:
        coef = _together(b, y, np.asarray(shares), w)
    asked = np.asarray(shares, dtype=float)
    scores = np.stack([b * (w * (share - (y < b @ c)))[:, None] for c, share in zip(coef, asked, strict=True)])
    least = 0.5 * float(w @ w) / float(w.sum()) ** 2  # half a person, of as many as the weights are worth
    first = float(special.ndtri(least))
    further = special.ndtr(np.linspace(first, -first, int(np.ceil(-2 * first / STEP)) + 1))
    every = np.concatenate([asked, further])
    more = np.concatenate([coef, [one_quantile(b, y, float(share), w) for share in further]])
    order = np.argsort(every, kind="stable")
    inverse = np.asarray(np.linalg.inv((b.T * w) @ b), dtype=float)
    return QuantileFit(basis, asked, coef, inverse, scores, every[order], more[order], crossed)


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
    return place_knots(x, round(len(best[1].interior) * 1.5) + 2)


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
