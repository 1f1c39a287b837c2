"""One outcome of a screen: its follow-up, indexed once for all exposures, and the model without any of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import TIE, Surv
from riskkit.errors import FitError, RiskkitError
from riskkit.fit.cox import fit_design
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Index, Ints
from riskkit.fit.riskset import RiskSets, risk_sets

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Runs:
    """Rows in the order of a key each of them has; rows order[starts[k]:starts[k + 1]] have key k."""

    order: Index
    starts: Ints


@dataclass(frozen=True, eq=False)
class Outcome:
    """Follow-up of n rows and its adjusted model.

    Attributes
    ----------
    name : str
    design : Design
        The covariates, and the follow-up of all rows; rows without any are never at risk.
    followed : bool array, shape (n,)
    sets : RiskSets
    leaving, entering : Runs
        Rows by the last key they are at risk at, and by the last one before they enter.
    efron : bool
    fit : Fit
        The adjusted model without exposures, of all rows followed.
    adjusted : dict
        Coefficients of the same model without the rows of a pattern of missing values, as they become known.
    """

    name: str
    design: Design
    followed: Bools
    sets: RiskSets
    leaving: Runs
    entering: Runs
    efron: bool
    fit: Fit
    adjusted: dict[bytes, Array] = field(default_factory=dict)

    @property
    def surv(self) -> Surv:
        """Follow-up of all rows."""
        response = self.design.response
        assert isinstance(response, Surv)
        return response

    @cached_property
    def time(self) -> Array:
        """`failing` of all rows, shape (D,)."""
        return self.failing(np.empty(0, dtype=np.int64))

    @cached_property
    def everyone(self) -> RiskSets:
        """Risk sets without regard to strata."""
        return self.sets if self.design.strata is None else risk_sets(self.surv)

    @cached_property
    def _at_risk(self) -> Array:
        """How many rows are at risk at each key of `everyone`."""
        return self.everyone.at_risk(np.ones(len(self.followed)))

    def failing(self, absent: Ints) -> Array:
        """Function of time of the test of proportional hazards, shape (D,), without the rows that are absent."""
        everyone = self.everyone
        last, before = (
            np.bincount(keys[absent] + 1, minlength=everyone.size + 1) for keys in (everyone.last, everyone.before)
        )
        gone = np.cumsum((last - before)[:0:-1])[::-1]  # from the last key to the first
        lost = everyone.last[absent[self.surv.event[absent]]]
        deaths = everyone.d - np.bincount(lost[lost >= 0], minlength=everyone.size)
        return failing(everyone, deaths, self._at_risk - gone, self.sets)


def outcome(name: str, design: Design, followed: Bools, ties: str) -> Outcome | RiskkitError:
    """Index an outcome and fit its adjusted model, or give the error that says why it has none."""
    response = design.response
    assert isinstance(response, Surv)
    sets = risk_sets(response, design.strata)
    try:
        fit = fit_design(design, ties=ties, threads=1)
    except FitError as error:
        return error
    return Outcome(
        name,
        design,
        followed,
        sets,
        runs(sets.last, sets.size),
        runs(sets.before, sets.size),
        ties == "efron",
        fit.light({}),
    )


def runs(keys: Index, size: int) -> Runs:
    """Index rows by keys of shape (n,), of which there are `size`; rows with a key of -1 come before the first run."""
    order = np.argsort(keys, kind="stable").astype(np.int32)
    starts = np.searchsorted(keys[order], np.arange(size + 1))
    return Runs(order, starts)


def failing(everyone: RiskSets, deaths: Ints, at_risk: Array, sets: RiskSets) -> Array:
    """One minus the Kaplan-Meier curve just before each key of `sets`, about its mean; shape (D,).

    As cox.zph has it (transform = "km"), whatever the strata: `everyone` has the risk sets without them, and at each of
    its keys there are so many deaths among so many at risk.
    """
    share = np.divide(deaths, at_risk, out=np.zeros(everyone.size), where=deaths > 0)
    left = np.append(1.0, np.cumprod(1 - share))
    g = 1 - left[everyone.times.searchsorted(sets.times + TIE * np.abs(sets.times), "right") - 1]
    return np.asarray(g - np.average(g, weights=sets.d))
