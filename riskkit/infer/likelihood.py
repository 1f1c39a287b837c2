"""Likelihood-ratio tests: the model again, with fewer columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import linalg

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.hypothesis import Test
from riskkit.fit.pooled import PooledFit
from riskkit.fit.rubin import d4
from riskkit.fit.within import BEYOND
from riskkit.infer.refit import design_of, refitted, with_columns


def likelihood_ratio(fit: Fit, restrictions: Array) -> Test:
    """Likelihood-ratio test of q combinations of coefficients being zero; of a pooled fit, by D4.

    The restricted model has for columns the combinations of the design's that leave the restrictions true; leaving out
    columns is the special case of rows of the identity. Firth's penalty stays that of all columns, so that the test
    does not depend on their units (Heinze and Schemper 2002).

    Parameters
    ----------
    fit : Fit
    restrictions : array, shape (q, p)
        Of full row rank; an intercept is not restricted.

    Raises
    ------
    SpecError
        If the fit has let go of its design, or has penalised splines, or its covariance is robust: its likelihood is
        then not that of the data.
    """
    if isinstance(fit, PooledFit):
        return _pooled(fit, restrictions)
    if fit.edf is not None:
        raise SpecError('a likelihood-ratio test needs a model without penalised splines; use "wald".')
    if fit.covariance != "model-based":
        raise SpecError(
            f'a likelihood-ratio test needs a model-based covariance, not a {fit.covariance} one; use "wald".'
        )
    if fit.penalty or fit.infinite is not None:
        return Test(2 * (fit.loglik - _constrained(fit, restrictions)), len(restrictions))
    first = int(fit.recipe.intercept)
    free = linalg.null_space(restrictions[:, first:])
    if free.shape[1] == 0:
        smaller = fit.loglik_null
    else:
        design = design_of(fit)
        x = np.hstack([design.x[:, :first], design.x[:, first:] @ free])
        names = [*fit.recipe.names[:first], *(f"restricted{j}" for j in range(1, free.shape[1] + 1))]
        smaller = refitted(fit, with_columns(design, x, names)).loglik
    return Test(2 * (fit.loglik - smaller), len(restrictions))


def _constrained(fit: Fit, restrictions: Array) -> float:
    """Highest (penalised) log-likelihood where the restrictions are true; what stays infinite stays so."""
    if fit.constrained is None:
        raise SpecError("this needs the data that the fit was made from, which a light fit has let go of; fit again.")
    p = fit.coef.size
    endless = np.zeros(p) if fit.infinite is None else fit.infinite
    endless = np.where(restrictions.any(axis=0), 0.0, endless)
    moving = np.flatnonzero(endless == 0)
    basis = np.zeros((p, moving.size))
    basis[moving] = np.eye(moving.size)
    basis = basis @ linalg.null_space(restrictions[:, moving])
    begin = basis.T @ np.where(endless == 0, np.clip(fit.coef, -20, 20), 0.0)
    return fit.constrained(endless * BEYOND, basis, begin)[0]


def _pooled(fit: PooledFit, restrictions: Array) -> Test:
    """Compare the likelihood-ratio tests of the sets with that of all sets stacked, with common coefficients."""
    each = [likelihood_ratio(one, restrictions).chi2 for one in fit.fits]
    stacked = refitted(fit.fits[0], _stacked([design_of(one) for one in fit.fits]))
    return d4(np.array(each), likelihood_ratio(stacked, restrictions).chi2 / len(each), len(restrictions))


def _stacked(designs: list[Design]) -> Design:
    """All sets as one; each is a stratum of its own where the likelihood compares people with one another."""
    first = designs[0]
    strata = [np.zeros(len(design.x), dtype=np.int64) if design.strata is None else design.strata for design in designs]
    size = max(int(codes.max()) for codes in strata) + 1
    return replace(
        first,
        x=np.vstack([design.x for design in designs]),
        response=_responses(designs),
        index=first.index.append([design.index for design in designs[1:]]),
        strata=None if first.recipe.intercept else np.concatenate([i * size + codes for i, codes in enumerate(strata)]),
        offset=_joined([design.offset for design in designs]),
        weights=_joined([design.weights for design in designs]),
        time=_joined([design.time for design in designs]),
        source=None,
        rows=None,
    )


def _joined(arrays: list[Array | None]) -> Array | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if present else None


def _responses(designs: list[Design]) -> Surv | Array:
    followed = [design.response for design in designs if isinstance(design.response, Surv)]
    if not followed:
        return np.concatenate([design.response for design in designs if not isinstance(design.response, Surv)])
    return Surv(
        _joined([response.entry for response in followed]),
        np.concatenate([response.exit for response in followed]),
        np.concatenate([response.event for response in followed]),
    )
