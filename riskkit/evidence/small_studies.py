"""Small-study effects: do small studies say other things than large ones, as when some go unpublished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from riskkit.design.bases import Array
from riskkit.errors import FitError, SpecError
from riskkit.evidence import heterogeneity as between_studies
from riskkit.evidence.meta import Meta
from riskkit.fit.fit import check_choice
from riskkit.fit.hypothesis import t_critical, t_p_value

LEVELS = (0.90, 0.95, 0.99)
ITERATIONS = 100


@dataclass(frozen=True)
class Egger:
    """A test of funnel asymmetry: the slope of the estimates on their standard errors.

    Attributes
    ----------
    slope, se, p, df : float
        Change of the estimate per unit of standard error, and its two-sided t (or normal: infinite df) test.
    limit, limit_low, limit_high : float
        The estimate where the standard error is zero, on the model's scale.
    """

    slope: float
    se: float
    df: float
    p: float
    limit: float
    limit_low: float
    limit_high: float


@dataclass(frozen=True, eq=False)
class TrimAndFill:
    """How many studies a symmetrical funnel would have besides, and the estimate with them.

    Attributes
    ----------
    filled : int
        Studies filled in.
    side : {"left", "right"}
        Where they are missing.
    estimate, se, ratio, low, high, tau2 : float
        Pooled with them.
    added : DataFrame
        estimate and se of those filled in.
    """

    filled: int
    side: Literal["left", "right"]
    estimate: float
    se: float
    ratio: float
    low: float
    high: float
    tau2: float
    added: pd.DataFrame


def egger(fit: Meta, model: Literal["linear", "mixed"] = "linear", level: float = 0.95) -> Egger:
    """Egger's regression test of funnel asymmetry.

    With ten studies or fewer it sees little. Of odds ratios, estimate and standard error go together without any bias.

    Parameters
    ----------
    fit : Meta
        Without moderators.
    model : {"linear", "mixed"}
        Egger's weighted regression with a dispersion of its own, or the random-effects model of the fit with the
        standard error as moderator.
    level : float
        Of the limits.

    Returns
    -------
    Egger
        The test's z or t and p, and the estimate that a study without error would have, with its limits.

    Raises
    ------
    SpecError
        If there are moderators.
    FitError
        If there are fewer than three studies, or all have the same standard error.

    References
    ----------
    Egger M and others (1997) BMJ 315:629; Sterne JAC, Egger M (2005). R: metafor::regtest.
    """
    check_choice("model", model, ("linear", "mixed"))
    y, v = _pooled(fit, "egger", least=3)
    se = np.sqrt(v)
    if np.ptp(se) <= 1e-12 * se.max():
        raise FitError("egger: all studies have the same standard error, so nothing can depend on it.")
    x = np.column_stack([np.ones(len(y)), se])
    if model == "linear":
        at, df = between_studies.weighted(y, v, x), float(len(y) - 2)
        cov = at.cov * at.q / df
    else:
        at = between_studies.weighted(y, v, x, between_studies.between(y, v, x, fit.estimator))
        cov, df = at.cov, float("inf")
        if fit.test == "knapp-hartung":
            df = float(len(y) - 2)
            cov = at.cov * at.q / df
    error = np.sqrt(np.diag(cov))
    half = float(t_critical(np.array(df), level)) * float(error[0])
    p = float(t_p_value(at.coef[1] / error[1], np.array(df)))
    limit = float(at.coef[0])
    return Egger(float(at.coef[1]), float(error[1]), df, p, limit, limit - half, limit + half)


def trim_and_fill(
    fit: Meta, estimator: Literal["L0", "R0"] = "L0", side: Literal["left", "right"] | None = None, level: float = 0.95
) -> TrimAndFill:
    """Duval and Tweedie's trim and fill.

    A sensitivity analysis, not a correction: funnels are asymmetrical for other reasons too, and between heterogeneous
    studies it fills in what was never there.

    Parameters
    ----------
    fit : Meta
        Without moderators.
    estimator : {"L0", "R0"}
        Of the number of missing studies.
    side : {"left", "right"}, optional
        Where studies are missing; by default the side that the regression on standard errors points to.
    level : float

    Returns
    -------
    TrimAndFill
        The studies filled in, and the pooled estimate with them.

    Raises
    ------
    SpecError
        If there are moderators.
    FitError
        If there are fewer than three studies.

    References
    ----------
    Duval S, Tweedie R (2000) Biometrics 56:455. R: metafor::trimfill.
    """
    check_choice("estimator", estimator, ("L0", "R0"))
    check_choice("side", side, ("left", "right", None))
    y, v = _pooled(fit, "trim_and_fill", least=3)
    if side is None:
        x = np.column_stack([np.ones(len(y)), np.sqrt(v)])
        at = between_studies.weighted(y, v, x, between_studies.between(y, v, x, fit.estimator))
        side = "right" if at.coef[1] < 0 else "left"
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    sorted_y, sorted_v = sign * y[order], v[order]
    missing, centre = _trim(sorted_y, sorted_v, fit, estimator)
    extreme = slice(len(y) - missing, len(y))
    new_y, new_v = sign * (2 * centre - sorted_y[extreme]), sorted_v[extreme]
    mean, se, tau2, df = _mean(np.append(y, new_y), np.append(v, new_v), fit)
    half = float(t_critical(np.array(df), level)) * se
    ratio, low, high = (float(np.exp(value)) for value in (mean, mean - half, mean + half))
    added = pd.DataFrame({"estimate": new_y, "se": np.sqrt(new_v)})
    return TrimAndFill(missing, side, mean, se, ratio, low, high, tau2, added)


def _trim(y: Array, v: Array, fit: Meta, estimator: str) -> tuple[int, float]:
    """Studies missing below, and the mean of those left when as many are trimmed above; y is sorted."""
    k, missing = len(y), 0
    for _ in range(ITERATIONS):
        kept = k - missing
        centre, *_ = _mean(y[:kept], v[:kept], fit)
        away = y - centre
        rank = stats.rankdata(np.abs(away), method="ordinal")
        positive = away > 0
        if estimator == "L0":
            total = float(rank[positive].sum())
            found = (4 * total - k * (k + 1)) / (2 * k - 1)
        else:
            found = k - float(rank[~positive].max(initial=0)) - 1
        again = min(max(0, round(found)), k - 1)
        if again == missing:
            break
        missing = again
    return missing, centre


def _mean(y: Array, v: Array, fit: Meta) -> tuple[float, float, float, float]:
    """Pooled estimate, its standard error, tau2 and degrees of freedom, with the fit's methods."""
    x = np.ones((len(y), 1))
    tau2 = between_studies.between(y, v, x, fit.estimator)
    at = between_studies.weighted(y, v, x, tau2)
    variance, df = float(at.cov[0, 0]), float("inf")
    if fit.test == "knapp-hartung" and len(y) > 1:
        df = float(len(y) - 1)
        variance *= at.q / df
    return float(at.coef[0]), float(np.sqrt(variance)), tau2, df


def funnel_contours(fit: Meta, null: float = 0.0, levels: tuple[float, ...] = LEVELS, points: int = 50) -> pd.DataFrame:
    """Where an estimate would differ from the null at several levels, by its standard error: a funnel's contours.

    Parameters
    ----------
    fit : Meta
        Its studies say how far down the funnel goes.
    null : float
        On the model's scale: 0 for log ratios.
    levels : numbers between 0 and 1
        A contour for each.
    points : int
        Standard errors on each contour.

    Returns
    -------
    DataFrame
        level se low high (model's scale), from a standard error of zero to the largest of the studies.

    References
    ----------
    Peters JL and others (2008) J Clin Epidemiol 61:991.
    """
    se = np.linspace(0, float(np.sqrt(fit.variance.max())), points)
    parts = []
    for level in levels:
        half = float(t_critical(np.array(np.inf), level)) * se
        parts.append(pd.DataFrame({"level": level, "se": se, "low": null - half, "high": null + half}))
    return pd.concat(parts, ignore_index=True)


def meta_bias(fit: Meta, threshold: float, *, bias: float = 1.0, spare: float = 0.1) -> dict[str, float]:
    """How much confounding would leave few meaningful true effects, between studies that differ.

    Parameters
    ----------
    fit : Meta
        Of ratios, without moderators.
    threshold : float
        The smallest ratio that matters, above 1 for harm (or below 1 for protection).
    bias : float
        The factor, 1 or more, by which confounding moves each ratio away from 1 on average.
    spare : float
        The share of true effects beyond the threshold that would still be meaningful.

    Returns
    -------
    dict
        share (of true effects beyond the threshold, given the bias), bias (the factor that would leave only `spare` of
        them), confounding (the strength on both sides that such a bias takes: the E-value of that factor).

    Raises
    ------
    SpecError
        If the estimates are differences, there are moderators, tau2 is 0 or a number is out of its range.

    References
    ----------
    Mathur MB, VanderWeele TJ (2020) J Am Stat Assoc 115:163. R: EValue::confounded_meta.
    """
    _pooled(fit, "meta_bias", least=2)
    if fit.scale == "difference":
        raise SpecError("meta_bias: is of ratios; these estimates are differences.")
    if not (threshold > 0 and threshold != 1 and bias >= 1 and 0 < spare < 1):
        raise SpecError(
            "meta_bias: threshold is a positive ratio other than 1, bias 1 or more, spare a share between 0 and 1; got "
            f"{threshold!r}, {bias!r}, {spare!r}."
        )
    if fit.tau2 <= 0:
        raise SpecError("meta_bias: true effects do not differ (tau2 is 0); use rk.evalue of the pooled ratio.")
    sign = 1.0 if threshold > 1 else -1.0
    mean, tau = sign * float(fit.coef[0]), float(np.sqrt(fit.tau2))
    cut = sign * np.log(threshold)
    share = float(special.ndtr((mean - np.log(bias) - cut) / tau))
    factor = float(max(1.0, np.exp(special.ndtri(1 - spare) * tau - cut + mean)))
    return {"share": share, "bias": factor, "confounding": factor + float(np.sqrt(factor * (factor - 1)))}


def _pooled(fit: Meta, what: str, *, least: int) -> tuple[Array, Array]:
    if fit.coef.size != 1:
        raise SpecError(
            f"{what}: is of a meta-analysis without moderators; this one has {', '.join(fit.recipe.names)}."
        )
    if fit.n < least:
        raise FitError(f"{what}: needs {least} studies or more; there are {fit.n}.")
    return fit.estimate, fit.variance
