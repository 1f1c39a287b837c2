"""Who was studied: the characteristics of a cohort by group of exposure, as a tidy frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.errors import DataError, did_you_mean
from riskkit.spec.tables import FLAG

EVERYONE = "All"
DIFFERENCE = "standardised difference"
COLUMNS = ("variable", "label", "unit", "kind", "level", "group", "statistic", "value")

QUARTILES = (0.25, 0.5, 0.75)

Array = NDArray[np.float64]
Row = tuple[str, str, float]  # level, statistic, value


class Described(Protocol):
    """What this table needs to know of a variable; a cohort's variables know it."""

    @property
    def label(self) -> str:
        """What a reader calls it."""

    @property
    def unit(self) -> str | None:
        """The unit of a number."""

    @property
    def kind(self) -> str:
        """One of number, category, flag."""

    @property
    def levels(self) -> Sequence[str]:
        """The labels of a category, in order."""


def characteristics(
    data: pd.DataFrame,
    variables: Mapping[str, Described],
    by: pd.Series,
    person_years: pd.Series | None = None,
    weights: pd.Series | None = None,
) -> pd.DataFrame:
    """Describe people by group.

    Parameters
    ----------
    data : DataFrame
        One row per person.
    variables : mapping of name to variable
        What to describe, in order. Kind "number" gets mean, sd, median, q1, q3; "category" and "flag" get the count and
        per cent of each level, among those without a missing value.
    by : Series
        Each person's group, on the index of `data`. People without a group count in "All" only.
    person_years : Series, optional
        Follow-up of each person in years.
    weights : Series, optional
        Weight of each person, positive or zero: means, standard deviations, quantiles, percentages and standardised
        differences are then weighted; counts stay counts of people.

    Returns
    -------
    DataFrame
        Columns variable label unit kind level group statistic value. The first rows, of kind "people", hold statistic
        "n" and "person_years". Each variable has n (without a missing value) and missing in every group, and the
        standardised difference of the last group from the first (group = the last's).

    Raises
    ------
    DataError
        If a variable is not a column of `data`, or `by` has no group.

    Notes
    -----
    Quantiles are of type 7 in R's numbering. The standardised difference is that of Yang and Dalton (A unified approach
    to measuring the effect size between two groups using SAS, SAS Global Forum 2012, paper 335): for numbers the
    difference of means over the root of the mean variance, with its sign; for categories the Mahalanobis distance of
    the two sets of proportions, which has none. Weighted, the variance is that of R's survey::svyvar (times n / (n - 1)
    for the n people with a weight), and quantiles are those of svyquantile(qrule = "hf7"), type 7 where weights are
    equal.
    """
    absent = [name for name in variables if name not in data]
    if absent:
        raise DataError(
            f"There is no column '{absent[0]}' to describe.{did_you_mean(absent[0], map(str, data.columns))}"
        )
    ordered = by.cat.categories if isinstance(by.dtype, pd.CategoricalDtype) else _sorted(by)
    names = [str(group) for group in ordered]
    if not names:
        raise DataError("Nobody has a group to be described by: the exposure is missing in everyone.")
    group = by.astype("string")
    rows_of = {EVERYONE: pd.Series(True, index=data.index), **{g: (group == g).fillna(False) for g in names}}
    found: list[tuple[str, str, str | None, str, str, str, str, float]] = []
    for name, rows in rows_of.items():
        found.append(("", "People", None, "people", "", name, "n", float(rows.sum())))
        if weights is not None:
            found.append(("", "Sum of weights", None, "people", "", name, "weight", float(weights[rows].sum())))
        if person_years is not None:
            found.append(
                ("", "Person-years", None, "people", "", name, "person_years", float(person_years[rows].sum()))
            )
    for name, variable in variables.items():
        head = (name, variable.label, variable.unit, variable.kind)
        levels = _levels(data[name], variable)
        for label, rows in rows_of.items():
            values, w = data.loc[rows, name], None if weights is None else weights[rows]
            described = _categories(values, levels, w) if levels else _numbers(values, w)
            found.extend((*head, level, label, statistic, value) for level, statistic, value in described)
        first, last = (data.loc[rows_of[g], name] for g in (names[0], names[-1]))
        theirs = None if weights is None else (weights[last.index], weights[first.index])
        apart = standardised_difference(last, first, list(levels), theirs) if len(names) > 1 else float("nan")
        found.append((*head, "", names[-1], DIFFERENCE, apart))
    return pd.DataFrame(found, columns=list(COLUMNS))


def standardised_difference(
    values: pd.Series,
    others: pd.Series,
    levels: Sequence[object] = (),
    weights: tuple[pd.Series, pd.Series] | None = None,
) -> float:
    """How far two groups lie apart, in standard deviations; see `characteristics` for the method.

    Parameters
    ----------
    values, others : Series
        The variable in each group; missing values are left out.
    levels : sequence
        The categories; none for a number.
    weights : tuple of two Series, optional
        Weights of both groups.

    Returns
    -------
    float
        NaN where a group is empty or nothing varies.
    """
    given = weights or (None, None)
    groups = [_known(group, w) for group, w in zip((values, others), given, strict=True)]
    if any(known.empty for known, _ in groups):
        return float("nan")
    if not levels:
        if min(len(known) for known, _ in groups) < 2:
            return float("nan")
        (mean, variance), (other, spread_of_others) = (_moments(known.to_numpy(float), w) for known, w in groups)
        spread = np.sqrt((variance + spread_of_others) / 2)
        return float((mean - other) / spread) if spread > 0 else float("nan")
    p, q = (np.array([_share(known == level, w) for level in levels[1:]], dtype=float) for known, w in groups)
    covariance = sum(np.diag(share) - np.outer(share, share) for share in (p, q)) / 2
    if not np.any(covariance):
        return float("nan")
    return float(np.sqrt((p - q) @ np.linalg.pinv(covariance) @ (p - q)))


def _known(values: pd.Series, weights: pd.Series | None) -> tuple[pd.Series, Array | None]:
    """Values that are not missing, and the weights of those; people of weight zero are left out."""
    kept = values.notna() if weights is None else values.notna() & (weights > 0)
    return values[kept], None if weights is None else weights[kept].to_numpy(float)


def _moments(values: Array, weights: Array | None) -> tuple[float, float]:
    """Mean and variance."""
    if weights is None:
        return float(values.mean()), float(values.var(ddof=1))
    mean = np.average(values, weights=weights)
    return float(mean), float(np.average((values - mean) ** 2, weights=weights) * len(values) / (len(values) - 1))


def _quartiles(values: Array, weights: Array | None) -> Array:
    if weights is None or len(values) == 1:
        return np.quantile(values, QUARTILES)
    order = np.argsort(values, kind="stable")
    below = np.append(0.0, np.cumsum(weights[order])[:-1])
    return np.interp(QUARTILES, below / below[-1], values[order])


def _share(is_level: pd.Series, weights: Array | None) -> float:
    return float(is_level.mean() if weights is None else np.average(is_level, weights=weights))


def _numbers(values: pd.Series, weights: pd.Series | None = None) -> Iterator[Row]:
    yield "", "n", float(values.notna().sum())
    yield "", "missing", float(values.isna().sum())
    kept, w = _known(values, weights)
    known = kept.to_numpy(float)
    if known.size:
        mean, variance = _moments(known, w) if known.size > 1 else (float(known[0]), float("nan"))
        quartiles = _quartiles(known, w)
        yield "", "mean", mean
        yield "", "sd", float(np.sqrt(variance))
        yield "", "median", float(quartiles[1])
        yield "", "q1", float(quartiles[0])
        yield "", "q3", float(quartiles[2])


def _categories(values: pd.Series, levels: Mapping[object, str], weights: pd.Series | None = None) -> Iterator[Row]:
    known = values.dropna()
    kept, w = _known(values, weights)
    yield "", "n", float(len(known))
    yield "", "missing", float(len(values) - len(known))
    for level, label in levels.items():
        count = float((known == level).sum())
        yield label, "count", count
        if w is None:
            yield label, "percent", 100 * count / len(known) if len(known) else float("nan")
        else:
            yield label, "percent", 100 * _share(kept == level, w) if len(kept) else float("nan")


def _levels(values: pd.Series, variable: Described) -> dict[object, str]:
    """The values of a category or flag, in their declared order, with their labels; none for a number."""
    if variable.kind == "number":
        return {}
    if isinstance(values.dtype, pd.CategoricalDtype):
        return {value: str(value) for value in values.cat.categories}
    if variable.kind == "flag":
        return dict(enumerate(FLAG))
    return {value: str(value) for value in variable.levels or _sorted(values)}


def _sorted(values: pd.Series) -> list[object]:
    return sorted(values.dropna().unique().tolist())
