"""Survival outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import numbers
from riskkit.errors import DataError

TIE = 1e-9
"""Times closer than this, relative to their size, are the same time: float years must not split whole-day ties."""


def slack(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far another time may lie from each of these and still be the same time; never negative, as times may be."""
    return TIE * np.abs(times)


NUMBERED = "give times as numbers, such as days or years since an origin: (date - origin).dt.days"


@dataclass(frozen=True, eq=False)
class Surv:
    """Follow-up of n rows: at risk when entry < t <= exit, with an event at exit or not.

    Attributes
    ----------
    entry : array, shape (n,), or None
        Delayed entry, in the unit of `exit`; None when everyone is followed from the origin of the time scale.
    exit : array, shape (n,)
        End of follow-up.
    event : boolean array, shape (n,)
        Whether the event happened at `exit`.
    """

    entry: NDArray[np.float64] | None
    exit: NDArray[np.float64]
    event: NDArray[np.bool_]

    @property
    def person_time(self) -> NDArray[np.float64]:
        """Time at risk of each row, in the unit of the time scale."""
        return self.exit if self.entry is None else self.exit - self.entry


def indicator(values: pd.Series, what: str) -> NDArray[np.bool_]:
    """Read a 0/1 or boolean column without missing values.

    Raises
    ------
    DataError
        If it holds anything else; the message lists what.
    """
    out = numbers(values, "recode it to 0/1 or booleans")
    happened = out == 1
    wrong = ~happened & (out != 0)
    if wrong.any():
        shown = ", ".join(f"{v:g}" for v in np.unique(out[wrong])[:5])
        raise DataError(f"{what} '{values.name}' must be 0 or 1; it also holds {shown}. Recode it to 0/1 or booleans.")
    return happened


def surv(entry: pd.Series | None, exit: pd.Series, event: pd.Series) -> Surv:
    """Check and assemble a survival outcome from columns without missing values.

    Raises
    ------
    DataError
        If an event is not 0/1, a time is not finite, or a row leaves before or when it enters.
    """
    ends = numbers(exit, NUMBERED)
    events = indicator(event, "event column")
    if entry is None:
        if (ends < 0).any():
            raise DataError(
                f"time '{exit.name}' is negative in {int((ends < 0).sum())} rows (smallest {ends.min():g})."
            )
        return Surv(None, ends, events)
    starts = numbers(entry, NUMBERED)
    wrong = ends - starts <= slack(ends)
    if wrong.any():
        first = exit.index[wrong][:3].tolist()
        raise DataError(
            f"'{exit.name}' must be later than '{entry.name}' (at risk is entry < t <= exit): {int(wrong.sum())} rows "
            f"are not, first at index {', '.join(map(str, first))}. Correct the times or leave those rows out."
        )
    return Surv(starts, ends, events)
