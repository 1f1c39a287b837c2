"""Regression calibration: a model fitted again to what its terms are expected to be at the usual level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from riskkit.design.bases import Array, Basis, Linear
from riskkit.design.design import Design
from riskkit.design.smooth import Natural, Rcs
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.dilution import Dilution, beside, unexplained
from riskkit.infer.refit import design_of, recoded, refitted, values_used

NODES = 15  # of the quadrature


def calibrated(fit: Fit, variable: str, dilution: Dilution) -> Fit:
    """Fit the model again to the expected terms of the usual level, given the measured level and the other covariates.

    The error is normal with standard deviation `dilution.within_sd`, and usual levels are normal given the model's
    other columns and strata. Each column of the variable's coding becomes its mean over the usual levels that someone
    measured so may have (Gauss-Hermite quadrature); the knots move to the same percentiles of the usual levels. What
    comes back is a model of the usual level: curves, nadirs and U tests of it are of the usual level, and the other
    coefficients are given the usual level. Its covariance carries the uncertainty of the dilution ratio (delta method).

    Parameters
    ----------
    fit : Fit
        Not a light one, with one row per person.
    variable : str
        A number coded as a straight line, `rcs` or `ns`, without interactions.
    dilution : Dilution

    Returns
    -------
    Fit
        A light one, without likelihoods: its data are expectations, so residuals and likelihood ratios mean little.

    Raises
    ------
    SpecError
        If the fit is light or weighted, or the variable has another coding or interacts.
    DataError
        If there is no dilution to correct, or the error is larger than what the covariates leave unexplained.
    FitError
        If the model cannot be estimated again.

    References
    ----------
    Carroll RJ, Ruppert D, Stefanski LA, Crainiceanu CM (2006) Measurement Error in Nonlinear Models, chapter 4.
    """
    design = design_of(fit)
    x = values_used(fit, variable)
    (term,) = fit.recipe.terms_with(variable)
    residual, df = unexplained(x, *beside(design, term))
    spread = float(residual @ residual) / df
    error = dilution.within_sd**2
    if not 0 < error < spread:
        raise DataError(
            f"the error of one measurement of '{variable}' has a standard deviation of {np.sqrt(error):.3g}, what "
            f"the other covariates leave unexplained one of {np.sqrt(spread):.3g}: "
            + ("there is no dilution to correct." if error == 0 else "no lasting difference between people is left.")
        )
    basis = _at_usual_levels(term.bases[0], x, error)
    share = error / spread
    # Relative uncertainty of the error's variance, as the dilution ratio has it.
    step = share * dilution.se / (1 - dilution.ratio)

    def with_share(share: float) -> Fit:
        return refitted(fit, _expected(design, variable, basis, x, residual, share, share * (1 - share) * spread))

    best = with_share(share)
    extra = np.zeros_like(best.vcov)
    if step > 0:
        half = min(step, share / 2, (1 - share) / 2)
        drift = (with_share(share + half).coef - with_share(share - half).coef) * step / (2 * half)
        extra = np.outer(drift, drift)
    note = (
        f"'{variable}' is its usual level, by regression calibration (dilution ratio {dilution.ratio:.3f}, standard "
        f"error {dilution.se:.3f}; {1 - share:.3f} given the other covariates)"
    )
    nan = float("nan")
    return replace(
        best.light(),
        vcov=best.vcov + extra,
        vcov_model=best.vcov_model + extra,
        loglik=nan,
        loglik_null=nan,
        score_chi2=nan,
        method=f"{best.method}, regression calibration",
        notes=(*fit.notes, note),
    )


def _at_usual_levels(basis: Basis, x: Array, error: float) -> Basis:
    """The same coding with its knots at the same percentiles of the usual levels, whose variance is less by `error`."""
    mean, shrink = float(x.mean()), float(np.sqrt(1 - error / x.var(ddof=1)))

    def moved(knots: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(mean + shrink * (knot - mean) for knot in knots)

    match basis:
        case Linear():
            return basis
        case Rcs():
            return replace(basis, knots=moved(basis.knots))
        case Natural():
            low, high = moved(basis.boundary)
            return replace(basis, knots=moved(basis.knots), boundary=(low, high))
        case _:
            raise SpecError(f"{basis.label} cannot be corrected for regression dilution; use rcs, ns or a line.")


def _expected(
    design: Design, variable: str, basis: Basis, x: Array, residual: Array, share: float, variance: float
) -> Design:
    """The design with the mean of the basis over usual levels of this variance around x - share * residual."""
    expected = x - share * residual
    again = recoded(design, variable, basis, expected)
    (term,) = again.recipe.terms_with(variable)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    block = np.zeros_like(again.x[:, term.columns])
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        block += weight * basis.columns(expected + np.sqrt(variance) * node)
    columns = again.x.copy()
    columns[:, term.columns] = block
    return replace(again, x=columns)
