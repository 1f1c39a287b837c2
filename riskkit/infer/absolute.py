"""Absolute risk: of so many people like this, how many have had the event by a time, where other causes compete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.errors import SpecError, did_you_mean
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.follow_up import beginning, check_at_risk, check_times
from riskkit.fit.hazards import hazards
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.limits import Scale, limits, pooled
from riskkit.fit.pooled import PooledFit
from riskkit.infer import competing
from riskkit.infer.causes import check_causes, named
from riskkit.infer.competing import Targets, Way
from riskkit.infer.gformula import line_of, stratum_groups
from riskkit.infer.population import OfFrame
from riskkit.infer.units import units

CELLS = 8_000_000  # influences that are formed at a time, of people asked about on people of the fits
ESTIMATORS = ("product-limit", "exponential")


def absolute_risk(
    causes: Mapping[str, Fit],
    newdata: pd.DataFrame,
    times: ArrayLike,
    start: float | None = None,
    *,
    cause: str | None = None,
    level: float = 0.95,
    estimator: str = "product-limit",
) -> pd.DataFrame:
    """Cumulative incidence of each cause, for people with given covariates.

    Parameters
    ----------
    causes : mapping of name to Fit
        A Cox model of each cause's hazard, `{"mi": fit, "death": other}`, each with its own covariates, splines and
        strata, and each followed until the first event of any cause. One cause alone gives a risk where nothing
        competes. Fits pooled over imputed sets give pooled risks.
    newdata : DataFrame, shape (m, ...)
        One row per person, with the columns of all fits, those of `strata(...)` included.
    times : array, shape (T,)
        On the time scale of the fits: ages, where that is age.
    start : float, optional
        The risk is that of someone alive and free of every cause at this time: with `start=60`, `times=[70]` the risk
        from 60 to 70. By default from 0, or from the first entry where people enter late.
    cause : str, optional
        The only cause to answer for, which takes less time; all by default.
    level : float
        Confidence level.
    estimator : {"product-limit", "exponential"}
        How hazards make a probability: as Aalen and Johansen do, or as exp(-cumulative hazard) does.

    Returns
    -------
    DataFrame
        A row per person, cause and time: row cause start time estimate se low high. The standard error holds the
        baseline hazards and the coefficients, by influence functions; of fits that are robust, weighted, clustered or
        of a survey by the infinitesimal jackknife, between their clusters or sampling units. Limits are
        symmetric for log(-log(estimate)).

    Raises
    ------
    SpecError
        If an argument cannot be understood.
    DataError
        If causes overlap, nobody is at risk in some of the time, or it is beyond the end of follow-up.
    FitError
        If a fit is not a Cox model, is penalised or light.

    Notes
    -----
    Causes together with no event add up to one at every time. Without covariates the product limit is Aalen and
    Johansen's estimator (with ties="breslow"; Efron's hazards of tied events are a little larger).

    References
    ----------
    Benichou J, Gail MH (1990) Biometrics 46:813-826; Ozenne B et al. (2017) R Journal 9:440-460.
    R: predict(riskRegression::CSC(...), newdata, times, cause, se = TRUE), which has no delayed entry.
    """
    check_choice("estimator", estimator, ESTIMATORS)
    t_critical(np.array(np.inf), level)
    each = imputed_sets(named(causes))
    log_log = Scale("log-log")
    found = [_absolute(one, newdata, times, start, estimator, asked_for(one, cause)) for one in each]
    frame, df = found[0]
    value, se, dfs = frame["estimate"].to_numpy(), frame["se"].to_numpy(), np.array(df)
    if len(found) > 1:
        values, ses = (np.stack([one[what].to_numpy() for one, _ in found]) for what in ("estimate", "se"))
        value, se, dfs = pooled(values, ses, log_log, df)
    low, high = limits(value, se, log_log, dfs, level)
    return frame.assign(estimate=value, se=se, low=low, high=high)


def imputed_sets(causes: Mapping[str, Fit]) -> list[dict[str, Fit]]:
    """The fits to each imputed set; the fits themselves where none is pooled.

    Raises
    ------
    SpecError
        If some are pooled and others not, or over another number of sets.
    """
    sizes = {len(fit.fits) if isinstance(fit, PooledFit) else 0 for fit in causes.values()}
    if len(sizes) > 1:
        raise SpecError(
            "pool the fits of all causes over the same imputed sets; here some are pooled over "
            f"{' and others over '.join(map(str, sorted(sizes)))}."
        )
    if sizes == {0}:
        return [dict(causes)]
    return [
        {name: cast(PooledFit, fit).fits[number] for name, fit in causes.items()} for number in range(next(iter(sizes)))
    ]


def asked_for(causes: Mapping[str, Fit], cause: str | None) -> list[int]:
    """The numbers of the causes to answer for.

    Raises
    ------
    SpecError
        If there is no such cause.
    """
    names = list(causes)
    if cause is None:
        return list(range(len(names)))
    if cause not in names:
        raise SpecError(
            f"cause: there is no '{cause}' among {', '.join(map(repr, names))}.{did_you_mean(cause, names)}"
        )
    return [names.index(cause)]


def _absolute(
    causes: Mapping[str, Fit],
    newdata: pd.DataFrame,
    times: ArrayLike,
    start: float | None,
    estimator: str,
    chosen: list[int],
) -> tuple[pd.DataFrame, float]:
    check_causes(causes)
    ends = check_times(times, start, causes)
    begin = beginning(causes, start)
    bases = {name: hazards(fit) for name, fit in causes.items()}
    drawn, way = units(causes), Way.of(estimator, causes)
    people = OfFrame.of(causes, newdata, None, False, drawn, None)
    names = list(bases)
    k, size, steps = len(chosen), len(newdata), ends.size
    targets = Targets(np.repeat(chosen, steps), np.tile(ends, k), np.zeros(k * steps, dtype=bool))
    at_once = max(CELLS // (drawn.size * targets.size), 1)
    relative = np.stack([b.log_relative(people.matrix(n), people.offset(n)) for n, b in bases.items()], axis=1)
    value, variance = np.empty((size, targets.size)), np.empty((size, targets.size))
    for rows, strata in stratum_groups([people.strata(name) for name in names]):
        for name, stratum in zip(names, strata, strict=True):
            check_at_risk(name, causes[name], [stratum], begin, float(ends.max()))
        line = line_of(list(bases.values()), strata, begin, float(ends.max()))
        members = np.arange(size)[rows]
        for first in range(0, members.size, at_once):
            some = members[first : first + at_once]
            found = competing.answers(line, relative[some], targets, np.eye(some.size), way)
            value[some] = found.value
            influence = np.zeros((drawn.size, some.size * targets.size))
            for c, (name, base) in enumerate(bases.items()):
                happened = line.keys[:, c] >= 0
                on_hazard = np.zeros((base.increments.size, some.size, targets.size))
                on_hazard[line.keys[happened, c]] = found.by_hazard[happened, c].transpose(0, 2, 1)
                weight = found.slope[:, :, c].reshape(-1)
                x = np.repeat(people.matrix(name)[some], targets.size, axis=0)
                on_coef = base.centred(weight[:, None] * x, weight)
                moved = base.influence(on_coef, on_hazard.reshape(base.increments.size, -1))
                influence += drawn.total(name, moved)
            variance[some] = drawn.variances(influence).reshape(some.size, -1)
    frame = pd.DataFrame(
        {
            "row": np.repeat(newdata.index.to_numpy(), targets.size),
            "cause": np.tile(np.repeat([names[c] for c in chosen], steps), size),
            "start": begin,
            "time": np.tile(targets.time, size),
            "estimate": value.ravel(),
            "se": np.sqrt(variance.ravel()),
        }
    )
    return frame, min(fit.df_resid for fit in causes.values())
