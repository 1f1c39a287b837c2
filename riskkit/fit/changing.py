"""Cox models with effects that change over time: `x + tv(x, "log")`.

A term tv(x, g) is the product of x and a function g of the time at risk, so that x's log hazard ratio is b + c g(t). No
row is split: at each event time the products are formed of the rows at risk, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from riskkit.design.bases import Array, Basis, Linear, Transformed
from riskkit.design.coding import learn
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, build
from riskkit.design.recipe import Recipe, Term
from riskkit.design.smooth import Rcs
from riskkit.design.splines import checked_knots, knots
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.diagnosis import check_information
from riskkit.fit.fit import UNITS_PER_YEAR, Fit
from riskkit.fit.kernel import Index, Ints, compiled
from riskkit.fit.newton import maximise
from riskkit.fit.partial import PartialLikelihood, partial_likelihood
from riskkit.fit.smoothing import smooths
from riskkit.formula import CHANGING, Factor, Formula


def changes(formula: Formula) -> bool:
    """Whether a formula has an effect that changes over time."""
    return any(factor.function == CHANGING for term in formula.terms for factor in term)


def cox_changing(
    formula: Formula,
    data: pd.DataFrame,
    *,
    ties: str,
    weights: str | None,
    time_unit: str,
    max_iterations: int,
) -> Fit:
    """Fit Cox's model with terms tv(...); `riskkit.cox` calls this.

    Returns
    -------
    Fit
        A term tv(x, g) is the interaction of x with the column of exit times, so that `rk.contrast` and `rk.curve` take
        the time of their answer as `at={exit column: time}`.

    Raises
    ------
    SpecError, DataError, FitError
        As `riskkit.cox`.

    References
    ----------
    Cox DR (1972) JRSS B 34:187; Therneau TM, Grambsch PM (2000) Modeling Survival Data, 6.5. R:
    survival::coxph with tt().
    """
    if not formula.survival:
        raise SpecError(f"formula {formula.text!r}: tv(...) needs an outcome Surv(...).")
    plain = tuple(term for term in formula.terms if not any(f.function == CHANGING for f in term))
    moving = [term for term in formula.terms if term not in plain]
    if any(len(term) > 1 for term in moving):
        raise SpecError(f"formula {formula.text!r}: tv(...) cannot stand in an interaction; add it with '+'.")
    used = [*formula.columns, *([weights] if weights else [])]
    check_columns(data, used, f"formula {formula.text!r}")
    complete = data[list(dict.fromkeys(used))].notna().all(axis=1).to_numpy()
    rows = data[complete]
    design = build(replace(formula, terms=plain), rows, weights=weights)
    if design.cluster is not None:
        raise SpecError("a model with tv(...) has a model-based covariance only; leave out cluster.")
    smooths(design.recipe, plain=False)
    rows = rows if design.rows is None else rows.iloc[design.rows]
    exit_column = formula.response[-2]
    factors = [term[0] for term in moving]
    exposures = [learn(_plain(factor), rows, design.response) for factor in factors]
    likelihood = partial_likelihood(design, ties)
    clocks = [_clock(factor, exit_column, likelihood) for factor in factors]
    position, terms = design.x.shape[1], []
    for exposure, clock in zip(exposures, clocks, strict=True):
        width = len(exposure.names) * len(clock.names)
        terms.append(Term((exposure, clock), slice(position, position + width)))
        position += width
    recipe = Recipe(formula, (*design.recipe.terms, *terms), design.recipe.intercept)
    names = recipe.names
    if len(set(names)) < len(names):
        raise SpecError(f"formula {formula.text!r}: the same column would stand in the model twice.")
    moved = _likelihood(likelihood, rows, exposures, clocks)
    best = maximise(moved, names, max_iterations)
    covariance = np.asarray(np.linalg.inv(best.information))
    surv = likelihood.surv
    times = pd.DataFrame({exit_column: surv.exit})
    own = [term.matrix([e.encode(rows), c.encode(times)]) for term, e, c in zip(terms, exposures, clocks, strict=True)]
    return Fit(
        model="cox",
        recipe=recipe,
        coef=best.coef,
        vcov=covariance,
        vcov_model=covariance,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=len(design.x),
        events=int(surv.event.sum()),
        person_years=float(surv.person_time.sum()) / UNITS_PER_YEAR[time_unit],
        n_missing=design.n_missing + int((~complete).sum()),
        iterations=best.iterations,
        method=f"{ties.capitalize()} ties, effects that change over time",
        score_chi2=best.score_chi2,
        ties=ties,
        notes=design.notes,
        design=replace(design, recipe=recipe, x=np.hstack([design.x, *own])),
    )


def refuse_changing(design: Design, what: str) -> None:
    """Refuse what takes the effects of a model to be the same at all times.

    Raises
    ------
    FitError
        If a term is tv(...).
    """
    if changes(design.recipe.formula):
        raise FitError(
            f"{what} is not for a model with tv(...), whose effects change over time; split follow-up by rk.split and "
            "fit interactions with the bands."
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A partial likelihood at one value of the coefficients, with its information, shape (P, P)."""

    loglik: float
    gradient: Array
    matrix: Array


@dataclass(frozen=True, eq=False)
class ChangingLikelihood:
    """Partial likelihood of columns (x, z_j g_l(t)).

    Attributes
    ----------
    fixed : PartialLikelihood
        Of the columns x, shape (n, p), that do not change.
    u : array, shape (n, p + q)
        x and z, centred.
    mix : array, shape (D, P, p + q)
        What the coefficients' columns are of u at each key.
    order, bounds : int arrays
        Rows by stratum, those at risk longest first; rows order[bounds[s]:bounds[s + 1]] are of stratum s.
    """

    fixed: PartialLikelihood
    u: Array
    mix: Array
    order: Ints
    bounds: Ints

    @cached_property
    def x(self) -> Array:
        """Columns at each row's own last key, shape (n, P): for looking where a likelihood runs to."""
        return np.asarray(np.einsum("njk,nk->nj", self.mix[np.maximum(self.fixed.sets.last, 0)], self.u))

    def evaluate(self, coef: Array) -> Evaluation:
        """Compute the log partial likelihood and its derivatives at coefficients of shape (P,)."""
        sets, n_columns = self.fixed.sets, coef.size
        gradient, information = np.zeros(n_columns), np.zeros((n_columns, n_columns))
        offset = np.zeros(len(self.u)) if self.fixed.offset is None else self.fixed.offset
        loglik = _over_keys(
            self.u, np.einsum("kij,i->kj", self.mix, coef), self.mix, offset, self.fixed.case_weights, sets.last,
            sets.before, self.order, self.bounds, sets.strata, sets.event_rows, sets.tied, self.fixed.efron, gradient,
            information,
        )  # fmt: skip
        return Evaluation(loglik, gradient, information)

    def information(self, at: Evaluation, *, far: bool = False) -> Array:
        """Observed information, shape (P, P)."""
        return at.matrix

    def first_information(self, at: Evaluation, names: tuple[str, ...]) -> Array:
        """The same where Newton's method starts, refusing columns that tell nothing (FitError)."""
        x = self.x[self.fixed.sets.event_rows]
        check_information(at.matrix, np.maximum(np.diag(x.T @ x), np.diag(at.matrix)) * np.eye(x.shape[1]), names)
        return at.matrix


def _likelihood(
    likelihood: PartialLikelihood, rows: pd.DataFrame, exposures: list[Basis], clocks: list[Basis]
) -> ChangingLikelihood:
    sets, p = likelihood.sets, likelihood.x.shape[1]
    z = [exposure.columns(exposure.encode(rows)) for exposure in exposures]
    u = np.hstack([likelihood.x, *z])
    times = sets.times
    blocks = []
    place = p
    for exposure, clock in zip(exposures, clocks, strict=True):
        frame = pd.DataFrame({clock.variable: times})
        g = clock.columns(clock.encode(frame))
        q = len(exposure.names)
        block = np.zeros((times.size, q * g.shape[1], u.shape[1]))
        for j in range(g.shape[1]):  # the exposure's columns vary fastest, as in every interaction
            for i in range(q):
                block[:, j * q + i, place + i] = g[:, j]
        blocks.append(block)
        place += q
    fixed = np.zeros((times.size, p, u.shape[1]))
    fixed[:, np.arange(p), np.arange(p)] = 1.0
    mix = np.concatenate([fixed, *blocks], axis=1)
    strata = np.zeros(len(u), dtype=np.int64)
    n_strata = sets.bounds.size - 1
    keyed = sets.last >= 0
    strata[keyed] = sets.strata[sets.last[keyed]]
    order = np.lexsort((-sets.last, strata))
    order = order[keyed[order]]
    bounds = np.searchsorted(strata[order], np.arange(n_strata + 1))
    return ChangingLikelihood(likelihood, np.ascontiguousarray(u - u.mean(axis=0)), mix, order, bounds)


def _plain(factor: Factor) -> Factor:
    return Factor("", factor.variable, text=factor.variable)


def _clock(factor: Factor, exit_column: str, likelihood: PartialLikelihood) -> Basis:
    """The function of time of a tv(...), with knots from the event times."""
    wanted = dict(factor.options).get("time")
    times = likelihood.surv.exit[likelihood.sets.event_rows]
    match wanted:
        case "log":
            if times.min() <= 0:
                raise DataError(f"{factor.text}: an event happens at time {times.min():g}, which has no logarithm.")
            return Transformed(exit_column, "log")
        case "linear":
            return Linear(exit_column)
        case int():
            return Rcs(exit_column, tuple(knots(times, wanted).tolist()))
        case tuple():
            return Rcs(exit_column, tuple(checked_knots(wanted).tolist()))
    raise SpecError(
        f'{factor.text}: say how the effect changes: tv({factor.variable}, "log"), tv({factor.variable}, "linear"), '
        f"tv({factor.variable}, rcs(3)) or tv({factor.variable}, rcs([1, 5, 10])) for a spline of time."
    )


@compiled
def _over_keys(
    u: Array,
    effect: Array,
    mix: Array,
    offset: Array,
    weights: Array,
    last: Index,
    before: Index,
    order: Ints,
    bounds: Ints,
    strata: Ints,
    event_rows: Ints,
    tied: Ints,
    efron: bool,
    gradient: Array,
    information: Array,
) -> float:
    """Add up the log partial likelihood, and fill its gradient, shape (P,), and information, shape (P, P).

    `effect` has the coefficients of u at each key, shape (D, p + q), and `mix` says what each coefficient's column is
    of u then. Sums over a risk set are formed of u, and taken to the columns once a step.
    """
    width = u.shape[1]
    predictor = np.empty(u.shape[0])
    total = 0.0
    for k in range(tied.size - 1):
        first, stop = bounds[strata[k]], bounds[strata[k] + 1]
        largest = -np.inf
        for m in range(first, stop):
            i = order[m]
            if last[i] < k:
                break
            if before[i] >= k:
                continue
            value = offset[i]
            for j in range(width):
                value += u[i, j] * effect[k, j]
            predictor[i] = value
            largest = max(largest, value)
        s0 = 0.0
        s1, s2 = np.zeros(width), np.zeros((width, width))
        for m in range(first, stop):
            i = order[m]
            if last[i] < k:
                break
            if before[i] >= k:
                continue
            theta = weights[i] * np.exp(predictor[i] - largest)
            s0 += theta
            for j in range(width):
                part = theta * u[i, j]
                s1[j] += part
                for o in range(j + 1):
                    s2[j, o] += part * u[i, o]
        d = tied[k + 1] - tied[k]
        own0, weight = 0.0, 0.0
        own1, own2, events = np.zeros(width), np.zeros((width, width)), np.zeros(width)
        for e in range(tied[k], tied[k + 1]):
            i = event_rows[e]
            weight += weights[i]
            total += weights[i] * predictor[i]
            theta = weights[i] * np.exp(predictor[i] - largest)
            own0 += theta
            for j in range(width):
                events[j] += weights[i] * u[i, j]
                own1[j] += theta * u[i, j]
                for o in range(j + 1):
                    own2[j, o] += theta * u[i, j] * u[i, o]
        steps = d if efron else 1
        weight /= steps
        spread = np.zeros((width, width))
        for r in range(steps):
            f = r / steps
            left = s0 - f * own0
            total -= weight * (np.log(left) + largest)
            mean = (s1 - f * own1) / left
            events -= weight * mean
            for j in range(width):
                for o in range(j + 1):
                    spread[j, o] += weight * ((s2[j, o] - f * own2[j, o]) / left - mean[j] * mean[o])
        for j in range(width):
            for o in range(j):
                spread[o, j] = spread[j, o]
        gradient += np.dot(mix[k], events)
        information += np.dot(np.dot(mix[k], spread), mix[k].T)
    return total
