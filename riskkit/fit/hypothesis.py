"""Tests and quantiles: chi-squared and normal, read by F and t where the covariance has limited degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from riskkit.design.bases import Array
from riskkit.errors import FitError, SpecError


@dataclass(frozen=True)
class Test:
    """A chi-squared test: statistic, degrees of freedom and p value.

    Attributes
    ----------
    chi2, df : float
    df_resid : float
        Degrees of freedom of the covariance behind a Wald statistic: when finite, chi2 / df has an F distribution.
    reason : str
        Why the statistic is missing, where it is.
    """

    chi2: float
    df: float
    df_resid: float = float("inf")
    reason: str = ""

    __test__ = False  # so that pytest does not take it for a test class

    @property
    def p(self) -> float:
        """Upper tail probability; NaN without degrees of freedom."""
        if not self.df:
            return float("nan")
        if self.df_resid == float("inf"):
            return float(scipy.special.chdtrc(self.df, self.chi2))
        return float(scipy.special.fdtrc(self.df, self.df_resid, self.chi2 / self.df))

    @property
    def text(self) -> str:
        """The statistic, its degrees of freedom and its p value, to read; or why it is missing."""
        if self.reason:
            return f"missing: {self.reason}"
        if self.df_resid == float("inf"):
            return f"{self.chi2:.2f} on {self.df:.4g} df, p = {self.p:.3g}"
        return f"F {self.chi2 / self.df:.2f} on {self.df:.4g} and {self.df_resid:.4g} df, p = {self.p:.3g}"


def wald_chi2(estimate: Array, covariance: Array) -> float:
    """Wald statistic of q estimates, shape (q,), all being zero; covariance of shape (q, q).

    Raises
    ------
    FitError
        If the covariance is singular: one of the estimates is a combination of the others.
    """
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 0).all():
        raise FitError("a Wald test met a coefficient with zero variance; was the model fitted to separated data?")
    z = estimate / scale
    try:
        return float(z @ np.linalg.solve(covariance / np.outer(scale, scale), z))
    except np.linalg.LinAlgError:
        raise FitError("a Wald test met a singular covariance; take out a redundant term.") from None


def t_critical(df: Array, level: float) -> Array:
    """Two-sided critical values of t distributions, shape (m,); infinite degrees of freedom mean normal.

    Raises
    ------
    SpecError
        If `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise SpecError(f"a confidence level lies between 0 and 1, as in 0.95; got {level!r}.")
    normal, tail = np.isinf(df), (1 + level) / 2
    return np.where(normal, scipy.special.ndtri(tail), scipy.special.stdtrit(np.where(normal, 1.0, df), tail))


def t_p_value(t: Array, df: Array) -> Array:
    """Two-sided p values of t statistics, shape (m,); infinite degrees of freedom mean normal."""
    normal, below = np.isinf(df), -np.abs(t)
    return np.asarray(
        2 * np.where(normal, scipy.special.ndtr(below), scipy.special.stdtr(np.where(normal, 1.0, df), below))
    )
