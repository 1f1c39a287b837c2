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
from riskkit.fit.screen.lanes import At, Found, Lanes, TimeTest
from riskkit.fit.screen.null import Null
from riskkit.fit.screen.outcome import Bools, Outcome, failing
from riskkit.fit.tie_steps import steps, weighted_information

LEFT = 1e-10  # share of the information on change with time left by the coefficients, below which nothing can be seen
STATISTICS = ("estimate", "se", "chi2", "chi2_score", "chi2_ph", "chi2_nonlinear")
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
    coef, good = _adjusted(outcome, missing)
    start = np.concatenate([coef, np.zeros((1, wanted.size))])
    found = lanes.maximise(start, 1, tests=True, first=None if gaps else null.with_exposures(values[:1]))
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


def _adjusted(outcome: Outcome, missing: Bools) -> tuple[Array, Bools]:
    """Coefficients of the adjusted model in each lane's own rows, shape (p, L), and whether they are known."""
    coef = np.repeat(outcome.fit.coef[:, None], missing.shape[1], axis=1)
    good = np.ones(missing.shape[1], dtype=bool)
    if not len(coef) or not missing.any():
        return coef, good
    patterns = {int(b): np.packbits(missing[:, b]).tobytes() for b in np.flatnonzero(missing.any(axis=0))}
    known = {key: outcome.adjusted[key] for key in patterns.values() if key in outcome.adjusted}
    new = list({key: b for b, key in patterns.items() if key not in known}.items())
    if new:
        absent = np.ascontiguousarray(missing[:, [b for _, b in new]])
        lanes = Lanes(outcome, np.empty((0, *absent.shape)), absent, np.zeros((outcome.sets.size, len(new))))
        found = lanes.maximise(coef[:, : len(new)], 0, tests=False)
        known |= {key: (found.coef[:, i], bool(found.good[i])) for i, (key, _) in enumerate(new)}
    for b, key in patterns.items():
        coef[:, b], good[b] = known[key]
    if len(outcome.adjusted) < ALIKE:
        outcome.adjusted.update(known)
    return coef, good


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
