"""Groups without a privileged reference: floating absolute risks and quasi-variances."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import optimize

from riskkit.design.bases import Array
from riskkit.design.design import Term
from riskkit.design.levels import Groups, GroupsBy
from riskkit.design.surv import Surv
from riskkit.errors import FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.linear import critical, summary


def floating(
    fit: Fit, variable: str, level: float = 0.95, *, method: Literal["plummer", "quasi"] = "plummer"
) -> pd.DataFrame:
    """Log ratio of each group with a variance of its own, so that any two groups can be compared by eye.

    The estimates are those of the fit (0 for its reference group); the reference group gets an interval too, and the
    variance of a difference of two groups is about the sum of theirs. `method="quasi"` gives Firth's quasi-variances,
    which make the variances of the pairwise differences as nearly right as can be, in place of Plummer's floating
    variances, which make the whole covariance so. Of a pooled fit, a group's interval has the degrees of freedom of its
    difference from the precision-weighted mean of all.

    Parameters
    ----------
    fit : Fit
        A light one will do for everything but the counts.
    variable : str
        A factor, or a number in groups, of three levels or more.
    level : float
        Confidence level.
    method : {"plummer", "quasi"}

    Returns
    -------
    DataFrame, one row per level
        level, estimate, se, ratio, low, high, n, events, person_years (NaN without follow-up),
        method. The counts are missing for a light fit.

    Raises
    ------
    SpecError
        If the variable is not in groups, has fewer than three, or interacts with another one.
    FitError
        If no quasi-variances exist.

    References
    ----------
    Plummer M (2004) Stat Med 23:93-104, R: Epi::float. Firth D, de Menezes RX (2004) Biometrika 91:65-80, R:
    qvcalc::qvcalc. Easton DF, Peto J, Babiker AG (1991) Stat Med 10:1025-1035.
    """
    term, levels = grouped(fit, variable)
    if len(levels) < 3:
        raise SpecError(f"floating: '{variable}' has two levels, which have one difference; use rk.contrast.")
    if method not in ("plummer", "quasi"):
        raise SpecError(f'floating: method is "plummer" or "quasi"; got {method!r}.')
    rows = level_rows(fit, term, levels)
    estimate, covariance = rows @ fit.coef, rows @ fit.vcov @ rows.T
    variance = floating_variances(covariance) if method == "plummer" else quasi_variances(covariance)
    se = np.sqrt(variance)
    from_mean = rows - (1 / variance / (1 / variance).sum()) @ rows
    half = critical(fit, from_mean, level) * se
    frame = pd.DataFrame(
        {
            "level": levels,
            "estimate": estimate,
            "se": se,
            "ratio": np.exp(estimate),
            "low": np.exp(estimate - half),
            "high": np.exp(estimate + half),
        }
    )
    return frame.join(_counts(fit, term, levels)).assign(method=method)


def floating_variances(covariance: Array) -> Array:
    """Plummer's floating variances of k groups, shape (k,), from the covariance of their log ratios, shape (k, k).

    The row and column of the reference group are zero. The variances bring the normal distribution of the differences
    as close (in Kullback-Leibler divergence) as can be to that of k independent estimates; at the minimum each is the
    variance of the group's difference from the precision-weighted mean, plus that of the mean.

    Raises
    ------
    FitError
        If a variance would be zero.
    """

    def divergence(log_precision: Array) -> tuple[float, Array]:
        w = np.exp(log_precision)
        share = w / w.sum()
        with_mean = covariance @ share
        own = np.diag(covariance)
        value = w @ own - w.sum() * (share @ with_mean) - log_precision.sum() + np.log(w.sum())
        return value, w * (own - 2 * with_mean + share @ with_mean) - 1 + share

    mean = covariance.mean(axis=0)
    centred = np.diag(covariance) - 2 * mean + mean.mean()
    found = optimize.minimize(divergence, -np.log(centred), jac=True, method="BFGS", options={"gtol": 1e-9})
    variance = np.exp(-found.x)
    if np.abs(found.jac).max() > 1e-5 or variance.min() < 1e-6 * np.median(variance):
        raise FitError(
            "these groups have no floating variances: one would be zero. Look at the groups' numbers of events."
        )
    return np.asarray(variance)


def quasi_variances(covariance: Array) -> Array:
    """Firth's quasi-variances of k groups, shape (k,): least squares on the logs of the pairwise variances."""
    first, second = np.triu_indices(len(covariance), 1)
    d = np.diag(covariance)
    log_pairs = np.log(d[first] + d[second] - 2 * covariance[first, second])
    scale = np.exp(log_pairs.mean()) / 2

    def misfit(q: Array) -> Array:
        # A sum that is not positive has no logarithm; a steep continuation sends the search back.
        total = q[first] + q[second]
        return np.where(total > 1e-8, np.log(np.maximum(total, 1e-8) * scale), -20 + total) - log_pairs

    found = optimize.least_squares(misfit, floating_variances(covariance) / scale, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    if (found.x <= 0).any():
        raise FitError('a quasi-variance is negative: these groups have none; use method="plummer".')
    return np.asarray(found.x * scale)


def grouped(fit: Fit, variable: str) -> tuple[Term, tuple[str, ...]]:
    """Find the one term of a variable in groups, and its levels.

    Raises
    ------
    SpecError
        If the variable is not in groups, or interacts.
    """
    levels = summary(fit, variable).levels
    terms = fit.recipe.terms_with(variable)
    if not levels:
        raise SpecError(f"'{variable}' is not in groups; code it as in fifths({variable}), or use rk.curve.")
    if len(terms) > 1:
        raise SpecError(f"'{variable}' interacts with another variable, so a group has no one ratio; use rk.contrast.")
    if fit.infinite is not None and fit.infinite[terms[0].columns].any():
        raise SpecError(
            f"'{variable}' has a level without events, whose ratio has no variance; merge it with another, or leave "
            "its people out."
        )
    return terms[0], tuple(str(level) for level in levels)


def level_rows(fit: Fit, term: Term, levels: tuple[str, ...]) -> Array:
    """Rows that make the log ratios of all k levels from the coefficients, shape (k, p); zeros for the reference.

    A model without an intercept has a coefficient for the reference too, from which the others' are differences.
    """
    rows = np.zeros((len(levels), fit.coef.size))
    for row, level in zip(rows, levels, strict=True):
        name = f"{term.variables[0]}={level}"
        if name in term.names:
            row[term.columns.start + term.names.index(name)] = 1.0
    basis = term.bases[0]
    reference = basis.ref - 1 if isinstance(basis, Groups) else 0
    if isinstance(basis, GroupsBy):
        reference = basis.groups[0].ref - 1
    return rows - rows[reference]


def _counts(fit: Fit, term: Term, levels: tuple[str, ...]) -> pd.DataFrame:
    design = fit.design
    if design is None:
        return pd.DataFrame({"n": pd.NA, "events": pd.NA, "person_years": np.nan}, index=range(len(levels)))
    x = design.x[:, term.columns]
    columns = {name: j for j, name in enumerate(term.names)}
    inside = [
        x[:, columns[name]] == 1 if name in columns else ~x.any(axis=1)
        for name in (f"{term.variables[0]}={level}" for level in levels)
    ]
    if isinstance(design.response, Surv):
        event, time = design.response.event.astype(float), design.response.person_time
    else:
        event, time = design.response, np.full(len(x), np.nan) if design.time is None else design.time
    people = design.people
    years = fit.person_years * time / (people @ time)  # the fit knows the unit of the time scale, the design does not
    return pd.DataFrame(
        {
            "n": [int(people[rows].sum()) for rows in inside],
            "events": [int(people[rows] @ event[rows]) for rows in inside],
            "person_years": [float(people[rows] @ years[rows]) for rows in inside],
        }
    )
