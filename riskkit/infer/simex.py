"""Simulation and extrapolation: a check on regression calibration that assumes nothing about the usual levels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design, Term
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.dilution import Dilution
from riskkit.infer.refit import affordable, design_of, refitted, refuse_frequencies, values_used

ADDED = (0.5, 1.0, 1.5, 2.0)  # error variances added, as multiples of the one that is there
STREAM = 1994  # beside the seed: data simulated from the same seed must not get their own draws again as errors


@dataclass(frozen=True, eq=False)
class Simex:
    """What adding error did to the coefficients, and what taking it away would do.

    Attributes
    ----------
    fit : Fit
        The fit without error, by extrapolation: a light one, without likelihoods.
    steps : DataFrame
        term, added (error variance added, in multiples of that of one measurement; 0 is the fit itself, -1 the
        extrapolation) and estimate: what to plot.
    """

    fit: Fit
    steps: pd.DataFrame


def simex(fit: Fit, variable: str, dilution: Dilution, *, replicates: int = 20, seed: int = 1) -> Simex:
    """Add more and more error to a measurement, and extrapolate its effect back to no error at all.

    The error is normal with standard deviation `dilution.within_sd`. Every draw of it is used with both signs and at
    every error variance: what is odd in the error cancels, so that few replicates do. Estimates and variances are
    parabolas in the error variance, extrapolated to where there is none; the variance is Stefanski and Cook's, and that
    of the error variance itself is carried in by the delta method. A parabola does not reach far enough: at a dilution
    ratio of 0.75 a line's corrected slope comes out 5% too small, at 0.5 25% (docs/dilution.md).

    Parameters
    ----------
    fit : Fit
        Of a model that can be fitted again; not a light one, with one row per person.
    variable : str
        A number coded as a straight line or spline, without interactions. Knots stay where they are.
    dilution : Dilution
    replicates : int
        Fits at each of the 4 error variances: an even number.
    seed : int

    Returns
    -------
    Simex
        Coefficients and covariance as they would be without error, and the means at each error variance.

    Raises
    ------
    SpecError
        If the fit is light, the variable has another coding or interacts, or replicates are fewer than 10 or odd.
    DataError
        If there is no dilution to correct.
    FitError
        If a model with added error cannot be estimated, or the extrapolated variances are not positive.

    References
    ----------
    Cook JR, Stefanski LA (1994) JASA 89:1314-1328. Stefanski LA, Cook JR (1995) JASA 90:1247-1256. R: simex::simex
    with jackknife variance.
    """
    if replicates < 10 or replicates % 2:
        raise SpecError(f"simex: ask for an even number of replicates, 10 or more; got {replicates}.")
    if not dilution.within_sd > 0:
        raise DataError(f"simex: the dilution ratio is {dilution.ratio:.3g}, so there is no error to take away.")
    design = design_of(fit)
    refuse_frequencies(design, "simex")
    x = values_used(fit, variable)
    affordable("simex", replicates, design)
    (term,) = fit.recipe.terms_with(variable)
    random = np.random.default_rng((seed, STREAM))
    coefs, vcovs = [], []  # of each draw, at each error variance
    for _ in range(replicates // 2):
        error = dilution.within_sd * random.standard_normal(x.size)
        for draw in (error, -error):
            fits = [_erring(fit, design, term, x + np.sqrt(added) * draw) for added in ADDED]
            coefs.append([coef for coef, _ in fits])
            vcovs.append([vcov for _, vcov in fits])
    drawn = np.array(coefs)
    means = drawn.mean(axis=0)
    # Draws lie around their mean as around the truth, whose odd part has cancelled: no degree of freedom is lost.
    spread = np.einsum("rap,raq->apq", drawn - means, drawn - means) / replicates
    steps = np.vstack([fit.coef, means])
    coef, slope = _at_no_error(steps)
    vcov, _ = _at_no_error(np.concatenate([fit.vcov[None], np.mean(vcovs, axis=0) - spread]))
    # Were the error's variance larger by a share, the extrapolation would go further by that share.
    drift = slope * dilution.se / (1 - dilution.ratio)
    vcov = vcov + np.outer(drift, drift)
    if np.linalg.eigvalsh(vcov).min() <= 0:
        raise FitError(
            f"simex: the extrapolated variances are not positive; ask for more than {replicates} replicates."
        )
    nan = float("nan")
    note = f"'{variable}' is its usual level, by SIMEX ({replicates} replicates, seed {seed}, quadratic extrapolation)"
    without_error = replace(
        fit.light(),
        coef=coef,
        vcov=vcov,
        vcov_model=vcov,
        loglik=nan,
        loglik_null=nan,
        score_chi2=nan,
        method=f"{fit.method}, SIMEX",
        notes=(*fit.notes, note),
    )
    terms = list(fit.recipe.names)
    path = pd.DataFrame([coef, *steps], columns=terms).assign(added=[-1.0, 0.0, *ADDED])
    return Simex(without_error, path.melt(id_vars="added", var_name="term", value_name="estimate"))


def _erring(fit: Fit, design: Design, term: Term, values: Array) -> tuple[Array, Array]:
    """Coefficients and covariance with other values, shape (n,), in the columns of a term."""
    columns = design.x.copy()
    columns[:, term.columns] = term.bases[0].columns(values)
    again = refitted(fit, replace(design, x=columns))
    return again.coef, again.vcov


def _at_no_error(values: Array) -> tuple[Array, Array]:
    """Extrapolate values, shape (1 + added, ...), to -1 by least squares parabolas, and their slope there."""
    added = np.array([0.0, *ADDED])
    square, line, constant = np.polyfit(added, values.reshape(added.size, -1), 2)
    shape = values.shape[1:]
    return (square - line + constant).reshape(shape), (line - 2 * square).reshape(shape)
