"""The table [sampling] of a cohort file: how the people in its files were drawn from a cohort."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel

if TYPE_CHECKING:
    from riskkit.spec.cohort import CohortSpec

CASE_COHORT, NESTED, MATCHED = "case-cohort", "nested case-control", "matched sets"
STRATIFIED = ("borgan-1", "borgan-2")
FIELDS = {  # those that go with a design, the first of them needed
    CASE_COHORT: ("subcohort", "method", "strata", "size", "sizes", "person_years"),
    NESTED: ("set", "weights", "size", "person_years", "matched_on"),
    MATCHED: ("set", "matched_on"),
}


class SamplingSpec(SpecModel):
    """A sample of a cohort: a subcohort with all cases, or cases with controls drawn for each."""

    design: Literal["case-cohort", "nested case-control", "matched sets"] = Field(
        description="'matched sets': cases and controls without follow-up, whose outcome is a `state`"
    )
    outcomes: tuple[str, ...] = Field(min_length=1, description="outcomes of which every case was taken")
    subcohort: str | None = Field(None, description="flag: who was drawn into the subcohort")
    method: Literal["prentice", "self-prentice", "lin-ying", "borgan-1", "borgan-2"] = Field(
        "prentice", description="the pseudo-likelihood; Borgan's are for a subcohort drawn within `strata`"
    )
    strata: str | None = Field(None, description="category: what the subcohort was drawn within")
    size: int | None = Field(None, gt=0, description="people of the cohort, where the files have the sample only")
    sizes: dict[str, int] | None = Field(None, description="the same by level of `strata`")
    person_years: float | None = Field(None, gt=0, description="of the cohort, where the files have the sample only")
    set: str | None = Field(None, description="number or category: the set that a row belongs to")
    weights: str | None = Field(None, description="number: counter-matching weights")
    matched_on: tuple[str, ...] = Field((), description="what controls were matched on, in words")


def sampling_faults(spec: CohortSpec) -> Iterator[Fault]:
    """What is wrong with [sampling] in the rest of the file."""
    sampling = spec.sampling
    if sampling is None:
        return
    own = FIELDS[sampling.design]
    for field in SamplingSpec.model_fields:
        given = field in sampling.model_fields_set and field not in ("design", "outcomes")
        if given and field not in own:
            yield Fault(("sampling", field), f"does not go with '{sampling.design}'. Leave it out.")
    if getattr(sampling, own[0]) is None:
        yield Fault(("sampling", own[0]), f"is required and missing: '{sampling.design}' needs it.")
    kinds = {"subcohort": ("flag",), "strata": ("category",), "set": ("number", "category"), "weights": ("number",)}
    for field, wanted in kinds.items():
        name = getattr(sampling, field)
        if name is None:
            continue
        if name not in spec.columns:
            yield Fault(("sampling", field), f"there is no variable '{name}'.{did_you_mean(name, spec.columns)}")
        elif spec.columns[name].kind not in wanted:
            kind = spec.columns[name].kind
            yield Fault(("sampling", field), f"'{name}' is a {kind}; it must be a {' or a '.join(wanted)}.")
    if sampling.design == CASE_COHORT:
        yield from _case_cohort_faults(sampling)
    yield from _outcome_faults(sampling, spec)
    if spec.design is not None:
        yield Fault(("sampling",), "a cohort has [design], of a survey, or [sampling], of a cohort; not both.")


def _case_cohort_faults(sampling: SamplingSpec) -> Iterator[Fault]:
    if (sampling.method in STRATIFIED) != (sampling.strata is not None):
        yield Fault(
            ("sampling", "method"),
            f"'{sampling.method}' needs `strata`, those the subcohort was drawn within."
            if sampling.strata is None
            else f"'{sampling.method}' is for a subcohort drawn without strata; write 'borgan-2'.",
        )
    if sampling.strata is None and sampling.sizes is not None:
        yield Fault(("sampling", "sizes"), "is by level of `strata`, of which there are none; write size.")
    if sampling.strata is not None and sampling.size is not None:
        yield Fault(("sampling", "size"), "with `strata` there is one for each level: sizes = { level = people }.")


def _outcome_faults(sampling: SamplingSpec, spec: CohortSpec) -> Iterator[Fault]:
    for i, name in enumerate(sampling.outcomes):
        place = ("sampling", "outcomes", i)
        if name not in spec.outcomes:
            yield Fault(place, f"there is no outcome '{name}'.{did_you_mean(name, spec.outcomes)}")
        elif (name in spec.states) != (sampling.design == MATCHED):
            yield Fault(
                place,
                f"'{name}' has follow-up; 'matched sets' are of states. Write 'nested case-control'."
                if sampling.design == MATCHED
                else f"'{name}' is a state, without follow-up. Write design = 'matched sets'.",
            )
    if sampling.design != CASE_COHORT and len(sampling.outcomes) > 1:
        yield Fault(("sampling", "outcomes"), "sets are of the cases of one outcome; name one.")
