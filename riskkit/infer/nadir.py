"""Where risk is lowest (or highest), and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from riskkit import numbers
from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.band import critical_value, root
from riskkit.infer.heights import LIMITS, POINTS, Height, Limit, heights, search_grid
from riskkit.infer.linear import coded, critical, slopes, standard_errors

Direction = Literal["lowest", "highest"]

DRAWS = 10_000


@dataclass(frozen=True)
class Nadir:
    """The lowest (or highest) point of a curve between two limits, with its confidence interval.

    Attributes
    ----------
    variable : str
    direction : {"lowest", "highest"}
    x : float
        Where the curve is lowest, in the variable's unit.
    low, high : float
        Confidence interval. An end that equals a limit is open: the data do not bound the nadir on that side.
    level : float
    limits : tuple of two floats
        The range searched.
    interior : float
        Probability that the lowest point lies inside the limits: the share of draws from the estimates' normal
        distribution in which it does.
    """

    variable: str
    direction: Direction
    x: float
    low: float
    high: float
    level: float
    limits: tuple[float, float]
    interior: float

    @property
    def at_boundary(self) -> bool:
        """Whether the curve is lowest at a limit of the range, so that it has no turning point there."""
        return self.x in self.limits

    @property
    def open_ends(self) -> tuple[bool, bool]:
        """Whether the interval runs into the lower and the upper limit."""
        return self.low <= self.limits[0], self.high >= self.limits[1]

    def sentence(self, unit: str | None = None, what: str = "risk") -> str:
        """Say it in a sentence a reader can quote; `what` is what the curve is of, such as prevalence."""
        below, above = self.open_ends
        ends = f"{numbers.measure(self.low)} to {numbers.measure(self.high, unit)}"
        interval = f"{numbers.level(self.level)} CI {ends}"
        if below and above:
            interval = f"the data do not say where: {ends}, all of the range examined, is possible"
        elif below or above:
            interval += f", where the {'lower' if below else 'upper'} end is that of the range examined, not a bound"
        where = f"{what.capitalize()} is {self.direction} at {numbers.measure(self.x, unit)}"
        if self.at_boundary:
            where += f", the {'lower' if self.x == self.limits[0] else 'upper'} end of the range examined"
        inside = f"probability {self.interior:.2f} that the {self.direction} point is inside the range"
        return f"{where} ({interval}; {inside})."


def nadir(
    fit: Fit,
    variable: str,
    level: float = 0.95,
    *,
    direction: Direction = "lowest",
    at: Mapping[str, Any] | None = None,
    limits: tuple[Limit, Limit] = LIMITS,
    seed: int = 1,
) -> Nadir:
    """Find where the curve of a number is lowest, with a confidence interval and the probability that it is interior.

    A value between the limits is in the interval when (a) the slope there does not differ from zero at `level`, and
    (b) risk there is not above the lowest risk by the simultaneous critical value of all such comparisons. A limit of
    the range is in it when it is not clearly above the lowest point (`riskkit.infer.heights.heights`), so that the
    interval is bounded on both sides just when `rk.ushape` finds a U. The interval reaches from the first such value to
    the last. (a) is exact where the turning point is smooth, and is Fieller's interval for a quadratic; (b) removes
    flat places and maxima that are clearly not lowest. Percentile intervals of simulated or bootstrapped nadirs are not
    offered: they fall short of their level when the curve is shallow, as docs/calibration.md shows.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do.
    variable : str
        A number coded by a smooth function.
    level : float
        Confidence level.
    direction : {"lowest", "highest"}
    at : mapping of variable to value, optional
        Where variables that interact with it stand; by default at their median or reference level.
    limits : pair of numbers or percentiles such as "p5"
        The range in which to look; by default that of everything said of a shape.
    seed : int
        Of the simulations behind `interior` and the simultaneous critical value.

    Returns
    -------
    Nadir
        The level in the unit of the exposure, with its confidence set; a bound is None where the data set none.

    Raises
    ------
    SpecError
        If the variable is not a number in the model, or an argument makes no sense.

    References
    ----------
    Fieller EC (1954) JRSS B 16:175-185, for the inversion of the slope's test.
    """
    if direction not in ("lowest", "highest"):
        raise SpecError(f'nadir: direction is "lowest" or "highest"; got {direction!r}.')
    grid = search_grid(fit, variable, limits)
    rows = coded(fit, {variable: grid}, at)
    ends = [heights(fit, grid, rows, end, level, seed)[direction == "highest"] for end in (0, -1)]
    return located(fit, variable, grid, rows, ends, direction, at, level, seed)


def located(
    fit: Fit,
    variable: str,
    grid: Array,
    rows: Array,
    ends: Sequence[Height],
    direction: Direction,
    at: Mapping[str, Any] | None,
    level: float,
    seed: int,
) -> Nadir:
    """Find the turning point on a grid, shape (m,), with its coding, shape (m, p), and both ends against it."""
    sign = 1.0 if direction == "lowest" else -1.0
    rows = sign * rows
    lowest = int((rows @ fit.coef).argmin())
    left = _acceptance(fit, rows, sign * slopes(fit, variable, grid, at), lowest, level, seed)
    left[0], left[-1] = (end.critical - end.statistic for end in ends)
    low, high = _interval(grid, left, lowest)
    x = _refined(fit, variable, grid, lowest, sign, at)
    return Nadir(
        variable=variable,
        direction=direction,
        x=x,
        low=min(low, x),
        high=max(high, x),
        level=level,
        limits=(float(grid[0]), float(grid[-1])),
        interior=_interior(fit, rows, seed),
    )


def _refined(fit: Fit, variable: str, grid: Array, lowest: int, sign: float, at: Mapping[str, Any] | None) -> float:
    """Look again, between the neighbours of the lowest point of the grid; a limit stays exactly that limit."""
    if lowest in (0, grid.size - 1):
        return float(grid[lowest])
    fine = np.linspace(grid[lowest - 1], grid[lowest + 1], POINTS)
    return float(fine[(sign * coded(fit, {variable: fine}, at) @ fit.coef).argmin()])


def _acceptance(fit: Fit, rows: Array, derivative: Array, lowest: int, level: float, seed: int) -> Array:
    """What the tests of slope and height leave of their critical values, shape (m,); negative where they reject."""
    above = rows - rows[lowest]
    steep = np.abs(_ratio(derivative @ fit.coef, standard_errors(fit, derivative)))
    high = _ratio(above @ fit.coef, standard_errors(fit, above))
    return np.minimum(
        critical(fit, derivative, level) - steep, critical_value(fit, above, level, "simultaneous", seed) - high
    )


def _interval(grid: Array, left: Array, lowest: int) -> tuple[float, float]:
    """Ends of the accepted points, by linear interpolation of what is left of the critical values."""
    left[lowest] = max(left[lowest], 0.0)
    accepted = np.flatnonzero(left >= 0)
    first, last = int(accepted[0]), int(accepted[-1])
    return _end(grid, left, first, first - 1), _end(grid, left, last, last + 1)


def _end(grid: Array, left: Array, inside: int, outside: int) -> float:
    if not 0 <= outside < grid.size:
        return float(grid[inside])
    share = left[inside] / (left[inside] - left[outside])
    return float(grid[inside] + share * (grid[outside] - grid[inside]))


def _interior(fit: Fit, rows: Array, seed: int) -> float:
    used = (rows != rows[0]).any(axis=0)
    spread = rows[:, used] @ root(fit.vcov[np.ix_(used, used)])
    normal = np.random.default_rng(seed).standard_normal((spread.shape[1], DRAWS))
    centre = rows @ fit.coef
    lowest = np.concatenate(
        [(centre[:, None] + spread @ part).argmin(axis=0) for part in np.array_split(normal, 20, axis=1)]
    )
    return float(((lowest > 0) & (lowest < len(rows) - 1)).mean())


def _ratio(estimate: Array, se: Array) -> Array:
    return np.divide(estimate, se, out=np.zeros_like(estimate), where=se > 0)
