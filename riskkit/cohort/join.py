"""Raw files side by side: the people of the base file with their declared variables from every file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from riskkit.cohort.doubts import Doubt, doubt, raise_all
from riskkit.cohort.flow import FlowStep, leave_out
from riskkit.cohort.read import ID, read
from riskkit.cohort.variables import decode
from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.tables import VariableSpec

LACKING = 0.5  # of the people: a file in which more than so many have no record probably has another identifier


@dataclass(frozen=True, eq=False)
class Joined:
    """The people of a cohort's base file with their declared variables.

    Attributes
    ----------
    people : DataFrame, one row a person of the base file
        ``id`` and the declared variables; without those who have no record in a file declared ``join = "inner"``.
    reasons : dict of variable to Series
        Why values are missing, aligned with `people`.
    flow : tuple of FlowStep
        The records of the base file, and a step for each inner file.
    doubts : tuple of Doubt
        Files in which most people have no record.
    """

    people: pd.DataFrame
    reasons: dict[str, pd.Series]
    flow: tuple[FlowStep, ...]
    doubts: tuple[Doubt, ...]


def join(spec: CohortSpec, paths: dict[str, Path]) -> Joined:
    """Read the raw files and put them together by identifier.

    Parameters
    ----------
    spec : CohortSpec
    paths : dict of file key to path

    Raises
    ------
    DataError
        If a file cannot be read, values are not as declared (of all variables at once), it shares no identifier with
        the base file, or somebody has a record in it and in a file that continues it.
    """
    files = spec.people_files
    declared = {key: {name: v for name, v in spec.variables.items() if v.file == key} for key in files}
    records = {key: _records(spec, key, paths, declared[key]) for key in files}
    people = records[spec.base][[ID]]
    flow: tuple[FlowStep, ...] = (FlowStep(f"Records in {_called(spec, spec.base)}", 0, len(people)),)
    for key, file in files.items():
        there = _rows(people[ID], records[key][ID]) >= 0
        if not there.any():
            raise DataError(
                f"{paths[key]}: not one of the {len(people):,} people of {spec.files[spec.base].path} has a record "
                f"here. Correct id (or id_columns) of files.{key} or files.{spec.base}."
            )
        if file.join == "inner":
            out = pd.Series(~there, index=people.index)
            people, flow = leave_out(people, flow, f"No record in {_called(spec, key)}", out)
    columns, reasons, faults, doubts = {ID: people[ID]}, {}, [], []
    for key, variables in declared.items():
        row = _rows(people[ID], records[key][ID])
        there = row >= 0
        absent = f"no record in {_called(spec, key)}"
        if files[key].join == "left" and (~there).mean() > LACKING:
            told = f"most of all {len(there):,} have no record in {_called(spec, key)}: is its identifier the same?"
            doubts.append(doubt(people, ~there, key, told))
        for name, variable in variables.items():
            cells = pd.Series(records[key][name].to_numpy()[row[there]], index=people.index[there])
            try:
                values, why = decode(cells, variable, f"{paths[key]}: variable '{name}' ({variable.column})")
            except DataError as error:
                faults.append(str(error))
                continue
            columns[name] = values.reindex(people.index)
            reasons[name] = why.cat.add_categories(absent).reindex(people.index)
            reasons[name][~there] = absent
    raise_all(faults)
    ordered = {name: columns[name] for name in (ID, *spec.variables)}
    return Joined(pd.DataFrame(ordered), reasons, flow, tuple(doubts))


def _records(
    spec: CohortSpec, key: str, paths: Mapping[str, Path], variables: Mapping[str, VariableSpec]
) -> pd.DataFrame:
    """Read a file and those that continue it, one below the other.

    Raises
    ------
    DataError
        If somebody has a record in two of them.
    """
    parts = {
        name: read(paths[name], file.at(paths[name]), file.id or spec.id, variables)
        for name, file in spec.parts(key).items()
    }
    records = pd.concat(parts.values(), ignore_index=True)
    twice = records.loc[records[ID].duplicated(), ID]
    if len(twice):
        raise DataError(
            f"{paths[key]}: {len(twice):,} people have a record in it and in a file that continues it, such as "
            f"{twice.iloc[0]}. Each must have people of its own; correct id or continues."
        )
    return records


def _called(spec: CohortSpec, key: str) -> str:
    return spec.files[key].label or spec.files[key].path


def _rows(wanted: pd.Series, ids: pd.Series) -> np.ndarray:
    """Position in `ids` of each wanted identifier, -1 where it is not there."""
    if wanted.dtype != ids.dtype:
        wanted, ids = wanted.astype(str), ids.astype(str)
    return pd.Index(ids).get_indexer(pd.Index(wanted))
