"""Fractional polynomials: sums of powers of a number, log for the power 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.bases import Array, Summary, numbers, summarise
from riskkit.errors import DataError, SpecError
from riskkit.formula import quoted

POWERS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)
"""Royston and Altman's set."""


@dataclass(frozen=True)
class FractionalPolynomial:
    """Powers of (x + shift) / scale: `fp(x, [-1, 2])`. A power that is repeated is multiplied by the logarithm."""

    variable: str
    powers: tuple[float, ...]
    shift: float = 0.0
    scale: float = 1.0

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def label(self) -> str:
        powers = ", ".join(f"{power:g}" for power in self.powers)
        return f"fp({quoted(self.variable)}, [{powers}], shift={self.shift:g}, scale={self.scale:g})"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns as formulas: '(x/100)^-1', 'log(x/100)', '(x/100)^2*log(x/100)'."""
        inner = f"{self.variable}+{self.shift:g}" if self.shift else self.variable
        base = inner if self.scale == 1 else f"{f'({inner})' if self.shift else inner}/{self.scale:g}"
        raised = base if base == self.variable else f"({base})"
        out = []
        for j, power in enumerate(self.powers):
            factors = [f"{raised}^{power:g}" if power != 1 else base] if power else []
            logs = self.powers[:j].count(power) + (power == 0)
            factors += [f"log({base})" if logs == 1 else f"log({base})^{logs}"] if logs else []
            out.append("*".join(factors))
        return tuple(out)

    @property
    def nonlinear(self) -> tuple[bool, ...]:
        """Without the power 1 no straight line is nested in the curve, and no column is what bends it."""
        linear = self.powers.index(1) if 1 in self.powers else None
        return tuple(linear is not None and j != linear for j in range(len(self.powers)))

    def encode(self, frame: pd.DataFrame) -> Array:
        out = numbers(frame[self.variable])
        low = out + self.shift <= 0
        if low.any():
            raise DataError(
                f"{self.label}: {int(low.sum())} values of '{self.variable}' are not above {-self.shift:g} (smallest "
                f"{out.min():g}), where powers and logarithms are not defined; leave them out or give a larger shift."
            )
        return out

    def columns(self, encoded: Array) -> Array:
        return powers_of((encoded + self.shift) / self.scale, self.powers)

    def summary(self, columns: Array) -> Summary:
        power, first = self.powers[0], columns[:, 0]
        return summarise((np.exp(first) if power == 0 else first ** (1 / power)) * self.scale - self.shift)


def powers_of(x: ArrayLike, powers: Sequence[float]) -> Array:
    """Columns of a fractional polynomial of a positive number, shape (n, len(powers)).

    The power 0 is the logarithm; each repetition of a power is multiplied by the logarithm once more.

    References
    ----------
    Royston P, Altman DG (1994) Applied Statistics 43:429-467.
    """
    x = np.asarray(x, dtype=float)
    out = np.empty((x.size, len(powers)))
    log = np.log(x)
    for j, power in enumerate(powers):
        repeated = power in powers[:j]
        out[:, j] = out[:, j - 1] * log if repeated else log if power == 0 else x**power
    return out


def fractional_polynomial(
    values: pd.Series, powers: Sequence[float], shift: float | None = None, scale: float | None = None
) -> FractionalPolynomial:
    """Learn the shift and scale of a fractional polynomial, by the rule of R's mfp unless they are given.

    Shift: 0 when all values are positive; otherwise the smallest gap between values less the smallest value, rounded up
    to a tenth. Scale: the power of ten nearest to the mean of the shifted values.

    Raises
    ------
    SpecError
        If the powers are not one to three of Royston and Altman's, or shift or scale make no sense.
    """
    name = str(values.name)
    wanted = tuple(sorted(float(power) for power in powers))
    if not 1 <= len(wanted) <= 3 or not set(wanted) <= set(POWERS):
        raise SpecError(
            f"fp({name}, {list(powers)!r}): give one to three powers out of {', '.join(f'{p:g}' for p in POWERS)}."
        )
    x = numbers(values)
    if shift is None:
        shift = 0.0
        if x.min() <= 0:
            gaps = np.diff(np.unique(x))
            shift = float(np.ceil((gaps.min() - x.min()) * 10) / 10) if gaps.size else float(1 - x.min())
    if scale is None:
        mean = float(np.mean(x + shift))
        scale = float(10 ** np.round(np.log10(mean))) if mean > 0 else 1.0
    if not np.isfinite(shift) or not (np.isfinite(scale) and scale > 0):
        raise SpecError(f"fp({name}, ...): shift must be a number and scale a positive one; got {shift!r}, {scale!r}.")
    return FractionalPolynomial(name, wanted, float(shift), float(scale))
