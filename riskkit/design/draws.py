"""Samples drawn from a cohort: case-cohort samples, and controls from the risk sets of cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns
from riskkit.design.sampling import survival_formula
from riskkit.design.surv import TIE, Surv, indicator, surv
from riskkit.errors import DataError, SpecError

Rows = NDArray[np.int64]


def sample_case_cohort(
    cohort: pd.DataFrame,
    *,
    event: str,
    size: int | Mapping[Any, int],
    strata: str | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Draw a subcohort at random, and keep it with everybody who had the event.

    Parameters
    ----------
    cohort : DataFrame, shape (n, ...)
        One row per person.
    event : str
        Column of the event, 0/1 or boolean.
    size : int, or mapping of stratum to int
        People to draw into the subcohort; by level of `strata` where it is given.
    strata : str, optional
        Column to draw within.
    seed : int

    Returns
    -------
    DataFrame
        The rows sampled, in the cohort's order, with the column `subcohort` (boolean). The model needs the size of the
        cohort besides: `rk.CaseCohort("subcohort", size=len(cohort))`.

    Raises
    ------
    SpecError
        If sizes and strata do not go together.
    DataError
        If more people are asked for than there are, or a column is not what it should be.
    """
    check_columns(cohort, [event, *([strata] if strata else [])], "sample_case_cohort")
    if "subcohort" in cohort.columns:
        raise SpecError("sample_case_cohort: the cohort has a column 'subcohort' already; rename it.")
    if isinstance(size, Mapping) != (strata is not None):
        raise SpecError("sample_case_cohort: size is a number, or with strata one for each, {level: people}.")
    random = np.random.default_rng(seed)
    drawn = np.zeros(len(cohort), dtype=bool)
    groups = {None: np.arange(len(cohort))} if strata is None else cohort.groupby(strata, observed=True).indices
    for level, wanted in (size if isinstance(size, Mapping) else {None: size}).items():
        rows = groups.get(level, np.empty(0, dtype=np.int64))
        if not 0 < wanted <= len(rows):
            where = "" if strata is None else f" of {strata}={level}"
            raise DataError(f"sample_case_cohort: asked for {wanted:,} of the {len(rows):,} people{where}.")
        drawn[random.choice(rows, wanted, replace=False)] = True
    lacking = [level for level in groups if strata is not None and isinstance(size, Mapping) and level not in size]
    if lacking:
        raise SpecError(f"sample_case_cohort: size has no number for {strata}={lacking[0]}.")
    kept = drawn | indicator(cohort[event], "event column")
    return cohort.assign(subcohort=drawn)[kept]


def sample_controls(
    cohort: pd.DataFrame,
    *,
    follow_up: str = "Surv(entry, exit, event)",
    controls: int = 1,
    match: Sequence[str] = (),
    within: Mapping[str, float] | None = None,
    counter: str | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Draw controls for each case from whoever was at risk when the case occurred (incidence-density sampling).

    Parameters
    ----------
    cohort : DataFrame, shape (n, ...)
        One row per person.
    follow_up : str
        Columns of follow-up, "Surv(entry, exit, event)" or "Surv(time, event)".
    controls : int
        Controls a case; all there are where fewer are at risk. With `counter`, people a stratum, the case included.
    match : names of columns
        Controls have the case's values.
    within : mapping of column to distance, optional
        Controls are no further from the case than that.
    counter : str, optional
        Column of sampling strata for counter-matching: the set has `controls` people of each.
    seed : int

    Returns
    -------
    DataFrame
        The columns of `cohort` with `set` and `case` before them, the case first in each set; with `counter` also
        `weight`, people at risk in the row's stratum by people sampled of it. A case nobody could be found for stands
        alone. Index labels are those of the cohort.

    Raises
    ------
    SpecError, DataError
        If a column or an argument is not what it should be.

    References
    ----------
    Lubin JH, Gail MH (1984) Biometrics 40:63; Langholz B, Borgan O (1995) Biometrika 82:69. R: Epi::ccwc.
    """
    people = at_risk(cohort, follow_up, controls, match, within, "sample_controls")
    for name in ("set", "case", *(["weight"] if counter else [])):
        if name in cohort.columns:
            raise SpecError(f"sample_controls: the cohort has a column '{name}' already; rename it.")
    strata = None
    if counter is not None:
        check_columns(cohort, [counter], "sample_controls")
        strata = _known(cohort[counter])
    random = np.random.default_rng(seed)
    rows, sets, weights = [], [], []
    for number, (case, others) in enumerate(people.risk_sets()):
        if strata is None:
            chosen = random.choice(others, min(controls, others.size), replace=False)
        else:
            chosen, weight = _counter_matched(case, others, strata, controls, random)
            weights.append(weight)
        rows.append(np.concatenate([[case], chosen]))
        sets.append(np.full(chosen.size + 1, number))
    if not rows:
        raise DataError("sample_controls: there are no events in the cohort, so nobody needs a control.")
    position, set_of = np.concatenate(rows), np.concatenate(sets)
    out = cohort.iloc[position].copy()
    out.insert(0, "set", set_of)
    out.insert(1, "case", np.append(True, set_of[1:] != set_of[:-1]).astype(int))
    if strata is not None:
        out.insert(2, "weight", np.concatenate(weights))
    return out


@dataclass(frozen=True, eq=False)
class AtRisk:
    """A cohort's follow-up and what controls are matched on."""

    follow: Surv
    group: Rows
    near: tuple[tuple[Array, float], ...]

    def risk_sets(self) -> Iterator[tuple[int, Rows]]:
        """Yield each case in order of time, with the others of its group at risk then and near enough."""
        members = {int(code): np.flatnonzero(self.group == code) for code in np.unique(self.group[self.follow.event])}
        cases = np.flatnonzero(self.follow.event)
        for case in cases[np.argsort(self.follow.exit[cases], kind="stable")]:
            rows = members[int(self.group[case])]
            time = self.follow.exit[case]
            slack = TIE * abs(time)
            here = (self.follow.exit[rows] >= time - slack) & (rows != case)
            if self.follow.entry is not None:
                here &= self.follow.entry[rows] < time - slack
            for values, distance in self.near:
                here &= np.abs(values[rows] - values[case]) <= distance
            yield int(case), rows[here]


def at_risk(
    cohort: pd.DataFrame,
    follow_up: str,
    controls: int,
    match: Sequence[str],
    within: Mapping[str, float] | None,
    what: str,
) -> AtRisk:
    """Check a cohort's follow-up and matching columns; `what` starts the message of an error.

    Raises
    ------
    SpecError, DataError
        If a column is missing, or is missing for somebody.
    """
    if not isinstance(controls, int) or controls < 1:
        raise SpecError(f"{what}: controls is a whole number from 1; got {controls!r}.")
    *entry, exit_, event = survival_formula(f"{follow_up} ~ 1").response
    match, near = [match] if isinstance(match, str) else list(match), dict(within or {})
    columns = [*entry, exit_, event, *match, *near]
    check_columns(cohort, columns, what)
    for name in columns:
        if cohort[name].isna().any():
            raise DataError(
                f"{what}: '{name}' is missing in {int(cohort[name].isna().sum())} rows, so who is at risk for whom is "
                "not known; leave them out."
            )
    follow = surv(cohort[entry[0]] if entry else None, cohort[exit_], cohort[event])
    group: Rows = np.zeros(len(cohort), dtype=np.int64)
    if match:
        group = np.asarray(cohort.groupby(match, observed=True).ngroup(), dtype=np.int64)
    return AtRisk(follow, group, tuple((numbers(cohort[name]), float(distance)) for name, distance in near.items()))


def _known(values: pd.Series) -> Rows:
    if values.isna().any():
        raise DataError(
            f"sample_controls: '{values.name}' is missing in {int(values.isna().sum())} rows; leave them out."
        )
    return pd.factorize(values, sort=True)[0]


def _counter_matched(
    case: int, others: Rows, strata: Rows, size: int, random: np.random.Generator
) -> tuple[Rows, Array]:
    """People who bring each stratum to `size`, the case included, and the weights of the case and of them."""
    chosen, weights = [], np.zeros(int(strata.max()) + 1)
    for stratum in range(weights.size):
        rows = others[strata[others] == stratum]
        own = int(strata[case] == stratum)
        drawn = random.choice(rows, min(size - own, rows.size), replace=False)
        chosen.append(drawn)
        if own + drawn.size:
            weights[stratum] = (rows.size + own) / (drawn.size + own)
    controls = np.concatenate(chosen)
    return controls, weights[strata[np.concatenate([[case], controls])]]
