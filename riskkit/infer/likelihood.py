"""Likelihood-ratio tests: the model again, with fewer columns."""

from __future__ import annotations

import numpy as np
from scipy import linalg, special

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.refit import design_of, refitted, with_columns


def likelihood_ratio(fit: Fit, restrictions: Array) -> tuple[float, float]:
    """Likelihood-ratio chi-squared of q combinations of coefficients being zero, and its p value.

    The restricted model has for columns the combinations of the design's that leave the restrictions true; leaving out
    columns is the special case of rows of the identity.

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
    if fit.edf is not None:
        raise SpecError('a likelihood-ratio test needs a model without penalised splines; use "wald".')
    if fit.covariance != "model-based":
        raise SpecError(
            f'a likelihood-ratio test needs a model-based covariance, not a {fit.covariance} one; use "wald".'
        )
    first = int(fit.recipe.intercept)
    free = linalg.null_space(restrictions[:, first:])
    if free.shape[1] == 0:
        smaller = fit.loglik_null
    else:
        design = design_of(fit)
        x = np.hstack([design.x[:, :first], design.x[:, first:] @ free])
        names = [*fit.recipe.names[:first], *(f"restricted{j}" for j in range(1, free.shape[1] + 1))]
        smaller = refitted(fit, with_columns(design, x, names)).loglik
    chi2 = 2 * (fit.loglik - smaller)
    return chi2, float(special.chdtrc(len(restrictions), chi2))
