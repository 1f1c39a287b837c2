"""The hazard that each person has lived through: what follow-up says in a model of a covariate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.surv import Surv
from riskkit.fit.riskset import risk_sets


def hazard_lived(surv: Surv, risk: Array | None = None, strata: NDArray[np.int64] | None = None) -> Array:
    """Cumulative hazard of each person from entry to exit, shape (n,): Nelson and Aalen's, or Breslow's.

    Times are tied as in a Cox model (`riskkit.fit.riskset`).

    Parameters
    ----------
    surv : Surv, n rows
        At risk when entry < t <= exit.
    risk : array, shape (n,), optional
        Relative risks; 1 unless given.
    strata : int array, shape (n,), optional
        Numbered from 0; each has a hazard of its own.

    References
    ----------
    White IR, Royston P (2009) Stat Med 28:1982-1998, with H(exit) - H(entry) in the place of H(exit) under delayed
    entry, as it stands in the likelihood. R: survival::survfit(..., ctype = 1).
    """
    weight = np.ones(surv.exit.size) if risk is None else risk
    sets = risk_sets(surv, strata)
    return sets.while_at_risk(sets.d / sets.at_risk(weight))
