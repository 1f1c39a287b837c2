"""The schema of a frame of results: its columns, what they mean, what tells its rows apart, and how it is made safe.

Every frame has one schema, declared by the question that fills it. A frame is checked when it is written and when it is
read, an empty one has all its columns, and docs/results.md is written from the schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from riskkit.errors import DataError

Kind = Literal["text", "number", "whole", "flag"]
DTYPES: dict[Kind, Any] = {"text": object, "number": "float64", "whole": "int64", "flag": "bool"}
ABSENT: dict[Kind, Any] = {"text": "", "number": float("nan"), "whole": 0, "flag": False}
MODEL = ("exposure", "outcome", "time_scale", "coding", "model")  # the columns that name a model, in every frame


@dataclass(frozen=True)
class Column:
    """A column of a frame: its name, what it holds (whole numbers have none missing), and what it means."""

    name: str
    kind: Kind
    meaning: str


VOCABULARY = {
    column.name: column
    for column in (
        Column("exposure", "text", "name of the exposure in the cohort"),
        Column("outcome", "text", "name of the outcome in the cohort"),
        Column("time_scale", "text", '"age", "follow_up", or "none" of states at baseline'),
        Column("coding", "text", 'how the exposure enters: "spline", "groups" or "linear"'),
        Column("model", "text", "name of the set of covariates"),
        Column("variant", "text", "name of the subgroup or sensitivity analysis; empty for the main analysis"),
        Column("term", "text", "the coefficient, or the variable that is tested"),
        Column("level", "text", "the group, or the increment of a linear estimate"),
        Column("x", "number", "level of the exposure, in its unit"),
        Column("n", "whole", "people"),
        Column("events", "whole", "events, or cases of a state at baseline"),
        Column("person_years", "number", "time at risk in years; missing of states at baseline"),
        Column("n_missing", "whole", "people at risk who were excluded for a missing value"),
        Column("estimate", "number", "on the model's scale: a log ratio"),
        Column("se", "number", "standard error of `estimate`"),
        Column("ratio", "number", "hazard or odds ratio: exp(estimate)"),
        Column("low", "number", "lower confidence limit of `ratio`"),
        Column("high", "number", "upper confidence limit of `ratio`"),
        Column("p", "number", "two-sided p value"),
        Column("p_holm", "number", "p corrected over the outcomes by Holm's method"),
        Column("p_fdr", "number", "p corrected over the outcomes by Benjamini and Hochberg's method"),
        Column("family_size", "whole", "tests in the family that p was corrected over"),
        Column("family_missing", "whole", "tests of the family that have no p value"),
        Column("chi2", "number", "test statistic"),
        Column("df", "number", "degrees of freedom"),
        Column("df_resid", "number", "residual degrees of freedom of intervals; infinite where they are normal"),
        Column("reference", "number", "level of the exposure where the ratio is 1"),
        Column("formula", "text", "the fitted formula"),
        Column("reason", "text", "why, in one sentence"),
        Column("time", "number", "years: of age on the age scale, otherwise since entry"),
    )
}


@dataclass(frozen=True)
class Frame:
    """One frame of results.

    Attributes
    ----------
    name : str
    meaning : str
        What a row is, in one sentence.
    columns : tuple of Column
        In this order.
    key : tuple of str
        Columns whose values tell rows apart.
    rule : callable
        Makes the frame safe to show where the cohort has a rule on small numbers: takes it and what rests on few
        people (`riskkit.disclosure.small_cells.Small`), and returns what may be shown.
    internal : bool
        Whether it is for the rules only: kept with results of a cohort that has such a rule, in no report.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rule: Callable[[pd.DataFrame, Any], pd.DataFrame]
    internal: bool = False

    def of(self, rows: Iterable[pd.DataFrame]) -> pd.DataFrame:
        """One frame of these rows, with the schema's columns and types; columns that rows lack are empty.

        Raises
        ------
        DataError
            If rows have a column that the schema has not, or one of another kind.
        """
        found = [each for each in rows if len(each)]
        if not found:
            return self.empty()
        frame = pd.concat(found, ignore_index=True) if len(found) > 1 else found[0].reset_index(drop=True)
        known = {column.name for column in self.columns}
        if more := [str(name) for name in frame if name not in known]:
            raise DataError(f"results, {self.name}: no column '{more[0]}' is declared.")
        return pd.DataFrame({column.name: self._values(frame, column) for column in self.columns}, index=frame.index)

    def empty(self) -> pd.DataFrame:
        """The frame without rows."""
        return pd.DataFrame({column.name: pd.Series(dtype=DTYPES[column.kind]) for column in self.columns})

    def check(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame, if it is as declared.

        Raises
        ------
        DataError
            If columns, their order or kinds are others, or two rows have one key.
        """
        expected = {column.name: str(pd.Series(dtype=DTYPES[column.kind]).dtype) for column in self.columns}
        found = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
        if found != expected or list(found) != list(expected):
            name = next((name for name in (*expected, *found) if expected.get(name) != found.get(name)), "")
            there = f"'{name}' is {found.get(name, 'not there')}, declared {expected.get(name, 'nowhere')}"
            raise DataError(
                f"results, {self.name}: columns are not as declared ({there if name else 'another order'})."
            )
        again = frame.duplicated(list(self.key))
        if again.any():
            row = dict(frame.loc[again, list(self.key)].iloc[0])
            raise DataError(f"results, {self.name}: two rows of {row}.")
        return frame

    def _values(self, frame: pd.DataFrame, column: Column) -> pd.Series:
        if column.name not in frame:
            return pd.Series(ABSENT[column.kind], index=frame.index, dtype=DTYPES[column.kind])
        values = frame[column.name]
        if column.kind == "flag":
            values = values.where(values.notna(), False)
        try:
            return values.astype(DTYPES[column.kind])
        except (TypeError, ValueError) as error:
            raise DataError(f"results, {self.name}: '{column.name}' is not {column.kind} ({error}).") from error


def frame(
    name: str,
    meaning: str,
    columns: str,
    key: str,
    rule: Callable[[pd.DataFrame, Any], pd.DataFrame],
    own: Mapping[str, tuple[Kind, str]] | None = None,
    *,
    internal: bool = False,
) -> Frame:
    """Declare a frame.

    Parameters
    ----------
    name, meaning : str
    columns, key : str
        Names with blanks between; `MODEL` stands for the five that name a model.
    rule : callable
    own : mapping of column to (kind, meaning), optional
        Columns that are not in the vocabulary, or mean something else here.
    internal : bool
    """
    given = {column: Column(column, *about) for column, about in (own or {}).items()}
    known = VOCABULARY | given
    return Frame(name, meaning, tuple(known[each] for each in _names(columns)), _names(key), rule, internal)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for word in text.split() for name in (MODEL if word == "MODEL" else (word,)))


def documented(frames: Iterable[Frame]) -> str:
    """The frames as a page of the documentation, in Markdown."""
    lines = []
    for each in frames:
        meaning = f"{each.meaning} Only where the cohort has a rule on small numbers, and in no report."
        lines += [f"## {each.name}", "", meaning if each.internal else each.meaning, ""]
        lines += [f"One row for each {', '.join(each.key)}.", ""]
        lines += ["| column | kind | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in each.columns]
        lines.append("")
    return "\n".join(lines)
