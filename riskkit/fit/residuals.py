"""Residuals of a Cox model, and the robust covariance made of them.

Each is a difference between what happened and what the risk sets' means say at the fitted coefficients. The sums run
over the same keys as the fit (`riskkit.fit.riskset`), so delayed entry, strata, ties and weights need no special case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.sampling import refuse_sampling
from riskkit.errors import FitError, SpecError, did_you_mean
from riskkit.fit import kernel, stable_sums
from riskkit.fit.changing import refuse_changing
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints
from riskkit.fit.partial import Evaluation, PartialLikelihood, partial_likelihood
from riskkit.fit.pooled import PooledFit
from riskkit.fit.tie_steps import Steps, steps

CHUNK = 4096  # rows whose residuals are formed at a time, so that they stay in cache
KINDS = ("martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaled_schoenfeld")


def residuals(fit: Fit, kind: str = "martingale") -> pd.Series | pd.DataFrame:
    """Compute residuals of a Cox model.

    Parameters
    ----------
    fit : Fit
        A Cox model that has kept its design.
    kind : str
        - "martingale": events observed less events expected; a Series.
        - "deviance": martingale residuals made nearly symmetric; a Series.
        - "score": each row's term of the gradient, shape (n, p).
        - "dfbeta": approximate change of the coefficients when a row is left out, times its weight, shape (n, p).
        - "schoenfeld": an event's covariates less their mean in its risk set, shape (events, p); with columns `time`
          and `stratum` before them, rows in order of stratum and time.
        - "scaled_schoenfeld": the same in the unit of the coefficients, whose trend over time is their change.

    Returns
    -------
    Series or DataFrame
        Indexed by the rows of the data.

    Raises
    ------
    SpecError
        If `kind` is unknown.
    FitError
        If the fit is not a Cox model or has let go of its design.

    References
    ----------
    Therneau TM, Grambsch PM, Fleming TR (1990) Biometrika 77:147; Schoenfeld D (1982) Biometrika 69:239; Grambsch PM,
    Therneau TM (1994) Biometrika 81:515. R: residuals(coxph(...), type), "scaledsch" for the last.
    """
    if kind not in KINDS:
        raise SpecError(f"residuals of kind {kind!r}: unknown.{did_you_mean(kind, KINDS)}")
    likelihood, at = at_fit(fit)
    design = cast(Design, fit.design)  # at_fit has refused a fit without
    names = list(fit.recipe.names)
    match kind:
        case "martingale":
            return pd.Series(martingale(likelihood, at), index=design.index, name=kind)
        case "deviance":
            return pd.Series(deviance(likelihood, at), index=design.index, name=kind)
        case "score" | "dfbeta":
            values = score(likelihood, at)
            if kind == "dfbeta":
                values = (values @ fit.vcov_model) * likelihood.case_weights[:, None]
            return pd.DataFrame(values, index=design.index, columns=names)
    values = schoenfeld(likelihood, steps(likelihood, at))
    if kind == "scaled_schoenfeld":
        values = values @ fit.vcov_model * len(values) + fit.coef
    sets = likelihood.sets
    frame = pd.DataFrame(values, index=design.index[sets.event_rows], columns=names)
    labels = np.array(design.strata_labels or ("",), dtype=object)
    frame.insert(0, "time", sets.times[sets.event_keys])
    frame.insert(1, "stratum", labels[sets.strata[sets.event_keys]])
    return frame


def at_fit(fit: Fit) -> tuple[PartialLikelihood, Evaluation]:
    """Evaluate a Cox model's partial likelihood at its coefficients.

    Raises
    ------
    FitError
        If the fit is not a Cox model, has let go of its design, or is of a case-cohort sample.
    """
    if fit.ties is None:
        raise FitError(f"this needs a Cox model, not a {fit.model} model.")
    if isinstance(fit, PooledFit):
        raise FitError("this is of one set of data, and a pooled fit is of several; ask each of `fits`.")
    if fit.design is None:
        raise FitError("this needs the data of the fit, which light() let go of; fit again, or ask before light().")
    if fit.design.sampling == "case-cohort":
        refuse_sampling(fit.design.sampling, "this", "fit with weights= and robust=True for residuals and curves")
    refuse_changing(fit.design, "this")
    likelihood = partial_likelihood(fit.design, fit.ties)
    return likelihood, likelihood.evaluate(fit.coef)


def martingale(likelihood: PartialLikelihood, at: Evaluation) -> Array:
    """Martingale residuals, shape (n,): events less expected events."""
    out = -likelihood.expected(at) / likelihood.case_weights
    out[likelihood.sets.event_rows] += 1.0
    return out


def deviance(likelihood: PartialLikelihood, at: Evaluation) -> Array:
    """Deviance residuals, shape (n,)."""
    residual = martingale(likelihood, at)
    inner = residual.copy()
    rows = likelihood.sets.event_rows
    inner[rows] += np.log(1.0 - residual[rows])
    return np.sign(residual) * np.sqrt(np.maximum(-2.0 * inner, 0.0))


def schoenfeld(likelihood: PartialLikelihood, these: Steps) -> Array:
    """Schoenfeld residuals, shape (E, p), in the order of the risk sets' `event_rows`."""
    sets = likelihood.sets
    return np.asarray(likelihood.x[sets.event_rows] - mean_at_event(these)[sets.event_keys])


def mean_at_event(these: Steps) -> Array:
    """What the covariates of a key's events are compared with: the mean over its steps, shape (D, p)."""
    return these.by_key(these.mean) / these.by_key(np.ones_like(these.share))[:, None]


def score_blocks(likelihood: PartialLikelihood, at: Evaluation) -> Iterator[tuple[slice, Array]]:
    """Form the score residuals of some thousand rows at a time, not yet multiplied by the rows' weights.

    Row i has, for each key it is at risk at, theta_i dH (mean - x_i), and at its event x_i - mean.
    """
    sets, these = likelihood.sets, steps(likelihood, at)
    increment = (these.weight / these.s0)[:, None] * these.mean
    increments, relief = these.by_key(increment), these.by_key(these.share[:, None] * increment)
    at_event = mean_at_event(these)
    expected = likelihood.expected(at)
    event = np.zeros(len(likelihood.x), dtype=bool)
    event[sets.event_rows] = True
    hazard = sets.cumulative(increments)
    for start in range(0, len(likelihood.x), CHUNK):
        rows = slice(start, start + CHUNK)
        x, theta, last = likelihood.x[rows], at.theta[rows, None], sets.last[rows]
        if at.additive:
            at_risk = stable_sums.while_at_risk(increments, sets, rows)
        else:
            at_risk = hazard[last] - hazard[sets.before[rows]]
        out = theta * at_risk - expected[rows, None] * x
        ill = np.flatnonzero(event[rows])
        key = last[ill]
        out[ill] -= theta[ill] * relief[key]
        if likelihood.weights is not None:
            out /= likelihood.weights[rows, None]
        out[ill] += x[ill] - at_event[key]
        yield rows, out


def score(likelihood: PartialLikelihood, at: Evaluation) -> Array:
    """Score residuals of all rows, shape (n, p)."""
    return np.concatenate([block for _, block in score_blocks(likelihood, at)])


def robust_covariance(
    likelihood: PartialLikelihood, at: Evaluation, model: Array, cluster: Ints | None, people: Array | None = None
) -> Array:
    """Sandwich covariance: the model-based one around the sum of squared score residuals of rows or clusters.

    Parameters
    ----------
    model : array, shape (p, p)
        Model-based covariance.
    cluster : int array, shape (n,), or None
        Cluster of each row, 0 to G - 1; None makes every row its own.
    people : array, shape (n,), optional
        How many people, alike and independent, each row stands for.

    References
    ----------
    Lin DY, Wei LJ (1989) JASA 84:1074; Binder DA (1992) Biometrika 79:139. R: coxph(..., cluster = ).
    """
    meat = np.zeros_like(model)
    if cluster is None:
        part, squares = np.empty_like(model), likelihood.case_weights**2
        squares = squares if people is None else squares / people
        for rows, block in score_blocks(likelihood, at):
            kernel.weighted_gram(block, squares[rows], part)
            meat += part
    else:
        totals = summed_scores(likelihood, at, cluster, int(cluster.max()) + 1)
        kernel.weighted_gram(totals, np.ones(len(totals)), meat)
    return np.asarray(model @ meat @ model)


def summed_scores(likelihood: PartialLikelihood, at: Evaluation, group: Ints, size: int) -> Array:
    """Sum of the weighted score residuals of each group, shape (size, p); `group` of each row has shape (n,)."""
    totals, weights = np.zeros((size, likelihood.x.shape[1])), likelihood.case_weights
    for rows, block in score_blocks(likelihood, at):
        kernel.add_by_group(block, weights[rows], group[rows], totals)
    return totals
