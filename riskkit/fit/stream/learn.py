"""The first pass over partitions: who is complete, what the codings are, and every event."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from riskkit.design import margins
from riskkit.design import weights as case_weights
from riskkit.design.bases import is_number
from riskkit.design.columns import check_columns
from riskkit.design.recipe import Recipe
from riskkit.design.surv import Surv, surv
from riskkit.errors import DataError
from riskkit.fit.stream.source import Source
from riskkit.formula import Factor, Formula

EXTREMES = ("fp",)  # codings, beside those that depend on how many people have a value, that learn from a whole column


@dataclass(frozen=True)
class Wanted:
    """What a model takes from its data.

    Attributes
    ----------
    formula : Formula
    weights, cluster : str or None
    categories : set of str
        Columns whose categories have an order that was declared.
    """

    formula: Formula
    weights: str | None
    cluster: str | None
    categories: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column used, each once."""
        return tuple(dict.fromkeys([*self.formula.columns, *(n for n in (self.weights, self.cluster) if n)]))

    @property
    def whole(self) -> tuple[str, ...]:
        """Columns whose every value is needed to place knots or cut points."""
        names = [name for factor in self._factors if needs_all(factor) for name in factor.columns]
        return tuple(dict.fromkeys(names))

    @property
    def noncases(self) -> bool:
        """Whether cut points are learnt from people without an event."""
        return any(("cuts", "noncases") in factor.options for factor in self._factors)

    @property
    def listed(self) -> tuple[str, ...]:
        """The other columns of covariates: their type is needed, and of factors the distinct values."""
        names = dict.fromkeys(name for factor in self._factors for name in factor.columns)
        return tuple(name for name in names if name not in self.whole)

    @property
    def as_factors(self) -> frozenset[str]:
        """Columns that are factors even if they hold numbers."""
        return frozenset(factor.variable for factor in self._factors if factor.function == "C")

    @property
    def interacting(self) -> tuple[Factor, ...]:
        """Factors that may be constant within strata, which then hold their margin."""
        if not self.formula.strata:
            return ()
        return tuple({factor for term in self.formula.terms if len(term) > 1 for factor in term})

    @property
    def _factors(self) -> list[Factor]:
        return [factor for term in self.formula.terms for factor in term]


def needs_all(factor: Factor) -> bool:
    """Whether a coding depends on the distribution of its column."""
    options = dict(factor.options)
    if factor.function == "per":
        return isinstance(options.get("unit"), str)
    if factor.function in ("rcs", "groups"):  # unless knots or cut points are given
        return not any(isinstance(options.get(name), tuple) for name in ("knots", "how"))
    return factor.function in (*margins.BY_PEOPLE, *EXTREMES)


@dataclass
class Seen:
    """What was seen of some partitions; `add` joins two."""

    rows: int
    used: int
    left_out: int
    person_time: float
    missing: dict[str, int]
    events: list[pd.DataFrame]
    whole: dict[str, list[pd.Series]]
    happened: list[NDArray[np.bool_]]
    distinct: dict[str, pd.Series]
    strata: pd.DataFrame
    within: dict[str, pd.DataFrame | None] = field(default_factory=dict)


@dataclass(frozen=True)
class See:
    """Look at one partition."""

    wanted: Wanted

    def __call__(self, frame: pd.DataFrame, total: Seen | None = None) -> Seen:
        """Take what is needed of a partition and let go of the rest."""
        wanted, formula = self.wanted, self.wanted.formula
        rows, missing, left_out = complete(frame, wanted)
        *entry, exit_, event = formula.response
        response = surv(rows[entry[0]] if entry else None, rows[exit_], rows[event])
        within: dict[str, pd.DataFrame | None] = {}
        for factor in wanted.interacting:
            within[factor.text] = _one_each(rows[[*formula.strata, *factor.columns]], formula.strata)
        seen = Seen(
            rows=len(frame),
            used=len(rows),
            left_out=left_out,
            person_time=float(response.person_time.sum()),
            missing=missing,
            events=[rows.loc[response.event]] if response.event.any() else [],
            whole={name: [rows[name]] for name in wanted.whole},
            happened=[response.event] if wanted.noncases else [],
            distinct={name: self._distinct(rows[name]) for name in wanted.listed},
            strata=rows[list(formula.strata)].drop_duplicates(),
            within=within,
        )
        return seen if total is None else self.add(total, seen)

    def add(self, left: Seen, right: Seen) -> Seen:
        """Join what was seen of two sets of partitions."""
        return add(left, right)

    def _distinct(self, values: pd.Series) -> pd.Series:
        if is_number(values) and values.name not in self.wanted.as_factors:
            return values.iloc[:0]  # only its type matters
        return plain(values.drop_duplicates(), self.wanted.categories)


def add(left: Seen, right: Seen) -> Seen:
    """Join what was seen of two sets of partitions."""
    for name, count in right.missing.items():
        left.missing[name] = left.missing.get(name, 0) + count
    left.events += right.events
    left.happened += right.happened
    for name in left.whole:
        left.whole[name] += right.whole[name]
    for name in left.distinct:
        left.distinct[name] = joined([left.distinct[name], right.distinct[name]]).drop_duplicates()
    left.strata = pd.concat([left.strata.astype(object), right.strata.astype(object)]).drop_duplicates()
    for text, table in left.within.items():
        other, names = right.within[text], list(left.strata.columns)
        if table is not None and other is not None and len(other):
            left.within[text] = _one_each(pd.concat([table, other]), names) if len(table) else other
        elif other is None:
            left.within[text] = None
    left.rows, left.used = left.rows + right.rows, left.used + right.used
    left.left_out += right.left_out
    left.person_time += right.person_time
    return left


def complete(frame: pd.DataFrame, wanted: Wanted) -> tuple[pd.DataFrame, dict[str, int], int]:
    """Rows complete in every column used that stand for somebody, how often each column is missing, and rows left out.

    Rows of weight zero are nobody, and not counted as left out.
    """
    check_columns(frame, wanted.columns, f"formula {wanted.formula.text!r}")
    missing = {name: int(frame[name].isna().sum()) for name in wanted.columns}
    kept = np.ones(len(frame), dtype=bool)
    for name, count in missing.items():
        if count:
            kept &= frame[name].notna().to_numpy()
    left_out = case_weights.count(frame.loc[~kept], wanted.weights, None)
    if wanted.weights is not None:
        somebody = case_weights.somebody(frame, wanted.weights, None)
        kept = kept if somebody is None else kept & somebody
    return (frame if kept.all() else frame.loc[kept]), missing, left_out


def learn(source: Source, wanted: Wanted) -> tuple[Seen, Recipe, tuple[str, ...]]:
    """Read all partitions once; the recipe is what `riskkit.design.design.build` would make of all rows.

    Returns the recipe beside what was seen, and notes.

    Raises
    ------
    DataError
        If no row is complete, or a column cannot be what the formula makes of it.
    """
    seen = source.fold(wanted.columns, See(wanted))
    if not seen.used:
        worst = max(seen.missing, key=lambda name: seen.missing[name], default="")
        raise DataError(
            f"no row is complete in {', '.join(wanted.columns)}; '{worst}' alone is missing in "
            f"{seen.missing.get(worst, 0)} of {seen.rows} rows."
        )
    columns = dict(seen.distinct)
    for name, parts in seen.whole.items():
        columns[name] = sorted_text(joined(parts), wanted.categories)
        parts.clear()
    happened = np.concatenate(seen.happened) if seen.happened else np.empty(0, dtype=bool)
    response = Surv(None, np.zeros(happened.size), happened)
    strata = len(seen.strata)
    absorbed = frozenset(text for text, table in seen.within.items() if table is not None and len(table) == strata)
    # Codings take columns by name, one at a time, each with as many of its values as the coding needs.
    rows = cast(pd.DataFrame, columns)
    recipe = margins.recipe(wanted.formula, rows, response, intercept=False, absorbed=absorbed)
    return seen, recipe, margins.notes(wanted.formula, absorbed)


def plain(values: pd.Series, categories: Collection[object]) -> pd.Series:
    """Text that came as categories for speed, as text again."""
    if isinstance(values.dtype, pd.CategoricalDtype) and values.name not in categories:
        return values.astype(values.cat.categories.dtype)
    return values


def sorted_text(values: pd.Series, categories: Collection[object]) -> pd.Series:
    """Text that came as categories, with them in sorted order, as levels of text are."""
    if isinstance(values.dtype, pd.CategoricalDtype) and values.name not in categories:
        return values.cat.reorder_categories(sorted(values.cat.categories))
    return values


def joined(parts: list[pd.Series]) -> pd.Series:
    """One column of several partitions' values."""
    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        return pd.Series(union_categoricals(parts, ignore_order=True), name=parts[0].name)
    return pd.concat(parts, ignore_index=True)


def _one_each(table: pd.DataFrame, strata: Iterable[str]) -> pd.DataFrame | None:
    """The distinct rows, or None where a stratum has several."""
    distinct = table.drop_duplicates()
    return None if distinct.duplicated(list(strata)).any() else distinct
