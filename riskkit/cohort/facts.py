"""All that a cohort says of itself, without its people: what stands in its Parquet file and in every result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from riskkit.cohort.doubts import Doubt
from riskkit.cohort.flow import FlowStep
from riskkit.cohort.lock import Source
from riskkit.cohort.outcomes import FollowUp, Outcome
from riskkit.cohort.rates import ReferenceRates
from riskkit.cohort.repeats import Repeats
from riskkit.cohort.sampled import Sampled
from riskkit.cohort.survey import Sampling
from riskkit.cohort.variables import Variable
from riskkit.spec.disclosure import DisclosureSpec


@dataclass(frozen=True)
class CohortFacts:
    """A cohort without its data; its attributes are those of `Cohort`, with `n` people."""

    name: str
    title: str
    description: str
    citation: str
    simulated: bool
    n: float
    time_unit: str | None
    follow_up: FollowUp | None
    flow: tuple[FlowStep, ...]
    variables: dict[str, Variable]
    outcomes: dict[str, Outcome]
    sources: tuple[Source, ...]
    remarks: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    design: Sampling | None = None
    disclosure: DisclosureSpec | None = None
    rates: ReferenceRates | None = None
    spec_sha256: str = ""
    repeats: dict[str, Repeats] = field(default_factory=dict)
    sampled: Sampled | None = None

    def to_dict(self) -> dict[str, Any]:
        """The facts as plain values, ready for JSON."""
        return {**asdict(self), "disclosure": self.disclosure.model_dump() if self.disclosure else None}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> CohortFacts:
        """Read what `to_dict` wrote, before or after it was JSON.

        Raises
        ------
        KeyError, TypeError
            If it is something else.
        """
        follow_up, design, disclosure = (plain[name] for name in ("follow_up", "design", "disclosure"))
        return cls(
            **{name: plain[name] for name in ("name", "title", "description", "citation", "simulated", "n")},
            time_unit=plain["time_unit"],
            follow_up=FollowUp(**follow_up) if follow_up else None,
            flow=_steps(plain["flow"]),
            variables={
                name: Variable(**{**variable, "levels": tuple(variable["levels"])})
                for name, variable in plain["variables"].items()
            },
            outcomes={
                name: Outcome(**{**outcome, "flow": _steps(outcome["flow"])})
                for name, outcome in plain["outcomes"].items()
            },
            sources=tuple(Source(**source) for source in plain["sources"]),
            remarks=tuple(plain["remarks"]),
            doubts=tuple(Doubt(**{**doubt, "ids": ()}) for doubt in plain.get("doubts", ())),
            design=Sampling(**{**design, "units": tuple(tuple(unit) for unit in design["units"])}) if design else None,
            disclosure=DisclosureSpec(**disclosure) if disclosure else None,
            rates=ReferenceRates.from_dict(plain["rates"]) if plain.get("rates") else None,
            spec_sha256=plain["spec_sha256"],
            repeats={name: Repeats(**repeats) for name, repeats in plain["repeats"].items()},
            sampled=Sampled.from_dict(plain["sampled"]) if plain["sampled"] else None,
        )


def _steps(flow: list[dict[str, Any]]) -> tuple[FlowStep, ...]:
    return tuple(FlowStep(**step) for step in flow)
