"""Do hazards stay proportional? The score test for a coefficient that changes with time."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv, slack
from riskkit.errors import FitError, SpecError, did_you_mean
from riskkit.fit import rubin
from riskkit.fit.fit import Fit
from riskkit.fit.hypothesis import Test
from riskkit.fit.linearise import refuse_survey
from riskkit.fit.partial import Evaluation, PartialLikelihood
from riskkit.fit.pooled import PooledFit
from riskkit.fit.residuals import at_fit, schoenfeld
from riskkit.fit.riskset import RiskSets, risk_sets
from riskkit.fit.tie_steps import steps, weighted_information

TRANSFORMS = ("km", "rank", "identity", "log")


def ph_test(fit: Fit, transform: str = "km", by: str = "term") -> pd.DataFrame:
    """Test proportional hazards: Rao's score test that b(t) = b + c g(t) has c = 0.

    Of a pooled fit, the tests of the sets are pooled by D2. Of a penalised spline, c has the penalty of b, and the test
    the spline's effective degrees of freedom.

    Parameters
    ----------
    fit : Fit
        A Cox model that has kept its design.
    transform : {"km", "rank", "identity", "log"}
        g: one minus the Kaplan-Meier curve just before t, the rank of t, t itself or its logarithm.
    by : {"term", "coefficient"}
        Test all columns of a term together (a spline, a factor), or each column alone.

    Returns
    -------
    DataFrame
        term chi2 df p; the last row, GLOBAL, tests all coefficients together.

    Raises
    ------
    SpecError
        If an argument is not one of its choices, or a model with penalised splines is asked for anything but terms by
        "km", on whose scale of 0 to 1 alone its penalty makes a test.
    FitError
        If the fit is not a Cox model, has let go of its design, or is of a survey, or no change with time can be seen.

    References
    ----------
    Grambsch PM, Therneau TM (1994) Biometrika 81:515, as the exact score test of R's survival >= 3.0:
    cox.zph(fit, transform, terms). For robust fits too the test is model-based, as R's is.
    """
    for name, value, choices in (("transform", transform, TRANSFORMS), ("by", by, ("term", "coefficient"))):
        if value not in choices:
            raise SpecError(f"{name}={value!r} is not one of {', '.join(choices)}.{did_you_mean(str(value), choices)}")
    if isinstance(fit, PooledFit):
        return _pooled([ph_test(one, transform, by) for one in fit.fits])
    refuse_survey(
        fit.design,
        "the score test of proportional hazards",
        "split follow-up in periods and test the interaction of the covariate with the period by rk.anova",
    )
    if fit.edf is not None and (transform, by) != ("km", "term"):
        raise SpecError(
            'the test of a model with penalised splines is of terms, with transform="km"; for others use rcs in the '
            "place of ps."
        )
    likelihood, at = at_fit(fit)
    g = _transformed(likelihood.surv, likelihood.sets, transform, cast(Design, fit.design).people)
    score, information = _expanded(likelihood, at, g)
    p = fit.coef.size
    if fit.edf is not None:  # what the penalised information has more than the information is the penalty's
        information += np.kron(np.eye(2), np.linalg.inv(fit.vcov_model) - information[:p, :p])
    if by == "term":
        tested = [(term.label, np.arange(p)[term.columns]) for term in fit.recipe.terms]
    else:
        tested = [(name, np.array([j])) for j, name in enumerate(fit.recipe.names)]
    rows: list[tuple[str, float, float, float]] = []
    finite = np.arange(p) if fit.infinite is None else np.flatnonzero(fit.infinite == 0)
    for label, about in [*tested, ("GLOBAL", np.arange(p))]:
        columns = np.intersect1d(about, finite)
        if not columns.size:
            rows.append((label, np.nan, 0.0, np.nan))
            continue
        kept = np.concatenate([finite, p + columns])
        u = np.concatenate([np.zeros(finite.size), score[columns]])
        try:
            chi2 = float(u @ np.linalg.solve(information[np.ix_(kept, kept)], u))
        except np.linalg.LinAlgError:
            raise FitError(
                f"proportional hazards of {label} cannot be tested: its values differ between people at risk at one "
                "event time only, so no change with time can be seen."
            ) from None
        df = fit.df(columns)
        rows.append((label, chi2, df, float(special.chdtrc(df, chi2))))
    return pd.DataFrame(rows, columns=["term", "chi2", "df", "p"])


def _pooled(each: list[pd.DataFrame]) -> pd.DataFrame:
    """Pool the tests of imputed sets by D2, which takes their chi-squared statistics alone."""
    rows = []
    for label, df, *chi2 in zip(each[0]["term"], each[0]["df"], *(table["chi2"] for table in each), strict=True):
        found = rubin.d2(np.array(chi2, dtype=float), int(df)) if df else Test(float("nan"), 0)
        rows.append((label, found.chi2, found.df, found.p))
    return pd.DataFrame(rows, columns=["term", "chi2", "df", "p"])


def _expanded(likelihood: PartialLikelihood, at: Evaluation, g: Array) -> tuple[Array, Array]:
    """Score of c, shape (p,), and information of (b, c), shape (2p, 2p), at c = 0, for g at each key, shape (D,).

    A key's share of the information is multiplied by 1, g and g^2 in the three blocks.
    """
    g = g - np.average(g, weights=likelihood.sets.d)
    these = steps(likelihood, at)
    events = schoenfeld(likelihood, these) * likelihood.event_weights[:, None]
    score = g[likelihood.sets.event_keys] @ events
    whole, once, twice = (weighted_information(likelihood, at, these, g**power) for power in (0, 1, 2))
    return score, np.block([[whole, once], [once, twice]])


def _transformed(surv: Surv, sets: RiskSets, transform: str, people: Array) -> Array:
    """g at each key, shape (D,); ranks and the Kaplan-Meier curve are those of all people, unweighted, as in R."""
    times = sets.times
    if transform == "identity":
        return times
    if transform == "log":
        if times.min() <= 0:
            raise SpecError('transform="log" needs event times above zero; use "km", "rank" or "identity".')
        return np.log(times)
    hair = slack(times)
    if transform == "rank":
        exits = np.sort(np.repeat(surv.exit, people.astype(np.int64)))
        return (exits.searchsorted(times - hair, "left") + exits.searchsorted(times + hair, "right") + 1) / 2
    everyone = risk_sets(surv)
    happened = np.bincount(everyone.event_keys, people[everyone.event_rows], everyone.size)
    left = np.cumprod(1 - happened / everyone.at_risk(people))
    return 1 - np.append(1.0, left)[everyone.times.searchsorted(times + hair, "right") - 1]
