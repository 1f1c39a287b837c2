"""Where rows come from when they are not in memory: partitions, over which sums are taken."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pandas as pd

from riskkit.errors import DataError, SpecError

T = TypeVar("T")
ROWS = 1 << 17  # rows at a time, some 50 MB with all that is made of them
READ_AHEAD = 2  # of those, decoded before they are asked for


class Work(Protocol[T]):
    """What is done with a partition; sums are added in place to those of others, where there are any."""

    def __call__(self, frame: pd.DataFrame, total: T | None = None) -> T:
        """Work on a partition, and add the result to `total`."""

    def add(self, left: T, right: T) -> T:
        """Add up the results of two sets of partitions; may change the first."""


class Source(Protocol):
    """Rows in partitions."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def categories(self) -> frozenset[str]:
        """Columns whose categories have an order that was declared; text that comes as categories is not."""

    def fold(self, columns: Sequence[str], work: Work[T]) -> T:
        """Do work on every partition and add up the results, in any order."""


@dataclass(frozen=True, eq=False)
class Batches:
    """Arrow batches, worked on by one thread per processor.

    Attributes
    ----------
    schema : pyarrow.Schema
    read : function of column names
        Starts reading from the first row; yields record batches.
    """

    schema: Any
    read: Callable[[Sequence[str]], Iterator[Any]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.schema.names)

    @property
    def categories(self) -> frozenset[str]:
        """Columns of dictionaries, as pandas writes its categories."""
        import pyarrow as pa

        return frozenset(field.name for field in self.schema if pa.types.is_dictionary(field.type))

    def fold(self, columns: Sequence[str], work: Work[T]) -> T:
        """See `Source`."""
        batches, lock = iter(self.read(columns)), threading.Lock()

        def one_thread(_: int) -> T | None:
            total: T | None = None
            while True:
                with lock:
                    batch = next(batches, None)
                if batch is None:
                    return total
                if batch.num_rows == 0:
                    continue
                total = work(batch.to_pandas(strings_to_categorical=True, split_blocks=True), total)

        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            totals = [total for total in pool.map(one_thread, range(workers)) if total is not None]
        if not totals:
            raise DataError("the data have no rows.")
        return reduce(work.add, totals)


@dataclass(frozen=True, eq=False)
class Dask:
    """A dask DataFrame: its scheduler, local or of a cluster, does the work where the partitions are."""

    frame: Any

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(map(str, self.frame.columns))

    @property
    def categories(self) -> frozenset[str]:
        """Columns of categories."""
        return frozenset(
            str(name) for name, dtype in self.frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)
        )

    def fold(self, columns: Sequence[str], work: Work[T]) -> T:
        """See `Source`."""
        import dask

        shared = dask.delayed(work, pure=False)  # sent once, not with every task
        found = [dask.delayed(_apply)(shared, part) for part in self.frame[list(columns)].to_delayed()]
        while len(found) > 1:  # a tree, so that no worker holds more than a few results
            found = [dask.delayed(_added)(shared, *found[k : k + 4]) for k in range(0, len(found), 4)]
        (total,) = dask.compute(found[0])
        if total is None:
            raise DataError("the data have no rows.")
        return total


def _apply(work: Work[T], part: pd.DataFrame) -> T | None:
    total: T | None = None
    for start in range(0, len(part), ROWS):
        total = work(part.iloc[start : start + ROWS], total)
    return total


def _added(work: Work[T], *found: T | None) -> T | None:
    some = [one for one in found if one is not None]
    return reduce(work.add, some) if some else None


def source_of(data: object) -> Source | None:
    """Recognise a source of partitions; None for anything else.

    Parameters
    ----------
    data : path or list of paths of Parquet, pyarrow Dataset, DuckDB relation, or dask DataFrame
        A path may be a file, a folder (with hive's `column=value` folders) or a pattern with `*`.

    Raises
    ------
    SpecError
        If a path leads to no Parquet file.
    """
    module = type(data).__module__.split(".")[0].lstrip("_")
    if isinstance(data, str | os.PathLike | list | tuple):
        return _parquet(data)
    if module == "pyarrow" and hasattr(data, "scanner"):
        return _dataset(data)
    if module == "duckdb" and hasattr(data, "project"):
        return _relation(data)
    if module == "dask" and hasattr(data, "to_delayed"):
        return Dask(data)
    return None


def _parquet(data: str | os.PathLike[str] | Sequence[Any]) -> Source:
    import pyarrow as pa
    import pyarrow.dataset as ds

    paths = [os.fspath(path) for path in ([data] if isinstance(data, str | os.PathLike) else data)]
    found = [file for path in paths for file in (sorted(glob.glob(path)) if "*" in path else [path])]
    lacking = [path for path in found if not Path(path).exists()]
    if lacking or not found:
        raise SpecError(
            f"data: '{(lacking or paths or [''])[0]}' is no file or folder; name Parquet files, a folder of them, or a "
            "pattern such as 'parts/*.parquet'."
        )
    try:
        where = found[0] if len(found) == 1 else found
        return _dataset(ds.dataset(where, format="parquet", partitioning="hive" if len(found) == 1 else None))
    except (pa.ArrowInvalid, OSError) as error:
        raise SpecError(f"data: {found[0]} cannot be read as Parquet ({str(error).splitlines()[0]}).") from None


def _dataset(dataset: Any) -> Source:
    def read(columns: Sequence[str]) -> Iterator[Any]:
        return iter(
            dataset.scanner(
                columns=list(columns), batch_size=ROWS, batch_readahead=READ_AHEAD, fragment_readahead=1
            ).to_batches()
        )

    return Batches(dataset.schema, read)


def _relation(relation: Any) -> Source:
    def read(columns: Sequence[str]) -> Iterator[Any]:
        names = ", ".join('"{}"'.format(name.replace('"', '""')) for name in columns)
        return iter(_reader(relation.project(names)))

    return Batches(_reader(relation.limit(0)).schema, read)


def _reader(relation: Any) -> Any:
    read = relation.to_arrow_reader if hasattr(relation, "to_arrow_reader") else relation.fetch_arrow_reader
    return read(ROWS)
