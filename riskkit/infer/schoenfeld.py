"""How a coefficient changes over time: scaled Schoenfeld residuals, smoothed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.design.splines import rcs
from riskkit.errors import FitError, SpecError, did_you_mean
from riskkit.fit.fit import Fit
from riskkit.fit.linearise import refuse_survey
from riskkit.fit.residuals import residuals

KNOTS = (0, 1 / 3, 2 / 3, 1)  # quantiles of event times and grid; the natural spline has four coefficients


def schoenfeld_smooth(fit: Fit, coefficient: str, *, points: int = 40, level: float = 0.95) -> pd.DataFrame:
    """Smooth the scaled Schoenfeld residuals of a coefficient over time: an estimate of the coefficient at each time.

    Parameters
    ----------
    fit : Fit
        A Cox model that has kept its design.
    coefficient : str
        Name of the coefficient, as in `fit.params`.
    points : int
        Times to estimate it at, evenly spaced from the first event to the last.
    level : float
        Confidence level of the pointwise band.

    Returns
    -------
    DataFrame, shape (points, 6)
        time estimate se ratio low high. The smooth is a natural cubic spline with four coefficients, fitted by least
        squares, its knots where R has them: at the ends and thirds of the event times and the `points` taken together.
        The variance of a residual is taken to be that of a coefficient times the number of events.

    Raises
    ------
    SpecError
        If the fit has no such coefficient.
    FitError
        If the fit is not a Cox model, has let go of its design, is of a survey, or has too few event times, or
        so many events at one that knots coincide.

    References
    ----------
    Grambsch PM, Therneau TM (1994) Biometrika 81:515-526. R: plot(cox.zph(fit, "identity", terms = FALSE)).
    """
    names = list(fit.recipe.names)
    if coefficient not in names:
        raise SpecError(f"the fit has no coefficient '{coefficient}'.{did_you_mean(coefficient, names)}")
    refuse_survey(fit.design, "the band of smoothed residuals", "test an interaction with periods of follow-up")
    found = residuals(fit, "scaled_schoenfeld")
    x, y = found["time"].to_numpy(), found[coefficient].to_numpy()
    if np.unique(x).size < len(KNOTS) + 1:
        raise FitError(f"{np.unique(x).size} event times are too few for a smooth over time.")
    grid = np.linspace(x.min(), x.max(), points)
    both = np.append(grid, x)
    knots = np.quantile(both, KNOTS)
    if np.unique(knots).size < len(KNOTS):
        raise FitError("so many events happen at one time that the knots of a smooth over time coincide.")
    basis = np.column_stack([np.ones(both.size), rcs(both, knots)])
    q, r = np.linalg.qr(basis[points:])
    weights = np.linalg.solve(r.T, basis[:points].T).T @ q.T
    estimate = weights @ y
    variance = len(y) * fit.vcov_model[names.index(coefficient), names.index(coefficient)]
    se = np.sqrt(variance * (weights**2).sum(axis=1))
    half = fit.critical(level) * se
    limits = {"ratio": np.exp(estimate), "low": np.exp(estimate - half), "high": np.exp(estimate + half)}
    return pd.DataFrame({"time": grid, "estimate": estimate, "se": se, **limits})
