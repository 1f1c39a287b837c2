"""What the analysis file says of levels over visits: which of them to estimate, beside that at the start."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from riskkit.design.visits import level_fault
from riskkit.errors import did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel
from riskkit.spec.plan import NO_TIME

BASELINE, SINCE = "baseline", "since"


class RepeatedSpec(SpecModel):
    """The main model's line by levels that change over visits."""

    levels: tuple[str, ...] = Field(
        min_length=1, description="'igf1@current', 'igf1@lag5', 'igf1@mean', 'igf1@area' or 'igf1@change'"
    )
    outcomes: tuple[str, ...] = Field((), description="of the analysis; all unless given")

    def of(self, exposure: str) -> tuple[str, ...]:
        """The levels asked for of one exposure, without its name."""
        return tuple(level for name, level in map(parted, self.levels) if name == exposure)


def parted(written: str) -> tuple[str, str]:
    """Exposure and level of "igf1@lag5"."""
    name, _, level = written.partition("@")
    return name, level


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """Levels that cannot be read, or are of what is no exposure or was measured once."""
    asked: RepeatedSpec | None = spec.asked("repeats")
    if asked is None:
        return
    if cohort.follow_up is None or NO_TIME in spec.time_scales or set(spec.outcomes) & set(cohort.states):
        yield Fault(("repeats",), "the outcomes are states at baseline: no level can change before them.")
    for i, written in enumerate(asked.levels):
        place = ("repeats", "levels", i)
        name, level = parted(written)
        if "@" not in written:
            yield Fault(place, f"'{written}' names no level; write '{written}@current' or '{written}@lag5'.")
            continue
        if written in asked.levels[:i]:
            yield Fault(place, f"'{written}' is named twice.")
        if name not in spec.exposures:
            guess = did_you_mean(name, spec.exposures)
            yield Fault(place, f"'{name}' is no exposure of this analysis.{guess}")
        elif spec.exposures[name].per is False:
            yield Fault(place, f"is about the line of '{name}', which says per = false.")
        elif name not in cohort.repeats:
            yield Fault(
                place, f"cohort '{spec.cohort}' has no [repeats.{name}], which says where it was measured again."
            )
        if (fault := level_fault(level)) is not None:
            yield Fault(place, fault)
        elif level == BASELINE:
            yield Fault(place, f"'{written}' is there anyway, to compare the others with. Leave it out.")
        elif level == SINCE:
            yield Fault(place, f"'{written}' is a time, no level; riskkit.over_visits makes it for models of your own.")
    for i, outcome in enumerate(asked.outcomes):
        if outcome not in spec.outcomes:
            guess = did_you_mean(outcome, spec.outcomes)
            yield Fault(("repeats", "outcomes", i), f"'{outcome}' is no outcome of this analysis.{guess}")


ASKING = Asking(
    {"repeats": (RepeatedSpec | None, Field(None, description="levels that change over visits"))},
    faults,
)
