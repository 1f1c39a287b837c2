"""Variables that were measured again: read, checked against each person's follow-up, and kept beside the person.

A cohort has one row a person. Visits stand in it as columns that no formula can name: `igf1@1` is the value of a
person's first further visit, `igf1@1:time` its time from the start of follow-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from riskkit.cohort.outcomes import Outcome
from riskkit.cohort.read import ID, read
from riskkit.cohort.variables import decode
from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.repeats import RepeatsSpec
from riskkit.spec.tables import PER_YEAR, VariableSpec

SAME_TIME = 1e-6  # years
MOST_VISITS = 200


@dataclass(frozen=True)
class Repeats:
    """A variable's further visits, for those who read about it.

    Attributes
    ----------
    name : str
        The variable.
    visits : int
        The most that a person has besides the start.
    n, values : int
        People with one or more, and values in all.
    left_out : int
        Visits after the end of follow-up, left out by the file's rule.
    """

    name: str
    visits: int
    n: int
    values: int
    left_out: int


def read_repeats(
    name: str,
    spec: CohortSpec,
    paths: Mapping[str, Path],
    people: pd.DataFrame,
    followed: Mapping[str, pd.Series],
    outcomes: Mapping[str, Outcome],
    everyone: pd.Series,
) -> tuple[Repeats, dict[str, pd.Series], tuple[str, ...]]:
    """Read the visits of one variable.

    Parameters
    ----------
    name : str
    spec : CohortSpec
    paths : mapping of file key to path
    people : DataFrame, n rows
        With ``id``, the variable and, where visits have dates, that of the start.
    followed : mapping of column to Series, n rows
        Follow-up and outcomes.
    outcomes : mapping of name to Outcome
    everyone : Series
        Identifiers of all people, those who were left out included.

    Returns
    -------
    repeats : Repeats
    columns : dict of column to Series, n rows
        ``name@k`` and ``name@k:time``, the latter in the unit of follow-up.
    remarks : tuple of str

    Raises
    ------
    DataError
        If the file cannot be read, a visit has no time, two are at one time or out of order, one is at the start with
        another value than the person's, or, where the rule says so, after the end of follow-up or an outcome.
    """
    declared = spec.repeats[name]
    path = paths[declared.file]
    visits = _visits(name, spec, path)
    visits["row"] = pd.Index(people[ID].astype(str)).get_indexer(pd.Index(visits[ID].astype(str)))
    strangers = int((~visits[ID].astype(str).isin(set(everyone.astype(str)))).sum())
    if strangers == len(visits):
        raise DataError(f"{path}: not one of its {len(visits):,} visits is of a person of the cohort. Correct id.")
    said = f"{path.name}: {strangers:,} of {len(visits):,} visits are of nobody in the cohort."
    visits = visits[visits["row"] >= 0]
    visits["time"] = _since_start(declared, spec, visits, people, followed)
    visits = _in_order(visits, declared, path)
    visits = _but_the_start(visits[visits["value"].notna()], people[name].to_numpy(dtype=float), name, spec, path)
    visits, late = _before_the_end(visits, declared, spec, followed, path)
    if declared.after_outcome == "error":
        _check_outcomes(visits, spec, followed, outcomes, path)
    number = visits.groupby("row").cumcount().to_numpy()
    most = int(number.max(initial=-1)) + 1
    if most > MOST_VISITS:
        raise DataError(f"{path}: a person has {most:,} visits; no more than {MOST_VISITS} can be kept.")
    columns = {}
    for k in range(most):
        own = visits[number == k]
        for column, what in ((f"{name}@{k + 1}", "value"), (f"{name}@{k + 1}:time", "time")):
            values = np.full(len(people), np.nan)
            values[own["row"]] = own[what]
            columns[column] = pd.Series(values, index=people.index)
    about = Repeats(name, most, int(visits["row"].nunique()), len(visits), late)
    return about, columns, (said,) if strangers else ()


def visits_of(data: pd.DataFrame, repeats: Repeats) -> pd.DataFrame:
    """All values of a variable, that at the start at time 0, in order of person and time.

    Returns
    -------
    DataFrame
        Columns row (the label of the person's row in `data`), time (from the start, in the cohort's unit), value.
    """
    parts = [pd.DataFrame({"row": data.index, "time": 0.0, "value": data[repeats.name]})]
    for k in range(1, repeats.visits + 1):
        column = f"{repeats.name}@{k}"
        parts.append(pd.DataFrame({"row": data.index, "time": data[f"{column}:time"], "value": data[column]}))
    visits = pd.concat(parts, ignore_index=True).dropna()
    return visits.sort_values(["row", "time"], ignore_index=True)


def _visits(name: str, spec: CohortSpec, path: Path) -> pd.DataFrame:
    """Identifier, time as the file gives it, and value of each visit."""
    declared, file = spec.repeats[name], spec.files[spec.repeats[name].file]
    column = declared.date or declared.age or declared.time
    source, kind = f"{declared.file}.{column}", "date" if declared.date else "number"
    wanted = {
        "when": VariableSpec.model_validate(
            {"source": source, "label": "Time of the visit", "kind": kind, "blank": "error"}
        ),
        "value": spec.variables[name].model_copy(
            update={"source": f"{declared.file}.{declared.value}", "blank": "missing"}
        ),
    }
    records = read(path, file.at(path), str(file.id or spec.id), wanted, unique=False)
    for field, variable in wanted.items():
        records[field] = decode(records[field], variable, f"{path}: {variable.column}")[0]
    return records


def _since_start(
    declared: RepeatsSpec,
    spec: CohortSpec,
    visits: pd.DataFrame,
    people: pd.DataFrame,
    followed: Mapping[str, pd.Series],
) -> np.ndarray:
    assert spec.follow_up is not None
    per_year, row = PER_YEAR[spec.follow_up.unit], visits["row"].to_numpy()
    when = visits["when"].to_numpy(dtype=float)
    if declared.date is not None:
        start = people[str(spec.follow_up.baseline)].to_numpy(dtype=float)[row]
        return np.asarray((when - start) * per_year / PER_YEAR["days"])
    when = when * per_year / PER_YEAR[declared.unit or "years"]
    return when - followed["age_entry"].to_numpy()[row] if declared.age is not None else when


def _in_order(visits: pd.DataFrame, declared: RepeatsSpec, path: Path) -> pd.DataFrame:
    """Visits in order of person and time, no two of a person at one time."""
    if declared.out_of_order == "sort":
        visits = visits.sort_values(["row", "time"], kind="stable")
    else:
        visits = visits.sort_values("row", kind="stable")
    row, time = visits["row"].to_numpy(), visits["time"].to_numpy()
    same = row[1:] == row[:-1]
    for wrong, what, advice in (
        (same & (time[1:] == time[:-1]), "have the time of another of the same person", "Give each a time of its own"),
        (
            same & (time[1:] < time[:-1]),
            "are before the one above them of the same person",
            "Correct the times or, where only the rows are out of order, write out_of_order = 'sort'",
        ),
    ):
        if wrong.any():
            who = visits[ID].iloc[int(np.flatnonzero(wrong)[0]) + 1]
            raise DataError(f"{path}: {int(wrong.sum()):,} visits {what}, first of id {who}. {advice}.")
    return visits


def _but_the_start(visits: pd.DataFrame, at_start: np.ndarray, name: str, spec: CohortSpec, path: Path) -> pd.DataFrame:
    """Visits without the start itself, which must agree with the variable."""
    assert spec.follow_up is not None
    own = at_start[visits["row"].to_numpy()]
    start = (visits["time"].abs() <= SAME_TIME * PER_YEAR[spec.follow_up.unit]).to_numpy() & ~np.isnan(own)
    differs = start & ~np.isclose(visits["value"], own, rtol=1e-6, atol=0)
    if differs.any():
        i = int(np.flatnonzero(differs)[0])
        raise DataError(
            f"{path}: {int(differs.sum()):,} visits at the start of follow-up have another value than '{name}', first "
            f"of id {visits[ID].iloc[i]}: {visits['value'].iloc[i]:g} and {own[i]:g}. Correct one of the two."
        )
    return visits[~start]


def _before_the_end(
    visits: pd.DataFrame, declared: RepeatsSpec, spec: CohortSpec, followed: Mapping[str, pd.Series], path: Path
) -> tuple[pd.DataFrame, int]:
    assert spec.follow_up is not None
    late = _after(visits, followed["follow_up"], spec.follow_up.unit)
    if late.any() and declared.after_end == "error":
        who = visits[ID].iloc[int(np.flatnonzero(late)[0])]
        raise DataError(
            f"{path}: {int(late.sum()):,} visits are after death or the end of the person's follow-up, first of id "
            f"{who}. Nobody is measured after death: correct the dates. If only follow-up ended before (records end, "
            "or it ends at an outcome), write after_end = 'leave out'."
        )
    return visits[~late], int(late.sum())


def _check_outcomes(
    visits: pd.DataFrame,
    spec: CohortSpec,
    followed: Mapping[str, pd.Series],
    outcomes: Mapping[str, Outcome],
    path: Path,
) -> None:
    assert spec.follow_up is not None
    for outcome in (each for each in outcomes.values() if each.time is not None):
        ended = followed[str(outcome.time)].where(followed[outcome.event] == 1, np.inf)
        late = _after(visits, ended, spec.follow_up.unit)
        if late.any():
            who = visits[ID].iloc[int(np.flatnonzero(late)[0])]
            raise DataError(
                f"{path}: {int(late.sum()):,} visits are after the outcome '{outcome.name}', first of id {who}. A "
                "level measured then may be the outcome's doing. If people went on being seen, write after_outcome = "
                "'leave out'; models of that outcome do without these visits."
            )


def _after(visits: pd.DataFrame, end: pd.Series, unit: str) -> np.ndarray:
    last = end.to_numpy(dtype=float)[visits["row"].to_numpy()]
    return np.asarray(visits["time"].to_numpy() > last + SAME_TIME * PER_YEAR[unit])
