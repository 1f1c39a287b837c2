"""What the analysis file says of a screen: the exposures with `screen = true`, and what becomes of those found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.exposure import ExposureSpec, exposure_faults
from riskkit.spec.faults import Fault, Place
from riskkit.spec.load import SpecModel
from riskkit.spec.plan import NO_TIME
from riskkit.spec.terms import columns_of


class ScreenSpec(SpecModel):
    """What becomes of the exposures that are screened."""

    top: int = Field(
        5, ge=1, le=50, description="pairs with the smallest p values, whose exposures get models of every kind"
    )
    family: Literal["all", "outcome", "exposure"] = Field(
        "all", description="over which pairs p values are corrected: all, those of an outcome, or those of an exposure"
    )


def is_pattern(name: str) -> bool:
    """Whether a name of an exposure stands for every variable that fits it."""
    return "*" in name or "?" in name


def fits(name: str, pattern: str) -> bool:
    """Whether a variable is meant by a name or pattern."""
    return fnmatchcase(name, pattern) if is_pattern(pattern) else name == pattern


def used_otherwise(spec: AnalysisSpec, cohort_age: str | None) -> frozenset[str]:
    """Columns that the main model has besides the exposure, which no pattern means."""
    return frozenset((*columns_of(spec.covariates(spec.main)), *spec.strata, *([cohort_age] if cohort_age else [])))


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What is wrong with a screen, for the variables that a cohort knows."""
    if not spec.screened and "screen" in spec.model_fields_set:
        yield Fault(("screen",), 'no exposure is screened. Write screen = true in its table, as [exposures."olink_*"].')
    for name in spec.exposures:
        if is_pattern(name):
            yield Fault(("exposures", name), "a pattern is for a screen. Write screen = true, or name each exposure.")
    if not spec.screened:
        return
    if cohort.sampling is not None:
        yield Fault(
            ("exposures",), f"a screen is not offered for a {cohort.sampling.design} sample: it takes it for a cohort."
        )
    try:
        taken = used_otherwise(spec, cohort.follow_up.age if cohort.follow_up else None)
    except SpecError:  # covariates that cannot be read have faults of their own
        return
    for name, exposure in spec.screened.items():
        yield from _exposure_faults(name, exposure, taken, spec, cohort)
    if NO_TIME in spec.time_scales or any(name in cohort.states for name in spec.outcomes):
        yield Fault(("exposures",), "a screen fits Cox models, and the outcomes are states at baseline.")


def _exposure_faults(
    name: str, exposure: ExposureSpec, taken: Collection[str], spec: AnalysisSpec, cohort: CohortSpec
) -> Iterator[Fault]:
    place: Place = ("exposures", name)
    for field in ("repeat", "simex", "unit", "sds_of", "sds_for"):
        if getattr(exposure, field):
            yield Fault((*place, field), "is of one exposure, and these are screened. Leave it out.")
    for field in ("spline", "groups"):
        if isinstance(getattr(exposure, field), tuple):
            yield Fault(
                (*place, field), "must be a number or false: exposures that are screened differ in their values."
            )
    if isinstance(exposure.reference, float | int):
        yield Fault(
            (*place, "reference"), "must be 'median' or 'mean': exposures that are screened differ in their values."
        )
    if exposure.per is False:
        yield Fault((*place, "per"), "cannot be false: a screen is of straight lines.")
    numbers = {column: each.unit for column, each in cohort.columns.items() if each.kind == "number"}
    meant = [column for column in numbers if fits(column, name)]
    panel = cohort.panel_of(name)
    if panel is not None and not meant:  # which items it has only the data tell
        numbers, meant = {name: panel.unit}, [name]
    if is_pattern(name):
        meant = [column for column in meant if column not in taken]
    elif name in taken:
        yield Fault(place, f"'{name}' is in the main model. Take it out of one of them.")
        return
    elif name in cohort.columns and not meant:
        yield Fault(place, f"'{name}' is a {cohort.columns[name].kind}; a screen is of numbers.")
        return
    if not meant:
        what = "no number that fits" if is_pattern(name) else "no variable"
        yield Fault(place, f"cohort '{spec.cohort}' has {what} '{name}'.{did_you_mean(name, numbers)}")
        return
    for fault in exposure_faults(meant[0], exposure, numbers, spec.outcomes, spec.cohort):
        yield replace(fault, place=(*place, *fault.place[2:]))


ASKING = Asking(
    {
        "screen": (
            ScreenSpec,
            Field(default_factory=ScreenSpec, description="what becomes of exposures that are screened"),
        )
    },
    faults,
)
