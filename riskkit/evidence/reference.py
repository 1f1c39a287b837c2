"""Declared distributions of an exposure, which take contrasts of percentiles and groups to levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from riskkit.errors import SpecError


@dataclass(frozen=True)
class Reference:
    """The distribution of an exposure in the people of a study, or in others that stand for them.

    Attributes
    ----------
    mean, sd : float
        In the exposure's unit.
    unit : str
    source : str
        Where they are from.
    shape : {"normal", "lognormal"}
    """

    mean: float
    sd: float
    unit: str
    source: str
    shape: Literal["normal", "lognormal"] = "normal"

    def __post_init__(self) -> None:
        if self.shape not in ("normal", "lognormal"):
            raise SpecError(f'a reference distribution is "normal" or "lognormal"; got {self.shape!r}.')
        if not self.sd > 0 or (self.shape == "lognormal" and not self.mean > 0):
            raise SpecError(f"a reference distribution has a positive sd; got mean {self.mean!r}, sd {self.sd!r}.")

    @property
    def _log(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of a lognormal."""
        variance = float(np.log1p((self.sd / self.mean) ** 2))
        return float(np.log(self.mean)) - variance / 2, float(np.sqrt(variance))

    def percentile(self, p: float) -> float:
        """The level below which p per cent of people are.

        Raises
        ------
        SpecError
            If p is not between 0 and 100.
        """
        if not 0 < p < 100:
            raise SpecError(f"a percentile lies between 0 and 100; got {p!r}.")
        z = float(special.ndtri(p / 100))
        if self.shape == "normal":
            return self.mean + z * self.sd
        centre, spread = self._log
        return float(np.exp(centre + z * spread))

    def score(self, level: float) -> float:
        """The standard normal score of a level: the share of people below it is that of a normal below its score."""
        if self.shape == "normal":
            return (level - self.mean) / self.sd
        centre, spread = self._log
        return (float(np.log(level)) - centre) / spread if level > 0 else float("-inf")

    def group_mean(self, low: float, high: float) -> float:
        """Mean level of the people between two percentiles, 0 to 100: of the lowest fifth, 0 and 20.

        Raises
        ------
        SpecError
            If the percentiles are not in order.
        """
        if not 0 <= low < high <= 100:
            raise SpecError(f"a group lies between two percentiles, 0 to 100; got {low!r} and {high!r}.")
        a, b = special.ndtri(low / 100), special.ndtri(high / 100)
        share = (high - low) / 100
        if self.shape == "normal":
            density = np.exp(-0.5 * np.array([a, b]) ** 2) / np.sqrt(2 * np.pi)
            return self.mean + self.sd * float(density[0] - density[1]) / share
        _, spread = self._log
        return self.mean * float(special.ndtr(b - spread) - special.ndtr(a - spread)) / share

    def group(self, number: int, groups: int) -> float:
        """Mean level of one of several groups of equal size: `group(1, 5)` of the lowest fifth.

        Raises
        ------
        SpecError
            If there is no such group.
        """
        if not 1 <= number <= groups:
            raise SpecError(f"group {number} of {groups}: there is no such group.")
        return self.group_mean(100 * (number - 1) / groups, 100 * number / groups)


def from_groups(
    means: list[float], sds: list[float], sizes: list[float] | None = None, *, unit: str, source: str
) -> Reference:
    """A normal distribution from the means and standard deviations of groups, by the law of total variance.

    Raises
    ------
    SpecError
        If there are not as many standard deviations (and sizes) as means.
    """
    w = np.ones(len(means)) if sizes is None else np.asarray(sizes, dtype=float)
    if len(sds) != len(means) or w.size != len(means) or not means:
        raise SpecError("from_groups: give one standard deviation, and one size, for each mean.")
    m, s = np.asarray(means, dtype=float), np.asarray(sds, dtype=float)
    mean = float(w @ m / w.sum())
    variance = float(w @ (s**2 + (m - mean) ** 2) / w.sum())
    return Reference(mean, float(np.sqrt(variance)), unit, source)
