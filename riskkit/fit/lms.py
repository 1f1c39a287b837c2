"""The LMS method: a Box-Cox normal distribution whose power, median and coefficient of variation are smooth curves.

Of y given x, ((y / M)^L - 1) / (L S) is standard normal (log(y / M) / S where L is 0). L, log M and log S are cubic
B-splines of x with a penalty on their bends. How much each is smoothed is learnt from the data: Fellner and Schall's
update, which maximises an approximate restricted likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.design.bsplines import Boundary, bspline
from riskkit.errors import FitError

Index = NDArray[np.int64]
PARTS = ("L", "M", "S")
STEPS, ROUNDS, HALVINGS = 50, 200, 40
SETTLED = 1e-3  # effective degrees of freedom: a round of smoothing that changes them less is the last
LIGHTEST, HEAVIEST = 1e-6, 1e9  # weights of a penalty that are none, and a straight line
NEAR, CLOSE = 1e-3, 1e-12  # Newton decrements that do while the smoothing changes, and at the end
ROUNDING = 1e-6  # decrement below which a likelihood that no longer rises is at its maximum
SERIES = 0.3  # below it, functions of L log(y / M) are summed as power series
TERMS = 14


@dataclass(frozen=True)
class SplineBasis:
    """Cubic B-splines between boundary knots, shape (n, k), whose bends have a quadratic penalty, shape (k, k).

    Where knots are dense, so are the data, and the curve may bend more: each change of slope counts times the distance
    of its knots. Straight lines have no penalty.
    """

    interior: tuple[float, ...]
    boundary: Boundary

    @property
    def size(self) -> int:
        """Number of columns, k."""
        return len(self.interior) + 4

    def columns(self, x: Array) -> Array:
        """B-splines at x, shape (n, k); they add up to one."""
        others = bspline(x, self.interior, self.boundary)
        return np.column_stack([1 - others.sum(axis=1), others])

    @property
    def penalty(self) -> Array:
        """P of the penalty b'Pb / 2, shape (k, k), of rank k - 2."""
        return np.asarray(self.bends.T @ self.bends)

    @property
    def bends(self) -> Array:
        """D of the penalty ||Db||^2 / 2, shape (k - 2, k)."""
        low, high = self.boundary
        knots = np.concatenate([[low] * 3, self.interior, [high] * 3])
        centre = np.array([knots[j : j + 3].mean() for j in range(self.size)])  # a line has its values there
        slope = np.diff(np.eye(self.size), axis=0) / np.diff(centre)[:, None]
        return np.asarray(np.diff(slope, axis=0) * ((centre[2:] - centre[:-2]) / 2)[:, None])


def place_knots(x: Array, most: int = 12) -> SplineBasis:
    """Place interior knots at quantiles of x, fewer where it has few distinct values."""
    distinct = np.unique(x)
    count = min(most, max(0, distinct.size // 3))
    knots = np.unique(np.quantile(x, np.linspace(0, 1, count + 2)[1:-1]))
    inside = knots[(knots > distinct[0]) & (knots < distinct[-1])]
    return SplineBasis(tuple(inside.tolist()), (float(distinct[0]), float(distinct[-1])))


@dataclass(frozen=True, eq=False)
class LmsFit:
    """Fitted curves of L, log M and log S.

    Attributes
    ----------
    basis : SplineBasis
    coef : array, shape (3, k)
    inverse : array, shape (3k, 3k)
        Of the penalised information: the model-based (Bayesian) covariance of the coefficients.
    penalty : array, shape (3k, 3k)
        The penalty at the weights of smoothing found.
    scores : array, shape (n, 3k)
        Terms of the gradient of the log-likelihood, one row a person, times their weight.
    edf : array, shape (3,)
    loglik : float
        Log-likelihood without penalty.
    """

    basis: SplineBasis
    coef: Array
    inverse: Array
    penalty: Array
    scores: Array
    edf: Array
    loglik: float

    def parameters(self, x: Array) -> Array:
        """L, M and S at x, shape (3, n)."""
        linear, log_m, log_s = self.coef @ self.basis.columns(x).T
        return np.stack([linear, np.exp(log_m), np.exp(log_s)])


def fit_lms(
    x: Array,
    y: Array,
    basis: SplineBasis,
    weights: Array | None = None,
    smoothing: Array | None = None,
) -> LmsFit:
    """Maximise the penalised likelihood.

    Parameters
    ----------
    x, y : array, shape (n,)
        Positive y.
    weights : array, shape (n,), optional
        Case weights, whose sum is the number of people they count for.
    smoothing : array, shape (3,), optional
        Weights of the penalties; learnt from the data unless given.

    Raises
    ------
    FitError
        If steps run out.

    References
    ----------
    Cole TJ, Green PJ (1992) Stat Med 11:1305; Wood SN, Fasiolo M (2017) Biometrics 73:1071 (smoothing). R: VGAM::vgam
    with lms.bcn, gamlss with BCCG.
    """
    ages, of = np.unique(x, return_inverse=True)  # people of one age share a row of the basis
    b, log_y = basis.columns(ages), np.log(y)
    w = np.ones(y.size) if weights is None else weights
    bends, penalty = basis.bends, basis.penalty
    lam = np.full(3, 1.0) if smoothing is None else np.asarray(smoothing, dtype=float)
    coef = _start(b, of, log_y, w, penalty)
    edf = np.full(3, np.inf)
    k = basis.size
    for _ in range(ROUNDS):
        root = linalg.block_diag(*(np.sqrt(amount) * bends for amount in lam))
        ridge = root.T @ root
        coef, information = _maximise(b, of, log_y, w, coef, root, NEAR)
        inverse = np.linalg.inv(information + ridge)
        new_edf = np.array([np.trace((inverse @ information)[_block(j, k), _block(j, k)]) for j in range(3)])
        if smoothing is not None or np.abs(new_edf - edf).max() < SETTLED:
            break
        edf = new_edf
        for j, part in enumerate(coef):
            bent = float(((bends @ part) ** 2).sum())
            free = (k - 2) / lam[j] - float(np.trace(inverse[_block(j, k), _block(j, k)] @ penalty))
            lam[j] = np.clip(lam[j] * max(free * lam[j], 1e-12) / max(bent * lam[j], 1e-12), LIGHTEST, HEAVIEST)
    else:
        raise FitError("the smoothing of the LMS curves does not settle; is the age range too sparse?")
    coef, information = _maximise(b, of, log_y, w, coef, root, CLOSE)
    inverse = np.linalg.inv(information + ridge)
    value, slope, _ = terms((coef @ b.T)[:, of], log_y)
    scores = np.concatenate([b[of] * (w * s)[:, None] for s in slope], axis=1)
    return LmsFit(basis, coef, inverse, ridge, scores, new_edf, float(w @ (value - log_y)))


def terms(eta: Array, log_y: Array) -> tuple[Array, Array, Array]:
    """Log density (less -log y and a constant), its gradient and its Hessian in (L, log M, log S).

    Parameters
    ----------
    eta : array, shape (3, n)

    Returns
    -------
    arrays, shapes (n,), (3, n) and (3, 3, n)
    """
    power, s = eta[0], np.exp(eta[2])
    away = log_y - eta[1]
    a = power * away
    phi, phi1, phi2 = _phi(a)
    grown = np.exp(a)
    z = away * phi / s
    first = np.stack([away**2 * phi1 / s, -grown / s, -z])
    second = np.empty((3, 3, log_y.size))
    second[0, 0] = away**3 * phi2 / s
    second[0, 1] = second[1, 0] = -away * grown / s
    second[0, 2] = second[2, 0] = -first[0]
    second[1, 1] = power * grown / s
    second[1, 2] = second[2, 1] = -first[1]
    second[2, 2] = z
    gradient = -z * first + np.stack([away, -power, -np.ones_like(z)])
    hessian = -(first[:, None] * first[None] + z * second)
    hessian[0, 1] -= 1.0
    hessian[1, 0] -= 1.0
    return a - eta[2] - z**2 / 2, gradient, hessian


def z_scores(parameters: Array, y: Array) -> Array:
    """Standard deviation scores of y, shape (n,), at L, M and S, shape (3, n)."""
    power, m, s = parameters
    away = np.log(y / m)
    return np.asarray(away * _phi(power * away)[0] / s)


def _phi(a: Array) -> tuple[Array, Array, Array]:
    """(exp(a) - 1) / a and its first two derivatives."""
    near = np.abs(a) < SERIES
    inner, outer = np.where(near, a, 0.0), np.where(near, 1.0, a)
    grown, grown1 = np.exp(outer), np.expm1(outer)
    closed = (
        grown1 / outer,
        (outer * grown - grown1) / outer**2,
        (outer**2 * grown - 2 * outer * grown + 2 * grown1) / outer**3,
    )
    summed = [np.polynomial.polynomial.polyval(inner, powers) for powers in _SERIES]
    one, two, three = (np.where(near, s, c) for s, c in zip(summed, closed, strict=True))
    return one, two, three


_SERIES = (
    [1 / factorial(k + 1) for k in range(TERMS)],
    [(k + 1) / factorial(k + 2) for k in range(TERMS)],
    [(k + 1) * (k + 2) / factorial(k + 3) for k in range(TERMS)],
)


def _start(b: Array, of: Index, log_y: Array, w: Array, penalty: Array) -> Array:
    """A log-normal distribution: smooth means of log y, one standard deviation, L = 0."""
    mean = np.linalg.solve((b.T * np.bincount(of, w)) @ b + penalty, b.T @ np.bincount(of, w * log_y))
    spread = np.sqrt(np.average((log_y - (b @ mean)[of]) ** 2, weights=w))
    k = b.shape[1]
    return np.stack([np.zeros(k), mean, np.full(k, np.log(spread))])


def _maximise(
    b: Array, of: Index, log_y: Array, w: Array, coef: Array, root: Array, close: float
) -> tuple[Array, Array]:
    """Newton's method from coef, shape (3, k); where the likelihood is not concave, by expected information.

    Rows of b, shape (ages, k), are of distinct ages; `of`, shape (n,), says which is each person's.
    The penalty is ||root coef||^2 / 2: of a nearly straight curve under a heavy penalty, coef' ridge coef would be a
    small difference of huge numbers, and the likelihood then seem not to rise.
    """
    flat, ridge = coef.ravel(), root.T @ root

    def penalised(flat: Array) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # a step too long overflows, and is halved
            value = terms((flat.reshape(3, -1) @ b.T)[:, of], log_y)[0]
        return float(w @ value - ((root @ flat) ** 2).sum() / 2)

    now = penalised(flat)
    for _ in range(STEPS):
        eta = (flat.reshape(3, -1) @ b.T)[:, of]
        _, gradient, hessian = terms(eta, log_y)
        slope = np.concatenate([b.T @ np.bincount(of, w * g) for g in gradient]) - root.T @ (root @ flat)
        information = _blocks(b, of, -hessian * w)
        try:
            step = linalg.cho_solve(linalg.cho_factor(information + ridge), slope)
        except linalg.LinAlgError:
            step = np.linalg.solve(_blocks(b, of, _expected(eta) * w) + ridge, slope)
        for halving in range(HALVINGS):
            moved = flat + step / 2**halving
            ahead = penalised(moved)
            if np.isfinite(ahead) and ahead >= now - 1e-12 * abs(now):
                break
        else:
            raise FitError("no step raises the likelihood of the LMS curves; look for extreme values of the outcome.")
        flat, rise, now = moved, ahead - now, ahead
        decrement = float(slope @ step)
        if decrement < close or (decrement < ROUNDING and rise <= 1e-14 * abs(now)):
            break
    else:
        raise FitError(f"no convergence of the LMS curves in {STEPS} steps (last rise {rise:.3g}).")
    eta = (flat.reshape(3, -1) @ b.T)[:, of]
    observed = _blocks(b, of, -terms(eta, log_y)[2] * w)
    if np.linalg.eigvalsh(observed + ridge)[0] <= 0:
        observed = _blocks(b, of, _expected(eta) * w)
    return flat.reshape(3, -1), observed


def _expected(eta: Array) -> Array:
    """Cole and Green's expected information of one person in (L, log M, log S), for small S; shape (3, 3, n)."""
    power, s2 = eta[0], np.exp(2 * eta[2])
    out = np.empty((3, 3, power.size))
    out[0, 0], out[1, 1], out[2, 2] = 7 * s2 / 4, (1 + 2 * power**2 * s2) / s2, 2.0
    out[0, 1] = out[1, 0] = -0.5
    out[0, 2] = out[2, 0] = power * s2
    out[1, 2] = out[2, 1] = 2 * power
    return out


def _blocks(b: Array, of: Index, by_person: Array) -> Array:
    """Sum over people of the Kronecker product of a (3, 3) matrix and b b'; shape (3k, 3k)."""
    return np.block([[(b.T * np.bincount(of, by_person[i, j])) @ b for j in range(3)] for i in range(3)])


def _block(j: int, k: int) -> slice:
    return slice(j * k, (j + 1) * k)
