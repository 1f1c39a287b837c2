"""Case weights: what they are, and whom a row stands for."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array, numbers
from riskkit.errors import DataError, SpecError, did_you_mean

WeightKind = Literal["frequency", "sampling"] | None
KINDS = ("frequency", "sampling")


def check_kind(weights: str | None, kind: object) -> None:
    """Refuse a kind that is unknown, or without weights.

    Raises
    ------
    SpecError
        Naming the argument.
    """
    if kind is not None and kind not in KINDS:
        raise SpecError(f"weight_kind={kind!r} is not one of {', '.join(KINDS)}.{did_you_mean(str(kind), KINDS)}")
    if kind is not None and weights is None:
        raise SpecError(
            f"weight_kind={kind!r} says what weights are, and there are none; name their column in weights."
        )


def read(values: pd.Series, kind: WeightKind) -> Array:
    """Weights as numbers, shape (n,).

    Raises
    ------
    DataError
        If one is negative, or no whole number where weights are frequencies.
    """
    out = numbers(values, "weights are numbers")
    if (out < 0).any():
        raise DataError(
            f"weights '{values.name}' must be positive, or zero for nobody: {int((out < 0).sum())} rows have less. "
            "Leave them out."
        )
    if kind == "frequency" and (out != np.round(out)).any():
        raise DataError(
            f"weights '{values.name}' must be whole numbers, as frequencies are: {int((out != np.round(out)).sum())} "
            'rows have others. Weights of a sample are weight_kind="sampling".'
        )
    return out


def somebody(data: pd.DataFrame, weights: str | None, kind: WeightKind) -> NDArray[np.bool_] | None:
    """Which rows stand for anybody, shape (N,): not those of weight zero. None when all do."""
    if weights is None:
        return None
    nobody = read(data[weights], kind) == 0
    return ~nobody if nobody.any() else None


def count(data: pd.DataFrame, weights: str | None, kind: WeightKind) -> int:
    """People that rows stand for; a row of unknown weight is one."""
    if weights is None:
        return len(data)
    each = data[weights].fillna(1).to_numpy(dtype=float)
    return int(each.sum()) if kind == "frequency" else int((each > 0).sum())
