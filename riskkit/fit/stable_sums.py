"""Sums over risk sets that only ever add.

Taking a row off a running sum when it leaves loses digits once its exp(x'b) dwarfs all that stay. Here a row's run of
keys is cut into the O(log D) nodes of a binary tree that tile it; a risk set's sum is then the sum of the nodes above
its key, and no term is ever taken off. Slower than running sums by about log D, so used only when those lose digits.
"""

from __future__ import annotations

import numpy as np

from riskkit.design.bases import Array
from riskkit.fit import kernel
from riskkit.fit.kernel import Index
from riskkit.fit.riskset import RiskSets


def at_risk(x: Array, theta: Array, sets: RiskSets) -> Array:
    """S1 and S0 of every risk set, shape (D + 1, p + 1) with a spare last row."""
    first = _first_keys(sets)
    tree = np.zeros((2 * sets.size, x.shape[1] + 1))
    kernel.add_to_tree(x, theta, first, sets.last, tree)
    return np.vstack([tree[sets.size :], np.zeros(x.shape[1] + 1)])


def while_at_risk(increments: Array, sets: RiskSets, rows: slice = slice(None)) -> Array:
    """Sum increments, shape (D, m), over the keys each row is at risk at; shape (rows, m)."""
    tree = np.concatenate([np.zeros_like(increments), increments])
    for node in range(sets.size - 1, 0, -1):
        tree[node] = tree[2 * node] + tree[2 * node + 1]
    first, last = _first_keys(sets)[rows], sets.last[rows]
    out = np.zeros((last.size, increments.shape[1]))
    kernel.read_from_tree(tree, first, last, out)
    return out


def _first_keys(sets: RiskSets) -> Index:
    """First key each row is at risk at; one more than its last when it is never at risk."""
    stratum = np.searchsorted(sets.bounds, sets.last, side="right") - 1
    first = np.where(sets.before >= 0, sets.before + 1, sets.bounds[stratum])
    return np.where(sets.last >= 0, first, 0).astype(np.int32)
