"""The verdict on a shape: three parts with their intervals, and the one answer that follows from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast, get_args

from riskkit import numbers
from riskkit.infer.heights import Height

Shape = Literal["U", "inverse U"]
Answer = Literal[
    "U-shaped",
    "inverse U-shaped",
    "falling",
    "rising",
    "falls then levels off",
    "level then rises",
    "rises then levels off",
    "level then falls",
    "flat",
    "undecided",
]
ANSWERS: tuple[Answer, ...] = get_args(Answer)

_UPSIDE_DOWN: dict[Answer, Answer] = {
    "U-shaped": "inverse U-shaped",
    "inverse U-shaped": "U-shaped",
    "falling": "rising",
    "rising": "falling",
    "falls then levels off": "rises then levels off",
    "level then rises": "level then falls",
}
_EXTREME: dict[Shape, str] = {"U": "lowest", "inverse U": "highest"}
_SAID: dict[Answer, str] = {
    "U-shaped": "{what} is higher at both ends of the range than in between",
    "inverse U-shaped": "{what} is lower at both ends of the range than in between",
    "falling": "{what} falls over the range",
    "rising": "{what} rises over the range",
    "falls then levels off": "lower {what} with rising levels, then a plateau that may turn",
    "level then rises": "a plateau that may turn, then higher {what} with rising levels",
    "rises then levels off": "higher {what} with rising levels, then a plateau that may turn",
    "level then falls": "a plateau that may turn, then lower {what} with rising levels",
    "flat": "{what} is flat within the limits that were stated",
    "undecided": "the shape is undecided",
}


@dataclass(frozen=True)
class Change:
    """Change of the log ratio over a part of the range, with its two-sided interval."""

    estimate: float
    low: float
    high: float

    def clear(self, sign: float) -> bool:
        """Whether the interval lies wholly on the side of zero that the sign says."""
        return min(sign * self.low, sign * self.high) > 0


@dataclass(frozen=True)
class ShapeVerdict:
    """What is said of a shape, in numbers: it takes no fit, and `from_row(verdict.row())` is the same verdict.

    The three parts are `lower`, `upper` and the turning point (`x`, `low`, `high`). All of it is about one range, from
    `lower.x` to `upper.x`, at one confidence level, and an end is said to lie above the lowest point just when its
    interval says so: no two statements can contradict.

    Attributes
    ----------
    shape : {"U", "inverse U"}
        The shape that was asked about. The turning point is the lowest point for a U, the highest for an inverse U.
    ratio : str
        What the exponentiated numbers are: "hazard ratio".
    level : float
        Of all intervals; an end is clear when its p value is below 1 - level.
    lower, upper : Height
        The low and the high end of the range against the turning point.
    x, low, high : float
        The turning point with its interval, in the variable's unit; an end of it that is an end of the range is open.
    opposite_lower, opposite_upper : Height
        The ends against the opposite extreme: the highest point for a U.
    first_half, second_half : Change
        From the low end to the middle of the range, and from there to the high end.
    spread : float
        Upper limit of the log ratio of any two levels in the range.
    flat_within : float
        The ratio, above 1, that no two levels of a flat curve may differ by; NaN when none was stated.
    """

    shape: Shape
    ratio: str
    level: float
    lower: Height
    upper: Height
    x: float
    low: float
    high: float
    opposite_lower: Height
    opposite_upper: Height
    first_half: Change
    second_half: Change
    spread: float
    flat_within: float

    @property
    def p(self) -> float:
        """P value of the shape: the larger of the two ends', both of which must lie beyond the turning point."""
        return max(self.lower.p, self.upper.p)

    @property
    def open_ends(self) -> tuple[bool, bool]:
        """Whether the interval of the turning point runs into the lower and the upper end of the range."""
        return self.low <= self.lower.x, self.high >= self.upper.x

    @property
    def answer(self) -> Answer:
        """The answer that follows from the numbers.

        With a U asked about: "U-shaped" when both ends are clearly above the lowest point; else "inverse U-shaped" when
        both are clearly below the highest. When only the low end is clearly above the lowest point, and not clearly
        below the highest, "falling" if the curve clearly falls on over the upper half of the range, and "falls then
        levels off" if not: a plateau that may turn. When only the high end is, "rising" or "level then rises". When no
        end is clear in any direction, "flat" if no two levels differ by more than what was stated. Else "undecided".
        """
        sign = 1.0 if self.shape == "U" else -1.0
        found: Answer = "undecided"
        if self.lower.clear and self.upper.clear:
            found = "U-shaped"
        elif self.opposite_lower.clear and self.opposite_upper.clear:
            found = "inverse U-shaped"
        elif self.lower.clear and not self.opposite_lower.clear:
            found = "falling" if self.second_half.clear(-sign) else "falls then levels off"
        elif self.upper.clear and not self.opposite_upper.clear:
            found = "rising" if self.first_half.clear(sign) else "level then rises"
        elif not (self.opposite_lower.clear or self.opposite_upper.clear):
            found = "flat" if self.spread < math.log(self.flat_within) else "undecided"
        return found if self.shape == "U" else _UPSIDE_DOWN.get(found, found)

    def bounds(self) -> str:
        """The interval of the turning point in a few words: 197 to 301, 197 or above, 301 or below, or not located.

        Returns
        -------
        str
        """
        below, above = self.open_ends
        if below and above:
            return "not located"
        if below or above:
            return f"{numbers.measure(self.high)} or below" if below else f"{numbers.measure(self.low)} or above"
        return " to ".join(numbers.measures((self.low, self.high)))

    def where(self, unit: str | None = None) -> str:
        """Where the turning point is: "at 153 ng/mL (95% CI 146 to 213)", "at 197 ng/mL or above", or not located.

        Parameters
        ----------
        unit : str, optional
            Put behind the numbers; the unit of the exposure.

        Returns
        -------
        str
            A clause that begins with "at", or that says that the data do not locate it.
        """
        point = f"the {_EXTREME[self.shape]} point"
        below, above = self.open_ends
        if below and above:
            return f"the data do not locate {point}"
        if below or above:
            bound, side = (self.low, "above") if above else (self.high, "below")
            return f"{point} is at {numbers.measure(bound, unit)} or {side}"
        interval = f"{numbers.measure(self.low)} to {numbers.measure(self.high)}"
        return f"{point} is at {numbers.measure(self.x, unit)} ({numbers.level(self.level)} CI {interval})"

    def parts(self, unit: str | None = None) -> tuple[str, str, str]:
        """The three parts in words: the low end against the turning point, the high end against it, and where it is.

        Parameters
        ----------
        unit : str, optional
            Put behind the numbers; the unit of the exposure.

        Returns
        -------
        tuple of three str
            The low end, the high end, and where the turning point is.
        """
        point = f"the {_EXTREME[self.shape]} point"
        return self._end(self.lower, point, unit), self._end(self.upper, point, unit), self.where(unit)

    def sentence(self, unit: str | None = None, what: str = "risk") -> str:
        """Say the answer and its parts in one sentence.

        Parameters
        ----------
        unit : str, optional
            Put behind the numbers; the unit of the exposure.
        what : str
            What the curve is of, such as prevalence.

        Returns
        -------
        str
            One sentence without HTML.
        """
        answer, point = self.answer, f"the {_EXTREME[self.shape]} point"
        told = [*self._ends(self.lower, self.upper, point, unit), self.where(unit)]
        said = _SAID[answer].format(what=what)
        if answer == "flat":
            said += (
                f": no two levels from {numbers.measure(self.lower.x)} to {numbers.measure(self.upper.x, unit)} differ "
                f"by a {self.ratio} above {numbers.ratio(math.exp(self.spread))} ({numbers.level(self.level)} "
                f"confidence), and {numbers.ratio(self.flat_within)} was stated"
            )
            told = []
        elif answer in ("U-shaped", "inverse U-shaped") and answer[:-7] != self.shape:
            point = f"the {_EXTREME[cast(Shape, answer[:-7])]} point"
            told = self._ends(self.opposite_lower, self.opposite_upper, point, unit)
        return f"{said[:1].upper()}{said[1:]}{': ' if told else ''}{'; '.join(told)}."

    def _ends(self, lower: Height, upper: Height, point: str, unit: str | None) -> list[str]:
        """Both ends; what was named at the first is "it" at the second."""
        named = not lower.low == lower.high == 0
        return [self._end(lower, point, unit), self._end(upper, point, unit, again=named)]

    def _end(self, end: Height, point: str, unit: str | None, again: bool = False) -> str:
        """One end against an extreme point, with its interval and, where that holds 1, that it does."""
        if end.low == end.high == 0:
            return f"{numbers.measure(end.x, unit)} is {point} itself"
        estimate, low, high = (math.exp(value) for value in (end.estimate, end.low, end.high))
        interval = f"{numbers.level(self.level)} CI {_limit(low, end.clear)} to {_limit(high, end.clear)}"
        what = "it" if again else f"the {self.ratio} against {point}"
        ratio = f"at {numbers.measure(end.x, unit)} {what} is {numbers.ratio(estimate)}"
        side = "above" if point == f"the {_EXTREME['U']} point" else "below"
        return f"{ratio} ({interval}){'' if end.clear else f', not clearly {side} 1'}"

    def row(self) -> dict[str, Any]:
        """All numbers and the answer as one flat row, as results keep them.

        Returns
        -------
        dict
            A column of the results to its number, text or None.
        """
        flat: dict[str, Any] = {"verdict_answer": self.answer, "verdict_p": self.p}
        for name, value in asdict(self).items():
            inner = value if isinstance(value, dict) else {"": value}
            flat |= {_column(name, part): each for part, each in inner.items()}
        return flat

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> ShapeVerdict:
        """The verdict that `row` made, from its numbers alone; other columns are ignored."""
        values: dict[str, Any] = {}
        for part in fields(cls):
            kind = _NESTED.get(part.name)
            values[part.name] = (
                row[_column(part.name, "")]
                if kind is None
                else kind(**{each.name: float(row[_column(part.name, each.name)]) for each in fields(kind)})
            )
        return cls(**values)


_NESTED: dict[str, type[Height] | type[Change]] = {
    **dict.fromkeys(("lower", "upper", "opposite_lower", "opposite_upper"), Height),
    **dict.fromkeys(("first_half", "second_half"), Change),
}


def _column(name: str, part: str) -> str:
    """Column of a number: verdict_lower_p, verdict_first_half_low, verdict_x."""
    return f"verdict_{name}_{part}" if part else f"verdict_{name}"


def _limit(value: float, clear: bool) -> str:
    """A limit of a ratio; one that is not 1 but would print as 1 says on which side of it lies."""
    text = numbers.ratio(value)
    return f"{'above' if value > 1 else 'below'} {text}" if clear and text == "1.00" else text
