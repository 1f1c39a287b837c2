"""Is it a U? Both ends of the range against the lowest point, and the slopes as evidence beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskkit import numbers
from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.heights import LIMITS, POINTS, Limit, heights, search_grid, spread
from riskkit.infer.linear import coded, critical, p_values, slopes, standard_errors
from riskkit.infer.nadir import Direction, Nadir, located
from riskkit.infer.verdict import Answer, Change, Shape, ShapeVerdict


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
    """The verdict on a shape, and the slopes as evidence beside it.

    Attributes
    ----------
    variable : str
    shape : {"U", "inverse U"}
        The shape that was asked about.
    p : float
        P value of the test of heights, two-sided: below 1 - level just when the answer is this shape, the intervals of
        both ends leave out 1, and the interval of the turning point is bounded on both sides.
    nadir : Nadir
        The turning point between the same limits (the highest point of an inverse U).
    heights : ShapeVerdict
        The verdict in numbers, its answer and its words.
    lower, upper : EndSlope
        Slopes at the limits.
    slopes_p : float
        The larger of their one-sided p values: Sasabuchi's test, which Lind and Mehlum use for a parabola.
    level : float
    """

    variable: str
    shape: Shape
    p: float
    nadir: Nadir
    heights: ShapeVerdict
    lower: EndSlope
    upper: EndSlope
    slopes_p: float
    level: float

    @property
    def answer(self) -> Answer:
        """One of a closed set: "U-shaped", "falls then levels off", ...; see `ShapeVerdict.answer`."""
        return self.heights.answer

    def verdict(self, unit: str | None = None, what: str = "risk") -> str:
        """Say in one sentence whether there is evidence for the shape of `what` the curve is of, and what it is."""
        found = "Evidence" if self.p < 1 - self.level else "No evidence"
        said = self.heights.sentence(unit, what)
        article = "a" if self.shape == "U" else "an"
        return f"{found} for {article} {self.shape} shape ({numbers.p_phrase(self.p)}): {said[:1].lower()}{said[1:]}"


def ushape(
    fit: Fit,
    variable: str,
    *,
    shape: Shape = "U",
    at: Mapping[str, Any] | None = None,
    limits: tuple[Limit, Limit] = LIMITS,
    level: float = 0.95,
    flat_within: float | None = 1.25,
    seed: int = 1,
) -> UShape:
    """Is it a U? Both ends of the range against the lowest point, wherever that is.

    The null hypothesis is that the curve is nowhere between the limits below both of its ends. It is the union of two:
    no point lies below the low end; no point lies below the high end. Each is tested by the largest standardised
    difference between the end and any point, referred to its distribution under a flat curve, which is the least
    favourable; rejecting both at a level rejects their union at that level, without correction (intersection-union).
    A significant nonlinear term is no such evidence, because a monotone curve may bend, and a slope at the ends is more
    easily wrong than a height. The test needs a coding free enough to follow a monotone curve that levels off: five
    knots or more (docs/calibration.md).

    Parameters
    ----------
    fit : Fit
        Of any model, pooled or of a survey; a light one will do. Where it has residual degrees of freedom, the normal
        distribution is replaced by a t distribution.
    variable : str
        A number coded by a smooth function.
    shape : {"U", "inverse U"}
        To be chosen before looking at the data.
    at : mapping of variable to value, optional
        Where variables that interact with it stand; by default at their median or reference level.
    limits : pair of numbers or percentiles such as "p5"
        The range of everything that is said: its ends, the turning point between them, and the slopes.
    level : float
        Confidence level of the intervals; 1 - level is the level of the (two-sided) tests.
    flat_within : float, optional
        The ratio, above 1, that no two levels may differ by for the curve to be called flat; None: never.
    seed : int
        Of the simulations behind the suprema and the turning point.

    Returns
    -------
    UShape
        The test, both ends against the turning point, where that is, the slopes, and the verdict.

    Raises
    ------
    SpecError
        If the variable is not a number in the model, or an argument makes no sense.

    References
    ----------
    Berger RL (1982) Technometrics 24:295-300. The slopes: Sasabuchi S (1980) Biometrika 67:429-439; Lind JT, Mehlum H
    (2010) Oxf Bull Econ Stat 72:109-118.
    """
    if shape not in ("U", "inverse U"):
        raise SpecError(f'ushape: shape is "U" or "inverse U"; got {shape!r}.')
    if flat_within is not None and not flat_within > 1:
        raise SpecError(f"ushape: flat_within is a ratio above 1, as in 1.25, or None; got {flat_within!r}.")
    grid = search_grid(fit, variable, limits)
    rows = coded(fit, {variable: grid}, at)
    lowest, highest = zip(*(heights(fit, grid, rows, end, level, seed) for end in (0, -1)), strict=True)
    ends, opposite = (lowest, highest) if shape == "U" else (highest, lowest)
    direction: Direction = "lowest" if shape == "U" else "highest"
    turning = located(fit, variable, grid, rows, ends, direction, at, level, seed)
    middle = rows[POINTS // 2]
    told = ShapeVerdict(
        shape=shape,
        ratio=fit.ratio_name,
        level=level,
        lower=ends[0],
        upper=ends[1],
        x=turning.x,
        low=turning.low,
        high=turning.high,
        opposite_lower=opposite[0],
        opposite_upper=opposite[1],
        first_half=_change(fit, middle - rows[0], level),
        second_half=_change(fit, rows[-1] - middle, level),
        spread=spread(fit, rows, level),
        flat_within=math.nan if flat_within is None else flat_within,
    )
    lower, upper = _slopes(fit, turning, shape, at)
    return UShape(variable, shape, told.p, turning, told, lower, upper, slopes_p=max(lower.p, upper.p), level=level)


def _change(fit: Fit, row: Array, level: float) -> Change:
    """A combination of coefficients, shape (p,), with its interval."""
    estimate = float(row @ fit.coef)
    half = float((critical(fit, row[None], level) * standard_errors(fit, row[None]))[0])
    return Change(estimate, estimate - half, estimate + half)


def _slopes(fit: Fit, turning: Nadir, shape: Shape, at: Mapping[str, Any] | None) -> tuple[EndSlope, EndSlope]:
    """Slopes at the ends of the range, each with a one-sided p value against the direction that the shape asks for."""
    x = np.array(turning.limits)
    rows = slopes(fit, turning.variable, x, at)
    wanted = np.array([-1.0, 1.0]) if shape == "U" else np.array([1.0, -1.0])
    estimate, se = rows @ fit.coef, standard_errors(fit, rows)
    two_sided, agrees = p_values(fit, rows), wanted * estimate > 0
    p = np.where(agrees, two_sided / 2, 1 - two_sided / 2)
    half = critical(fit, rows, turning.level) * se
    lower, upper = (
        EndSlope(*(float(v) for v in values))
        for values in zip(x, estimate, se, estimate - half, estimate + half, p, strict=True)
    )
    return lower, upper


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
