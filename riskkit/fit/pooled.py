"""Fits of the same model to imputed sets, pooled into one that answers every question a fit answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from riskkit.design.bases import Array, Summary
from riskkit.errors import SpecError
from riskkit.fit import rubin
from riskkit.fit.fit import Fit
from riskkit.fit.hypothesis import Test
from riskkit.fit.profile import Limits

PER_EVENT = ("cox", "clogit", "finegray")  # models whose information grows with the events, not with the people


@dataclass(frozen=True, eq=False, repr=False)
class PooledFit(Fit):
    """A fit whose coefficients are the means over imputed sets, and whose `vcov` adds the variance between them.

    It has no likelihood of its own (NaN): `anova(fit, test="lr")` pools likelihood-ratio tests. Every linear
    combination of coefficients has degrees of freedom of its own.

    Attributes
    ----------
    fits : tuple of Fit
        The fit of each set.
    df_complete : float
        Degrees of freedom with nothing missing.
    """

    fits: tuple[Fit, ...] = field(default=(), repr=False)
    df_complete: float = float("inf")

    @cached_property
    def within(self) -> Array:
        """Mean covariance within sets, shape (p, p)."""
        return np.mean([fit.vcov for fit in self.fits], axis=0)

    @cached_property
    def between(self) -> Array:
        """Covariance between sets, shape (p, p)."""
        return rubin.between(np.stack([fit.coef for fit in self.fits]))

    def t_df(self, rows: Array) -> Array:
        """Barnard and Rubin's degrees of freedom of m linear combinations, shape (m, p); shape (m,)."""
        within, between = (np.einsum("ij,ij->i", rows @ v, rows) for v in (self.within, self.between))
        return rubin.barnard_rubin(within, between, len(self.fits), self.df_complete)

    def wald(self, rows: Array, df: float | None = None) -> Test:
        """Test that q linear combinations, shape (q, p), are all zero, by D1; `df` is q in a pooled fit.

        As in a single fit, the statistic is NaN where q is more than the residual degrees of freedom of the sets' fits.

        Raises
        ------
        FitError
            If their covariance is singular.
        """
        if self.infinite is not None and len(rows):
            rows = rows[~rows[:, self.infinite != 0].any(axis=1)]
            if not len(rows):
                return Test(float("nan"), 0)
        if not len(rows):
            return Test(0.0, 0)
        least = min(fit.df_resid for fit in self.fits)
        if len(rows) > least:
            return Test(float("nan"), len(rows), least)
        estimates = np.stack([rows @ fit.coef for fit in self.fits])
        covariances = np.stack([rows @ fit.vcov @ rows.T for fit in self.fits])
        return rubin.d1(estimates, covariances, self.df_complete)

    def wald_d2(self, rows: Array) -> Test:
        """The same test by D2, from the chi-squared of each set."""
        return rubin.d2(np.array([fit.wald(rows).chi2 for fit in self.fits]), len(rows))

    def tidy(self, level: float = 0.95, limits: Limits = "wald") -> pd.DataFrame:
        """One row per coefficient: term estimate se ratio low high p, and df riv fmi.

        `riv` is the relative increase in variance for what is missing, `fmi` the fraction of missing information.
        """
        df = self.t_df(np.eye(self.coef.size))
        between, within = np.diag(self.between), np.diag(self.within)
        share = np.divide(between, within, out=np.full_like(within, np.nan), where=within > 0)
        increase = (1 + 1 / len(self.fits)) * share
        fmi = (increase + 2 / (df + 3)) / (increase + 1)
        return super().tidy(level, limits).assign(df=df, riv=increase, fmi=fmi)

    def light(self, summaries: Mapping[str, Summary] | None = None) -> Fit:
        """The same fit without the designs of its sets."""
        kept = self._summaries if summaries is None else summaries
        return replace(self, fits=tuple(fit.light(kept) for fit in self.fits), _summaries=dict(kept))


def pool(fits: Sequence[Fit], *, df_complete: float | None = None) -> PooledFit:
    """Pool fits of the same model to imputed sets by Rubin's rules.

    Parameters
    ----------
    fits : sequence of Fit
        One per set, two or more, of any model; light ones will do for everything but likelihood-ratio tests. Their
        codings must be the same: knots and cut points learnt from each set apart would give coefficients of different
        things (`riskkit.impute(...).fit` learns them once, from all sets).
    df_complete : float, optional
        Degrees of freedom with nothing missing; by default the fits' own where they are finite, else events (people,
        where the model is not of times) less coefficients, but one at least.

    Returns
    -------
    PooledFit
        A Fit in every respect: `anova`, `contrast`, `curve`, `nadir`, `ushape`, `floating`, `trend`, `predict`.

    Raises
    ------
    SpecError
        If there are fewer than two fits, or they differ in model, formula, coding, people or penalty.

    References
    ----------
    Rubin DB (1987) Multiple Imputation for Nonresponse in Surveys; Barnard J, Rubin DB (1999) Biometrika 86:948-955.
    R: mice::pool.
    """
    fits = tuple(fits)
    if len(fits) < 2:
        raise SpecError(f"pool takes the fits of two imputed sets or more; got {len(fits)}.")
    first, m = fits[0], len(fits)
    for number, fit in enumerate(fits[1:], 2):
        _check_same(first, fit, number)
    coef = np.mean([fit.coef for fit in fits], axis=0)
    between = rubin.between(np.stack([fit.coef for fit in fits]))
    events = [fit.events for fit in fits]
    notes = dict.fromkeys(note for fit in fits for note in fit.notes)
    if min(events) < max(events):
        notes[f"events differ between imputed sets, from {min(events)} to {max(events)}; their mean is given."] = None
    if df_complete is None:
        size = np.mean(events) if first.model in PER_EVENT else first.n
        df_complete = min(max(float(size) - coef.size, 1.0), min(fit.df_resid for fit in fits))
    pooled = PooledFit(
        model=first.model,
        recipe=first.recipe,
        coef=coef,
        vcov=rubin.total(np.mean([fit.vcov for fit in fits], axis=0), between, m),
        vcov_model=rubin.total(np.mean([fit.vcov_model for fit in fits], axis=0), between, m),
        loglik=float("nan"),
        loglik_null=float("nan"),
        n=first.n,
        events=round(float(np.mean(events))),
        person_years=float(np.mean([fit.person_years for fit in fits])),
        n_missing=first.n_missing,
        iterations=max(fit.iterations for fit in fits),
        method=f"{first.method}, pooled over {m} imputed sets by Rubin's rules",
        covariance=first.covariance,
        ties=first.ties,
        ratio=first.ratio,
        penalty=first.penalty,
        infinite=first.infinite,
        notes=tuple(notes),
        _summaries=_mean_summaries([fit.summaries for fit in fits]),
        fits=fits,
        df_complete=df_complete,
    )
    return replace(pooled, df_resid=float(pooled.t_df(np.eye(coef.size)).min()))


def _check_same(first: Fit, other: Fit, number: int) -> None:
    what = f"pool: fit {number} differs from the first"
    for name in ("model", "n", "covariance", "ties", "method"):
        if getattr(first, name) != getattr(other, name):
            raise SpecError(f"{what} in {name}: {getattr(first, name)} and {getattr(other, name)}.")
    limits = [np.zeros(0) if fit.infinite is None else fit.infinite for fit in (first, other)]
    if not np.array_equal(limits[0], limits[1]):
        raise SpecError(f"{what}: a level of a covariate has events in one and none in the other; merge sparse levels.")
    if first.edf is not None or other.edf is not None:
        raise SpecError("pool: penalised splines are not pooled, since each set has a penalty of its own; use rcs.")
    if first.recipe.names != other.recipe.names:
        raise SpecError(f"{what} in its coefficients: {first.recipe.names} and {other.recipe.names}.")
    for ours, theirs in zip(first.recipe.terms, other.recipe.terms, strict=True):
        if ours != theirs:
            raise SpecError(
                f"{what} in the coding of {ours.label}: knots, cut points and levels must be the same in all sets; "
                "write them in the formula, or fit with the `fit` of riskkit.impute's result, which learns them once."
            )
    one, another = first.recipe.formula, other.recipe.formula
    if replace(one, text="", terms=()) != replace(another, text="", terms=()):  # the terms are compared as coded
        raise SpecError(f"{what} in formula: {one.text!r} and {another.text!r}.")


def _mean_summaries(each: Sequence[Mapping[str, Summary]]) -> dict[str, Summary]:
    """Summaries over all sets: means of the percentiles, mean and sd of a number."""
    out = {}
    for name, first in each[0].items():
        if not first.levels:
            sets = [summaries[name] for summaries in each]
            percentiles = tuple(np.mean([s.percentiles for s in sets], axis=0).tolist())
            mean, sd = (float(np.mean([getattr(s, what) for s in sets])) for what in ("mean", "sd"))
            first = Summary(percentiles[50], percentiles, mean, sd)
        out[name] = first
    return out
