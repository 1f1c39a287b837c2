"""The g-formula: the mean over people of what a model says of each, had they a level, with every row's influence on it.

The influence of a row has three parts: through the coefficients, through the baseline hazard, and through the row's own
place among the people averaged over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy import special

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.errors import FitError
from riskkit.fit import logistic, poisson
from riskkit.fit.fit import Fit
from riskkit.fit.follow_up import check_at_risk
from riskkit.fit.hazards import Hazards, hazards, refuse_penalised
from riskkit.fit.kernel import Ints
from riskkit.infer import competing
from riskkit.infer.competing import Targets, Timeline, Way
from riskkit.infer.patterns import Polynomial, polynomial
from riskkit.infer.population import Population, at_levels, unchanged
from riskkit.infer.units import Units

ALONE = 2_000  # people times settings up to which each is answered by itself


@dataclass(frozen=True, eq=False)
class Means:
    """Means over people of J targets in L settings, and the influence of every unit on them.

    Attributes
    ----------
    estimate : array, shape (L, J)
    influence : array, shape (U, L, J)
    """

    estimate: Array
    influence: Array

    def mixed(self, shares: Array) -> Means:
        """Mixtures of the settings, the rows of shares of shape (L', L)."""
        return Means(shares @ self.estimate, np.einsum("kl,ulj->ukj", shares, self.influence))


@dataclass(frozen=True)
class Settings:
    """L settings of one variable: a level for all, an array of each person's level, or None for their own."""

    variable: str | None
    values: tuple[Any, ...]


def of_hazards(
    causes: Mapping[str, Fit],
    people: Population,
    settings: Settings,
    targets: Targets,
    start: float,
    units: Units | None,
    way: Way,
) -> Means:
    """Average risks, or time lost, over people, from a Cox model of each cause.

    Parameters
    ----------
    causes : mapping of name to Fit
        In the order that `targets.cause` numbers.
    units : Units or None
        Without, influences are not computed.
    way : Way

    Raises
    ------
    FitError
        If a fit is penalised.
    DataError
        If nobody is at risk in some of the time asked for.
    """
    bases = {name: hazards(fit) for name, fit in causes.items()}
    names, size = list(bases), people.weights.size
    k, j, n_settings = len(names), targets.size, len(settings.values)
    until = float(targets.time.max())
    relative = np.empty((n_settings, size, k))
    columns = {
        name: [at_levels(people, name, base.fit.recipe, settings.variable, values) for values in settings.values]
        for name, base in bases.items()
    }
    for c, (name, base) in enumerate(bases.items()):
        coef = base.fit.coef
        of_others = unchanged(people, name, base.fit.recipe, settings.variable, coef)
        for s, x in enumerate(columns[name]):
            relative[s, :, c] = base.of_predictor(x.predictor(coef, of_others), people.offset(name))
    value, slope = np.empty((n_settings, size, j)), np.empty((n_settings, size, j, k))
    on_hazard = [np.zeros((base.increments.size, n_settings, j)) for base in bases.values()]
    for rows, strata in stratum_groups([people.strata(name) for name in names]):
        for name, stratum in zip(names, strata, strict=True):
            check_at_risk(name, causes[name], [stratum], start, until)
        line = line_of(list(bases.values()), strata, start, until)
        found, slopes, by_hazard = _answers(line, relative[:, rows], targets, people.weights[rows], way)
        value[:, rows], slope[:, rows] = found, slopes
        for c in range(k):
            happened = line.keys[:, c] >= 0
            on_hazard[c][line.keys[happened, c]] += by_hazard[happened, c].transpose(0, 2, 1)
    estimate = np.einsum("i,sij->sj", people.weights, value)
    if units is None:
        return Means(estimate, np.zeros((0, *estimate.shape)))
    influence = own_influence(people, value, estimate, units)
    for c, (name, base) in enumerate(bases.items()):
        weighted = people.weights[:, None] * slope[..., c].transpose(1, 0, 2).reshape(size, -1)
        on_coef = np.asarray(weighted.T @ people.matrix(name)).reshape(n_settings, j, -1)
        for s, x in enumerate(columns[name]):
            some = weighted[:, s * j : (s + 1) * j]
            on_coef[s] = base.centred(x.total(some, on_coef[s]), some.sum(axis=0))
        flat = base.influence(on_coef.reshape(-1, base.fit.coef.size), on_hazard[c].reshape(-1, n_settings * j))
        influence += units.total(name, flat).reshape(influence.shape)
    return Means(estimate, influence)


def stratum_groups(strata: Sequence[Ints]) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Rows of the people of each combination of the fits' strata, and that combination."""
    if all((s == s[0]).all() for s in strata):
        yield slice(None), tuple(int(s[0]) for s in strata)
        return
    code = np.zeros(strata[0].size, dtype=np.int64)
    for s in strata:
        code = code * (int(s.max()) + 1) + s
    order = np.argsort(code, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
        yield rows, tuple(int(s[rows[0]]) for s in strata)


def line_of(bases: Sequence[Hazards], strata: Sequence[int], start: float, until: float) -> Timeline:
    """The event times, after start and until the last, of the stratum that each fit has for some people."""
    times, increments, first = [], [], []
    for base, stratum in zip(bases, strata, strict=True):
        low, high = base.likelihood.sets.bounds[stratum : stratum + 2]
        times.append(base.likelihood.sets.times[low:high])
        increments.append(base.increments[low:high])
        first.append(low)
    line = competing.timeline(times, increments, start, until)
    line.keys[:] = np.where(line.keys >= 0, line.keys + np.array(first), -1)
    return line


def _answers(line: Timeline, relative: Array, targets: Targets, weights: Array, way: Way) -> tuple[Array, Array, Array]:
    """Values (L, n, J), slopes (L, n, J, K) and weighted derivatives by the increments (T, K, J, L).

    A person of each setting is a person to the compiled code; where there are many, the points of a polynomial are.
    """
    n_settings, n, k = relative.shape
    everyone, j = relative.reshape(-1, k), targets.size

    def exact(points: Array) -> Array:
        found = competing.answers(line, points, targets, np.zeros((len(points), 0)), way)
        return np.hstack([found.value, found.slope.reshape(len(points), -1)])

    stand_in: Polynomial | None = None
    if n * n_settings > ALONE:
        stand_in = polynomial(everyone, exact)
    if stand_in is not None:
        shares = np.stack([stand_in.gather(people, weights) for people in relative], axis=1)
        found = competing.answers(line, stand_in.points, targets, shares, way)
        both = stand_in.spread(np.hstack([found.value, found.slope.reshape(len(shares), -1)]), everyone)
        value, slope = both[:, :j], both[:, j:]
        by_hazard = found.by_hazard
    else:
        each = [competing.answers(line, people, targets, weights[:, None], way) for people in relative]
        value, slope = (np.concatenate([getattr(one, what) for one in each]) for what in ("value", "slope"))
        by_hazard = np.concatenate([one.by_hazard for one in each], axis=3)
    return value.reshape(n_settings, n, j), slope.reshape(n_settings, n, j, k), by_hazard


def own_influence(people: Population, value: Array, estimate: Array, units: Units) -> Array:
    """What people move the means by being among those averaged over, shape (U, L, J); values are (L, n, J)."""
    n_settings, _, j = value.shape
    out = np.zeros((units.size, n_settings, j))
    if people.unit is not None:
        each_its_own = people.unit.size == units.size and bool((people.unit == np.arange(units.size)).all())
        for s in range(n_settings):
            for target in range(j):
                moved = people.weights * (value[s, :, target] - estimate[s, target])
                if each_its_own:
                    out[:, s, target] = moved
                else:
                    out[:, s, target] = np.bincount(people.unit, moved, units.size)
    return out


LINKS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "logistic": lambda eta: ((p := special.expit(eta)), p * (1 - p)),
    "poisson": lambda eta: ((rate := np.exp(eta)), rate),
}


def of_means(name: str, fit: Fit, people: Population, settings: Settings, units: Units | None) -> Means:
    """Average the probabilities of a logistic model, or the rates (risks) of a Poisson model, over people.

    Raises
    ------
    FitError
        If the fit is of another model, or penalised.
    """
    if fit.model not in LINKS:
        raise FitError(
            f"standardised risks are of Cox, logistic and Poisson models, not of a {fit.model} model"
            + (", which leaves out the baseline of every set." if fit.model == "clogit" else ".")
        )
    refuse_penalised(fit)
    design = cast(Design, fit.design)
    n_settings = len(settings.values)
    value = np.empty((n_settings, people.weights.size, 1))
    on_coef = np.empty((n_settings, fit.coef.size))
    of_others = unchanged(people, name, fit.recipe, settings.variable, fit.coef)
    for s, values in enumerate(settings.values):
        x = at_levels(people, name, fit.recipe, settings.variable, values)
        value[s, :, 0], slope = LINKS[fit.model](x.predictor(fit.coef, of_others) + people.offset(name))
        weighted = (people.weights * slope)[:, None]
        on_coef[s] = x.total(weighted, weighted.T @ x.own)[0]
    estimate = np.einsum("i,sij->sj", people.weights, value)
    if units is None:
        return Means(estimate, np.zeros((0, *estimate.shape)))
    influence = own_influence(people, value, estimate, units)
    time = poisson.person_time(design) if fit.model == "poisson" else None
    observed = poisson.counts(design) if fit.model == "poisson" else logistic.outcome(design)
    predictor = design.x @ fit.coef + (0.0 if design.offset is None else design.offset)
    expected = LINKS[fit.model](predictor)[0] * (1.0 if time is None else time)
    residual = (observed - expected) * (1.0 if design.weights is None else design.weights)
    moved = residual[:, None] * (design.x @ (fit.vcov_model @ on_coef.T))
    influence += units.total(name, moved).reshape(influence.shape)
    return Means(estimate, influence)
