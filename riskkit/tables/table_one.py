"""Table 1 of any data, from Python: who was studied, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.describe.characteristics import EVERYONE, Described, characteristics
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.spec.tables import FLAG
from riskkit.tables.characteristics import baseline_table
from riskkit.tables.table import Table

MOST_LEVELS = 20  # text with more different values is an identifier or free text, not a category
WEIGHTED = (
    "Means, standard deviations, quartiles, percentages and standardised differences are weighted; numbers of people "
    "are not."
)


@dataclass(frozen=True)
class Plain:
    """What is known of a column of plain data."""

    label: str
    kind: Literal["number", "category", "flag"]
    unit: str | None = None
    levels: tuple[str, ...] = ()


def table_one(
    data: pd.DataFrame | Cohort,
    variables: Sequence[str] | None = None,
    *,
    by: str | None = None,
    weights: str | pd.Series | None = None,
    labels: Mapping[str, str] | None = None,
    caption: str = "Characteristics of the people",
) -> Table:
    """Describe people, by group if asked: the table of characteristics that papers begin with.

    Parameters
    ----------
    data : DataFrame or Cohort
        One row per person. The variables of a cohort bring their labels, units and levels.
    variables : sequence of str, optional
        Columns to describe, in order; all but `by`, `weights` and identifiers unless given.
    by : str, optional
        A column of groups with at least two levels; a number is cut first, as by ``pandas.cut``.
    weights : str or Series, optional
        Weights of people (a column, or a Series on the index of `data`), as of a survey or from
        `riskkit.treatment_weights`.
    labels : mapping of str to str, optional
        What a reader calls a column.
    caption : str

    Returns
    -------
    Table
        Numbers as mean (SD) and median (quartiles), categories as n (%); missing values in rows of their own; with
        groups, the standardised difference of the last from the first. ``print`` it, show it in a notebook, or
        ``.write("table.docx")``, ``.tex``, ``.html``, ``.csv``.

    Raises
    ------
    SpecError
        If a column is not there, or `by` is no column of groups.
    DataError
        If there is nobody, somebody has no weight, or a weight is negative or not finite.

    See Also
    --------
    riskkit.describe.characteristics.characteristics : the numbers, and how weighted ones are made.
    """
    frame = data.data if isinstance(data, Cohort) else data
    names = _columns(frame, data, variables, by, weights)
    if frame.empty:
        raise DataError("table_one: there is nobody to describe; the data have no rows.")
    known: dict[str, Described] = dict(data.variables) if isinstance(data, Cohort) else {}
    named = labels or {}
    described: dict[str, Described] = {}
    for name in names:
        found = known.get(name) or _plain(frame[name], name)
        described[name] = Plain(named[name], found.kind, found.unit, tuple(found.levels)) if name in named else found
    texts = {name: frame[name].astype(int) for name in names if frame[name].dtype == bool}
    group = _group(frame, by, known)
    tidy = characteristics(frame.assign(**texts), described, group, weights=_weights(frame, weights))
    if by is None:
        tidy = tidy[tidy["group"] == EVERYONE]
    heading = named.get(by, known[by].label if by in known else by) if by is not None else ""
    table = baseline_table(tidy, caption, heading, {})
    return replace(table, notes=(*table.notes, *_remarks(data, group, by, weights)))


def _columns(
    frame: pd.DataFrame, data: pd.DataFrame | Cohort, variables: Any, by: str | None, weights: Any
) -> list[str]:
    columns = list(map(str, frame.columns))
    own = weights if isinstance(weights, str) else None
    if isinstance(variables, str):
        raise SpecError(f"table_one: variables is a list of columns; write [{variables!r}].")
    wanted = [name for name in (*(variables or ()), by, own) if name is not None]
    for name in wanted:
        if name not in columns:
            raise SpecError(f"table_one: there is no column '{name}'.{did_you_mean(name, columns)}")
    if variables is not None:
        if not len(variables):
            raise SpecError("table_one: variables is empty; name the columns to describe, or leave it out for all.")
        return list(dict.fromkeys(variables))
    candidates = list(data.variables) if isinstance(data, Cohort) else columns
    return [name for name in candidates if name not in (by, own) and _is_described(frame[name])]


def _is_described(values: pd.Series) -> bool:
    """Whether a column says something of a group of people: no identifier, date or free text."""
    if pd.api.types.is_datetime64_any_dtype(values) or values.name == "id":
        return False
    return pd.api.types.is_numeric_dtype(values) or _category(values)


def _category(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.CategoricalDtype) or values.nunique() <= MOST_LEVELS


def _plain(values: pd.Series, name: str) -> Plain:
    if values.dtype == bool or (pd.api.types.is_numeric_dtype(values) and set(values.dropna().unique()) <= {0, 1}):
        return Plain(name, "flag")
    if isinstance(values.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(values):
        if not _category(values):
            raise SpecError(
                f"table_one: '{name}' is text with {values.nunique()} different values; leave it out, or make it a "
                "category if all of them shall have a row."
            )
        return Plain(name, "category")
    return Plain(name, "number")


def _group(frame: pd.DataFrame, by: str | None, known: Mapping[str, Described]) -> pd.Series:
    if by is None:
        return pd.Series(EVERYONE, index=frame.index)
    values = frame[by]
    if values.notna().sum() == 0:
        raise DataError(f"table_one: '{by}' is missing in everyone.")
    if not isinstance(values.dtype, pd.CategoricalDtype) and values.nunique() > MOST_LEVELS:
        raise SpecError(
            f"table_one: '{by}' has {values.nunique()} different values, too many for groups; cut it first, as in "
            f"data.assign({by}_group=pd.qcut(data['{by}'], 4))."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        used = values.cat.remove_unused_categories()
    elif by in known and known[by].kind == "flag":
        used = values.map(dict(enumerate(FLAG))).astype(pd.CategoricalDtype(FLAG))
    else:
        used = values.astype("category")
    if used.nunique() < 2:
        raise SpecError(f"table_one: everyone has the same '{by}', {used.dropna().iloc[0]!r}; leave by out.")
    if EVERYONE in map(str, used.cat.categories):
        raise SpecError(f"table_one: a group of '{by}' is called '{EVERYONE}', as everyone is; call it otherwise.")
    return used


def _weights(frame: pd.DataFrame, weights: str | pd.Series | None) -> pd.Series | None:
    if weights is None:
        return None
    if not isinstance(weights, str) and not (
        isinstance(weights, pd.Series) and weights.index.equals(frame.index) and weights.index.is_unique
    ):
        raise SpecError("table_one: weights are the name of a column, or a Series on the index of the data.")
    values = (frame[weights] if isinstance(weights, str) else weights).astype(float)
    bad = int((~np.isfinite(values) | (values < 0)).sum())
    if bad:
        raise DataError(f"table_one: {bad} people have no weight, or one that is negative or not finite.")
    if not values.any():
        raise DataError("table_one: every weight is zero.")
    return values


def _remarks(data: pd.DataFrame | Cohort, group: pd.Series, by: str | None, weights: object) -> list[str]:
    remarks = [WEIGHTED] if weights is not None else []
    without = int(group.isna().sum())
    if without:
        remarks.append(f"{without:,} people have no {by} and are in the column {EVERYONE} only.")
    if isinstance(data, Cohort):
        if data.simulated:
            remarks.append("These people are simulated: no data.")
        if data.disclosure is not None:
            remarks.append("Small numbers are shown as they are: the data owner's rule holds for what leaves here.")
    return remarks
