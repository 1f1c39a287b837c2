"""Risks of competing causes from their hazards, and the derivatives by every hazard: compiled, a person at a time.

A person's hazard of cause c at time t_k is exp(eta_c) d_c(k). With h their sum over causes and S the probability of no
event yet, the risk of cause c grows at t_k by S h_c (product limit, Aalen and Johansen), or by S (1 - exp(-h)) h_c / h
(hazard spread evenly over the time since the last event): either way what is gained is what S loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import cast

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import TIE
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints, compiled

SMALL = 1e-5  # hazard below which a series is more exact than 1 - exp(-h)
PARALLEL = 2_000_000  # steps (people times times) from which threads are worth starting


@dataclass(frozen=True, eq=False)
class Timeline:
    """The event times of K causes in one order.

    Attributes
    ----------
    times : array, shape (T,)
    increments : array, shape (T, K)
        Baseline hazard of each cause at each time.
    keys : int array, shape (T, K)
        Where they stand among the keys of the cause's fit; -1 for no event of the cause.
    """

    times: Array
    increments: Array
    keys: Ints


@dataclass(frozen=True, eq=False)
class Targets:
    """J things to know of a person: the risk of a cause at a time, or the time lost to it until then.

    Attributes
    ----------
    cause : int array, shape (J,)
    time : array, shape (J,)
    lost : bool array, shape (J,)
        Whether it is the time lost: the risk's integral from the start to the time.
    """

    cause: Ints
    time: Array
    lost: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Their number, J."""
        return self.cause.size


@dataclass(frozen=True)
class Way:
    """How hazards make a risk.

    Attributes
    ----------
    limit : bool
        By product limit, else by exponentials.
    exact : bool
        Whether the derivatives of the product limit are its own (the infinitesimal jackknife), else those of the
        continuous functional that it estimates (the influence function, as riskRegression has it). They differ by the
        size of one step of the hazard.
    """

    limit: bool = True
    exact: bool = False

    @staticmethod
    def of(estimator: str, fits: Mapping[str, Fit]) -> Way:
        """The way of an estimator: exact where a fit is weighted or its covariance robust in any way."""
        designs = [cast(Design, fit.design) for fit in fits.values()]
        weighted = any(design.weights is not None and design.weight_kind != "frequency" for design in designs)
        exact = weighted or any(fit.covariance != "model-based" for fit in fits.values())
        return Way(estimator == "product-limit", exact)


@dataclass(frozen=True, eq=False)
class Answers:
    """The targets of Q people and their derivatives.

    Attributes
    ----------
    value : array, shape (Q, J)
    slope : array, shape (Q, J, K)
        By the log relative hazards.
    by_hazard : array, shape (T, K, J, L)
        Sum over people, weighted L ways, of the derivatives by the baseline's increments.
    over : array, shape (Q,)
        Number of times at which the person's hazard passes one, where they are taken to have an event for certain.
    """

    value: Array
    slope: Array
    by_hazard: Array
    over: Array


def timeline(times: Sequence[Array], increments: Sequence[Array], start: float, until: float) -> Timeline:
    """Merge the keys of the causes' fits after `start` and until `until`; times that agree to `TIE` are one."""
    late, last = start + TIE * abs(start), until + TIE * abs(until)
    chosen = [np.flatnonzero((t > late) & (t <= last)) for t in times]
    merged = np.unique(np.concatenate([t[k] for t, k in zip(times, chosen, strict=True)]))
    merged = merged[np.diff(merged, prepend=-np.inf) > TIE * np.abs(merged)]
    out = Timeline(merged, np.zeros((merged.size, len(times))), np.full((merged.size, len(times)), -1))
    for c, k in enumerate(chosen):
        at = np.searchsorted(merged, times[c][k] * (1 + TIE * np.sign(times[c][k])), side="right") - 1
        out.keys[at, c] = k
        out.increments[at, c] = increments[c][k]
    return out


def answers(line: Timeline, log_relative: Array, targets: Targets, weights: Array, way: Way) -> Answers:
    """Answer the targets for people with log relative hazards of shape (Q, K) and weights of shape (Q, L)."""
    q, k = log_relative.shape
    steps = np.searchsorted(line.times, targets.time * (1 + TIE * np.sign(targets.time)), side="right")
    relative = np.exp(log_relative)
    shape = (line.times.size, k, targets.size, weights.shape[1])
    count = min(cpu_count() or 1, q) if q * line.times.size > PARALLEL else 1
    out = Answers(np.zeros((q, targets.size)), np.zeros((q, targets.size, k)), np.zeros(shape), np.zeros(q))

    def part(number: int) -> Array:
        some = slice(q * number // count, q * (number + 1) // count)
        total = np.zeros(shape)
        walk(
            relative[some], line.increments, line.times, targets.cause, targets.time, targets.lost, steps,
            weights[some], way.limit, way.exact, out.value[some], out.slope[some], total, out.over[some],
        )  # fmt: skip
        return total

    if count == 1:
        parts = [part(0)]
    else:
        with ThreadPoolExecutor(count) as pool:
            parts = list(pool.map(part, range(count)))
    for total in parts:
        np.add(out.by_hazard, total, out=out.by_hazard)
    return out


@compiled
def walk(
    relative: Array,
    increments: Array,
    times: Array,
    cause: Ints,
    until: Array,
    lost: NDArray[np.bool_],
    steps: Ints,
    weights: Array,
    limit: bool,
    exact: bool,
    value: Array,
    slope: Array,
    by_hazard: Array,
    over: Array,
) -> None:
    """Walk each person through the times twice: once for the values, once for the derivatives, which need the values.

    With S h_c phi gained at a time, phi = 1 for the product limit and (1 - exp(-h)) / h otherwise; what a hazard takes
    from all later gains is what is still to be gained, over 1 - h for the exact derivative of the product limit.
    """
    n_causes, n_targets, n_weights = increments.shape[1], cause.size, weights.shape[1]
    hazard, so_far = np.zeros(n_causes), np.zeros(n_targets)
    for q in range(relative.shape[0]):
        for second in range(2):
            free = 1.0
            so_far[:] = 0.0
            for k in range(times.size):
                h = 0.0
                for c in range(n_causes):
                    hazard[c] = relative[q, c] * increments[k, c]
                    h += hazard[c]
                if h == 0.0:
                    continue
                phi, phi_slope, kept = 1.0, 0.0, 1.0 - h
                if not limit:
                    kept = np.exp(-h)
                    if h < SMALL:
                        phi, phi_slope = 1.0 - h / 2, -0.5 + h / 3
                    else:
                        phi = (1.0 - kept) / h
                        phi_slope = (kept - phi) / h
                elif kept <= 0.0:
                    phi, phi_slope, kept = 1.0 / h, -1.0 / (h * h), 0.0
                    over[q] += 1 - second
                later = 0.0
                if kept > 0.0:
                    later = 1.0 / kept if limit and exact else 1.0
                for j in range(n_targets):
                    if k >= steps[j]:
                        continue
                    worth = until[j] - times[k] if lost[j] else 1.0
                    so_far[j] += worth * free * phi * hazard[cause[j]]
                    if second == 0:
                        continue
                    shared = worth * free * phi_slope * hazard[cause[j]] - (value[q, j] - so_far[j]) * later
                    for c in range(n_causes):
                        if increments[k, c] == 0.0:
                            continue
                        by = relative[q, c] * (shared + (worth * free * phi if c == cause[j] else 0.0))
                        slope[q, j, c] += by * increments[k, c]
                        for weighting in range(n_weights):
                            by_hazard[k, c, j, weighting] += weights[q, weighting] * by
                free *= kept
            if second == 0:
                for j in range(n_targets):
                    value[q, j] = so_far[j]
