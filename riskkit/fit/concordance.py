"""Harrell's concordance: how often the model ranks two people as they fell ill."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from riskkit.design.bases import Array
from riskkit.design.sampling import refuse_sampling
from riskkit.errors import FitError
from riskkit.fit import rubin
from riskkit.fit.changing import refuse_changing
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Index, Ints, compiled
from riskkit.fit.linearise import linearised
from riskkit.fit.partial import partial_likelihood
from riskkit.fit.pooled import PooledFit
from riskkit.fit.riskset import RiskSets

TIE = 1e-12  # linear predictors closer than this, relative to the largest, are tied


@dataclass(frozen=True)
class Concordance:
    """Concordance of a Cox model.

    Attributes
    ----------
    estimate : float
        Share of comparable pairs that the model ranks rightly, a tie counting half; 0.5 is chance.
    se : float
        Infinitesimal-jackknife standard error; over clusters when the fit has them, design-based for a survey.
    concordant, discordant, tied_risk : float
        Comparable pairs: one falls ill while the other is at risk and stays well at that time.
    tied_time, tied_both : float
        Pairs that cannot be compared because both fall ill at the same time, with different and with equal risk.
    """

    estimate: float
    se: float
    concordant: float
    discordant: float
    tied_risk: float
    tied_time: float
    tied_both: float


def concordance(fit: Fit) -> Concordance:
    """Compute the concordance of a Cox model, within strata, in O(n log n); of a pooled fit, by Rubin's rules.

    Parameters
    ----------
    fit : Fit
        A Cox model that has kept its design.

    Returns
    -------
    Concordance
        The share of comparable pairs that are ranked rightly, with its standard error, and the pairs counted.

    Raises
    ------
    FitError
        If the fit is not a Cox model or has let go of its design, or no pair can be compared.

    References
    ----------
    Harrell FE et al. (1982) JAMA 247:2543; Therneau TM, Watson DA (2015), Mayo Clinic technical report 85.
    R: survival::concordance(fit), timewt = "n".
    """
    if isinstance(fit, PooledFit):
        return _pooled([concordance(one) for one in fit.fits])
    if fit.ties is None or fit.design is None:
        raise FitError("concordance needs a Cox model that has kept its design (ask before light()).")
    refuse_changing(fit.design, "concordance")
    refuse_sampling(fit.design.sampling, "concordance", "fit with weights= and robust=True")
    likelihood = partial_likelihood(fit.design, fit.ties)
    sets, weights = likelihood.sets, likelihood.case_weights
    predictor = likelihood.linear_predictor(fit.coef)
    rank, highest = _ranks(predictor, sets)
    pairs = np.zeros((weights.size, 3))
    event = np.zeros(weights.size, dtype=bool)
    event[sets.event_rows] = True
    leaving, entering = _by_key(sets.last, sets.size), _by_key(sets.before, sets.size)
    _against_those_at_risk(rank, weights, event, *leaving, *entering, sets.bounds, highest, pairs)
    own = pairs[sets.event_rows]
    concordant, discordant, tied = (weights[sets.event_rows] @ own).tolist()
    _against_those_fallen_ill(rank, weights, event, *leaving, *entering, sets.bounds, highest, pairs)
    compared = concordant + discordant + tied
    if compared == 0:
        raise FitError("no two people can be compared: nobody is at risk when another falls ill.")
    somers = (concordant - discordant) / compared
    influence = weights * (pairs[:, 0] - pairs[:, 1] - somers * pairs.sum(axis=1)) / compared
    sample, cluster = fit.design.sample, fit.design.cluster
    if sample is not None:
        by_psu = np.zeros((sample.stratum.size, 1))
        np.add.at(by_psu[:, 0], sample.psu, influence)
        variance = float(linearised(sample, by_psu)[0, 0])
    else:
        influence = influence if cluster is None else np.bincount(cluster, influence)
        own_people = np.ones(influence.size) if cluster is not None else fit.design.people
        variance = float((influence / own_people) @ influence)
    together, alike = _tied_events(sets, rank, weights)
    return Concordance(
        estimate=(somers + 1) / 2,
        se=float(np.sqrt(variance)) / 2,
        concordant=concordant,
        discordant=discordant,
        tied_risk=tied,
        tied_time=together - alike,
        tied_both=alike,
    )


def _pooled(each: list[Concordance]) -> Concordance:
    """Pool the concordances of imputed sets by Rubin's rules; the pairs are means."""
    means = {item.name: float(np.mean([getattr(one, item.name) for one in each])) for item in fields(Concordance)}
    within = np.array([np.mean([one.se**2 for one in each])])
    between = np.array([np.var([one.estimate for one in each], ddof=1)])
    return Concordance(**means | {"se": float(np.sqrt(rubin.total(within, between, len(each))[0]))})


def _ranks(predictor: Array, sets: RiskSets) -> tuple[Ints, Ints]:
    """Dense ranks 1, 2, ... of the linear predictor within strata (0: never at risk), and each stratum's highest."""
    rows = np.flatnonzero(sets.last >= 0)
    stratum = sets.strata[sets.last[rows]]
    order = np.lexsort((predictor[rows], stratum))
    value, group = predictor[rows][order], stratum[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    rises = np.diff(value, prepend=np.nan) > TIE * np.abs(value).max()
    rises[first] = True
    total = np.cumsum(rises)
    rank = np.zeros(predictor.size, dtype=np.int64)
    rank[rows[order]] = total - np.repeat(total[first] - 1, np.diff(np.append(first, rows.size)))
    highest = np.zeros(sets.bounds.size - 1, dtype=np.int64)
    np.maximum.at(highest, group, rank[rows[order]])
    return rank, highest


def _by_key(keys: Index, size: int) -> tuple[Ints, Ints]:
    """Rows in order of a key (-1 left out), and where each key's rows start; shapes (m,) and (D + 1,)."""
    order = np.argsort(keys, kind="stable")
    start = np.searchsorted(keys[order], np.arange(size + 1))
    return order, start


def _tied_events(sets: RiskSets, rank: Ints, weights: Array) -> tuple[float, float]:
    """Weighted pairs of events at the same key, and those among them of the same rank."""

    def pairs(group: Ints, w: Array) -> float:
        return float((np.bincount(group, w) ** 2).sum() - (w**2).sum()) / 2

    w = weights[sets.event_rows]
    both = sets.event_keys * (rank.max() + 1) + rank[sets.event_rows]
    return pairs(sets.event_keys, w), pairs(np.unique(both, return_inverse=True)[1], w)


@compiled
def _add(tree: Array, rank: int, weight: float) -> None:
    """Put weight at a rank of a Fenwick tree of sums."""
    while rank < tree.size:
        tree[rank] += weight
        rank += rank & -rank


@compiled
def _up_to(tree: Array, rank: int) -> float:
    """Sum of the weights at ranks 1 .. rank."""
    total = 0.0
    while rank > 0:
        total += tree[rank]
        rank &= rank - 1
    return total


@compiled
def _against_those_at_risk(
    rank: Ints,
    weights: Array,
    event: Array,
    by_last: Ints,
    last_start: Ints,
    by_before: Ints,
    before_start: Ints,
    bounds: Ints,
    highest: Ints,
    pairs: Array,
) -> None:
    """Compare each event with those at risk who stay well then, from late to early."""
    for s in range(bounds.size - 1):
        tree = np.zeros(highest[s] + 1)
        total = 0.0
        for k in range(bounds[s + 1] - 1, bounds[s] - 1, -1):
            leaving = by_last[last_start[k] : last_start[k + 1]]
            for i in leaving:
                if not event[i]:
                    _add(tree, rank[i], weights[i])
                    total += weights[i]
            for i in by_before[before_start[k] : before_start[k + 1]]:
                _add(tree, rank[i], -weights[i])
                total -= weights[i]
            for i in leaving:
                if event[i]:
                    below, through = _up_to(tree, rank[i] - 1), _up_to(tree, rank[i])
                    pairs[i, 0] += below
                    pairs[i, 1] += total - through
                    pairs[i, 2] += through - below
            for i in leaving:
                if event[i]:
                    _add(tree, rank[i], weights[i])
                    total += weights[i]


@compiled
def _against_those_fallen_ill(
    rank: Ints,
    weights: Array,
    event: Array,
    by_last: Ints,
    last_start: Ints,
    by_before: Ints,
    before_start: Ints,
    bounds: Ints,
    highest: Ints,
    pairs: Array,
) -> None:
    """Compare each row with the events it outlasted while at risk, from early to late."""
    for s in range(bounds.size - 1):
        tree = np.zeros(highest[s] + 1)
        total = 0.0
        for k in range(bounds[s], bounds[s + 1]):
            leaving = by_last[last_start[k] : last_start[k + 1]]
            for i in leaving:
                if event[i]:
                    _count_outlasted(tree, total, rank[i], 1.0, pairs[i])
            for i in leaving:
                if event[i]:
                    _add(tree, rank[i], weights[i])
                    total += weights[i]
            for i in leaving:
                if not event[i]:
                    _count_outlasted(tree, total, rank[i], 1.0, pairs[i])
            for i in by_before[before_start[k] : before_start[k + 1]]:
                _count_outlasted(tree, total, rank[i], -1.0, pairs[i])


@compiled
def _count_outlasted(tree: Array, total: float, rank: int, sign: float, pairs: Array) -> None:
    below, through = _up_to(tree, rank - 1), _up_to(tree, rank)
    pairs[0] += sign * (total - through)
    pairs[1] += sign * below
    pairs[2] += sign * (through - below)
