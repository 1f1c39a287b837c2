"""What the analysis file says of interaction: which variables may modify an association."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.expression import parse
from riskkit.spec.faults import Fault, Place
from riskkit.spec.load import SpecModel
from riskkit.spec.tables import FLAG

PERCENTILE = re.compile(r"p(?P<percent>\d{1,2}(\.\d+)?)")


class AdditiveSpec(SpecModel):
    """Two levels of the exposure and two of the modifier, for measures of interaction on the additive scale."""

    exposure: tuple[float | str, float | str] = Field(
        description="exposed and reference level: numbers, or percentiles such as 'p10', 'median'"
    )
    modifier: tuple[str, str] = Field(description="exposed and reference level of the modifier")
    bootstrap: int = Field(0, ge=0, description="bootstrap samples for further intervals; 0 for none")


class InteractionSpec(SpecModel):
    """A variable by whose levels the association with every exposure and outcome may differ."""

    modifier: str = Field(description="a category or flag of the cohort")
    label: str | None = Field(None, description="what the report calls it; the cohort's label unless given")
    time_scale: Literal["age", "follow_up"] | None = Field(
        None, description="the time scale of this model; the first of the analysis unless given"
    )
    additive: AdditiveSpec | None = Field(None, description="the contrast of the measures on the additive scale")


def levels_of(kind: str, levels: Sequence[str]) -> tuple[str, ...]:
    """Labels of a modifier in order: those of a category, or a flag's."""
    return FLAG if kind == "flag" else tuple(levels)


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What is wrong with them, for a cohort's columns and the analysis's strata."""
    interactions: Sequence[InteractionSpec] = spec.asked("interactions")
    columns, strata = cohort.columns, spec.strata
    for name, exposure in spec.exposures.items() if interactions else ():
        if exposure.per is False and exposure.spline is False:
            yield Fault(("interactions",), f"need a spline or a straight line, and '{name}' has neither.")
    for i, interaction in enumerate(interactions):
        place: Place = ("interactions", i)
        name, additive = interaction.modifier, interaction.additive
        if name not in columns:
            guess = did_you_mean(name, columns)
            yield Fault((*place, "modifier"), f"cohort '{spec.cohort}' has no variable '{name}'.{guess}")
            continue
        if name in [other.modifier for other in interactions[:i]]:
            yield Fault((*place, "modifier"), f"'{name}' is the modifier of an earlier one.")
        yield from _time_scale_faults(place, interaction, spec, cohort)
        if columns[name].kind not in ("category", "flag"):
            yield Fault(
                (*place, "modifier"),
                f"'{name}' is a number. Make groups of it in the cohort's [derived], and name those.",
            )
        elif additive is not None:
            yield from _additive_faults(
                (*place, "additive"),
                additive,
                levels_of(columns[name].kind, getattr(columns[name], "levels", ())),
                name,
            )
            if name in strata:
                yield Fault((*place, "additive"), f"'{name}' is a stratum, whose own ratio is not estimated.")


def _time_scale_faults(
    place: Place, interaction: InteractionSpec, spec: AnalysisSpec, cohort: CohortSpec
) -> Iterator[Fault]:
    """A time scale that the analysis has not, and age at entry where attained age is the time scale."""
    wanted, name = interaction.time_scale, interaction.modifier
    if wanted is not None and wanted not in spec.time_scales:
        scales = ", ".join(f'"{each}"' for each in (*spec.time_scales, wanted))
        yield Fault((*place, "time_scale"), f"'{wanted}' is none of the analysis's. Write time_scales = [{scales}].")
    age = cohort.follow_up.age if cohort.follow_up else None
    if (wanted or spec.time_scales[0]) == "age" and age is not None and age in (name, *_made_of(name, cohort)):
        yield Fault(
            (*place, "modifier"),
            f"'{name}' is age at entry, and attained age is the time scale: at any age its groups differ in how long "
            'ago they were examined, not in how old they are. Write time_scale = "follow_up" in this [[interactions]]'
            + ("." if "follow_up" in spec.time_scales else ', and "follow_up" in time_scales with age as a covariate.'),
        )


def _made_of(name: str, cohort: CohortSpec) -> set[str]:
    """The variables that a derived one is made of, and those that these are made of."""
    derived = cohort.derived.get(name)
    texts = [derived.expression, *(case.when for case in derived.cases or ())] if derived else []
    own = {each for text in texts if text for each in parse(text).names}
    return own.union(*(_made_of(each, cohort) for each in own - {name}))


def _additive_faults(place: Place, additive: AdditiveSpec, levels: Sequence[str], name: str) -> Iterator[Fault]:
    for j, level in enumerate(additive.modifier):
        if level not in levels:
            yield Fault((*place, "modifier", j), f"'{name}' has no level '{level}'.{did_you_mean(level, levels)}")
    for j, value in enumerate(additive.exposure):
        if isinstance(value, str) and value != "median" and not PERCENTILE.fullmatch(value):
            yield Fault(
                (*place, "exposure", j), f"must be a number, 'median' or a percentile such as 'p10'; got '{value}'"
            )
    for field in ("exposure", "modifier"):
        exposed, reference = getattr(additive, field)
        if exposed == reference:
            yield Fault((*place, field), "the two levels are the same; give the exposed and the reference one.")


ASKING = Asking({"interactions": (tuple[InteractionSpec, ...], Field(()))}, faults)
