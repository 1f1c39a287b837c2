"""Two models of the same people, one within the other."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.pooled import PooledFit
from riskkit.infer.refit import design_of

SPANNED = 1e-8  # of a column's length: what the larger model may leave of a column of the smaller one


def restrictions(larger: Fit, smaller: Fit) -> Array:
    """The hypothesis that makes a model the smaller one, shape (q, p) of the larger model's coefficients.

    Raises
    ------
    SpecError
        If the models are of other kinds, outcomes or people, or neither lies within the other.
    """
    if isinstance(larger, PooledFit) or isinstance(smaller, PooledFit):
        raise SpecError("anova of two models takes no pooled fits; test the terms of the larger one by anova(fit).")
    large, small = design_of(larger), design_of(smaller)
    for name in ("model", "ties", "penalty", "covariance"):
        ours, theirs = getattr(larger, name), getattr(smaller, name)
        if ours != theirs:
            raise SpecError(f"anova: the models differ in {name}: {ours} and {theirs}; compare models fitted alike.")
    _check_same_people(large, small)
    x = large.x
    scale = np.maximum(np.linalg.norm(x, axis=0), 1e-300)
    coefficients, *_ = np.linalg.lstsq(x / scale, small.x, rcond=None)
    left = small.x - (x / scale) @ coefficients
    if (np.linalg.norm(left, axis=0) > SPANNED * np.linalg.norm(small.x, axis=0)).any():
        raise SpecError(
            f"anova: {smaller.recipe.formula.text!r} is not within {larger.recipe.formula.text!r}, so that no test "
            "compares them; compare their AIC."
        )
    return np.asarray(linalg.null_space((coefficients / scale[:, None]).T).T)


def _check_same_people(one: Design, other: Design) -> None:
    same = len(one.x) == len(other.x) and one.index.equals(other.index)
    if same and isinstance(one.response, Surv) and isinstance(other.response, Surv):
        same = np.array_equal(one.response.exit, other.response.exit) and np.array_equal(
            one.response.event, other.response.event
        )
        entries = [np.zeros(0) if r.entry is None else r.entry for r in (one.response, other.response)]
        same = same and np.array_equal(entries[0], entries[1])
    elif same and isinstance(one.response, np.ndarray) and isinstance(other.response, np.ndarray):
        same = np.array_equal(one.response, other.response)
    for name in ("strata", "offset", "weights", "time", "cluster"):
        ours, theirs = (np.zeros(0) if (v := getattr(d, name)) is None else v for d in (one, other))
        same = same and np.array_equal(ours, theirs)
    if not same:
        raise SpecError(
            f"anova: the models are not of the same people, outcome, strata, offset and weights ({len(one.x)} and "
            f"{len(other.x)} rows); leave rows with missing values out of the data first."
        )
