"""Whether fits are of causes that exclude each other, each followed until the first event of any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from riskkit.design.design import Design
from riskkit.design.sampling import refuse_sampling
from riskkit.design.surv import TIE, Surv
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
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
        if fit.design is not None:
            refuse_sampling(fit.design.sampling, "absolute risk", "fit with weights= and robust=True (rk.ncc_weights)")
        else:
            raise FitError(f"cause '{name}' needs the data of its fit, which light() let go of; fit again.")
    designs = {name: cast(Design, fit.design) for name, fit in causes.items()}
    if len(designs) > 1 and any(design.weight_kind == "frequency" for design in designs.values()):
        raise FitError(
            "causes fitted with frequency weights set the events of each apart in rows of their own, which do not "
            "match; give every person a row: data.loc[data.index.repeat(w)].reset_index(drop=True)."
        )
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
