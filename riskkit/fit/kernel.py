"""The compiled loops of the Cox partial likelihood, none longer than the formula it computes.

Notation: theta_i = weight_i exp(x_i'b); S0(k) = sum of theta over the rows at risk at key k, S1(k) = sum of theta x;
`last` and `before` are the rows' first and last keys as `riskkit.fit.riskset.RiskSets` has them, -1 for none. An index
of -1 is the last entry of an array, which every table of keys keeps as a spare row for it.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array

Index = NDArray[np.int32]
Ints = NDArray[np.int64]

# "numpy": a risk set whose exponentials all underflow makes the log-likelihood infinite, and is no exception.
compiled = numba.njit(nogil=True, cache=True, error_model="numpy")
sums_in_any_order = {"contract", "reassoc", "nsz"}  # for vector registers
reordered = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=sums_in_any_order)

BLOCK = 128  # rows whose weighted copy stays in the nearest cache
FINE = 4  # intervals a key: most then hold one key or none, and finding it is no search
SERIAL = 250_000  # multiplications up to which OpenBLAS starts no threads of its own, which would fight with ours


@compiled
def block_rows(p: int) -> int:
    """Rows of p columns to multiply at a time."""
    return max(8, min(BLOCK, SERIAL // (p * p + 1)))


@compiled
def interval(time: float, origin: float, rate: float, count: int) -> int:
    """Which of `count` even intervals from `origin`, `rate` of them per unit of time, a time falls into."""
    position = (time - origin) * rate
    return int(min(position, count - 1.0)) if position > 0.0 else 0


@compiled
def divide(keys: Array, bounds: Ints, rate: Array, first: Ints) -> None:
    """Cut the span of each stratum's keys into FINE even intervals a key, for `locate` to start from.

    Receives each stratum's intervals per unit of time (S,), and the first key of each interval (FINE D + 1,).
    """
    for s in range(bounds.size - 1):
        start, stop = bounds[s], bounds[s + 1]
        span = keys[stop - 1] - keys[start] if stop > start else 0.0
        rate[s] = FINE * (stop - start) / span if span > 0.0 else 0.0
        key = start
        for i in range(FINE * (stop - start)):
            while key < stop and interval(keys[key], keys[start], rate[s], FINE * (stop - start)) < i:
                key += 1
            first[FINE * start + i] = key
    first[-1] = keys.size


@compiled
def locate(
    times: Array, strata: Ints, keys: Array, bounds: Ints, rate: Array, first: Ints, tie: float, out: Index
) -> None:
    """Find the last key of each row's stratum that is not later than its time, to relative precision `tie`.

    The search is within the interval of `divide` that the time falls into.
    """
    for i in range(times.size):
        start, stop = bounds[strata[i]], bounds[strata[i] + 1]
        until = times[i] + tie * abs(times[i])
        low = high = start
        if start < stop and keys[start] <= until:
            k = FINE * start + interval(until, keys[start], rate[strata[i]], FINE * (stop - start))
            low, high = first[k], first[k + 1]
        while low < high:
            middle = (low + high) // 2
            if keys[middle] <= until:
                low = middle + 1
            else:
                high = middle
        out[i] = low - 1 if low > start else -1


@compiled
def leave_out(last: Index, before: Index) -> None:
    """Mark rows at risk at no key: those that leave before the first key after their entry."""
    for i in range(last.size):
        if last[i] <= before[i]:
            last[i] = before[i] = -1


@reordered
def linear_predictor(x: Array, coef: Array, shift: float, out: Array) -> None:
    """x_i'b - shift."""
    for i in range(x.shape[0]):
        total = -shift
        for j in range(coef.size):
            total += x[i, j] * coef[j]
        out[i] = total


@compiled
def silence(last: Index, predictor: Array) -> None:
    """Set the linear predictor of rows never at risk to -infinity: however extreme, it must not overflow."""
    for i in range(last.size):
        if last[i] < 0:
            predictor[i] = -np.inf


@reordered
def enter_and_leave(x: Array, theta: Array, last: Index, before: Index, sums: Array) -> None:
    """Add (theta x, theta) at the last key each row is at risk at, and take it off at the last one before its entry."""
    p = x.shape[1]
    for i in range(x.shape[0]):
        at_last = sums[last[i]]
        for j in range(p):
            at_last[j] += theta[i] * x[i, j]
        at_last[p] += theta[i]
        if before[i] >= 0:
            at_before = sums[before[i]]
            for j in range(p):
                at_before[j] -= theta[i] * x[i, j]
            at_before[p] -= theta[i]


@compiled
def cumulate(sums: Array, bounds: Ints) -> float:
    """Turn entries and leavings into sums over the rows at risk, from each stratum's last key to its first.

    Returns the worst ratio of a sum S0 to a later one of its stratum: how many digits subtraction may have lost.
    """
    worst = 1.0
    for s in range(bounds.size - 1):
        largest = 0.0
        for k in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            if k + 1 < bounds[s + 1]:
                for j in range(sums.shape[1]):
                    sums[k, j] += sums[k + 1, j]
            s0 = sums[k, -1]
            largest = max(largest, s0)
            worst = max(worst, largest / s0) if s0 > 0 else np.inf
    return worst


@compiled
def cumulate_forward(increments: Array, bounds: Ints, out: Array) -> None:
    """Running sums of increments, from each stratum's first key to its last."""
    for s in range(bounds.size - 1):
        for k in range(bounds[s], bounds[s + 1]):
            for j in range(out.shape[1]):
                out[k, j] = increments[k, j] + (out[k - 1, j] if k > bounds[s] else 0.0)


@compiled
def steps(
    sums: Array,
    x: Array,
    theta: Array,
    weights: Array,
    event_rows: Ints,
    tied: Ints,
    efron: bool,
    gradient: Array,
    hazard: Array,
    relief: Array,
    outer: Array,
) -> float:
    """Walk the events' steps: the terms of the partial likelihood that are functions of the risk sets.

    A key is one step (Breslow), or one for each of its d tied events (Efron): at step r = 0 .. d - 1 the sums over the
    risk set are S - (r / d) of the tied events' own share, and the step has weight w, the events' mean weight.

    Parameters
    ----------
    sums : array, shape (D + 1, p + 1)
        S1 and, in the last column, S0.
    weights : array, shape (E,)
        Case weights of the events.
    gradient : array, shape (p,)
        Has sum w S1/S0 taken off.
    hazard, relief : arrays, shape (D,)
        Receive the sums over steps of w/S0 and of (r / d) w/S0.
    outer : array, shape (p, p)
        Receives the sum of w S1 S1' / S0^2.

    Returns the sum of w log S0.
    """
    p = x.shape[1]
    total = 0.0
    own = np.zeros(p + 1)
    block = np.empty((block_rows(p), p))
    filled = 0
    outer[:] = 0.0
    for k in range(tied.size - 1):
        d = tied[k + 1] - tied[k]
        weight = 0.0
        own[:] = 0.0
        for e in range(tied[k], tied[k + 1]):
            i = event_rows[e]
            weight += weights[e]
            if efron and d > 1:
                for j in range(p):
                    own[j] += theta[i] * x[i, j]
                own[p] += theta[i]
        n_steps = d if efron else 1
        weight /= n_steps
        hazard[k] = relief[k] = 0.0
        for r in range(n_steps):
            f = r / n_steps
            s0 = sums[k, p] - f * own[p]
            total += weight * np.log(s0)
            hazard[k] += weight / s0
            relief[k] += f * weight / s0
            for j in range(p):
                mean = (sums[k, j] - f * own[j]) / s0
                gradient[j] -= weight * mean
                block[filled, j] = np.sqrt(weight) * mean
            filled += 1
            if filled == block.shape[0]:
                outer += np.dot(block.T, block)
                filled = 0
    outer += np.dot(block[:filled].T, block[:filled])
    return total


@compiled
def weighted_gram(x: Array, weights: Array, out: Array) -> None:
    """x' diag(weights) x, a block of rows at a time."""
    p = x.shape[1]
    rows = block_rows(p)
    scaled = np.empty((rows, p))
    product = np.empty((p, p))
    out[:] = 0.0
    for start in range(0, x.shape[0], rows):
        stop = min(start + rows, x.shape[0])
        for i in range(start, stop):
            for j in range(p):
                scaled[i - start, j] = x[i, j] * weights[i]
        np.dot(scaled[: stop - start].T, x[start:stop], product)
        out += product


@compiled
def expected(theta: Array, last: Index, before: Index, cumulative: Array, out: Array) -> None:
    """theta times the hazard accumulated while at risk: the expected number of events of each row."""
    for i in range(theta.size):
        out[i] = theta[i] * (cumulative[last[i]] - cumulative[before[i]])


@compiled
def add_by_group(values: Array, weights: Array, group: Ints, totals: Array) -> None:
    """Add each row's weighted values to those of its group."""
    for i in range(group.size):
        for j in range(values.shape[1]):
            totals[group[i], j] += weights[i] * values[i, j]


@compiled
def add_to_tree(x: Array, theta: Array, first: Index, last: Index, tree: Array) -> None:
    """Add (theta x, theta) to the nodes that tile keys first .. last, then hand every node's sum down to its leaves."""
    size, p = tree.shape[0] // 2, x.shape[1]
    for i in range(theta.size):
        low, high = first[i] + size, last[i] + size + 1
        while low < high:
            for node, taken in ((low, low & 1), (high - 1, high & 1)):
                if taken:
                    for j in range(p):
                        tree[node, j] += theta[i] * x[i, j]
                    tree[node, p] += theta[i]
            low, high = (low + 1) // 2, high // 2
    for node in range(2, 2 * size):
        tree[node] += tree[node // 2]


@compiled
def read_from_tree(tree: Array, first: Index, last: Index, out: Array) -> None:
    """Add up the nodes of a tree of sums that tile keys first .. last."""
    size = tree.shape[0] // 2
    for i in range(first.size):
        low, high = first[i] + size, last[i] + size + 1
        while low < high:
            if low & 1:
                out[i] += tree[low]
            if high & 1:
                out[i] += tree[high - 1]
            low, high = (low + 1) // 2, high // 2
