"""How well a logistic model tells cases from others, and whether its risks are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from riskkit.design.bases import Array
from riskkit.design.surv import indicator
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.glm import MAX_ITERATIONS, inverse, maximise_glm
from riskkit.fit.hypothesis import Test
from riskkit.fit.likelihoods import BERNOULLI, GlmLikelihood
from riskkit.fit.logistic import outcome


@dataclass(frozen=True)
class CStatistic:
    """Area under the receiver operating characteristic curve.

    Attributes
    ----------
    estimate : float
        Share of pairs of a case and a non-case in which the case has the higher risk, a tie counting half.
    se : float
        Infinitesimal-jackknife (DeLong) standard error.
    low, high : float
        Confidence limits, made on the logit scale.
    """

    estimate: float
    se: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """Agreement of predicted risks with outcomes.

    Attributes
    ----------
    measures : DataFrame
        measure estimate se low high, with one row each for "observed/expected" (se of its logarithm), "intercept"
        (log odds by which the risks are too low on average; 0 is right) and "slope" (1 is right; below 1 the risks are
        too extreme).
    groups : DataFrame
        group n events predicted observed low high: groups of predicted risk, lowest first, with the mean risk
        predicted and the share of cases observed, with Wilson's limits.
    test : Test
        Hosmer and Lemeshow's.
    """

    measures: pd.DataFrame
    groups: pd.DataFrame
    test: Test


def c_statistic(fit: Fit, data: pd.DataFrame | None = None, level: float = 0.95) -> CStatistic:
    """Measure how well a logistic model ranks people.

    Parameters
    ----------
    fit : Fit
        A logistic model; one that has kept its design unless `data` is given.
    data : DataFrame, optional
        Other people to validate the model on. In the people it was fitted to, the statistic is optimistic.
    level : float
        Confidence level.

    Returns
    -------
    CStatistic
        The share of pairs of a case and a non-case that are ranked rightly, with its standard error and limits.

    Raises
    ------
    SpecError
        If the fit is not logistic, was weighted, or is light and no data are given.
    DataError
        If there are no cases or only cases.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL (1988) Biometrics 44:837. R: survival::concordance(glm fit).
    """
    y, predictor = _observed_and_predicted(fit, data)
    case = y == 1
    ranks = stats.rankdata(predictor)
    own = np.empty(y.size)  # rank among one's own kind, so that the difference counts the other kind below
    own[case], own[~case] = stats.rankdata(predictor[case]), stats.rankdata(predictor[~case])
    m, n = int(case.sum()), int((~case).sum())
    below = ranks - own
    estimate = float(below[case].sum() / (m * n))
    influence = np.where(case, (below / n - estimate) / m, (1 - below / m - estimate) / n)
    se = float(np.sqrt(influence @ influence))
    half = fit.critical(level) * se / (estimate * (1 - estimate)) if 0 < estimate < 1 else 0.0
    low, high = special.expit(special.logit(estimate) + np.array([-half, half]))
    return CStatistic(estimate, se, float(low), float(high))


def calibration(fit: Fit, data: pd.DataFrame | None = None, groups: int = 10, level: float = 0.95) -> Calibration:
    """Compare the risks a logistic model predicts with what happened.

    Parameters
    ----------
    fit : Fit
        A logistic model; one that has kept its design unless `data` is given.
    data : DataFrame, optional
        Other people to validate the model on. In the people it was fitted to by maximum likelihood, the intercept is 0
        and the slope 1 whatever the model.
    groups : int
        Groups of predicted risk, cut at its quantiles; fewer where those are tied.
    level : float
        Confidence level.

    Returns
    -------
    Calibration
        Observed over expected, intercept and slope with limits; predicted beside observed risks by group; Hosmer and
        Lemeshow's test.

    Raises
    ------
    SpecError
        If the fit is not logistic, was weighted, or is light and no data are given.
    DataError
        If there are no cases or only cases.

    References
    ----------
    Cox DR (1958) Biometrika 45:562; Hosmer DW, Lemeshow S (1980) Commun Stat A9:1043; Van Calster B et al. (2016)
    J Clin Epidemiol 74:167; Debray TPA et al. (2017) BMJ 356:i6460.
    """
    if not isinstance(groups, int) or not 2 <= groups <= 100:
        raise SpecError(f"calibration: groups must be a whole number from 2 to 100; got {groups!r}.")
    y, predictor = _observed_and_predicted(fit, data)
    risk = special.expit(predictor)
    z = fit.critical(level)
    expected = risk.sum()
    log_ratio, log_se = np.log(y.sum() / expected), np.sqrt((1 - y.mean()) / y.sum())
    intercept, intercept_se = _recalibrated(y, np.ones((y.size, 1)), predictor)
    slope, slope_se = _recalibrated(y, np.column_stack([np.ones(y.size), predictor]), None)
    rows = [
        ("observed/expected", np.exp(log_ratio), log_se, *np.exp(log_ratio + np.array([-z, z]) * log_se)),
        ("intercept", intercept, intercept_se, intercept - z * intercept_se, intercept + z * intercept_se),
        ("slope", slope, slope_se, slope - z * slope_se, slope + z * slope_se),
    ]
    measures = pd.DataFrame(rows, columns=["measure", "estimate", "se", "low", "high"])
    table = _by_risk(y, risk, groups, z)
    variance = table["n"] * table["predicted"] * (1 - table["predicted"])
    chi2 = float((((table["events"] - table["n"] * table["predicted"]) ** 2) / variance).sum())
    return Calibration(measures, table, Test(chi2, len(table) if data is not None else max(0, len(table) - 2)))


def _recalibrated(y: Array, x: Array, offset: Array | None) -> tuple[float, float]:
    """Estimate and standard error of the last coefficient of a logistic model of the outcome."""
    names = ("Intercept", "predicted log odds")[: x.shape[1]]
    best, _ = maximise_glm(GlmLikelihood(x, y, BERNOULLI, offset=offset), names, None, MAX_ITERATIONS)
    return float(best.coef[-1]), float(np.sqrt(inverse(best.information)[-1, -1]))


def _by_risk(y: Array, risk: Array, groups: int, z: float) -> pd.DataFrame:
    cuts = np.unique(np.quantile(risk, np.arange(1, groups) / groups))
    group = np.searchsorted(cuts, risk, side="left")
    n = np.bincount(group, minlength=cuts.size + 1)
    events, total = np.bincount(group, y, n.size), np.bincount(group, risk, n.size)
    n, events, total = n[n > 0], events[n > 0], total[n > 0]
    observed = events / n
    centre = (observed + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(observed * (1 - observed) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return pd.DataFrame(
        {
            "group": np.arange(1, n.size + 1),
            "n": n,
            "events": events.astype(int),
            "predicted": total / n,
            "observed": observed,
            "low": centre - half,
            "high": centre + half,
        }
    )


def _observed_and_predicted(fit: Fit, data: pd.DataFrame | None) -> tuple[Array, Array]:
    """The outcomes, 0 or 1, and the predicted log odds; each of shape (n,)."""
    if fit.model != "logistic":
        raise SpecError(f"this needs a logistic model, not a {fit.model} model.")
    formula = fit.recipe.formula
    if data is None:
        design = fit.design
        if design is None:
            raise SpecError("a light fit has let go of its data; give some, as in c_statistic(fit, data).")
        if design.weights is not None:
            raise SpecError("the fit was weighted, which this does not account for; give data to validate it on.")
        y, predictor = outcome(design), design.x @ fit.coef
        predictor = predictor if design.offset is None else predictor + design.offset
    else:
        needed = [*formula.response, *fit.recipe.inputs, *([formula.offset] if formula.offset else [])]
        absent = [name for name in needed if name not in data.columns]
        if absent:
            raise SpecError(f"validation needs the columns {', '.join(absent)}, which the data have not.")
        complete = data[data[needed].notna().all(axis=1)]
        y = indicator(complete[formula.response[0]], "outcome").astype(float)
        predictor = fit.predict(complete)["estimate"].to_numpy(dtype=float)
    if not 0 < y.sum() < y.size:
        raise DataError(f"{int(y.sum())} of {y.size} people are cases; both cases and others are needed.")
    return y, predictor
