"""The compiled loops of many Cox models at once, each with the shared covariates x and columns of its own.

A *lane* is one model of L that run side by side. The arrays have the lanes last, so that whatever involves only the
shared covariates is a product of matrices over all lanes: sums of theta x are x' Theta, and a weighted Gram matrix is
P' W with P holding the products x_j x_k of a few rows. Notation, keys, `last` and `before` are those of
`riskkit.fit.kernel`; a lane's columns are the p of x, then its own m, and, in tables of sums, theta itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.fit.kernel import SERIAL, Index, Ints, compiled, reordered

Bools = NDArray[np.bool_]
MOST = 512  # rows multiplied at a time; more would leave the nearest cache


@compiled
def rows_at_once(width: int, lanes: int) -> int:
    """Rows to multiply at a time, so few that OpenBLAS starts no threads of its own."""
    return max(8, min(MOST, SERIAL // (width * lanes + 1)))


@reordered
def linear_predictors(x: Array, own: Array, coef: Array, shift: Array, last: Index, out: Array) -> None:
    """x_i'b + own_i'c - shift in every lane, -infinity for rows never at risk; out has shape (n, L)."""
    p, m, lanes = x.shape[1], own.shape[0], out.shape[1]
    head = coef[:p].copy()
    size = rows_at_once(p, lanes)
    for start in range(0, x.shape[0], size):
        stop = min(start + size, x.shape[0])
        if p > 0:
            np.dot(x[start:stop], head, out[start:stop])
        else:
            out[start:stop] = 0.0
        for i in range(start, stop):
            row = out[i]
            if last[i] < 0:
                row[:] = -np.inf
                continue
            for b in range(lanes):
                row[b] -= shift[b]
            for c in range(m):
                mine = own[c, i]
                for b in range(lanes):
                    row[b] += mine[b] * coef[p + c, b]


@reordered
def add_runs(x: Array, own: Array, theta: Array, order: Index, starts: Ints, sign: float, sums: Array) -> None:
    """Add sign times (theta x, theta own, theta) of the rows order[starts[k]:starts[k + 1]] to the sums of key k."""
    p, m, lanes = x.shape[1], own.shape[0], theta.shape[1]
    size = rows_at_once(p, lanes)
    covariates, weights, product = np.empty((size, p)), np.empty((size, lanes)), np.empty((p, lanes))
    for k in range(starts.size - 1):
        at = sums[k]
        for start in range(starts[k], starts[k + 1], size):
            count = min(size, starts[k + 1] - start)
            for r in range(count):
                i = order[start + r]
                for j in range(p):
                    covariates[r, j] = x[i, j]
                row, total = weights[r], at[p + m]
                for b in range(lanes):
                    row[b] = sign * theta[i, b]
                for b in range(lanes):
                    total[b] += row[b]
                for c in range(m):
                    mine, total = own[c, i], at[p + c]
                    for b in range(lanes):
                        total[b] += mine[b] * row[b]
            if p > 0:
                np.dot(covariates[:count].T, weights[:count], product)
                at[:p] += product


@reordered
def sum_runs(values: Array, weights: Array, order: Index, starts: Ints, sign: float, out: Array) -> None:
    """Add sign times the weighted values, (n, L) and (n,), of the rows order[starts[k]:starts[k + 1]] to out[k]."""
    for k in range(starts.size - 1):
        total = out[k]
        for r in range(starts[k], starts[k + 1]):
            row, weight = values[order[r]], sign * weights[order[r]]
            for b in range(total.size):
                total[b] += weight * row[b]


@compiled
def scores(
    absent: Bools, x: Array, theta: Array, expected: Array, last: Index, before: Index, hazard: Array, out: Array
) -> None:
    """Add what the absent rows, (n, L) of them, have in the score while at risk, theta (A - x H); out is (p, L).

    `hazard`, shape (D + 1, p), cumulates increments times means, and has a row of zeros for keys of -1.
    """
    for i in range(absent.shape[0]):
        for b in range(absent.shape[1]):
            if absent[i, b]:
                for j in range(x.shape[1]):
                    while_at_risk = hazard[last[i], j] - hazard[before[i], j]
                    out[j, b] += theta[i] * while_at_risk - expected[i] * x[i, j]


@reordered
def cross(left: Array, right: Array) -> Array:
    """left' right of (M, p) and (M, L), a few rows at a time."""
    out = np.zeros((left.shape[1], right.shape[1]))
    size = rows_at_once(left.shape[1], right.shape[1])
    if left.shape[1] > 0:
        for start in range(0, left.shape[0], size):
            stop = min(start + size, left.shape[0])
            out += np.dot(left[start:stop].T, right[start:stop])
    return out


@compiled
def cumulate(sums: Array, bounds: Ints, worst: Array) -> None:
    """Turn entries and leavings into sums over the rows at risk, as `riskkit.fit.kernel.cumulate` does.

    `worst`, shape (L,), receives the worst ratio of a sum of theta to a later one of its stratum.
    """
    lanes, s0 = sums.shape[2], sums.shape[1] - 1
    largest = np.empty(lanes)
    worst[:] = 1.0
    for s in range(bounds.size - 1):
        largest[:] = 0.0
        for k in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            if k + 1 < bounds[s + 1]:
                sums[k] += sums[k + 1]
            for b in range(lanes):
                total = sums[k, s0, b]
                largest[b] = max(largest[b], total)
                if total > 0.0:
                    worst[b] = max(worst[b], largest[b] / total)
                elif largest[b] > 0.0:
                    worst[b] = np.inf


@compiled
def steps(
    sums: Array,
    x: Array,
    own: Array,
    theta: Array,
    here: Array,
    event_rows: Ints,
    tied: Ints,
    efron: bool,
    g: Array,
    total: Array,
    gradient: Array,
    hazard: Array,
    relief: Array,
    outer: Array,
    timed_gradient: Array,
    timed_outer: Array,
    timed_twice: Array,
) -> None:
    """Walk the events' steps in every lane, as `riskkit.fit.kernel.steps` does in one.

    Parameters
    ----------
    sums : array, shape (D + 1, p + m + 1, L)
    here : array, shape (E, L)
        1 where the event's row is in the lane's data, else 0.
    g : array, shape (D, L)
        Function of time of the test of proportional hazards.
    total : array, shape (L,)
        Receives the sum over steps of log S0.
    gradient : array, shape (c, L)
        Has the sum of the means S1/S0 taken off.
    hazard, relief : arrays, shape (D, L)
        Receive the sums over steps of 1/S0 and of (r / d)/S0.
    outer : array, shape (L, c, c)
        Receives the sum of S1 S1'/S0^2.
    timed_gradient, timed_outer, timed_twice : arrays, shape (L,), (c, L), (L,)
        Receive, with z the mean of the lane's first own column, the sums of g z, of g z S1/S0 and of g^2 z^2.
    """
    p, m, lanes = x.shape[1], own.shape[0], theta.shape[1]
    width, size = p + m, 64
    block, filled = np.zeros((lanes, size, width)), 0
    mine, mean = np.zeros((width + 1, lanes)), np.empty((width, lanes))
    d, weight, share, inverse, z = (np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes))
    product = np.empty((width, width))
    total[:] = 0.0
    hazard[:] = 0.0
    relief[:] = 0.0
    outer[:] = 0.0
    timed_gradient[:] = 0.0
    timed_outer[:] = 0.0
    timed_twice[:] = 0.0
    for k in range(tied.size - 1):
        first, last = tied[k], tied[k + 1]
        d[:] = 0.0
        mine[:] = 0.0
        for e in range(first, last):
            d += here[e]
            if efron and last - first > 1:
                i = event_rows[e]
                for b in range(lanes):
                    mine[width, b] += theta[i, b] * here[e, b]
                for j in range(p):
                    for b in range(lanes):
                        mine[j, b] += theta[i, b] * here[e, b] * x[i, j]
                for c in range(m):
                    for b in range(lanes):
                        mine[p + c, b] += theta[i, b] * here[e, b] * own[c, i, b]
        at, s0_at = sums[k], sums[k, width]
        for r in range(last - first if efron else 1):
            for b in range(lanes):
                weight[b] = 0.0 if r >= d[b] else 1.0 if efron else d[b]
                share[b] = r / d[b] if efron and r < d[b] else 0.0
                s0 = s0_at[b] - share[b] * mine[width, b]
                inverse[b] = 1.0 / s0 if weight[b] > 0.0 else 0.0
                total[b] += weight[b] * np.log(s0) if weight[b] > 0.0 else 0.0
                hazard[k, b] += weight[b] * inverse[b]
                relief[k, b] += share[b] * weight[b] * inverse[b]
            for j in range(width):
                row, sum_at, own_at = mean[j], at[j], mine[j]
                for b in range(lanes):
                    row[b] = (sum_at[b] - share[b] * own_at[b]) * inverse[b]
            for b in range(lanes):
                root = np.sqrt(weight[b])
                for j in range(width):
                    block[b, filled, j] = root * mean[j, b]
            if m > 0:
                for b in range(lanes):
                    z[b] = weight[b] * mean[p, b] * g[k, b]
                    timed_gradient[b] += z[b]
                    timed_twice[b] += z[b] * mean[p, b] * g[k, b]
                for j in range(width):
                    for b in range(lanes):
                        timed_outer[j, b] += z[b] * mean[j, b]
            for j in range(width):
                for b in range(lanes):
                    gradient[j, b] -= weight[b] * mean[j, b]
            filled += 1
            if filled == size:
                for b in range(lanes):
                    np.dot(block[b].T, block[b], product)
                    outer[b] += product
                filled = 0
    if filled > 0:
        for b in range(lanes):
            np.dot(block[b, :filled].T, block[b, :filled], product)
            outer[b] += product


@reordered
def cumulate_forward(increments: Array, bounds: Ints, out: Array) -> None:
    """Running sums of increments, shape (D, L), within strata; out has a spare row of zeros, shape (D + 1, L)."""
    out[-1] = 0.0
    for s in range(bounds.size - 1):
        for k in range(bounds[s], bounds[s + 1]):
            for b in range(out.shape[1]):
                out[k, b] = increments[k, b] + (out[k - 1, b] if k > bounds[s] else 0.0)


@reordered
def expected(theta: Array, last: Index, before: Index, cumulative: Array, out: Array) -> None:
    """theta times the hazard accumulated while at risk, shape (n, L)."""
    for i in range(theta.shape[0]):
        until, since, row, weight = cumulative[last[i]], cumulative[before[i]], out[i], theta[i]
        for b in range(row.size):
            row[b] = weight[b] * (until[b] - since[b])


@compiled
def spare(theta: Array, event_rows: Ints, event_keys: Ints, relief: Array, out: Array) -> None:
    """Take off what tied events are spared at their own key (Efron)."""
    for e in range(event_rows.size):
        i, k = event_rows[e], event_keys[e]
        for b in range(theta.shape[1]):
            out[i, b] -= theta[i, b] * relief[k, b]


@reordered
def shared_gram(x: Array, weights: Array, out: Array) -> None:
    """x' diag(w) x of every lane: out has shape (p (p + 1) / 2, L), the products of columns j <= k row by row."""
    p, lanes, pairs = x.shape[1], weights.shape[1], out.shape[0]
    size = rows_at_once(pairs, lanes)
    products, sums = np.empty((size, pairs)), np.empty((pairs, lanes))
    out[:] = 0.0
    if pairs == 0:
        return
    for start in range(0, x.shape[0], size):
        count = min(size, x.shape[0] - start)
        for r in range(count):
            row, c = x[start + r], 0
            for j in range(p):
                for k in range(j, p):
                    products[r, c] = row[j] * row[k]
                    c += 1
        np.dot(products[:count].T, weights[start : start + count], sums)
        out += sums


@reordered
def own_gram(x: Array, own: Array, weights: Array, crossed: Array, squared: Array) -> None:
    """The rest of the Gram matrix of every lane, for the first q of its m own columns.

    crossed, shape (p, q, L), receives x' diag(w) own; squared, shape (m, q, L), own' diag(w) own.
    """
    p, m, q, lanes = x.shape[1], own.shape[0], squared.shape[1], weights.shape[1]
    size = rows_at_once(p, q * lanes)
    scaled, sums, product = np.empty((size, q * lanes)), np.zeros((p, q * lanes)), np.empty((p, q * lanes))
    squared[:] = 0.0
    for start in range(0, x.shape[0], size):
        count = min(size, x.shape[0] - start)
        for r in range(count):
            i = start + r
            for c in range(q):
                values, weight, row = own[c, i], weights[i], scaled[r, c * lanes : (c + 1) * lanes]
                for b in range(lanes):
                    row[b] = values[b] * weight[b]
                for k in range(m):
                    others, total = own[k, i], squared[k, c]
                    for b in range(lanes):
                        total[b] += others[b] * row[b]
        if p > 0:
            np.dot(x[start : start + count].T, scaled[:count], product)
            sums += product
    for j in range(p):
        for c in range(q):
            for b in range(lanes):
                crossed[j, c, b] = sums[j, c * lanes + b]
