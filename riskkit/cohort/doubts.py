"""What cannot be, and what hardly can: ages, follow-up and values that a wrong unit or an undeclared code explains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.cohort.sentinels import MOST_LEVELS, SENTINELS, doubtful_numbers, heaped
from riskkit.errors import DataError
from riskkit.numbers import count
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.tables import PER_YEAR, same_code

OLDEST, LONGEST = 120.0, 100.0  # years: an age, and a follow-up, that can be
FAR_IN_RANGES, FAR_IN_LOGS = 6.0, 3.0  # interquartile ranges beyond the quartiles, of values and of their logarithms
ENOUGH = 50  # people, before a value is called far from the others
IDS = 3  # shown at the most


@dataclass(frozen=True)
class Doubt:
    """Something about the data that a reader must know, and that need not be wrong.

    Attributes
    ----------
    about : str
        The variable, outcome or file.
    text : str
        What it is, without the number of people.
    n : float
        How many people; NaN where the rule on small numbers withholds it.
    ids : tuple of str
        The first of them, where the cohort was just built: they are never stored.
    """

    about: str
    text: str
    n: float
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        people = "few people" if math.isnan(self.n) else f"{count(self.n)} {'person' if self.n == 1 else 'people'}"
        ids = f" (id {', '.join(self.ids)}{', ...' if self.n > len(self.ids) else ''})" if self.ids else ""
        return f"{self.text}{'' if self.text.endswith('?') else ':'} {people}{ids}"


def whom(people: pd.DataFrame, chosen: pd.Series | np.ndarray) -> str:
    """The first people chosen, by their identifiers."""
    chosen = np.asarray(chosen)
    ids = [str(identifier) for identifier in people.loc[chosen, "id"].head(IDS)]
    return f"id {', '.join(ids)}{', ...' if chosen.sum() > IDS else ''}"


def doubt(people: pd.DataFrame, chosen: pd.Series | np.ndarray, about: str, text: str) -> Doubt:
    """Make a doubt about the people chosen."""
    chosen = np.asarray(chosen)
    ids = people.loc[chosen, "id"].head(IDS)
    return Doubt(about, text, int(chosen.sum()), tuple(str(each) for each in ids))


def impossible_values(people: pd.DataFrame, spec: CohortSpec) -> Iterator[str]:
    """Numbers without a declared `range` of which some must be codes of missing values, a sentence a variable."""
    for name, counts in _undeclared(people, spec):
        codes = [code for code in doubtful_numbers(counts) if not _may_be_one_more(code, counts)]
        for code in codes:
            n, of = int(counts[code]), int(counts.sum())
            rest = counts.drop(codes).index
            yield (
                f"variables.{name}: {n:,} of {of:,} people have {same_code(code)} "
                f"({whom(people, people[name] == code)}), and all others {rest.min():g} to {rest.max():g}: probably a "
                f'code of a missing value. Write missing = ["{same_code(code)}"]; if it is a value, declare what can '
                f"be: range = [{min(rest.min(), code):g}, {max(rest.max(), code):g}]."
            )


def impossible_follow_up(people: pd.DataFrame, columns: Mapping[str, pd.Series], spec: CohortSpec) -> Iterator[str]:
    """Ages over 120 or under 0, and follow-up over 100 years, a sentence each; not where `range` says what can be."""
    declared = spec.follow_up
    if declared is None:
        return
    per_year = PER_YEAR[declared.unit]
    times = {"follow_up": declared.time, **{f"{name}_follow_up": each.time for name, each in spec.outcomes.items()}}
    for column, name in times.items():
        if column in columns and not _ranged(spec, name):
            years = columns[column] / per_year
            if (years > LONGEST).any():
                called = f"'{name}'" if name else f"the follow-up ('{column}')"
                yield _cannot(
                    people, years > LONGEST, years, f"{called} is follow-up of over {LONGEST:g} years", name, spec
                )
    if "age_entry" not in columns or _ranged(spec, declared.age):
        return
    entry = columns["age_entry"] / per_year
    wrong = (entry > OLDEST) | (entry < 0)
    if wrong.any():
        called = f"'{declared.age or 'age_entry'}'"
        yield _cannot(people, wrong, entry, f"{called} is an age under 0 or over {OLDEST:g} years", declared.age, spec)
        return
    leaving = columns["age_exit"] / per_year
    if (leaving > OLDEST).any():
        at_end = f"at the end of follow-up the age is over {OLDEST:g} years"
        yield _cannot(people, leaving > OLDEST, leaving, at_end, declared.time, spec)


def doubtful_values(people: pd.DataFrame, spec: CohortSpec) -> Iterator[Doubt]:
    """Values far from all others, and numbers such as 99 that are among them but have too many people."""
    for name, counts in _undeclared(people, spec):
        low, high = _bounds(counts)
        far = (people[name] < low) | (people[name] > high)
        if far.any():
            text = f"'{name}' is far from all others (under {low:.4g} or over {high:.4g}), and no range is declared"
            yield doubt(people, far, name, text)
        for code in heaped(counts, most=len(counts)):
            if float(code) in SENTINELS and not far[people[name] == float(code)].any():
                text = f"'{name}' is exactly {code} of many more people than beside it: a code of a missing value?"
                yield doubt(people, people[name] == float(code), name, text)
        for number in doubtful_numbers(counts):
            if _may_be_one_more(number, counts):
                text = f"'{name}' is {same_code(number)}, apart from all others: a code of a missing value?"
                yield doubt(people, people[name] == number, name, text)


def doubtful_ends(people: pd.DataFrame, columns: Mapping[str, pd.Series], spec: CohortSpec) -> Iterator[Doubt]:
    """Events later than the person's own end of follow-up."""
    for name, outcome in spec.outcomes.items():
        own = f"{name}_follow_up"
        if outcome.time is None or own not in columns or "follow_up" not in columns:
            continue
        late = (columns[name] == 1) & (columns[own] > columns["follow_up"] * (1 + 1e-9))
        if late.any():
            end = spec.follow_up.time if spec.follow_up else "follow_up"
            text = f"the outcome '{name}' is after the person's own end of follow-up ('{outcome.time}' after '{end}')"
            yield doubt(people, late, name, text)


def raise_all(faults: list[str]) -> None:
    """Raise what is wrong, all at once.

    Raises
    ------
    DataError
        If anything is.
    """
    if len(faults) == 1:
        raise DataError(faults[0])
    if faults:
        raise DataError("\n  ".join([f"{len(faults)} faults of the data", *faults]))


def _undeclared(people: pd.DataFrame, spec: CohortSpec) -> Iterator[tuple[str, pd.Series]]:
    """Numbers of raw files without a declared range, with how often each value stands there."""
    for name, variable in spec.variables.items():
        if variable.kind == "number" and variable.range is None and name in people:
            counts = people[name].value_counts().sort_index()
            if len(counts) > 1:
                yield name, counts


def _may_be_one_more(code: float, counts: pd.Series) -> bool:
    """Whether a number could be one more of a count: 9 children, where all others have 0 to 6."""
    return 0 < code < 10 and len(counts) <= MOST_LEVELS


def _bounds(counts: pd.Series) -> tuple[float, float]:
    """How far values can be from the middle half of all: six times its width, and three of their logarithms."""
    values = np.repeat(counts.index.to_numpy(dtype=float), counts.to_numpy())
    first, third = np.quantile(values, [0.25, 0.75])
    width = third - first
    if width <= 0 or len(values) < ENOUGH:
        return -np.inf, np.inf
    low, high = first - FAR_IN_RANGES * width, third + FAR_IN_RANGES * width
    if values.min() >= 0:
        first, third = np.quantile(values[values > 0], [0.25, 0.75])
        ratio = (third / first) ** FAR_IN_LOGS
        low, high = min(low, first / ratio), max(high, third * ratio)
    return float(low), float(high)


def _ranged(spec: CohortSpec, name: str | None) -> bool:
    return name in spec.variables and spec.variables[str(name)].range is not None


def _cannot(
    people: pd.DataFrame, wrong: pd.Series, years: pd.Series, what: str, name: str | None, spec: CohortSpec
) -> str:
    told = (
        f"{what} for {int(wrong.sum()):,} of {len(people):,} people ({whom(people, wrong)}); it runs to "
        f"{years.max():,.0f} years, with a median of {years.median():,.1f}."
    )
    if name in spec.variables:
        unit = spec.variables[str(name)].unit
        return (
            f"{told} Correct the unit of variables.{name} ('{unit}'), list codes of missing values in `missing`, or "
            "declare what can be: range = [lowest, highest]."
        )
    return f"{told} Correct the unit or the dates that it is made of, or exclude these people."
