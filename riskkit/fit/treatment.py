"""Inverse-probability weights of marginal structural models: of people as if nobody had chosen their treatment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit import formula as language
from riskkit.design.bases import Array
from riskkit.design.columns import check_columns, check_names
from riskkit.design.surv import indicator
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints
from riskkit.fit.logistic import logistic


@dataclass(frozen=True, eq=False)
class TreatmentWeights:
    """Weights of a marginal structural model.

    Attributes
    ----------
    weights : Series, shape (n,)
        One for each row of the data.
    denominator, numerator : Fit
        The logistic models of the treatment given the past, and given what the structural model holds; `numerator` is
        None where weights are not stabilised.
    lowest, highest : float
        The smallest and the largest probability, in the denominator, of a treatment that was had.
    limits : (float, float) or None
        What weights were truncated to, and `truncated` of them were.
    truncated : int
    notes : tuple of str
        What a report has to say, in sentences.
    """

    weights: pd.Series
    denominator: Fit
    numerator: Fit | None
    lowest: float
    highest: float
    limits: tuple[float, float] | None
    truncated: int
    notes: tuple[str, ...]


def treatment_weights(
    denominator: str,
    data: pd.DataFrame,
    *,
    numerator: str | None = None,
    id: str | None = None,
    order: str | None = None,
    once: bool = False,
    truncate: tuple[float, float] | None = None,
) -> TreatmentWeights:
    """Weigh each row by the inverse probability of the treatment that was had, given the past.

    Fit the structural model with these weights and a covariance that is robust, by person where a person has several
    rows: `rk.cox(..., weights="w", cluster="id")`. Remaining under observation is weighed for in the same way, as the
    treatment `stayed`, and the products of both weights used.

    Parameters
    ----------
    denominator : str
        `treated ~ terms`: a logistic model of the treatment, 0/1 or boolean, given what decides it and the outcome.
    data : DataFrame, shape (n, ...)
        One row per person, or per person and visit.
    numerator : str, optional
        `treated ~ terms` with what the structural model holds, often `treated ~ 1`: weights are then stabilised.
    id, order : str, optional
        Columns of the person and of the visit's order (date, age, number), for several visits: a visit's weight is the
        product of those up to it.
    once : bool
        Treatment, once begun, goes on: visits after the first with treatment have no choice, and count 1.
    truncate : (low, high), optional
        Percentiles beyond which weights are set to those percentiles, as (1, 99); never done unless asked for.

    Returns
    -------
    TreatmentWeights
        The weights, shape (n,), with the models behind them and what a report has to say of them.

    Raises
    ------
    SpecError
        If an argument cannot be understood.
    DataError
        If a value is missing, the treatment is not 0/1, a person has two visits at one time, or leaves a treatment that
        goes on.
    FitError
        If a model cannot be fitted; separation means that some people had no choice.

    References
    ----------
    Robins JM, Hernan MA, Brumback B (2000) Epidemiology 11:550; Cole SR, Hernan MA (2008) Am J Epidemiol 168:656;
    Hernan MA, Robins JM (2020) Causal Inference: What If, chapter 12. R: ipw::ipwpoint, ipwtm.
    """
    check_names(id=id, order=order)
    if (id is None) != (order is None):
        raise SpecError("treatment_weights: several visits a person need both id= and order=.")
    if once and id is None:
        raise SpecError("treatment_weights: once=True is about several visits a person; give id= and order=.")
    treatment = _treatment(denominator)
    if numerator is not None and _treatment(numerator) != treatment:
        raise SpecError(
            f"treatment_weights: the numerator is of '{_treatment(numerator)}', the denominator of '{treatment}'."
        )
    used = [*language.parse(denominator).columns, *(language.parse(numerator).columns if numerator else [])]
    used = list(dict.fromkeys([*used, *([id, order] if id and order else [])]))
    check_columns(data, used, "treatment_weights")
    for name in used:
        if data[name].isna().any():
            raise DataError(
                f"treatment_weights: '{name}' is missing in {int(data[name].isna().sum())} rows, which would have no "
                "weight. Leave those people out, or impute."
            )
    limits = _limits(truncate)
    treated = indicator(data[treatment], "treatment")
    person, sequence = _visits(data, id, order)
    chosen = _choices(treated, person, sequence) if once else np.ones(len(data), dtype=bool)
    rows = data[chosen]
    below = logistic(denominator, rows)
    had = _probability(below, rows, treated[chosen])
    factor = np.ones(len(data))
    factor[chosen] = 1 / had
    above = None
    if numerator is not None:
        above = logistic(numerator, rows)
        factor[chosen] *= _probability(above, rows, treated[chosen])
    weight = _products(factor, person, sequence)
    raw, truncated = weight, 0
    if limits is not None:
        low, high = np.percentile(weight, limits)
        truncated = int(((weight < low) | (weight > high)).sum())
        weight = np.clip(weight, low, high)
        limits = (float(low), float(high))
    kind = "inverse-probability weights" if above is None else "stabilised inverse-probability weights"
    notes = [
        f"{kind} of '{treatment}' in {len(data):,} rows: "
        f"mean {raw.mean():.3f}, standard deviation {raw.std():.3f}, from {raw.min():.3g} to {raw.max():.3g}."
    ]
    if truncate is not None and limits is not None:
        notes.append(
            f"weights below the {truncate[0]:g}th percentile ({limits[0]:.3g}) or above the {truncate[1]:g}th "
            f"({limits[1]:.3g}) were set to these: {truncated:,} rows."
        )
    series = pd.Series(weight, index=data.index, name="weight")
    return TreatmentWeights(series, below, above, float(had.min()), float(had.max()), limits, truncated, tuple(notes))


def _treatment(formula: str) -> str:
    parsed = language.parse(formula)
    if parsed.survival:
        raise SpecError(f"formula {formula!r}: the treatment is one column, as in 'treated ~ age + C(sex)'.")
    return parsed.response[0]


def _limits(truncate: tuple[float, float] | None) -> tuple[float, float] | None:
    if truncate is None:
        return None
    if len(truncate) != 2 or not 0 <= truncate[0] < truncate[1] <= 100:
        raise SpecError(f"truncate takes two percentiles, as in (1, 99); got {truncate!r}.")
    return float(truncate[0]), float(truncate[1])


def _visits(data: pd.DataFrame, id: str | None, order: str | None) -> tuple[Ints, Ints]:
    """Person of each row, and the rows by person and visit."""
    if id is None or order is None:
        return np.arange(len(data)), np.arange(len(data))
    twice = data.duplicated([id, order])
    if twice.any():
        first = data[twice].iloc[0]
        raise DataError(
            f"treatment_weights: {int(twice.sum())} rows have a '{id}' and '{order}' that another has, first "
            f"{id}={first[id]}, {order}={first[order]}. Give each visit a time of its own."
        )
    person = np.asarray(pd.factorize(data[id])[0], dtype=np.int64)
    return person, np.lexsort((pd.factorize(data[order], sort=True)[0], person))


def _choices(treated: NDArray[np.bool_], person: Ints, sequence: Ints) -> NDArray[np.bool_]:
    """Rows at which treatment could still begin."""
    by_visit = pd.Series(treated[sequence].astype(int)).groupby(person[sequence])
    begun = by_visit.cumsum().to_numpy() - treated[sequence]  # visits with treatment before this one
    if (~treated[sequence] & (begun > 0)).any():
        raise DataError("treatment_weights: somebody is untreated after being treated, so once=True does not hold.")
    chosen = np.empty(len(treated), dtype=bool)
    chosen[sequence] = begun == 0
    return chosen


def _probability(fit: Fit, rows: pd.DataFrame, treated: NDArray[np.bool_]) -> Array:
    p = 1 / (1 + np.exp(-fit.predict(rows)["estimate"].to_numpy()))
    return np.where(treated, p, 1 - p)


def _products(factor: Array, person: Ints, sequence: Ints) -> Array:
    out = np.empty(factor.size)
    out[sequence] = pd.Series(factor[sequence]).groupby(person[sequence]).cumprod().to_numpy()
    return out
