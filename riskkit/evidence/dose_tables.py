"""A table of exposure levels with counts: a CSV file, one level of one study a row, each with its citation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from riskkit.errors import DataError, did_you_mean
from riskkit.evidence.cells import Numbered, Row, number_faults, read_rows, repeated_ids
from riskkit.evidence.covariance import DESIGNS
from riskkit.evidence.doses import assigned, converted
from riskkit.evidence.effects import effects, impossible
from riskkit.spec.evidence import DosesSpec

REQUIRED = ("id", "study", "year", "cohort", "design", "exposure", "outcome", "unit", "cases", "n", "ratio")
LEVEL = ("dose", "from", "to")
SOURCE = ("citation", "place")
DOSE_COLUMNS = (*REQUIRED, *LEVEL, "low", "high", *SOURCE, "url", "notes")


@dataclass(frozen=True)
class Doses:
    """The rows of one file, with a dose each in one unit.

    Attributes
    ----------
    path, unit : str
    frame : DataFrame
        id study year cohort design exposure outcome dose cases n ratio low high estimate se citation place notes;
        `estimate` and `se` are of the log ratio, 0 and missing in a study's reference.
    remarks : tuple of str
        A sentence for each row whose limits do not fit its ratio.
    """

    path: str
    unit: str
    frame: pd.DataFrame = field(repr=False)
    remarks: tuple[str, ...] = ()

    def select(self, outcome: str, exposure: str) -> pd.DataFrame:
        """Levels of this outcome by this exposure, of every study, as `rk.dose_response` takes them."""
        rows = self.frame[(self.frame["outcome"] == outcome) & (self.frame["exposure"] == exposure)]
        return rows[["study", "cohort", "design", "dose", "cases", "n", "estimate", "se"]].reset_index(drop=True)


def read_doses(path: str | Path, spec: DosesSpec) -> Doses:
    """Read a table of levels with counts, or list all its faults at once, by line and column.

    A level has a `dose`, or the limits of its category (`from`, `to`; one of them empty where it is open), which the
    declared rules give a dose. Doses are brought to one unit by the declared factors. What is wrong between the levels
    of a study (two references, no cases, limits that no counts can give) `rk.dose_response` tells.

    Parameters
    ----------
    path : path
        A CSV file in UTF-8 with the columns of `DOSE_COLUMNS`, in any order.
    spec : DosesSpec

    Raises
    ------
    DataError
        If there is no such file, or the table has faults.
    SpecError
        If a unit has no factor.
    """
    rows = read_rows(path, DOSE_COLUMNS, _row_faults, _table_faults)
    table = pd.DataFrame([row for _, row in rows], columns=list(DOSE_COLUMNS))
    for name in ("year", "cases", "n", "ratio", "low", "high", *LEVEL):
        table[name] = pd.to_numeric(table[name].where(table[name] != ""))
    faults = []
    for (study, outcome, exposure), own in table[table["dose"].isna()].groupby(["study", "outcome", "exposure"]):
        order = own.sort_values(["to", "from"], na_position="last", kind="stable")
        try:
            doses = assigned(order["from"], order["to"], bottom=spec.bottom, top=spec.top)
        except DataError as error:
            faults.append(f"  {study}, {exposure} and {outcome}: {str(error).removeprefix('assigned: ')}")
            continue
        table.loc[order.index, "dose"] = doses
    if faults:
        raise DataError("\n".join([f"{path}: categories that no dose can be given", *faults]))
    table = converted(table, spec.unit, spec.factors)
    first = (table["ratio"] == 1) & (table["low"].isna() | (table["low"] == table["high"]))
    table = table.assign(low=table["low"].mask(first), high=table["high"].mask(first))
    labels = table["study"] + ", dose " + table["dose"].map("{:g}".format)
    found = effects(table.assign(study=labels), what=str(path))
    table = table.assign(estimate=np.where(first, 0.0, found.estimate), se=found.se)
    columns = (*REQUIRED, "dose", "low", "high", "estimate", "se", *SOURCE, "notes")
    return Doses(str(path), spec.unit, table[list(columns)].drop(columns="unit"), found.notes)


def _row_faults(row: Row) -> Iterator[tuple[str, str]]:
    for name in (*REQUIRED, *SOURCE):
        if not row[name]:
            yield name, "is empty"
    if row["year"] and not (row["year"].isdigit() and 1900 <= int(row["year"]) <= 2100):
        yield "year", f"'{row['year']}' is no year of publication"
    if row["design"] and row["design"] not in DESIGNS:
        names = list(DESIGNS)[:3]
        yield "design", f"'{row['design']}' is not one of {', '.join(names)}.{did_you_mean(row['design'], names)}"
    wrong = number_faults(row, ("cases", "n", "ratio", "low", "high", *LEVEL), positive=("cases", "n"))
    yield from wrong
    if bool(row["dose"]) == bool(row["from"] or row["to"]):
        yield "dose", "a level has a dose, or the limits of its category (from, to)"
    bad = {name for name, _ in wrong}
    for name in LEVEL:
        if row[name] and name not in bad and float(row[name]) < 0:
            yield name, f"{row[name]}: a dose is not below zero"
    if row["ratio"] and not bad & {"ratio", "low", "high"}:
        told = impossible(*(float(row[name] or "nan") for name in ("ratio", "low", "high")))
        if told is not None and not (float(row["ratio"]) == 1 and row["low"] == row["high"]):
            yield "ratio", told.split(";")[0].rstrip(".")


def _table_faults(rows: list[Numbered]) -> Iterator[str]:
    yield from repeated_ids(rows)
    kinds: dict[tuple[str, ...], set[bool]] = {}
    for _, row in rows:
        kinds.setdefault((row["study"], row["outcome"], row["exposure"]), set()).add(bool(row["dose"]))
    for (study, outcome, exposure), found in kinds.items():
        if len(found) > 1:
            yield f"{study}, {exposure} and {outcome}: some levels have a dose and some limits; give all the same."
