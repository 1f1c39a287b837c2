"""A block of exposures with one outcome: a row for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import Array, Linear
from riskkit.design.design import Design
from riskkit.design.recipe import Term
from riskkit.design.surv import Surv
from riskkit.errors import FitError
from riskkit.fit.cox import fit_design
from riskkit.fit.kernel import Ints
from riskkit.fit.partial import Evaluation, PartialLikelihood, partial_likelihood
from riskkit.fit.residuals import schoenfeld
from riskkit.fit.riskset import risk_sets
from riskkit.fit.screen.exposures import Block
from riskkit.fit.screen.lanes import At, Found, Lanes, TimeTest, adjusted_step
from riskkit.fit.screen.null import Null
from riskkit.fit.screen.outcome import Bools, Outcome, failing
from riskkit.fit.tie_steps import steps, weighted_information

LEFT = 1e-10  # share of the information on change with time left by the coefficients, below which nothing can be seen
STATISTICS = ("estimate", "se", "chi2", "chi2_score", "chi2_ph", "chi2_nonlinear")
NEAR = 1e-4  # decrement of an adjusted model from which one step more leads to its maximum
# Decrement of an adjusted model at which the rest follows from its quadratic: the log-likelihood to 1e-13, the score of
# the exposure to 1e-9 of its standard error at the worst. Whoever is farther is fitted alone.
AT_MAXIMUM = 1e-9
ALIKE = 64  # patterns of missing values whose adjusted models are remembered for an outcome

Rows = dict[str, Any]


def pairs(null: Null, block: Block, min_events: int) -> Rows:
    """Fit every exposure of a block: columns of L values.

    Returns
    -------
    dict
        n, events, person_years (in the unit of the time scale), the `STATISTICS`, and the reason of those that have
        none.
    """
    outcome = null.outcome
    size, rows = len(block.names), outcome.sets.event_rows
    followed, surv = outcome.followed, outcome.surv
    missing = block.absent & followed[:, None]
    n = followed.sum() - missing.sum(axis=0)
    events = rows.size - missing[rows].sum(axis=0)
    time = np.where(followed, surv.person_time, 0.0)
    out: Rows = {"n": n, "events": events, "person_years": np.full(size, time.sum())}
    for b in np.flatnonzero(missing.any(axis=0)):
        out["person_years"][b] -= time[missing[:, b]].sum()
    out |= {name: np.full(size, np.nan) for name in STATISTICS}
    out["reason"] = np.full(size, "", dtype=object)
    few = events < min_events
    out["reason"][few] = [f"{count} events, fewer than {min_events} (min_events)" for count in events[few]]
    wanted = np.flatnonzero(~few)
    if wanted.size:
        _fit(null, block, missing, wanted, out)
    return out


def _fit(null: Null, block: Block, missing: Bools, wanted: Ints, out: Rows) -> None:
    """Fill in the exposures `wanted`, together; one by one those that are no plain sailing."""
    outcome = null.outcome
    values, gaps = block.values, bool(missing.any())
    if wanted.size < len(block.names):
        values, missing = np.ascontiguousarray(values[:, :, wanted]), np.ascontiguousarray(missing[:, wanted])
    time = [outcome.failing(np.flatnonzero(gone)) if gaps and gone.any() else outcome.time for gone in missing.T]
    lanes = Lanes(outcome, values, missing if gaps else None, np.column_stack(time))
    coef, at, good, short = _begun(null, lanes)
    found = lanes.maximise(np.concatenate([coef, np.zeros((1, lanes.size))]), 1, at)
    found = replace(found, loglik_start=found.loglik_start + short / 2, score_chi2=found.score_chi2 - short)
    good = good & found.good
    with np.errstate(all="ignore"):  # of lanes that are not good
        answers = _answers(found)
    for name, found_values in answers.items():
        out[name][wanted[good]] = found_values[good]
    for b in wanted[~good]:
        try:
            for name, value in alone(outcome, block, int(b)).items():
                out[name][b] = value
        except FitError as error:
            out["reason"][b] = str(error)
    out["chi2_nonlinear"][~block.bent] = np.nan


def _begun(null: Null, lanes: Lanes) -> tuple[Array, At, Bools, Array]:
    """Each lane's adjusted model in its own rows, evaluated with the exposure beside it.

    Returns
    -------
    coef : array, shape (p, L)
    at : At
    good : bool array, shape (L,)
        Where the adjusted model is near its maximum.
    short : array, shape (L,)
        The decrement that is left, twice what its log-likelihood lacks.
    """
    if lanes.absent is None:
        coef = np.repeat(null.outcome.fit.coef[:, None], lanes.size, axis=1)
        at, nothing = null.with_exposures(lanes.own[:1]), np.zeros(lanes.size)
        return coef, at, nothing == 0, nothing
    coef = _adjusted(null, lanes)
    with np.errstate(all="ignore"):
        at = lanes.evaluate(np.concatenate([coef, np.zeros((1, lanes.size))]), 1, time=False)
    _, short, good = adjusted_step(at, len(coef))
    return coef, at, good & (short <= AT_MAXIMUM), short


def _adjusted(null: Null, lanes: Lanes) -> Array:
    """Coefficients of the adjusted model in each lane's own rows, shape (p, L)."""
    outcome, missing = null.outcome, lanes.absent
    coef = np.repeat(outcome.fit.coef[:, None], lanes.size, axis=1)
    if not len(coef) or missing is None:
        return coef
    patterns = {int(b): np.packbits(missing[:, b]).tobytes() for b in np.flatnonzero(missing.any(axis=0))}
    known = {key: outcome.adjusted[key] for key in patterns.values() if key in outcome.adjusted}
    new = {key: b for b, key in patterns.items() if key not in known}
    if new:
        found = _without(null, lanes.of(np.array(list(new.values()))))
        known |= dict(zip(new, found.T, strict=True))
    for b, key in patterns.items():
        coef[:, b] = known[key]
    if len(outcome.adjusted) < ALIKE:
        outcome.adjusted.update(known)
    return coef


def _without(null: Null, lanes: Lanes) -> Array:
    """The same by Newton's method, from where leaving out rows takes the adjusted model of all."""
    assert lanes.absent is not None
    coef, waiting = null.without(lanes.absent), np.arange(lanes.size)
    previous = np.full(lanes.size, np.inf)
    while waiting.size:  # decrements shrink, or the lane is given up
        some = lanes if waiting.size == lanes.size else lanes.of(waiting)
        with np.errstate(all="ignore"):
            at = some.evaluate(coef[:, waiting], 0, time=False)
        step, decrement, good = adjusted_step(at, len(coef))
        good &= decrement <= 0.1 * previous[waiting]
        coef[:, waiting] += np.where(good, step, 0.0)
        previous[waiting] = decrement
        waiting = waiting[good & (decrement > NEAR)]
    return coef


def _answers(found: Found) -> dict[str, Array]:
    """The `STATISTICS` of each lane: of the last coefficient, and score tests of what is beyond it."""
    at, c = found.at, len(found.coef)
    covariance = np.linalg.inv(_regular(at.information[:, :c, :c]))
    out = {
        "estimate": found.coef[-1],
        "se": np.sqrt(covariance[:, -1, -1]),
        "chi2": 2 * (at.loglik - found.loglik_start),
        "chi2_score": found.score_chi2,
    }
    if at.time is not None:
        cross = at.time.cross[:, :c]
        left = at.time.information - np.einsum("lc,lcd,ld->l", cross, covariance, cross)
        out["chi2_ph"] = np.where(left > LEFT * np.abs(at.time.information), at.time.score**2 / left, np.nan)
    if at.information.shape[1] > c:
        cross = at.information[:, c:, :c]
        left = at.information[:, c:, c:] - cross @ covariance @ cross.transpose(0, 2, 1)
        score = at.gradient[c:].T
        out["chi2_nonlinear"] = np.einsum(
            "lq,lq->l", score, np.linalg.solve(_regular(left), score[:, :, None])[:, :, 0]
        )
    return out


def _regular(matrices: Array) -> Array:
    """The same square matrices, shape (L, c, c), an identity in the place of those that have no inverse."""
    known = np.array([bool(np.isfinite(matrix).all()) for matrix in matrices])
    known[known] = np.linalg.cond(matrices[known]) < 1 / np.finfo(float).eps
    return np.where(known[:, None, None], matrices, np.eye(matrices.shape[1]))


def alone(outcome: Outcome, block: Block, b: int) -> dict[str, float]:
    """Fit one exposure as `rk.cox` does.

    Raises
    ------
    FitError
        If it has no estimate, naming the column and why.
    """
    rows = np.flatnonzero(outcome.followed & ~block.absent[:, b])
    adjusted = rows_of(outcome.design, rows)
    p = adjusted.x.shape[1]
    term = Term((Linear(block.names[b], float(block.units[b])),), slice(p, p + 1))
    recipe = replace(adjusted.recipe, terms=(*adjusted.recipe.terms, term))
    x = np.column_stack([adjusted.x, *block.values[:, rows, b]])
    own = replace(adjusted, recipe=recipe, x=np.ascontiguousarray(x[:, : p + 1]))
    ties = "efron" if outcome.efron else "breslow"
    adjusted_fit, fit = (fit_design(design, ties=ties, threads=1) for design in (adjusted, own))
    likelihood = partial_likelihood(replace(adjusted, x=x), ties)
    nothing = np.zeros(x.shape[1] - p - 1)
    start = likelihood.evaluate(np.concatenate([adjusted_fit.coef, [0.0], nothing]))
    at = likelihood.evaluate(np.append(fit.coef, nothing))
    gradient = start.gradient[: p + 1]
    first = likelihood.information(start)[: p + 1, : p + 1]
    found = Found(
        coef=fit.coef[:, None],
        at=At(
            np.array([fit.loglik]),
            at.gradient[:, None],
            likelihood.information(at)[None],
            np.empty((1, 0, 0)),
            np.zeros(1),
            _time_test(likelihood, at, p),
        ),
        good=np.ones(1, dtype=bool),
        loglik_start=np.array([adjusted_fit.loglik]),
        score_chi2=np.array([gradient @ np.linalg.solve(first, gradient)]),
    )
    return {name: float(values[0]) for name, values in _answers(found).items()}


def rows_of(design: Design, rows: Ints) -> Design:
    """The same design with some of its rows."""
    surv = design.response
    assert isinstance(surv, Surv)
    return replace(
        design,
        x=design.x[rows],
        response=Surv(None if surv.entry is None else surv.entry[rows], surv.exit[rows], surv.event[rows]),
        index=pd.RangeIndex(rows.size),
        source=None,
        rows=None,
        strata=None if design.strata is None else np.unique(design.strata[rows], return_inverse=True)[1],
        offset=None if design.offset is None else design.offset[rows],
    )


def _time_test(likelihood: PartialLikelihood, at: Evaluation, column: int) -> TimeTest:
    """What a column times the function of time would add to the model at an evaluation; see `riskkit.infer.ph`."""
    sets, these = likelihood.sets, steps(likelihood, at)
    everyone = risk_sets(likelihood.surv)
    g = failing(everyone, everyone.d, everyone.at_risk(np.ones(len(likelihood.x))), sets)
    residuals = schoenfeld(likelihood, these)[:, column]
    once, twice = (weighted_information(likelihood, at, these, g**power)[column] for power in (1, 2))
    return TimeTest(np.array([g[sets.event_keys] @ residuals]), information=twice[None, column], cross=once[None])
