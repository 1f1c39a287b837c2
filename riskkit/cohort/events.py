"""First dates of diagnoses and deaths, found by DuckDB where the records lie: they may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from riskkit.cohort.codelists import Codelist
from riskkit.cohort.read import ID
from riskkit.cohort.records import database, spellings, view_records
from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.tables import same_code

NEVER = np.inf
BIRTH_LEEWAY = 31  # days, as the day of birth is assumed
COLUMNS = {"ICD-10": "icd10", "ICD-9": "icd9"}


@dataclass(frozen=True)
class Definition:
    """What counts: the records of some sources, those with a code of a list or all of them."""

    sources: tuple[str, ...]
    codelist: Codelist | None


@dataclass(frozen=True)
class FirstDates:
    """When people first had what was defined.

    Attributes
    ----------
    days : DataFrame, one row a person and one column a definition
        Days since 1970-01-01; infinite for never, missing where no record of it has a usable date.
    remarks : tuple of str
        What a reader should know of the records, with counts.
    """

    days: pd.DataFrame
    remarks: tuple[str, ...]


def first_dates(
    spec: CohortSpec, paths: dict[str, Path], people: pd.DataFrame, birth: pd.Series, wanted: Mapping[str, Definition]
) -> FirstDates:
    """Find each person's earliest record of each definition, over all its sources.

    Parameters
    ----------
    spec : CohortSpec
        Its [events] say where records stand.
    paths : dict of file key to path
    people : DataFrame, n rows
        With ``id``.
    birth : Series, n rows
        Days since 1970-01-01. A record from before it (by more than the month that its day is assumed in), or in the
        future, counts as one without a date.
    wanted : mapping of name to Definition

    Raises
    ------
    DataError
        If a file cannot be read, has not a column, has something else for a date, or shares no identifier with
        `people`.
    """
    by_source: dict[str, list[tuple[int, str, Codelist | None]]] = {}
    for i, one in enumerate(wanted.values()):
        for source in one.sources:
            key, _, level = source.partition(".")
            by_source.setdefault(key, []).append((i, level, one.codelist))
    remarks: list[str] = []
    with database() as db:
        id_type = _load_people(db, people, birth)
        db.execute("CREATE TABLE matched (definition INTEGER, row INTEGER, day DATE)")
        for key, requests in by_source.items():
            events, path = spec.events[key], paths[spec.events[key].file]
            with _named(path):
                view_records(db, spec, events, paths, id_type)
                remarks += _strangers(db, path, "codes")
                if events.dates_in is not None:
                    remarks += _strangers(db, paths[events.dates_in], "dated")
                db.execute("CREATE OR REPLACE TABLE found (definition INTEGER, row INTEGER, day DATE)")
                _find_coded(db, requests, events.levels)
                for i, level, codes in requests:
                    if codes is None:
                        _find_any(db, i, events.levels.get(level))
                remarks += _keep_dated(db, path, key)
        first = db.execute(
            "SELECT definition, row, date_diff('day', DATE '1970-01-01', min(day)) AS day FROM matched GROUP BY ALL"
        ).fetchnumpy()
    days = np.full((len(people), len(wanted)), NEVER)
    days[first["row"], first["definition"]] = np.ma.filled(np.ma.asarray(first["day"], dtype=np.float64), np.nan)
    return FirstDates(pd.DataFrame(days, index=people.index, columns=list(wanted)), tuple(remarks))


def _load_people(db: duckdb.DuckDBPyConnection, people: pd.DataFrame, birth: pd.Series) -> str:
    numbered = pd.api.types.is_integer_dtype(people[ID])
    frame = pd.DataFrame({"id": people[ID], "row": np.arange(len(people), dtype=np.int32), "birth": birth})
    db.register("frame", frame)
    earliest = f"DATE '1970-01-01' + CAST(CASE WHEN isnan(birth) THEN NULL ELSE birth - {BIRTH_LEEWAY} END AS INTEGER)"
    db.execute(f"CREATE TABLE people AS SELECT id, row, {earliest} AS earliest FROM frame")
    db.unregister("frame")
    return "BIGINT" if numbered else "VARCHAR"


def _find_coded(
    db: duckdb.DuckDBPyConnection,
    requests: list[tuple[int, str, Codelist | None]],
    levels: Mapping[str, tuple[str, ...]],
) -> None:
    """Add records with a listed code to ``found``; each spelling of a code is compared with the lists once."""
    named = {name: _spelled(db, values) for name, values in levels.items()}
    for system, column in COLUMNS.items():
        rows = [
            (i, code, at)
            for code in spellings(db, column)
            for i, level, codes in requests
            if codes is not None and codes.covers(system, code)
            for at in (named[level] if level else [None])
        ]
        if not rows:
            continue
        db.register("frame", pd.DataFrame(rows, columns=["definition", "code", "level"], dtype="string"))
        db.execute(
            f"""INSERT INTO found SELECT CAST(w.definition AS INTEGER), p.row, r.date FROM records AS r
            JOIN frame AS w ON w.code = r.{column} AND (w.level IS NULL OR w.level = r.level)
            JOIN people AS p ON p.id = r.id"""
        )
        db.unregister("frame")


def _find_any(db: duckdb.DuckDBPyConnection, definition: int, levels: tuple[str, ...] | None) -> None:
    if levels is None:
        db.execute(
            "INSERT INTO found SELECT ?, p.row, d.date FROM dated AS d JOIN people AS p USING (id)", [definition]
        )
        return
    db.execute(
        "INSERT INTO found SELECT ?, p.row, r.date FROM records AS r JOIN people AS p USING (id) "
        "WHERE list_contains(?, r.level)",
        [definition, _spelled(db, levels)],
    )


def _spelled(db: duckdb.DuckDBPyConnection, levels: tuple[str, ...]) -> list[str]:
    """How the declared values of ``level`` are written in the file."""
    wanted = {same_code(level) for level in levels}
    return [level for level in spellings(db, "level") if same_code(level) in wanted]


def _keep_dated(db: duckdb.DuckDBPyConnection, path: Path, key: str) -> list[str]:
    """Move what was found to ``matched``, without impossible dates; say how many people have what kind of them."""
    kinds = {
        "without a date": "day IS NULL",
        "from before birth": "day < earliest",
        "in the future": "day > current_date()",
    }
    counts = ", ".join(f"count(DISTINCT row) FILTER ({condition})" for condition in kinds.values())
    (found,) = db.execute(f"SELECT {counts} FROM found JOIN people USING (row)").fetchall()
    db.execute(
        """INSERT INTO matched SELECT definition, row, CASE WHEN day < earliest OR day > current_date() THEN NULL
        ELSE day END FROM found JOIN people USING (row)"""
    )
    return [
        f"{path.name} ({key}): records of {count:,} people that count for an outcome or history are {kind}: "
        "taken as of unknown date."
        for kind, count in zip(kinds, found, strict=True)
        if count
    ]


def _strangers(db: duckdb.DuckDBPyConnection, path: Path, view: str) -> list[str]:
    """Say how many records belong to nobody."""
    count = f"SELECT count(*), count(p.id) FROM {view} AS r LEFT JOIN people AS p ON p.id = r.id"
    records, known = db.execute(count).fetchall()[0]
    if records and not known:
        raise DataError(
            f"{path}: not one of its {records:,} records is of one of the people. Correct the column of id."
        )
    if records == known:
        return []
    ((example,),) = db.execute(f"SELECT min(r.id) FROM {view} AS r ANTI JOIN people USING (id)").fetchall()
    such = "" if example is None else f", such as {example}"
    return [f"{path.name}: {records - known:,} records are of nobody in the table of people{such}: left out."]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say in which file DuckDB found what it could not read."""
    try:
        yield
    except duckdb.Error as error:
        raise DataError(f"{path}: its records cannot be read. {str(error).splitlines()[0]}") from error
