"""The variables of an imputation: what kind each is, which values it may take, and how it predicts others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, numbers
from riskkit.errors import DataError, SpecError, did_you_mean

Kind = Literal["number", "binary", "ordered", "unordered"]
Bounds = tuple[float, float]
LEAST = 20  # values observed, below which no model of a variable is fitted


@dataclass(frozen=True, eq=False)
class Column:
    """One variable to impute.

    Attributes
    ----------
    name : str
    kind : {"number", "binary", "ordered", "unordered"}
    method : {"pmm", "normal", "logit", "cumulative logit", "multinomial logit"}
    values : array, shape (n,)
        Numbers, or codes 0 ... k - 1 of the levels; NaN where missing.
    levels : tuple
        Levels of a category, empty for a number.
    bounds : tuple of two floats
        Between which numbers are drawn.
    """

    name: str
    kind: Kind
    method: str
    values: Array
    levels: tuple[Any, ...] = ()
    bounds: Bounds = (-np.inf, np.inf)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Where it is missing, shape (n,)."""
        return np.isnan(self.values)

    def predictors(self, filled: Array) -> Array:
        """Columns by which it predicts others: a number in standard deviations, or indicators of levels but the first.

        `filled` are its values with the missing ones filled in, shape (n,); the result has shape (n, 1) or (n, k - 1).
        """
        if self.kind != "number":
            return np.asarray(filled[:, None] == np.arange(1, len(self.levels)), dtype=float)
        mean, sd = np.nanmean(self.values), np.nanstd(self.values)
        return ((filled - mean) / sd)[:, None]

    def filled_in(self, original: pd.Series, filled: Array) -> pd.Series:
        """The original column with its missing values filled in, of its own type where that can hold them."""
        if self.kind == "number" or pd.api.types.is_numeric_dtype(original.dtype):
            out = np.array(self.levels, dtype=float)[filled.astype(int)] if self.levels else filled
            return pd.Series(out, index=original.index, name=self.name)
        taken = [self.levels[int(code)] for code in filled]
        dtype = original.dtype if isinstance(original.dtype, pd.CategoricalDtype) else object
        return pd.Series(taken, index=original.index, name=self.name, dtype=dtype)


def columns_of(
    data: pd.DataFrame,
    variables: Sequence[str],
    ordered: Sequence[str],
    bounds: Mapping[str, Bounds],
    methods: Mapping[str, str],
) -> tuple[Column, ...]:
    """Find the kind of each variable that has missing values; those with fewest first.

    Raises
    ------
    SpecError
        If a variable is unknown, bounds or a method make no sense, or nothing is missing.
    DataError
        If a variable has no values, too few, one value only, or values out of its bounds.
    """
    for name in (*variables, *ordered, *bounds, *methods):
        if name not in data.columns:
            raise SpecError(f"impute: no column '{name}' in the data.{did_you_mean(name, map(str, data.columns))}")
        if name not in variables:
            raise SpecError(f"impute: '{name}' is not among the variables to impute; add it to them.")
    found = [
        _column(data[name], name in ordered, bounds.get(name), methods.get(name))
        for name in dict.fromkeys(variables)
        if data[name].isna().any()
    ]
    if not found:
        raise SpecError(
            f"impute: nothing is missing in {', '.join(variables) or 'no variables'}; fit the data as they are."
        )
    return tuple(sorted(found, key=lambda column: int(column.missing.sum())))


def _column(values: pd.Series, ordered: bool, bounds: Bounds | None, method: str | None) -> Column:
    name, present = str(values.name), values.dropna()
    if len(present) < LEAST:
        raise DataError(
            f"impute: '{name}' has {len(present)} values among {len(values)} people; {LEAST} are needed to draw others."
        )
    if present.nunique() == 1:
        raise DataError(f"impute: '{name}' is {present.iloc[0]} wherever it is known; leave it out.")
    numeric = pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(present.infer_objects().dtype)
    if numeric and not ordered and present.nunique() > 2:
        return _number(name, numbers(values.astype(float)), bounds or (-np.inf, np.inf), method or "pmm")
    if bounds is not None or method is not None:
        raise SpecError(f"impute: '{name}' is a category; bounds and methods are for numbers.")
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    levels = (
        [level for level in values.cat.categories if (present == level).any()]
        if categorical
        else np.sort(present.unique())
    )
    codes = pd.Categorical(values, categories=levels).codes.astype(float)
    codes[codes < 0] = np.nan
    kind: Kind = "binary" if len(levels) == 2 else "unordered"
    if kind == "unordered" and (ordered or (categorical and values.cat.ordered)):
        kind = "ordered"
    model = {"binary": "logit", "ordered": "cumulative logit", "unordered": "multinomial logit"}[kind]
    return Column(name, kind, model, codes, tuple(levels))


def _number(name: str, values: Array, bounds: Bounds, method: str) -> Column:
    if method not in ("pmm", "normal"):
        raise SpecError(f'impute: the method of \'{name}\' is "pmm" or "normal"; got {method!r}.')
    low, high = bounds
    if not low < high:
        raise SpecError(f"impute: bounds of '{name}' must increase, as in (0, 100); got {bounds!r}.")
    outside = int(((values < low) | (values > high)).sum())
    if outside:
        raise DataError(f"impute: {outside} observed values of '{name}' lie outside its bounds {low:g} to {high:g}.")
    return Column(name, "number", method, values, bounds=bounds)
