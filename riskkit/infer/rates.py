"""Events observed against events expected at reference rates: standardised incidence and mortality ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import check_choice
from riskkit.fit.hypothesis import Test

METHODS = ("exact", "mid-p")
COUNTS = "give counts and person-time as numbers"


@dataclass(frozen=True, eq=False)
class StandardisedRatio:
    """Standardised ratios of groups of people, and tests of whether they differ.

    Attributes
    ----------
    table : DataFrame
        group observed expected ratio low high p, a row for each group and the last, "all", for everyone; p is of the
        ratio being 1.
    heterogeneity : Test or None
        Score test of one ratio in all groups; None with one group.
    trend : Test or None
        Score test, with 1 df, of a ratio that changes log-linearly with the groups' scores; None with one group.
    """

    table: pd.DataFrame
    heterogeneity: Test | None
    trend: Test | None


def expected(
    data: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    by: Sequence[str],
    time: str,
    rate: str = "rate",
    per: float = 1.0,
) -> pd.Series:
    """Events expected in each row, had its people the rates of a reference population.

    Parameters
    ----------
    data : DataFrame, shape (n, ...)
        One row per person and band (as `rk.split` makes them), or per cell of a table.
    reference : DataFrame
        One row per combination of the columns `by`, with its rate.
    by : names of columns
        In both frames: age band, sex, calendar period.
    time : str
        Column of `data` with person-time.
    rate : str
        Column of `reference`.
    per : float
        Person-time that rates are per, in the unit of `time`: 100000 where they are per 100,000 person-years.

    Returns
    -------
    Series, shape (n,)

    Raises
    ------
    SpecError
        If a column is missing.
    DataError
        If a cell of `data` with person-time has no rate, the reference has two for a cell, or a number is none.
    """
    by = [by] if isinstance(by, str) else list(by)
    check_columns(data, [*by, time], "expected: data")
    check_columns(reference, [*by, rate], "expected: reference rates")
    years, rates = _not_negative(data[time], "data"), _not_negative(reference[rate], "reference rates")
    twice = reference.duplicated(by)
    if twice.any():
        raise DataError(
            f"the reference rates have {int(twice.sum())} cells twice, first {_cell(reference[twice], by)}; keep one."
        )
    for name in by:
        if pd.api.types.is_numeric_dtype(data[name]) != pd.api.types.is_numeric_dtype(reference[name]):
            raise DataError(
                f"'{name}' is {data[name].dtype} in the data and {reference[name].dtype} in the reference rates; "
                "no cell would be found. Write both alike."
            )
    table = pd.Series(rates, index=pd.MultiIndex.from_frame(reference[by].astype(object)))
    found = table.reindex(pd.MultiIndex.from_frame(data[by].astype(object))).to_numpy()
    hole = np.isnan(found) & (years > 0)
    if hole.any():
        raise DataError(
            f"the reference rates have no rate for {int(hole.sum())} rows with person-time, first "
            f"{_cell(data[hole], by)}. Add the cell, or leave these rows out of events and person-time alike."
        )
    return pd.Series(np.where(years > 0, np.nan_to_num(found) * years / per, 0.0), index=data.index, name="expected")


def smr(
    observed: ArrayLike,
    expected: ArrayLike,
    *,
    by: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    method: str = "exact",
    level: float = 0.95,
) -> StandardisedRatio:
    """Standardised mortality or incidence ratios (SMR, SIR): events observed by events expected.

    Parameters
    ----------
    observed, expected : number, or array, shape (n,)
        Events of each row, and those expected at reference rates (`rk.expected`).
    by : array, shape (n,), optional
        Group of each row: a ratio for each, in sorted order (or that of the categories), and tests between them.
    scores : numbers, shape (G,), optional
        What the trend is in, a number a group; 0, 1, 2, ... unless given.
    method : {"exact", "mid-p"}
        Exact limits of a Poisson count are never too narrow; mid-P limits hold their level on average.
    level : float
        Confidence level.

    Returns
    -------
    StandardisedRatio

    Raises
    ------
    SpecError
        If an argument is not one of its choices, or lengths differ.
    DataError
        If events are not counts, expected events are not positive, or a group is missing.

    References
    ----------
    Breslow NE, Day NE (1987) Statistical Methods in Cancer Research II, chapters 2 and 3: exact limits, and the tests
    of heterogeneity and trend (3.10, 3.12). Two-sided p values are twice the smaller tail's. Mid-P: Rothman KJ, Boice
    JD (1979). R: poisson.test(observed, expected); epitools::pois.exact; glm(observed ~ group + offset(log(expected)),
    poisson), anova(test = "Rao").
    """
    count, mean = _counts(observed), _numbers(expected, "expected")
    if count.size != mean.size:
        raise SpecError(f"smr: {count.size} observed and {mean.size} expected numbers; give one of each a row.")
    if (mean < 0).any():
        raise DataError("smr: expected events cannot be negative.")
    codes, labels = _groups(by, count.size)
    o, e = (np.bincount(codes, values, len(labels)).astype(float) for values in (count, mean))
    if (e <= 0).any():
        empty = labels[int(np.flatnonzero(e <= 0)[0])]
        raise DataError(f"smr: no events are expected in {empty}, so there is nothing to divide by. Leave it out.")
    if len(labels) > 1:
        all_o, all_e = np.append(o, o.sum()), np.append(e, e.sum())
        heterogeneity, trend = _tests(o, e, _scores(scores, len(labels)))
        labels = [*labels, "all"]
    else:
        all_o, all_e, heterogeneity, trend = o, e, None, None
    low, high = count_limits(all_o, method, level)
    table = pd.DataFrame(
        {
            "group": labels, "observed": all_o.astype(int), "expected": all_e, "ratio": all_o / all_e,
            "low": low / all_e, "high": high / all_e, "p": _p_values(all_o, all_e, method),
        }
    )  # fmt: skip
    return StandardisedRatio(table, heterogeneity, trend)


def count_limits(count: Array, method: str = "exact", level: float = 0.95) -> tuple[Array, Array]:
    """Confidence limits of the means of Poisson counts, shape (m,) each.

    Raises
    ------
    SpecError
        If the method is unknown, or the level not between 0 and 1.
    """
    check_choice("method", method, METHODS)
    if not 0 < level < 1:
        raise SpecError(f"level is between 0 and 1; got {level}.")
    tail = (1 - level) / 2
    low = np.where(count > 0, special.gammaincinv(np.maximum(count, 1), tail), 0.0)
    high = special.gammaincinv(count + 1, 1 - tail)
    if method == "mid-p":
        for i, k in enumerate(count):  # within the exact limits, which bracket the root
            if k > 0:
                low[i] = _mid_p_root(float(k), 1 - tail, float(low[i]), float(k))
            high[i] = _mid_p_root(float(k), tail, max(float(k), 1e-12), float(high[i]))
    return low, high


def _mid_p_below(count: float | Array, mean: float | Array) -> Array:
    """P(X < count) + P(X = count) / 2 of a Poisson variable."""
    at_most = special.pdtr(count, mean)
    below = np.where(np.asarray(count) > 0, special.pdtr(np.maximum(np.asarray(count) - 1, 0), mean), 0.0)
    return np.asarray((at_most + below) / 2)


def _p_values(count: Array, mean: Array, method: str) -> Array:
    if method == "mid-p":
        below = _mid_p_below(count, mean)
        tails = np.minimum(below, 1 - below)
    else:
        at_least = np.where(count > 0, special.gammainc(np.maximum(count, 1), mean), 1.0)
        tails = np.minimum(special.pdtr(count, mean), at_least)
    return np.minimum(2 * tails, 1.0)


def _tests(o: Array, e: Array, scores: Array) -> tuple[Test, Test]:
    """Score tests of a Poisson model with offset log(e): of a factor, and of a line in the scores."""
    if not o.sum():
        nan = float("nan")
        return Test(nan, o.size - 1), Test(nan, 1)
    fitted = e * o.sum() / e.sum()
    away = scores - scores @ fitted / fitted.sum()
    heterogeneity = float(((o - fitted) ** 2 / fitted).sum())
    return Test(heterogeneity, o.size - 1), Test(float((away @ (o - fitted)) ** 2 / (away**2 @ fitted)), 1)


def _scores(scores: ArrayLike | None, groups: int) -> Array:
    values = np.arange(groups, dtype=float) if scores is None else np.asarray(scores, dtype=float)
    if values.shape != (groups,) or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise SpecError(f"smr: scores are {groups} different numbers, one a group in their order; got {scores!r}.")
    return values


def _groups(by: ArrayLike | None, n: int) -> tuple[np.ndarray, list[object]]:
    if by is None:
        return np.zeros(n, dtype=np.int64), ["all"]
    groups = pd.Series(by)
    if groups.size != n:
        raise SpecError(f"smr: {n} observed numbers and {groups.size} groups; give one of each a row.")
    if groups.isna().any():
        raise DataError(f"smr: the group is missing in {int(groups.isna().sum())} rows; leave them out.")
    codes, labels = pd.factorize(groups, sort=True)
    return codes, list(labels)


def _counts(observed: ArrayLike) -> Array:
    count = _numbers(observed, "observed")
    if ((count < 0) | (count != np.round(count))).any():
        raise DataError("smr: observed events are counts: whole numbers from 0.")
    return count


def _numbers(values: ArrayLike, name: str) -> Array:
    out = numbers(pd.Series(np.atleast_1d(values), name=name), COUNTS)
    if np.isnan(out).any():
        raise DataError(f"smr: '{name}' is missing in {int(np.isnan(out).sum())} rows; leave them out.")
    return out


def _not_negative(values: pd.Series, where: str) -> Array:
    out = numbers(values, COUNTS)
    wrong = np.isnan(out) | (out < 0)
    if wrong.any():
        raise DataError(f"{where}: '{values.name}' is missing or negative in {int(wrong.sum())} rows; correct them.")
    return out


def _cell(rows: pd.DataFrame, by: Sequence[str]) -> str:
    return ", ".join(f"{name}={rows[name].iloc[0]}" for name in by)


def _mid_p_root(count: float, below: float, low: float, high: float) -> float:
    """Find the mean between two at which a count like this or a lower one has mid-P `below`."""
    return float(optimize.brentq(lambda mean: float(_mid_p_below(count, mean)) - below, low, high, xtol=1e-13))
