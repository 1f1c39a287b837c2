"""What-if scenarios: everyone's own level moved, by so much, for so many, and no further than the data go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskkit.design.bases import Array
from riskkit.errors import SpecError

CHANGE = re.compile(r"^\s*(?:(?P<to>to)\s+)?(?P<amount>[+\-−]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?P<percent>%)?\s*$")
# Gauss and Hermite's five points and weights of a standard normal variable.
POINTS = (0.0, 1.355626179974266, -1.355626179974266, 2.856970013872806, -2.856970013872806)
WEIGHTS = (0.5333333333333333, 0.2220759220056126, 0.2220759220056126, 0.011257411327720691, 0.011257411327720691)
Z = 1.959963984540054


@dataclass(frozen=True)
class Shift:
    """A change of everyone's own level of a number.

    Attributes
    ----------
    change : str, or mapping of level to level
        "+10%", "-15%" (of the own level), "+20", "-5" (in its unit), "to 200" (all to one level), or a table of levels
        and what they become, `{100: 130, 200: 220}`, linear in between; beyond its ends the change is that at the end.
    low, high : str, optional
        95% limits of the change where its source gives them, written as the change is: its uncertainty, taken as
        normal, is then part of the interval.
    share : float
        Share of people moved, chosen at random; the others keep their level.
    support : tuple of two
        Between which levels, numbers or percentiles such as "p1", people are moved: nobody is moved beyond, and who
        lies outside already is not moved back.
    label : str, optional
        What to call it; as `change` unless given.

    Raises
    ------
    SpecError
        If a change cannot be read, a share is not above 0 and at most 1, or a limit stands alone.

    References
    ----------
    Díaz Muñoz I, van der Laan M (2012) Biometrics 68:541-549; Haneuse S, Rotnitzky A (2013) Stat Med 32:5260-5277.
    """

    change: str | Mapping[float, float]
    low: str | None = None
    high: str | None = None
    share: float = 1.0
    support: tuple[float | str, float | str] = ("p1", "p99")
    label: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.share, bool) or not 0 < self.share <= 1:
            raise SpecError(f"shift {self.name!r}: share is above 0 and at most 1; got {self.share!r}.")
        if (self.low is None) != (self.high is None):
            raise SpecError(f"shift {self.name!r}: give both limits of the change, low and high, or neither.")
        if not isinstance(self.change, str):
            _table(self.change)
            if self.low is not None:
                raise SpecError(f"shift {self.name!r}: a table has no limits; leave out low and high.")
            return
        kind, amount = _read(self.change)
        if self.low is not None and self.high is not None:
            limits = [_read(self.low), _read(self.high)]
            if {limit[0] for limit in limits} != {kind} or not limits[0][1] <= amount <= limits[1][1]:
                raise SpecError(
                    f"shift {self.name!r}: low {self.low!r} and high {self.high!r} are written as the change is, and "
                    'hold it: change="+88%", low="+60%", high="+116%".'
                )

    @property
    def name(self) -> str:
        """What it is called in results."""
        return self.label or (self.change if isinstance(self.change, str) else "table")

    @property
    def error(self) -> float:
        """Standard error of the change, 0 where none is given."""
        if self.low is None or self.high is None:
            return 0.0
        return (_read(self.high)[1] - _read(self.low)[1]) / (2 * Z)

    def moved(self, own: Array, low: float, high: float, away: float = 0.0) -> tuple[Array, Array]:
        """Move own levels no further than low and high, and say whether each would have gone further.

        Parameters
        ----------
        own : array, shape (n,)
            Levels that people have.
        low, high : float
            Ends of the support, in the same unit.
        away : float
            Added to the amount of the change, in its unit: an error drawn along.

        Returns
        -------
        levels : array, shape (n,)
        capped : array of bool, shape (n,)
        """
        if isinstance(self.change, str):
            kind, amount = _read(self.change)
            amount += away
            wanted = {"percent": own * (1 + amount / 100), "by": own + amount, "to": np.full_like(own, amount)}[kind]
        else:
            levels, becomes = _table(self.change)
            wanted = own + np.interp(own, levels, becomes - levels)
        bounded = np.clip(wanted, np.minimum(own, low), np.maximum(own, high))
        return bounded, bounded != wanted


def _read(change: str) -> tuple[str, float]:
    found = CHANGE.match(change) if isinstance(change, str) else None
    if not found or (found["to"] and found["percent"]) or not (found["to"] or found["amount"][0] in "+-−"):
        raise SpecError(
            f'shift: {change!r} is no change; write "+10%", "-15%", "+20", "to 200", or a table {{100: 130}}.'
        )
    kind = "to" if found["to"] else "percent" if found["percent"] else "by"
    return kind, float(found["amount"].replace("−", "-"))


def _table(change: Mapping[float, float]) -> tuple[Array, Array]:
    try:
        pairs = sorted((float(level), float(becomes)) for level, becomes in change.items())
    except (AttributeError, TypeError, ValueError):
        raise SpecError(
            f"shift: a table gives a level for each level, as in {{100: 130, 200: 220}}; got {change!r}."
        ) from None
    levels, becomes = np.array(pairs).reshape(-1, 2).T
    if not levels.size or not (np.isfinite(levels).all() and np.isfinite(becomes).all()):
        raise SpecError("shift: a table gives a finite level for each of one level or more.")
    return levels, becomes
