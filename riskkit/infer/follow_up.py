"""Whether the follow-up of fits can answer for a stretch of time, and whether their causes exclude each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import TIE, Surv
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints
from riskkit.infer.units import aligned


def named(causes: Mapping[str, Fit]) -> Mapping[str, Fit]:
    """Refuse what is no mapping of causes to fits.

    Raises
    ------
    SpecError
        If it is none, or empty.
    """
    if not isinstance(causes, Mapping) or not causes:
        raise SpecError('causes takes a Cox fit for each cause by name, as in {"mi": fit, "death": other}.')
    for name, fit in causes.items():
        if not isinstance(fit, Fit):
            raise SpecError(f"cause '{name}': got a {type(fit).__name__}, not a fit of rk.cox.")
    return causes


def check_causes(causes: Mapping[str, Fit]) -> None:
    """Refuse what is not one Cox fit a cause, each followed until the first event of any.

    Raises
    ------
    FitError
        If a fit is not a Cox model, or has let go of its design.
    DataError
        If a row has events of two causes, or is followed until different times in two fits.
    """
    for name, fit in causes.items():
        if fit.model != "cox":
            raise FitError(
                f"cause '{name}' needs a Cox model of its hazard, not a {fit.model} model; fit it with rk.cox."
            )
        if fit.design is None:
            raise FitError(f"cause '{name}' needs the data of its fit, which light() let go of; fit again.")
    designs = {name: cast(Design, fit.design) for name, fit in causes.items()}
    rows, size = aligned(designs)
    names = list(designs)
    exits, events = np.full(size, np.nan), np.full(size, -1)
    entries = np.full(size, np.nan)
    for number, name in enumerate(names):
        follow_up, at = cast(Surv, designs[name].response), rows[name]
        entry = np.zeros(at.size) if follow_up.entry is None else follow_up.entry
        for what, times, known in (("ends", follow_up.exit, exits), ("starts", entry, entries)):
            apart = np.abs(times - known[at]) > TIE * np.maximum(np.abs(times), 1.0)
            if apart.any():
                raise DataError(
                    f"the follow-up of {int(apart.sum())} rows {what} at another time for '{name}' than for the causes "
                    "before it. Follow each person until the first event of any cause, in every fit."
                )
            known[at] = times
        both = follow_up.event & (events[at] >= 0)
        if both.any():
            other = names[events[at][both][0]]
            same = both.sum() == follow_up.event.sum() == (events == names.index(other)).sum()
            raise DataError(
                f"'{name}' and '{other}' are the same events; name the outcome once, and as the competing cause what "
                "ends follow-up without it."
                if same
                else f"{int(both.sum())} rows have events of both '{other}' and '{name}'; causes must exclude each "
                "other. Count an event for the cause that came first."
            )
        events[at[follow_up.event]] = number


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
