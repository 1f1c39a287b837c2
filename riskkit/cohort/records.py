"""Views of DuckDB on the files of dated records: one shape, whether a record is a row or some columns of a person."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from riskkit.cohort.columns import find_columns, instances
from riskkit.cohort.files import opened
from riskkit.errors import DataError
from riskkit.folders import scratch
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.records import EventsSpec
from riskkit.spec.tables import FileSpec, same_code

MEMORY = "2GB"  # of DuckDB, which goes on in a temporary folder beyond it
WILD = re.compile(r"[*?\[]")
DAY_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that keeps to `MEMORY`."""
    with scratch() as folder:
        limits: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": str(folder),
            "preserve_insertion_order": False,
        }
        with duckdb.connect(config=limits) as db:
            yield db


def view_records(
    db: duckdb.DuckDBPyConnection, spec: CohortSpec, events: EventsSpec, paths: dict[str, Path], id_type: str
) -> None:
    """Make the views of a source, in place of those of the source before.

    ``codes`` (id, icd10, icd9, level) has the codes only; ``records`` has them with their date; ``dated`` (id, date)
    has every date, also one without a code. What a source lacks is null. Nothing is read yet.

    Parameters
    ----------
    db : connection
    spec : CohortSpec
    events : EventsSpec
        One source of it.
    paths : dict of file key to path
    id_type : {"BIGINT", "VARCHAR"}
        What identifiers are compared as.

    Raises
    ------
    DataError
        If a column is not there.
    duckdb.Error
        If a file cannot be read, now or when a view is used; also where something else than a date is found.
    """
    file = spec.files[events.file]
    if file.rows == "one":
        _view_wide(db, spec, events, paths[events.file], id_type)
        return
    _view_file(db, "code_file", paths[events.file], file)
    types, path = _types(db, "code_file"), paths[events.file]
    identifier = str(file.id or spec.id)
    given = {"icd10": events.icd10, "icd9": events.icd9, "level": events.level}
    own_dates = () if events.dates_in else events.date
    names = [identifier, *filter(None, given.values()), *events.link, *own_dates, *events.leave_out]
    actual = find_columns(path, file, dict.fromkeys(names), list(types))
    parts = [f"TRY_CAST({_quoted(actual[identifier])} AS {id_type}) AS id"]
    parts += [f"{_text(actual[name]) if name else 'NULL::VARCHAR'} AS {role}" for role, name in given.items()]
    parts += [f"{_text(actual[name])} AS link{i}" for i, name in enumerate(events.link)]
    parts += [f"{_first_day(own_dates, actual, types)} AS date"] if own_dates else []
    kept = [_kept(db, "code_file", actual[name], codes) for name, codes in events.leave_out.items()]
    db.execute(f"CREATE OR REPLACE VIEW codes AS SELECT {', '.join(parts)} FROM code_file WHERE {_all(kept)}")
    if events.dates_in is None:
        db.execute("CREATE OR REPLACE VIEW records AS SELECT id, icd10, icd9, level, date FROM codes")
        db.execute("CREATE OR REPLACE VIEW dated AS SELECT id, date FROM codes")
        return
    file, path = spec.files[events.dates_in], paths[events.dates_in]
    _view_file(db, "date_file", path, file)
    types, identifier = _types(db, "date_file"), str(file.id or spec.id)
    actual = find_columns(path, file, dict.fromkeys([identifier, *events.link, *events.date]), list(types))
    parts = [f"TRY_CAST({_quoted(actual[identifier])} AS {id_type}) AS id"]
    parts += [f"{_text(actual[name])} AS link{i}" for i, name in enumerate(events.link)]
    parts += [f"{_first_day(events.date, actual, types)} AS date"]
    db.execute(f"CREATE OR REPLACE VIEW dated AS SELECT {', '.join(parts)} FROM date_file")
    using = ", ".join(["id", *(f"link{i}" for i in range(len(events.link)))])
    db.execute(
        "CREATE OR REPLACE VIEW records AS SELECT id, icd10, icd9, level, date "
        f"FROM codes LEFT JOIN dated USING ({using})"
    )


def spellings(db: duckdb.DuckDBPyConnection, column: str) -> list[str]:
    """List what stands in a column of ``codes``, each spelling once."""
    found = db.execute(f"SELECT DISTINCT {column} FROM codes WHERE {column} IS NOT NULL ORDER BY 1").fetchall()
    return [text for (text,) in found]


def _view_wide(db: duckdb.DuckDBPyConnection, spec: CohortSpec, events: EventsSpec, path: Path, id_type: str) -> None:
    """Turn the columns of each instance of a field into records."""
    file = spec.files[events.file]
    _view_file(db, "code_file", path, file)
    types = _types(db, "code_file")
    identifier = str(file.id or spec.id)
    column = find_columns(path, file, [identifier], list(types))[identifier]
    there: dict[str, list[int]] = {}
    for field in (*events.date, *filter(None, (events.icd10, events.icd9, events.level)), *events.leave_out):
        there[field] = instances(path, file, field, list(types))
    given = {"icd10": events.icd10, "icd9": events.icd9, "level": events.level}
    records = []
    for i in sorted({i for found in there.values() for i in found}):
        fields = {field: f"{field}_i{i}" for field, found in there.items() if i in found}
        actual = find_columns(path, file, fields.values(), list(types))
        at = {field: actual[name] for field, name in fields.items()}
        parts = [f"'{role}': {_text(at[name]) if name in at else 'NULL::VARCHAR'}" for role, name in given.items()]
        days = tuple(field for field in events.date if field in at)
        if not days:  # codes without their dates: an incomplete export
            find_columns(path, file, [f"{events.date[0]}_i{i}"], list(types))
        parts.append(f"'date': {_first_day(days, at, types)}")
        kept = [_kept(db, "code_file", at[field], codes) for field, codes in events.leave_out.items() if field in at]
        records.append(f"{{{', '.join(parts)}, 'kept': {_all(kept)}}}")
    db.execute(
        f"CREATE OR REPLACE VIEW records AS SELECT id, record.* FROM (SELECT TRY_CAST({_quoted(column)} AS {id_type}) "
        f"AS id, unnest([{', '.join(records)}]) AS record FROM code_file) "
        "WHERE record.kept AND (record.icd10 IS NOT NULL OR record.icd9 IS NOT NULL)"
    )
    db.execute("CREATE OR REPLACE VIEW codes AS SELECT id, icd10, icd9, level FROM records")
    db.execute("CREATE OR REPLACE VIEW dated AS SELECT id, date FROM records")


def _view_file(db: duckdb.DuckDBPyConnection, name: str, path: Path, file: FileSpec) -> None:
    at = file.at(path)
    _refuse_alike(path, at)
    if at.format != "parquet":  # text is parsed once, not at every look
        ((folder,),) = db.execute("SELECT current_setting('temp_directory')").fetchall()
        text = db.read_csv(_literally(path), header=True, all_varchar=True, delimiter=at.delimiter)
        path = Path(folder, f"{name}.parquet")
        text.write_parquet(str(path))
    db.read_parquet(_literally(path)).create_view(name, replace=True)


def _literally(path: Path) -> str:
    """Write a path so that DuckDB, which takes ``ev[12].csv`` for ev1.csv and ev2.csv, reads this file and no other."""
    return WILD.sub(r"[\g<0>]", str(path))


def _refuse_alike(path: Path, file: FileSpec) -> None:
    """Refuse columns of one name, of which DuckDB would rename the second without a word."""
    if file.format == "parquet":
        names = list(pq.read_schema(path).names)
    else:
        with opened(path) as stream:
            lines = TextIOWrapper(stream, file.encoding or "utf-8-sig", errors="replace", newline="")
            names = next(csv.reader(lines, delimiter=file.delimiter), [])
    folded = [name.strip().casefold() for name in names]
    for i, name in enumerate(names):
        if folded[i] and folded[i] in folded[:i]:
            alike = [other for other, same in zip(names, folded, strict=True) if same == folded[i]]
            raise DataError(f"{path}: {len(alike)} columns are called '{name}': {', '.join(alike)}. Rename them.")


def _types(db: duckdb.DuckDBPyConnection, view: str) -> dict[str, str]:
    """Type of each column as it stands in the file."""
    return {name: kind for name, kind, *_ in db.execute(f"DESCRIBE {view}").fetchall()}


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(column: str) -> str:
    return f"nullif(trim(CAST({_quoted(column)} AS VARCHAR)), '')"


def _first_day(names: tuple[str, ...], actual: dict[str, str], types: dict[str, str]) -> str:
    """Write the first date that is there, and a failure where something else than a date is."""
    return f"coalesce({', '.join(_day(actual[name], types[actual[name]]) for name in names)}, NULL::DATE)"


def _day(column: str, kind: str) -> str:
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"CAST({_quoted(column)} AS DATE)"
    text = _text(column)
    fault = f"error('column {column.replace(chr(39), '')}: ''' || {text} || ''' is no date such as 2009-12-31')"
    read = f"try_strptime({text}, [{', '.join(repr(form) for form in DAY_FORMATS)}])"
    return f"CAST(CASE WHEN {text} IS NULL THEN NULL WHEN {read} IS NULL THEN {fault} ELSE {read} END AS DATE)"


def _kept(db: duckdb.DuckDBPyConnection, view: str, column: str, codes: tuple[str, ...]) -> str:
    """Write the condition that a column has none of some codes."""
    wanted, text = {same_code(code) for code in codes}, _text(column)
    found = [value for (value,) in db.execute(f"SELECT DISTINCT {text} FROM {view}").fetchall() if value is not None]
    out = [f"'{value.replace(chr(39), chr(39) * 2)}'" for value in found if same_code(value) in wanted]
    return f"coalesce({text} NOT IN ({', '.join(out)}), true)" if out else "true"


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"
