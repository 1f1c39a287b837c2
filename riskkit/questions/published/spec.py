"""Estimates from the literature that an analysis file sets beside its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel


class PublishedSpec(SpecModel):
    """One published estimate, what was estimated in whom, and which of the analysis's own stands beside it."""

    study: str = Field(description="its short name: 'Friedrich 2012'")
    exposure: str
    outcome: str
    contrast: str = Field(description="what is compared with what, in words")
    estimate: float = Field(gt=0, description="the ratio as published, of the same kind as this analysis's")
    low: float | None = Field(None, gt=0, description="lower confidence limit; none where none was published")
    high: float | None = Field(None, gt=0, description="upper confidence limit")
    group: int | None = Field(
        None, ge=1, description="which of this analysis's groups stands beside it, from the lowest; none: its line"
    )
    against: int | None = Field(None, ge=1, description="the group that `group` is compared with")
    variant: str | None = Field(
        None, description="the subgroup or sensitivity analysis whose estimate stands beside it"
    )
    population: str = Field(description="who was studied")
    method: str = Field(description="design, model and adjustment")
    citation: str
    differs: str = Field(description="in what this analysis differs from it")


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """Names that the analysis does not have, limits that hold nothing, and estimates that it will not make."""
    published: tuple[PublishedSpec, ...] = spec.asked("published")
    groups = {name: exposure.number_of_groups for name, exposure in spec.exposures.items()}
    outcomes, variants = spec.outcomes, {each.name: each for each in spec.variants}
    for i, each in enumerate(published):
        place = ("published", i)
        known: tuple[tuple[str, str | None, Any], ...] = (
            ("exposure", each.exposure, groups),
            ("outcome", each.outcome, outcomes),
            ("variant", each.variant, variants),
        )
        for field, name, names in known:
            if name is not None and name not in names:
                yield Fault((*place, field), f"this analysis has no {field} '{name}'.{did_you_mean(name, names)}")
        low, high = each.low or each.estimate, each.high or each.estimate
        if (each.low is None) != (each.high is None) or not low <= each.estimate <= high:
            yield Fault(place, "give both 'low' and 'high', with 'estimate' between them, or neither.")
        if (each.group is None) != (each.against is None) or (each.group is not None and each.group == each.against):
            yield Fault(place, "give both 'group' and 'against', two different groups, or neither.")
        most = groups.get(each.exposure, 0)
        for field, group in (("group", each.group), ("against", each.against)):
            if group is not None and group > most:
                yield Fault((*place, field), f"'{each.exposure}' is cut into {most} groups; got {group}.")
        coding = "linear" if each.group is None else "groups"
        if each.variant is not None and each.variant in variants and coding not in variants[each.variant].codings:
            yield Fault((*place, "variant"), f"'{each.variant}' has no coding '{coding}'. Add it to its codings.")


ASKING = Asking(
    {
        "published": (
            tuple[PublishedSpec, ...],
            Field((), description="estimates from the literature to stand beside"),
        )
    },
    faults,
    of_samples=True,
)
