"""What the analysis file says of absolute risks: over how long, from which ages, at which levels; and of scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import Field

from riskkit.errors import SpecError, did_you_mean
from riskkit.infer.shift import Shift
from riskkit.spec.analysis import AnalysisSpec, unknown
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault, Place
from riskkit.spec.load import SpecModel

PERCENTILE = re.compile(r"p(?P<percent>\d{1,2}(\.\d+)?)")


class AbsoluteSpec(SpecModel):
    """Risks of every outcome in the main model, had everyone a level of the exposure."""

    horizon: float | None = Field(
        None, gt=0, le=100, description="years that risks are over; left out of states at baseline"
    )
    ages: tuple[float, ...] = Field((), description="on the age scale: risk from each of these ages over the horizon")
    levels: tuple[float | str, ...] = Field(
        ("p5", "median", "p95"), min_length=1, description="numbers, 'median', or percentiles such as 'p5'"
    )
    competing: str | None = Field(
        None, description="outcome after which the others cannot happen; the analysis's unless given"
    )


class ScenarioSpec(SpecModel):
    """A change of everyone's own level of one exposure, as a published study measured it."""

    label: str = Field(description="what brings the change about: agent, dose and duration")
    source: str = Field(min_length=1, description="who measured it")
    change: str | None = Field(
        None, description="'+88%', '-20', 'to 200'; left out where the source publishes no number, which the page says"
    )
    low: str | None = Field(None, description="lower 95% limit of the change, written as it is")
    high: str | None = Field(None, description="its upper limit")
    people: str | None = Field(None, description="in whom it was measured")
    exposure: str | None = Field(None, description="which exposure is moved; the first of the analysis unless given")

    @property
    def shift(self) -> Shift | None:
        """The change as the engine takes it; None where no number was published.

        Raises
        ------
        SpecError
            If it cannot be read, or its limits do not hold it.
        """
        return None if self.change is None else Shift(self.change, self.low, self.high, label=self.label)


def competing(spec: AnalysisSpec) -> str | None:
    """The outcome that competes with the others: that of `[absolute]`, else the analysis's."""
    asked: AbsoluteSpec = spec.asked("absolute")
    return asked.competing or spec.competing


def scenarios(spec: AnalysisSpec, exposure: str) -> tuple[ScenarioSpec, ...]:
    """The scenarios that move one exposure."""
    first = next(iter(spec.exposures), exposure)
    return tuple(each for each in spec.asked("scenarios") or () if (each.exposure or first) == exposure)


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What is wrong with them, for the outcomes of the analysis and those that the cohort knows."""
    asked: AbsoluteSpec | None = spec.asked("absolute")
    if asked is None:
        if spec.asked("scenarios"):
            yield Fault(("scenarios",), "are told as risks: write [absolute] too, with its horizon.")
        return
    for name, exposure in spec.exposures.items():
        if exposure.per is False and exposure.spline is False:
            yield Fault(("absolute",), f"needs a spline or a straight line, and '{name}' has neither.")
    yield from _time_faults(asked, spec, cohort)
    for i, level in enumerate(asked.levels):
        if isinstance(level, str) and level != "median" and not PERCENTILE.fullmatch(level):
            yield Fault(
                ("absolute", "levels", i), f"must be a number, 'median' or a percentile such as 'p5'; got '{level}'"
            )
        elif level in asked.levels[:i]:
            yield Fault(("absolute", "levels", i), f"'{level}' is named twice.")
    yield from _scenario_faults(spec.asked("scenarios"), spec)


def _time_faults(asked: AbsoluteSpec, spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    states = any(name in cohort.states for name in spec.outcomes)
    for field in ("horizon", "ages", "competing") if states else ():
        if getattr(asked, field):
            yield Fault(
                ("absolute", field), "the outcomes are states at baseline: prevalences need none. Leave it out."
            )
    if states:
        return
    if asked.horizon is None:
        yield Fault(("absolute", "horizon"), "is required: the years that risks are over, as in horizon = 10.")
    on_age = spec.time_scales[0] == "age"
    if on_age and not asked.ages:
        yield Fault(
            ("absolute", "ages"), "is required: the time scale is age, and risk is from an age, as in ages = [60]."
        )
    if asked.ages and not on_age:
        yield Fault(("absolute", "ages"), "the first time scale is time since entry, where risk begins. Leave it out.")
    for i, age in enumerate(asked.ages):
        if not 0 <= age <= 120:
            yield Fault(("absolute", "ages", i), f"is an age in years; got {age:g}")
        elif age in asked.ages[:i]:
            yield Fault(("absolute", "ages", i), f"{age:g} is named twice.")
    if asked.competing is None:
        return
    if asked.competing not in cohort.outcomes:
        yield unknown(("absolute", "competing"), "outcome", asked.competing, spec, cohort.outcomes)
    elif asked.competing in cohort.states:
        yield Fault(
            ("absolute", "competing"), f"'{asked.competing}' is a state at baseline, which ends nobody's follow-up."
        )
    elif set(spec.outcomes) == {asked.competing}:
        yield Fault(
            ("absolute", "competing"),
            f"'{asked.competing}' is the only outcome, and does not compete with itself. Leave it out, or name what "
            "ends follow-up without it.",
        )


def _scenario_faults(scenarios: Sequence[ScenarioSpec], spec: AnalysisSpec) -> Iterator[Fault]:
    seen: set[tuple[str | None, str]] = set()
    for i, scenario in enumerate(scenarios):
        place: Place = ("scenarios", i)
        if scenario.exposure is not None and scenario.exposure not in spec.exposures:
            guess = did_you_mean(scenario.exposure, spec.exposures)
            yield Fault((*place, "exposure"), f"'{scenario.exposure}' is no exposure of this analysis.{guess}")
        if (scenario.exposure, scenario.label) in seen:
            yield Fault((*place, "label"), f"'{scenario.label}' is the label of an earlier one; give another.")
        seen.add((scenario.exposure, scenario.label))
        if scenario.change is None and (scenario.low or scenario.high):
            yield Fault((*place, "change"), "is missing, and its limits are given. Give it, or leave them out.")
            continue
        try:
            scenario.shift  # noqa: B018  (reading it is the check)
        except SpecError as error:
            yield Fault((*place, "change"), str(error))


ASKING = Asking(
    {
        "absolute": (AbsoluteSpec | None, Field(None, description="absolute risks, standardised")),
        "scenarios": (tuple[ScenarioSpec, ...], Field((), description="what moving everyone's level would mean")),
    },
    faults,
)
