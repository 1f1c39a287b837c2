"""Raw files to frames: only the declared columns, cells as the publisher wrote them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
from pyarrow import csv

from riskkit.cohort.columns import find_columns
from riskkit.cohort.content import XPT_RECORD
from riskkit.cohort.files import opened
from riskkit.cohort.fixed import read_fixed
from riskkit.errors import DataError
from riskkit.folders import scratch
from riskkit.spec.tables import FileSpec, VariableSpec

ID = "id"
STATISTICAL: dict[
    str, Callable[..., tuple[pd.DataFrame, object]]
] = {  # special missing values (.A) are missing in all of them
    "xpt": pyreadstat.read_xport,
    "sas7bdat": pyreadstat.read_sas7bdat,
    "dta": pyreadstat.read_dta,
}


def read(
    path: Path,
    file: FileSpec,
    identifier: str | Literal[False],
    variables: Mapping[str, VariableSpec],
    *,
    unique: bool = True,
) -> pd.DataFrame:
    """Read the declared columns of a raw file.

    Parameters
    ----------
    path : Path
        The file, plain or .gz.
    file : FileSpec
        Its format and what goes with it.
    identifier : str or False
        Name of the column of identifiers; False where there is none, and records are numbered from 1.
    variables : mapping of name to VariableSpec
        What to read, by the name it shall have. Capitals in names of columns do not matter unless two differ by them.
    unique : bool
        Whether a person may have one record only.

    Returns
    -------
    DataFrame, one row a record
        ``id`` (int64 if every identifier is a whole number, else text), and the variables: float64, or text
        (object) with blank cells as ''. Dates that the file knows as such are days since 1970-01-01.

    Raises
    ------
    DataError
        If the file cannot be read, a column is not there, or an identifier is missing or not unique.
    """
    if file.format == "fixed":
        fields = {name: variable.columns for name, variable in variables.items() if variable.columns is not None}
        assert file.id_columns is not None  # the specification has been checked
        frame = read_fixed(path, file, {ID: file.id_columns, **fields})
    else:
        columns = {ID: identifier} if identifier else {}
        columns |= {name: variable.column for name, variable in variables.items()}
        dates = {name for name, variable in variables.items() if variable.kind == "date"}
        frame = _read_table(path, file, columns, dates)
    frame[ID] = _identifiers(path, frame[ID], unique) if identifier else np.arange(1, len(frame) + 1)
    return frame


def read_whole(path: Path, file: FileSpec) -> pd.DataFrame:
    """Read every column of a raw file that has names of columns, cells as `read` gives them but for dates.

    Returns
    -------
    DataFrame, one row a record
        float64, text (object) with blank cells as '', or datetime64 where the file knows dates as such.

    Raises
    ------
    DataError
        If the file cannot be read, or two columns have one name.
    """
    with _told(path, file), _plain(path) as plain:
        names = _names(plain, file)
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise DataError(f"{path}: {names.count(repeated[0])} columns are called '{repeated[0]}'. Rename them.")
        frame = _columns(plain, file, names).reset_index(drop=True)
    return pd.DataFrame({name: _as_written(path, name, frame[name]) for name in names}, index=frame.index)


def described(path: Path, file: FileSpec) -> tuple[dict[str, str], dict[str, dict[float | str, str]], dict[str, str]]:
    """Labels of columns, labels of their values and formats of display, where a SAS or Stata file has them."""
    if file.format not in STATISTICAL:
        return {}, {}, {}
    with _told(path, file), _plain(path) as plain:
        known: Any = STATISTICAL[file.format](plain, metadataonly=True, encoding=file.encoding)[1]
    labels = {name: label for name, label in known.column_names_to_labels.items() if label}
    return labels, dict(known.variable_value_labels), dict(known.original_variable_types)


def _as_written(path: Path, name: str, column: pd.Series) -> pd.Series:
    return column if pd.api.types.is_datetime64_any_dtype(column) else _cells(path, name, column, False)


@contextmanager
def _told(path: Path, file: FileSpec) -> Iterator[None]:
    try:
        yield
    except (pyreadstat.ReadstatError, pa.ArrowException) as error:
        raise DataError(
            f"{path}: cannot be read as {file.format}: {error}. Fetch it again, or correct its format or encoding."
        ) from error
    except (UnicodeDecodeError, LookupError) as error:
        text = file.encoding or "UTF-8"
        raise DataError(f"{path}: is not {text} text ({error}). Declare its encoding.") from error


def _read_table(path: Path, file: FileSpec, columns: dict[str, str], dates: Collection[str]) -> pd.DataFrame:
    with _told(path, file), _plain(path) as plain:
        if file.format == "xpt" and plain.stat().st_size % XPT_RECORD:
            raise DataError(f"{path}: its size is not a multiple of {XPT_RECORD} bytes: cut off. Fetch it again.")
        actual = find_columns(path, file, columns.values(), _names(plain, file))
        frame = _columns(plain, file, list(dict.fromkeys(actual.values())))
    return pd.DataFrame(
        {name: _cells(path, column, frame[actual[column]], name in dates) for name, column in columns.items()}
    )


def _cells(path: Path, name: str, column: pd.Series, is_date: bool) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(column) and is_date:
        return (column - pd.Timestamp(0)) / pd.Timedelta(days=1) // 1
    if pd.api.types.is_numeric_dtype(column) and is_date and column.notna().any():
        raise DataError(f"{path}: column '{name}' holds numbers where dates are wanted. Write them as 2009-12-31.")
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(f"{path}: column '{name}' is a date. Declare its variable with kind = 'date'.")
    which, distinct = pd.factorize(column.astype(object).where(column.notna(), ""))
    trimmed = np.array([str(cell).strip() for cell in distinct], dtype=object)
    return pd.Series(trimmed[which], index=column.index)


def _identifiers(path: Path, column: pd.Series, unique: bool) -> pd.Series:
    blank = column.isna() | (column == "")
    if blank.any():
        raise DataError(
            f"{path}: {blank.sum():,} record(s) have no identifier, the first is record {blank.argmax() + 1}."
        )
    numbers = pd.to_numeric(column, errors="coerce")
    whole = numbers.notna().all() and (numbers % 1 == 0).all() and (numbers.abs() < 2**53).all()
    ids = numbers.astype("int64") if whole else column.astype(str)
    repeated = ids[ids.duplicated()]
    if unique and len(repeated):
        times = int((ids == repeated.iloc[0]).sum())
        raise DataError(
            f"{path}: {repeated.nunique():,} identifier(s) stand in more than one record, such as {repeated.iloc[0]} "
            f"({times} records). A raw file must have one record a person."
        )
    return ids


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """Give a file that readers which know no .gz can open."""
    if path.suffix.casefold() != ".gz":
        yield path
        return
    with scratch() as folder:
        plain = folder / path.stem
        with opened(path) as packed, plain.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        yield plain


def _names(path: Path, file: FileSpec) -> list[str]:
    match file.format:
        case "csv":
            with csv.open_csv(path, *_csv_layout(file)) as reader:
                return list(reader.schema.names)
        case "parquet":
            return list(pq.read_schema(path).names)
    return list(STATISTICAL[file.format](path, metadataonly=True)[0].columns)


def _columns(path: Path, file: FileSpec, names: list[str]) -> pd.DataFrame:
    match file.format:
        case "csv":
            text = csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
            return csv.read_csv(path, *_csv_layout(file), text).to_pandas()
        case "parquet":
            return pq.read_table(path, columns=names).to_pandas(date_as_object=False)
    reader = STATISTICAL[file.format]
    return reader(path, usecols=names, encoding=file.encoding, disable_datetime_conversion=True)[0]


def _csv_layout(file: FileSpec) -> tuple[csv.ReadOptions, csv.ParseOptions]:
    """Read with pyarrow, which refuses records with more or fewer cells than the header."""
    layout = csv.ParseOptions(delimiter=file.delimiter, newlines_in_values=True)
    return csv.ReadOptions(encoding=file.encoding or "utf-8"), layout
