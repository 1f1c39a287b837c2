"""People who have withdrawn their consent since the extract was made: nothing of theirs may be used."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from riskkit.cohort.files import opened
from riskkit.cohort.flow import FlowStep, leave_out
from riskkit.cohort.read import ID
from riskkit.errors import DataError


def withdraw(
    people: pd.DataFrame, flow: tuple[FlowStep, ...], path: Path
) -> tuple[pd.DataFrame, tuple[FlowStep, ...], tuple[str, ...]]:
    """Leave out who stands in a list of withdrawals: an identifier a line, with or without a header.

    Parameters
    ----------
    people : DataFrame, n rows
        With ``id``.
    flow : tuple of FlowStep
    path : Path
        An empty file where nobody has withdrawn.

    Returns
    -------
    people, flow
        After the step.
    remarks : tuple of str
        How many of the list are not among the people.

    Raises
    ------
    DataError
        If a line is no identifier.
    """
    with opened(path) as stream:
        try:
            lines = stream.read().decode("utf-8-sig").split()
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: is not text ({error}). Give an identifier a line.") from error
    listed = [line.strip('",;') for line in lines]
    if pd.api.types.is_integer_dtype(people[ID]):
        if listed and listed[0][:1].isalpha():
            listed = listed[1:]
        wrong = [line for line in listed if not line.lstrip("-").isdigit()]
        if wrong:
            raise DataError(f"{path}: '{wrong[0]}' is no identifier. Give one a line, without other columns.")
        gone = pd.Index(sorted({int(line) for line in listed}), dtype="int64")
    else:
        gone = pd.Index(sorted(set(listed)), dtype="object")
    people, flow = leave_out(people, flow, "Withdrew consent", people[ID].isin(gone))
    absent = len(gone) - flow[-1].removed
    remarks = (f"{path.name}: {absent:,} of {len(gone):,} withdrawn are not in the table of people.",) if absent else ()
    return people, flow, remarks
