"""What the ratios of an analysis are called, and what is counted beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """The measure of association of an analysis.

    Attributes
    ----------
    ratio, short : str
        "hazard ratio", "HR".
    event : str
        What is counted: an event of those followed, a case of those who have the state at baseline.
    level : str
        What is high or low along a curve: "risk" or "prevalence".
    timed : bool
        Whether there is follow-up: person-years and rates then stand beside the counts, and prevalences otherwise.
    link : {"log", "identity"}
        What estimates are of: the logarithm of what is shown, as of a ratio, or that itself, as of a difference.
    sampled : bool
        Whether the people are a sample of a cohort, of whom counts make neither rates nor prevalences.
    """

    ratio: str
    short: str
    event: str
    level: str
    timed: bool
    link: Literal["log", "identity"] = "log"
    sampled: bool = False

    @property
    def null(self) -> float:
        """What is shown where there is no association: 1 of a ratio, 0 of a difference."""
        return self.shown(0.0)

    def shown(self, estimate: float) -> float:
        """An estimate on the scale on which it is read."""
        return math.exp(estimate) if self.link == "log" else estimate

    @property
    def title(self) -> str:
        """At the beginning of a sentence: "Hazard ratio"."""
        return self.ratio.capitalize()

    @property
    def one(self) -> str:
        """With its article: "a hazard ratio"."""
        return f"{'an' if self.ratio[0] in 'aeiou' else 'a'} {self.ratio}"

    @property
    def events(self) -> str:
        """The head over counts: "Events"."""
        return f"{self.event.capitalize()}s"


HAZARD = Measure("hazard ratio", "HR", "event", "risk", True)
ODDS = Measure("odds ratio", "OR", "case", "prevalence", False)
MEASURES = {measure.ratio: measure for measure in (HAZARD, ODDS)}
