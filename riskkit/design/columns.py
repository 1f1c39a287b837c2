"""The columns a model takes from a frame: named by text, there, and there once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pandas as pd

from riskkit.errors import DataError, SpecError, did_you_mean


def check_columns(data: object, names: Iterable[str], where: str) -> None:
    """Refuse what is no frame, or a frame that lacks one of the columns or has several of its name.

    Parameters
    ----------
    data : object
    names : iterable of str
    where : str
        What the columns are for; the message starts with it.

    Raises
    ------
    SpecError
        If `data` is not a DataFrame or has no such column.
    DataError
        If a name stands for several columns.
    """
    if not isinstance(data, pd.DataFrame):
        raise SpecError(f"{where}: the data must be a pandas DataFrame; got a {type(data).__name__}.")
    if data.columns.nlevels > 1:
        raise DataError(f"{where}: the data name columns by {data.columns.nlevels} levels; give each one plain name.")
    for name in names:
        if name not in data.columns:
            raise SpecError(f"{where}: no column '{name}' in the data." + _instead(name, data))
        if data[name].ndim > 1:
            raise DataError(f"{where}: the data have {data[name].shape[1]} columns named '{name}'; rename all but one.")


def _instead(name: str, data: pd.DataFrame) -> str:
    folded = unicodedata.normalize("NFKC", name)
    alike = [column for column in map(str, data.columns) if unicodedata.normalize("NFKC", column) == folded]
    if alike:
        return (
            f" The data have {alike[0]!a}, which looks the same but is made of other characters than "
            f"{name!a}; rename it: data.rename(columns={{{alike[0]!a}: {name!a}}})."
        )
    return did_you_mean(name, map(str, data.columns))


def check_names(**names: object) -> None:
    """Refuse arguments that are neither None nor the name of a column (a column itself, a list of names).

    Raises
    ------
    SpecError
        Naming the argument.
    """
    for argument, name in names.items():
        if not isinstance(name, str | None):
            raise SpecError(f"{argument} takes the name of a column of the data; got a {type(name).__name__}.")
