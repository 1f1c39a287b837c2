"""Is it a U? The slopes at both ends, tested together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from riskkit import numbers
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.linear import critical, p_values, place, slopes, standard_errors
from riskkit.infer.nadir import Limit, Nadir, nadir

Shape = Literal["U", "inverse U"]


@dataclass(frozen=True)
class EndSlope:
    """Slope of the log ratio at one end of the range.

    Attributes
    ----------
    x : float
        Where, in the variable's unit.
    estimate, se, low, high : float
        Change of the log ratio per unit, with its two-sided interval.
    p : float
        One-sided p value: against the direction that the shape asks for at this end.
    """

    x: float
    estimate: float
    se: float
    low: float
    high: float
    p: float

    @property
    def trend(self) -> str:
        """What the interval says in words."""
        if self.high < 0:
            return "falls"
        if self.low > 0:
            return "rises"
        return "neither clearly falls nor clearly rises"


@dataclass(frozen=True)
class UShape:
    """The U test and what it rests on.

    Attributes
    ----------
    variable : str
    shape : {"U", "inverse U"}
        The shape that was tested for.
    lower, upper : EndSlope
    p : float
        The larger of the two one-sided p values: an intersection-union test needs no correction.
    nadir : Nadir
        The turning point between the same limits (the highest point of an inverse U).
    level : float
        1 - level is the p value below which the verdict speaks of evidence.
    """

    variable: str
    shape: Shape
    lower: EndSlope
    upper: EndSlope
    p: float
    nadir: Nadir
    level: float

    def verdict(self, unit: str | None = None, what: str = "risk") -> str:
        """Say in one sentence whether there is evidence for the shape of `what` the curve is of, and what it is."""
        p = numbers.p_phrase(self.p)
        article = "a U shape" if self.shape == "U" else "an inverse U shape"
        if self.p < 1 - self.level:
            before, after = ("falls", "rises") if self.shape == "U" else ("rises", "falls")
            turning = self.nadir
            interval = (
                f"{numbers.level(self.level)} CI {numbers.measure(turning.low)} to {numbers.measure(turning.high)}"
            )
            caution = ", reaching the end of the range examined" if any(turning.open_ends) else ""
            return (
                f"Evidence for {article}: {what} {before} up to {numbers.measure(turning.x, unit)} "
                f"({interval}{caution}) and {after} beyond; the U test {p}."
            )
        low, high = numbers.measure(self.lower.x, unit), numbers.measure(self.upper.x, unit)
        ends = f"{self.lower.trend} at {low} and {self.upper.trend} at {high}"
        if self.lower.trend == self.upper.trend:
            ends = f"{self.lower.trend} at {low} and at {high}"
        return f"No evidence for {article} ({p}): {what} {ends}."


def ushape(
    fit: Fit,
    variable: str,
    *,
    shape: Shape = "U",
    at: Mapping[str, Any] | None = None,
    limits: tuple[Limit, Limit] = ("p5", "p95"),
    level: float = 0.95,
    seed: int = 1,
) -> UShape:
    """Test for a U shape: the slope is negative at the lower limit and positive at the upper one.

    The null hypothesis is that at least one of them is not (Sasabuchi's intersection-union test, as Lind and Mehlum
    apply it), here on the slopes of whatever coding the fit has. A significant nonlinear term is no such evidence,
    because a monotone curve may bend. The test needs a coding free enough to follow a monotone curve that levels off:
    five knots or more (docs/calibration.md).

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do.
    variable : str
        A number coded by a smooth function.
    shape : {"U", "inverse U"}
        To be chosen before looking at the data; taking the better of the two doubles the error rate.
    at : mapping of variable to value, optional
        Where variables that interact with it stand; by default at their median or reference level.
    limits : pair of numbers or percentiles such as "p5"
        Where the slopes are taken.
    level : float
        Confidence level of the intervals; 1 - level is the level of the test.
    seed : int
        Of the simulations behind the nadir.

    Raises
    ------
    SpecError
        If the variable is not a number in the model, or an argument makes no sense.

    References
    ----------
    Sasabuchi S (1980) Biometrika 67:429-439; Lind JT, Mehlum H (2010) Oxf Bull Econ Stat 72:109-118.
    """
    if shape not in ("U", "inverse U"):
        raise SpecError(f'ushape: shape is "U" or "inverse U"; got {shape!r}.')
    turning = nadir(
        fit, variable, level, direction="lowest" if shape == "U" else "highest", at=at, limits=limits, seed=seed
    )
    x = np.array([place(fit, variable, limit) for limit in limits])
    rows = slopes(fit, variable, x, at)
    wanted = np.array([-1.0, 1.0]) if shape == "U" else np.array([1.0, -1.0])
    estimate, se = rows @ fit.coef, standard_errors(fit, rows)
    two_sided, agrees = p_values(fit, rows), wanted * estimate > 0
    p = np.where(agrees, two_sided / 2, 1 - two_sided / 2)
    half = critical(fit, rows, level) * se
    lower, upper = (
        EndSlope(*(float(v) for v in values))
        for values in zip(x, estimate, se, estimate - half, estimate + half, p, strict=True)
    )
    return UShape(variable, shape, lower, upper, max(lower.p, upper.p), turning, level)


def fieller(linear: float, square: float, covariance: Any, critical: float) -> tuple[float, float] | None:
    """Fieller's interval for the turning point -b1 / (2 b2) of a quadratic b1 x + b2 x^2.

    Parameters
    ----------
    linear, square : float
        b1 and b2.
    covariance : array, shape (2, 2)
        Of (b1, b2).
    critical : float
        Two-sided critical value, such as 1.96.

    Returns
    -------
    tuple of two floats, or None
        None when b2 does not differ from zero at that level: the interval is then unbounded.

    References
    ----------
    Fieller EC (1954) JRSS B 16:175-185; Lind & Mehlum (2010), equation (8).
    """
    v = np.asarray(covariance, dtype=float)
    # The x at which (b1 + 2 b2 x)^2 = critical^2 Var(b1 + 2 b2 x): a quadratic a x^2 + 2 h x + c = 0.
    squared = critical**2
    a = 4 * (square**2 - squared * v[1, 1])
    h = 2 * (linear * square - squared * v[0, 1])
    c = linear**2 - squared * v[0, 0]
    if a <= 0:
        return None
    half = float(np.sqrt(h * h - a * c))
    return (-h - half) / a, (-h + half) / a
