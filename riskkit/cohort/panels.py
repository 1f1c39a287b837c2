"""Panels: files of one number of one person a row, laid out as a column for each item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from riskkit.cohort.columns import find_columns
from riskkit.cohort.read import ID
from riskkit.errors import DataError
from riskkit.spec.panels import PanelSpec
from riskkit.spec.tables import DescribedSpec, FileSpec, same_code

BATCH = 1 << 20  # records read at a time
UNFIT = re.compile(r"[^A-Za-z0-9_]+")


def read_panel(
    name: str, panel: PanelSpec, path: Path, file: FileSpec, identifier: str, people: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, DescribedSpec]]:
    """Read the numbers of a panel, a batch of records at a time, for the people of a cohort.

    Parameters
    ----------
    name : str
        Of the panel, which its variables begin with.
    panel : PanelSpec
    path : Path
    file : FileSpec
        Of it.
    identifier : str
        Name of its column of identifiers.
    people : DataFrame, n rows
        With their ``id``.

    Returns
    -------
    columns : DataFrame, n rows
        A float64 column for each item, in the order of their codes; NaN where a person has no record, or an empty one.
    described : dict by name
        What each is.

    Raises
    ------
    DataError
        If the file cannot be read, a value is no number, nobody of the cohort has a record, or somebody has two of an
        item.
    """
    index = pd.Index(people[ID])
    found: dict[str, np.ndarray] = {}
    seen: dict[str, np.ndarray] = {}
    for records in _batches(path, file, identifier, panel):
        row = index.get_indexer(
            pd.Index(records[ID].astype(index.dtype) if index.dtype != object else records[ID].astype(str))
        )
        records, row = records[row >= 0], row[row >= 0]
        codes, items = pd.factorize(records["item"])
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(len(items) + 1))
        values = records["value"].to_numpy()
        for k, item in enumerate(items):
            own = order[ends[k] : ends[k + 1]]
            into = found.setdefault(item, np.full(len(people), np.nan))
            twice = seen.setdefault(item, np.zeros(len(people), dtype=bool))
            if twice[row[own]].any() or len(np.unique(row[own])) < own.size:
                raise DataError(
                    f"{path}: somebody has two records of {panel.item} {item}. Say which count by `where` of "
                    f'panels.{name}, as in {{ ins_index = ["0"] }}.'
                )
            twice[row[own]] = True
            into[row[own]] = values[own]
    if not found:
        raise DataError(f"{path}: nobody of the cohort has a record that counts. Correct panels.{name} or files.")
    described = {
        _name(name, item): DescribedSpec(label=f"{panel.label} {item}", kind="number", unit=panel.unit, note=None)
        for item in found
    }
    if len(described) < len(found):
        raise DataError(f"{path}: two items of {panel.item} differ only in signs that a name cannot have. Rename one.")
    items = sorted(found, key=_place)
    columns = pd.DataFrame({_name(name, item): found[item] for item in items}, index=people.index)
    return columns, {_name(name, item): described[_name(name, item)] for item in items}


def _name(panel: str, item: str) -> str:
    return f"{panel}_{UNFIT.sub('_', item)}"


def _place(item: str) -> tuple[float, str]:
    """Numbers by their size, before words."""
    return (float(item), "") if re.fullmatch(r"[0-9]{1,15}", item) else (np.inf, item)


def _batches(path: Path, file: FileSpec, identifier: str, panel: PanelSpec) -> Iterator[pd.DataFrame]:
    """Records that count, some at a time: id, item (text) and value (float64)."""
    at, wanted = file.at(path), [file.id or identifier, panel.item, panel.value, *panel.where]
    try:
        if at.format == "parquet":
            parquet = pq.ParquetFile(path)
            actual = find_columns(path, file, wanted, parquet.schema_arrow.names)
            batches = parquet.iter_batches(BATCH, columns=list(dict.fromkeys(actual.values())))
        else:
            reading = csv.ReadOptions(block_size=1 << 25, encoding=file.encoding or "utf8")
            batches = csv.open_csv(path, reading, csv.ParseOptions(delimiter=at.delimiter))
            actual = find_columns(path, file, wanted, batches.schema.names)
        for batch in batches:
            yield _records(batch, actual, panel, file.id or identifier, path)
    except pa.ArrowException as error:
        raise DataError(f"{path}: cannot be read ({str(error).splitlines()[0]}).") from error


def _records(
    batch: pa.RecordBatch, actual: dict[str, str], panel: PanelSpec, identifier: str, path: Path
) -> pd.DataFrame:
    frame = {name: batch.column(column).to_pandas() for name, column in actual.items()}
    values = pd.to_numeric(frame[panel.value], errors="coerce")
    wrong = values.isna() & frame[panel.value].notna() & (frame[panel.value].astype(str).str.strip() != "")
    if wrong.any():
        raise DataError(
            f"{path}: '{frame[panel.value][wrong].iloc[0]}' in column '{actual[panel.value]}' is no number."
        )
    kept = np.ones(len(values), dtype=bool)
    for column, codes in panel.where.items():
        levels = {same_code(code) for code in codes}
        unique = frame[column].unique()
        counts = {each for each in unique if same_code(each if isinstance(each, str) else float(each)) in levels}
        kept &= frame[column].isin(counts).to_numpy()
    items = frame[panel.item][kept]
    texts = {each: same_code(each if isinstance(each, str) else float(each)) for each in items.unique()}
    return pd.DataFrame({ID: frame[identifier][kept], "item": items.map(texts), "value": values[kept].astype(float)})
