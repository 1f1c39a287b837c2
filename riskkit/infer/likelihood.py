"""Likelihood-ratio tests: the model again, with fewer columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.refit import design_of, refitted, with_columns

Columns = NDArray[np.bool_]


def likelihood_ratio(fit: Fit, columns: Columns) -> tuple[float, float]:
    """Likelihood-ratio chi-squared of leaving out columns (boolean, shape (p,)), and its p value.

    Raises
    ------
    SpecError
        If the fit has let go of its design, or its covariance is robust: its likelihood is then not that of the data.
    """
    if fit.covariance != "model-based":
        raise SpecError(
            f'a likelihood-ratio test needs a model-based covariance, not a {fit.covariance} one; use "wald".'
        )
    tested = int(columns.sum())
    if columns[int(fit.recipe.intercept) :].all():
        smaller = fit.loglik_null
    else:
        design = design_of(fit)
        names = [name for name, left_out in zip(fit.recipe.names, columns, strict=True) if not left_out]
        smaller = refitted(fit, with_columns(design, design.x[:, ~columns], names)).loglik
    chi2 = 2 * (fit.loglik - smaller)
    return chi2, float(stats.chi2.sf(chi2, tested))
