"""Whether the follow-up of fits can answer for a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import TIE, Surv
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints


def check_times(times: ArrayLike | None, start: float | None, causes: Mapping[str, Fit], what: str = "times") -> Array:
    """Read the times at which risks are asked for, increasing.

    Raises
    ------
    SpecError
        If there are none, or one is not a finite number after the start.
    """
    if times is None:
        raise SpecError(f"{what}: give one time or more, on the time scale of the fits, as in times=[5, 10].")
    values = np.atleast_1d(np.asarray(times, dtype=float))
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise SpecError(f"{what}: give one finite time or more; got {times!r}.")
    begin = beginning(causes, start)
    if (values <= begin).any():
        raise SpecError(
            f"{what}: {values.min():g} is not after the start of the risk, {begin:g}. Times are on the fits' scale: "
            "the risk over 10 years from age 60 is start=60, times=[70]."
        )
    return np.asarray(np.unique(values))


def beginning(causes: Mapping[str, Fit], start: float | None) -> float:
    """Where the risk starts: as asked, else at zero, or at the first entry where people enter late.

    Raises
    ------
    SpecError
        If the start is no finite number.
    """
    if start is not None:
        if isinstance(start, bool | str) or not np.isfinite(start):
            raise SpecError(f"start: give a time on the scale of the fits, as in start=60; got {start!r}.")
        return float(start)
    entries = [cast(Surv, cast(Design, fit.design).response).entry for fit in causes.values()]
    return min((float(entry.min()) for entry in entries if entry is not None), default=0.0)


def check_at_risk(name: str, fit: Fit, strata: Sequence[int] | Ints, start: float, until: float) -> None:
    """Refuse a stretch of time in which nobody of a stratum is followed.

    Raises
    ------
    DataError
        Naming the time from which nobody is at risk.
    """
    design = cast(Design, fit.design)
    follow_up = cast(Surv, design.response)
    for stratum in np.unique(strata):
        rows = slice(None) if design.strata is None else design.strata == stratum
        ends = np.sort(follow_up.exit[rows])
        begins = np.full(ends.size, -np.inf) if follow_up.entry is None else np.sort(follow_up.entry[rows])
        moments = np.append(start, ends[(ends > start) & (ends < until * (1 - TIE * np.sign(until)))])
        after = moments + TIE * np.abs(moments)
        count = begins.searchsorted(after, "right") - ends.searchsorted(after, "right")
        if count.min() > 0:
            continue
        where = f" in stratum '{design.strata_labels[stratum]}'" if design.strata_labels else ""
        first = moments[count == 0][0]
        if first == ends[-1]:
            raise DataError(
                f"'{name}'{where} is followed until {ends[-1]:g}; a risk at {until:g} is beyond that. Ask for an "
                "earlier time."
            )
        raise DataError(
            f"'{name}'{where}: nobody is at risk just after {first:g}, so that the risk from {start:g} to {until:g} is "
            f"not known. People are followed from {0.0 if np.isinf(begins[0]) else begins[0]:g} to {ends[-1]:g}."
        )
