"""Predictions of a fit on the scale of its outcome: survival, risk, probability, rate, each with limits that fit it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from riskkit.design.bases import Array
from riskkit.design.columns import check_columns
from riskkit.design.design import offset_of
from riskkit.design.surv import slack
from riskkit.errors import SpecError
from riskkit.fit.baseline import complete_people, strata_of
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.follow_up import beginning, check_at_risk, check_times
from riskkit.fit.hazards import Hazards, between_units, hazards
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.limits import Scale, pooled
from riskkit.fit.pooled import PooledFit

OF_TIME = ("survival", "risk", "cumhazard")
AT_ONCE = 64  # people's hazards whose influences are formed at a time


def kinds(fit: Fit) -> tuple[str, ...]:
    """The kinds of prediction that a fit has."""
    match fit.model:
        case "cox":
            return ("lp", "ratio", *OF_TIME)
        case "logistic":
            return ("lp", "ratio", "probability")
        case "poisson":
            return ("lp", "ratio", "rate", "count", *(["risk"] if fit.ratio == "risk ratio" else []))
    return ("lp", "ratio")


def predicted(
    fit: Fit, newdata: pd.DataFrame, kind: str, at: ArrayLike | None, start: float | None, level: float
) -> pd.DataFrame:
    """Predict as `Fit.predict` says, for every kind but the linear predictor.

    Raises
    ------
    SpecError, DataError, FitError
        As `Fit.predict` does.
    """
    check_choice(f"a {fit.model} model has no such prediction: kind", kind, kinds(fit))
    t_critical(np.array(np.inf), level)
    if fit.model == "cox" and kind in OF_TIME:
        return _over_time(fit, newdata, kind, at, start, level)
    if start is not None or (at is not None and kind != "count"):
        raise SpecError(f'kind="{kind}" has no time; leave out at and start.')
    if kind == "ratio":
        return _ratio(fit, newdata, level)
    plain = fit.predict(newdata)
    eta, se = plain["estimate"].to_numpy(), plain["se"].to_numpy()
    critical = np.full(len(newdata), np.nan)
    complete = np.isfinite(eta)
    critical[complete] = t_critical(fit.t_df(fit.recipe.matrix(newdata[complete])), level)
    time = 1.0
    if kind == "count":
        time = _person_time(fit, at)
    mean = special.expit if fit.model == "logistic" else np.exp
    estimate = mean(eta)
    return pd.DataFrame(
        {
            "estimate": time * estimate,
            "se": time * se * (estimate * (1 - estimate) if fit.model == "logistic" else estimate),
            "low": time * mean(eta - critical * se),
            "high": time * mean(eta + critical * se),
        },
        index=newdata.index,
    )


def _person_time(fit: Fit, at: ArrayLike | None) -> float:
    if at is None:
        if np.isnan(fit.person_years):
            return 1.0
        raise SpecError('kind="count": say during how much person-time, in its unit in the fit, as in at=10.')
    value = np.asarray(at, dtype=float)
    if value.shape != () or not value > 0 or not np.isfinite(value):
        raise SpecError(f'kind="count": at is one positive amount of person-time; got {at!r}.')
    return float(value)


def _ratio(fit: Fit, newdata: pd.DataFrame, level: float) -> pd.DataFrame:
    inputs = list(fit.recipe.inputs)
    check_columns(newdata, inputs, "newdata")
    unknown = [name for name in inputs if name not in fit.summaries]
    if unknown:
        raise SpecError(
            f"kind=\"ratio\": '{unknown[0]}' has no main effect, so that a typical value of it is not known; compare "
            "two settings with rk.contrast."
        )
    typical = pd.DataFrame({name: [fit.summaries[name].typical] for name in inputs})
    complete = newdata[inputs].notna().all(axis=1).to_numpy()
    rows = np.full((len(newdata), fit.coef.size), np.nan)
    rows[complete] = fit.recipe.matrix(newdata[complete]) - fit.recipe.matrix(typical)
    estimate = rows @ fit.coef
    se = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, fit.vcov, rows), 0.0))
    half = np.full(len(newdata), np.nan)
    half[complete] = t_critical(fit.t_df(rows[complete]), level) * se[complete]
    ends = {"ratio": estimate, "low": estimate - half, "high": estimate + half}
    return pd.DataFrame(
        {"estimate": estimate, "se": se, **{name: np.exp(value) for name, value in ends.items()}}, index=newdata.index
    )


def _over_time(
    fit: Fit, newdata: pd.DataFrame, kind: str, at: ArrayLike | None, start: float | None, level: float
) -> pd.DataFrame:
    """Limits are symmetric for the logarithm of the cumulative hazard, that is for log(-log(survival))."""
    fits = fit.fits if isinstance(fit, PooledFit) else (fit,)
    found = [_cumulative(one, newdata, at, start) for one in fits]
    frame, value, se = found[0]
    df = np.array(min(one.df_resid for one in fits))
    if len(found) > 1:
        values, ses = np.stack([one[1] for one in found]), np.stack([one[2] for one in found])
        value, se, df = pooled(values, ses, Scale("log"), float(df))
    critical = t_critical(np.broadcast_to(df, value.shape), level)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        half = np.exp(critical * se / value)
        low, high = value / half, value * half
    if kind == "cumhazard":
        return frame.assign(estimate=value, se=se, low=low, high=high)
    survival, ends = np.exp(-value), (np.exp(-high), np.exp(-low))
    if kind == "survival":
        return frame.assign(estimate=survival, se=survival * se, low=ends[0], high=ends[1])
    return frame.assign(estimate=-np.expm1(-value), se=survival * se, low=1 - ends[1], high=1 - ends[0])


def _cumulative(
    fit: Fit, newdata: pd.DataFrame, at: ArrayLike | None, start: float | None
) -> tuple[pd.DataFrame, Array, Array]:
    """Cumulative hazard of each person from the start to each time, and its standard error, in order of the rows."""
    base = hazards(fit)
    name = fit.recipe.formula.response[-1]
    times, begin = check_times(at, start, {name: fit}, "at"), beginning({name: fit}, start)
    check_columns(newdata, fit.recipe.formula.strata, "newdata")
    x = complete_people(fit, newdata)
    offset, strata = offset_of(fit.recipe.formula, newdata), strata_of(base.design, newdata)
    log_relative = base.log_relative(x, 0.0 if offset is None else offset)
    stratum = np.zeros(len(x), dtype=np.int64) if strata is None else strata
    check_at_risk(name, fit, stratum, begin, float(times.max()))
    value, se = np.empty((len(x), times.size)), np.empty((len(x), times.size))
    centred = x - base.likelihood.centre
    for one in np.unique(stratum):
        ours = np.flatnonzero(stratum == one)
        keys = _keys(base, int(one), begin, times)
        value[ours] = np.exp(log_relative[ours, None]) * (keys.T @ base.increments)
        se[ours] = np.sqrt(_variances(base, centred[ours], np.exp(log_relative[ours]), keys))
    frame = pd.DataFrame(
        {
            "row": np.repeat(newdata.index.to_numpy(), times.size),
            "start": begin,
            "time": np.tile(times, len(x)),
        }
    )
    return frame, value.ravel(), se.ravel()


def _keys(base: Hazards, stratum: int, begin: float, times: Array) -> Array:
    """Which keys of a stratum lie after the start and not after each time, as zeros and ones, shape (D, T)."""
    sets = base.likelihood.sets
    out = np.zeros((sets.size, times.size))
    some = slice(*sets.bounds[stratum : stratum + 2])
    late = sets.times[some] > begin + slack(np.array(begin))
    out[some] = late[:, None] & (sets.times[some, None] <= times + slack(times))
    return out


def _variances(base: Hazards, x: Array, relative: Array, keys: Array) -> Array:
    """Variances of the cumulative hazards of people with centred columns (m, p) over keys (D, T); shape (m, T).

    Model-based as survfit's; by influences where the fit is robust, weighted, clustered or of a survey.
    """
    fit, these, times = base.fit, base.steps, keys.shape[1]
    cumulative = keys.T @ base.increments
    weighted = base.design.weights is not None and base.design.weight_kind != "frequency"
    if fit.covariance == "model-based" and not weighted:
        variance = keys.T @ these.by_key(these.weight / these.s0**2)
        drift = keys.T @ these.by_key((these.weight / these.s0)[:, None] * these.mean)
        away = cumulative[None, :, None] * x[:, None, :] - drift[None]
        return np.asarray(relative[:, None] ** 2 * (variance + np.einsum("mtj,jk,mtk->mt", away, fit.vcov, away)))
    out = np.empty((len(x), times))
    for first in range(0, len(x), max(1, AT_ONCE // times)):
        some = slice(first, first + max(1, AT_ONCE // times))
        scale = relative[some]
        on_hazard = (scale[:, None] * keys[:, None, :]).reshape(len(keys), -1)
        on_coef = scale[:, None, None] * cumulative[None, :, None] * x[some, None, :]
        influence = base.influence(on_coef.reshape(-1, x.shape[1]), on_hazard)
        out[some] = np.diag(between_units(base.design, influence)).reshape(-1, times)
    return out
