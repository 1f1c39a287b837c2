"""The two-lines test of a U shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.linear import coded, standard_errors
from riskkit.infer.refit import design_of, refitted, values_used, with_columns

MIDDLE = (10, 90)  # percentiles between which the turning point is looked for


@dataclass(frozen=True)
class Line:
    """Slope of one of the two lines per unit of the variable: of the log ratio, or of the mean in a linear model."""

    estimate: float
    se: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class TwoLines:
    """The two-lines test.

    Attributes
    ----------
    variable : str
    shape : {"U", "inverse U"}
    breakpoint : float
        Where the lines meet, in the variable's unit.
    lower, upper : Line
        Below and above it, with two-sided p values.
    p : float
        The larger of the two p values when both slopes have the signs of the shape, 1 otherwise.
    """

    variable: str
    shape: Literal["U", "inverse U"]
    breakpoint: float
    lower: Line
    upper: Line
    p: float


def two_lines(
    fit: Fit,
    variable: str,
    *,
    shape: Literal["U", "inverse U"] = "U",
    breakpoint: float | None = None,
    level: float = 0.95,
) -> TwoLines:
    """Test for a U shape with two straight lines in place of the curve.

    The model is fitted again with a line below and a line above a break point, free to jump at it. The break point is
    found by the Robin Hood rule: of the places whose fitted risk is within one standard error of the lowest (between
    the 10th and 90th percentiles), it takes the quantile |z2| / (|z1| + |z2|), where z1 and z2 are the slopes' z values
    with the break at the median of those places - so that the weaker line gets more of the data.

    Parameters
    ----------
    fit : Fit
        A Cox, logistic, Poisson or linear model with the variable coded as a smooth curve; not a light one.
    variable : str
        A number without interactions.
    shape : {"U", "inverse U"}
    breakpoint : float, optional
        To be used instead of the rule's.
    level : float
        Confidence level of the slopes' intervals.

    Returns
    -------
    TwoLines
        The break point, both slopes with their limits and p values, and whether they have opposite signs.

    Raises
    ------
    SpecError
        If the fit is light, or the variable interacts or has a coding other than a line or spline.
    FitError
        If the two lines cannot be estimated, as with no one beyond the break point.

    References
    ----------
    Simonsohn U (2018) Adv Methods Pract Psychol Sci 1:538-555. There the curve is a penalised spline and its standard
    error that of the fitted mean; here the curve is the fit's and the standard error that of the difference from the
    lowest point, which is what models without a baseline can estimate.
    """
    if shape not in ("U", "inverse U"):
        raise SpecError(f'two_lines: shape is "U" or "inverse U"; got {shape!r}.')
    x = values_used(fit, variable)
    sign = 1.0 if shape == "U" else -1.0
    if breakpoint is None:
        flat = _flat(fit, variable, x, sign)
        first = _lines(fit, variable, x, float(np.median(flat)), level)
        z1, z2 = (abs(line.estimate / line.se) for line in first)
        breakpoint = float(np.quantile(flat, z2 / (z1 + z2)))
    lower, upper = _lines(fit, variable, x, breakpoint, level)
    agrees = sign * lower.estimate < 0 < sign * upper.estimate
    return TwoLines(variable, shape, breakpoint, lower, upper, max(lower.p, upper.p) if agrees else 1.0)


def _flat(fit: Fit, variable: str, x: Array, sign: float) -> Array:
    """Values of x in the middle whose risk is within one standard error of the lowest there."""
    low, high = np.percentile(x, MIDDLE)
    middle = np.sort(x[(x > low) & (x < high)])
    rows = coded(fit, {variable: middle})
    above = rows - rows[(sign * rows @ fit.coef).argmin()]
    return middle[sign * above @ fit.coef <= standard_errors(fit, above)]


def _lines(fit: Fit, variable: str, x: Array, at: float, level: float) -> tuple[Line, Line]:
    """Slopes below and above a break; people at it belong to the line whose slope is taken."""
    lower = _fitted(fit, variable, x - at, x <= at)
    upper = _fitted(fit, variable, x - at, x < at)
    return _line(lower, -3, level), _line(upper, -2, level)


def _fitted(fit: Fit, variable: str, distance: Array, below: NDArray[np.bool_]) -> Fit:
    """The model with two lines as its last three columns: distance below, distance above, and the jump between them."""
    design = design_of(fit)
    (term,) = fit.recipe.terms_with(variable)
    kept = np.ones(len(fit.recipe.names), dtype=bool)
    kept[term.columns] = False
    lines = np.column_stack([np.where(below, distance, 0.0), np.where(below, 0.0, distance), ~below])
    names = [name for name, keep in zip(fit.recipe.names, kept, strict=True) if keep]
    names += [f"{variable} below", f"{variable} above", f"{variable} jump"]
    return refitted(fit, with_columns(design, np.hstack([design.x[:, kept], lines]), names))


def _line(fit: Fit, column: int, level: float) -> Line:
    estimate, se = float(fit.coef[column]), float(fit.se[column])
    half = fit.critical(level) * se
    return Line(estimate, se, estimate - half, estimate + half, float(fit.p_value(np.array(estimate / se))))
