"""The file of an analysis of another kind, `kind = "ranges"`: reference ranges of a measurement by age, in samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.cohort import CohortSpec, load_cohort_spec
from riskkit.spec.expression import parse
from riskkit.spec.faults import Place
from riskkit.spec.load import Fault, SpecModel, other_name, read_toml, validate

KIND = "ranges"
ID = r"^[a-z0-9][a-z0-9-]*$"


class SampleSpec(SpecModel):
    """People whose levels make one set of reference ranges."""

    id: str = Field(pattern=ID)
    label: str = Field(description="who they are, as a heading")
    cohort: str = Field(description="name of a file in cohorts/, without .toml")
    measurement: str = Field(description="variable: the number whose ranges are wanted")
    age: str = Field("age", description="variable: the number that they depend on")
    by: str | None = Field("sex", description="variable: a category, whose levels have ranges of their own")
    called: dict[str, str] = Field(
        default_factory=dict, description="how a sentence calls the levels of `by`: { Female = 'women' }"
    )
    survey: bool = Field(False, description="whether they are weighted by the cohort's [design] to its population")
    at: tuple[float, ...] = Field(min_length=1, description="ages of the table, in increasing order")
    lead: float = Field(description="the age of the headline, one of `at`")
    stages: str | None = Field(None, description="variable: a category within which levels are compared, as of puberty")
    bands: int = Field(4, ge=1, le=20, description="age bands of the worm plots, with equally many people")


class PublishedMeanSpec(SpecModel):
    """A published mean of the measurement, beside the mean here."""

    sample: str = Field(description="the id of a sample")
    study: str
    population: str = Field(description="whom the study measured, in words")
    when: str = Field(description="a condition: the same people of the sample")
    mean: float
    se: float | None = Field(None, gt=0)
    unit: str = Field(description="of mean and se; it must be the measurement's")
    citation: str
    differs: str = Field("", description="what differs between the two")


class RangesSpec(SpecModel):
    """One file of reference ranges."""

    name: str
    kind: Literal["ranges"]
    title: str
    question: str
    level: float = Field(0.95, ge=0.5, le=0.999, description="confidence level of the limits of centiles")
    centiles: tuple[float, ...] = Field((2.5, 10.0, 25.0, 50.0, 75.0, 90.0, 97.5), min_length=3)
    samples: tuple[SampleSpec, ...] = Field(min_length=1)
    published: tuple[PublishedMeanSpec, ...] = ()
    notes: tuple[str, ...] = Field((), description="limitations or remarks printed in the report")

    @property
    def cohorts(self) -> tuple[str, ...]:
        """The cohorts of its samples."""
        return tuple(dict.fromkeys(sample.cohort for sample in self.samples))


def kind_of(path: str | Path) -> str:
    """The `kind` of an analysis file; empty of an ordinary one.

    Raises
    ------
    SpecError
        If it is no TOML file.
    """
    return str(read_toml(path).get("kind", ""))


def load_ranges(path: str | Path) -> tuple[RangesSpec, dict[str, CohortSpec]]:
    """Read and check a file of reference ranges and the cohort files that it names (in cohorts/ beside its folder).

    Raises
    ------
    SpecError
        With every fault of the file at once, each by its place.
    """
    path = Path(path)
    data = read_toml(path)
    folder = path.resolve().parent.parent / "cohorts"
    cohorts: dict[str, CohortSpec] = {}
    absent: dict[str, str] = {}
    for sample in data.get("samples", ()) if isinstance(data.get("samples"), list) else ():
        named = sample.get("cohort") if isinstance(sample, dict) else None
        if isinstance(named, str) and named not in cohorts and named not in absent:
            try:
                cohorts[named] = load_cohort_spec(folder / f"{named}.toml")
            except SpecError as error:
                absent[named] = str(error)
    spec = validate(
        RangesSpec,
        {"name": path.stem, **data},
        path,
        lambda spec: (*other_name(spec.name, path), *ranges_faults(spec, cohorts, absent)),
    )
    return spec, cohorts


def ranges_faults(spec: RangesSpec, cohorts: Mapping[str, CohortSpec], absent: Mapping[str, str]) -> Iterator[Fault]:
    """Names that stand twice or nowhere, variables of the wrong kind, and numbers out of order."""
    if any(not 0 < c < 100 for c in spec.centiles) or any(a >= b for a, b in pairwise(spec.centiles)):
        yield Fault(("centiles",), "must be increasing numbers between 0 and 100, as in [2.5, 50, 97.5].")
    elif 50 not in spec.centiles:
        yield Fault(("centiles",), "must hold 50, the median, which the report speaks of.")
    ids = [sample.id for sample in spec.samples]
    for i, sample in enumerate(spec.samples):
        if sample.id in ids[:i]:
            yield Fault(("samples", i, "id"), f"'{sample.id}' is the id of an earlier one; give another.")
        if sample.cohort in absent:
            yield Fault(("samples", i, "cohort"), absent[sample.cohort])
        elif sample.cohort in cohorts:
            yield from _sample_faults(("samples", i), sample, cohorts[sample.cohort])
    for i, published in enumerate(spec.published):
        place: Place = ("published", i)
        own = next((each for each in spec.samples if each.id == published.sample), None)
        if own is None:
            hint = did_you_mean(published.sample, ids)
            yield Fault((*place, "sample"), f"there is no sample '{published.sample}'.{hint}")
        elif own.cohort in cohorts:
            yield from _published_faults(place, published, own, cohorts[own.cohort])


def _sample_faults(place: Place, sample: SampleSpec, cohort: CohortSpec) -> Iterator[Fault]:
    if cohort.sampling is not None:
        yield Fault(
            (*place, "cohort"),
            f"'{sample.cohort}' is a sample with more cases than its people have ([sampling]): no ranges follow "
            "from it.",
        )
    columns = cohort.columns
    wanted = {"measurement": ("number",), "age": ("number",), "by": ("category",), "stages": ("category",)}
    for field, kinds in wanted.items():
        name = getattr(sample, field)
        if name is None:
            continue
        if name not in columns:
            hint = did_you_mean(name, columns)
            yield Fault((*place, field), f"cohort '{sample.cohort}' has no variable '{name}'.{hint}")
        elif columns[name].kind not in kinds:
            yield Fault((*place, field), f"'{name}' is a {columns[name].kind}; it must be a {kinds[0]}.")
    if sample.measurement == sample.age:
        yield Fault((*place, "age"), f"'{sample.age}' is the measurement; ranges depend on something else.")
    by = columns.get(sample.by) if sample.by else None
    levels = tuple(getattr(by, "levels", ()))
    for level in sample.called:
        if level not in levels:
            hint = did_you_mean(level, levels)
            yield Fault((*place, "called", level), f"'{level}' is no level of '{sample.by}'.{hint}")
    if sample.survey and cohort.design is None:
        yield Fault((*place, "survey"), f"cohort '{sample.cohort}' has no [design], which says how people were drawn.")
    if any(a >= b for a, b in pairwise(sample.at)):
        yield Fault((*place, "at"), "must be in increasing order.")
    if sample.lead not in sample.at:
        yield Fault((*place, "lead"), f"must be one of the ages of the table; got {sample.lead:g}.")


def _published_faults(
    place: Place, published: PublishedMeanSpec, sample: SampleSpec, cohort: CohortSpec
) -> Iterator[Fault]:
    column = cohort.columns.get(sample.measurement)
    if column is not None and column.unit != published.unit:
        yield Fault(
            (*place, "unit"),
            f"'{published.unit}' is not the unit of '{sample.measurement}' in cohort '{sample.cohort}', which is "
            f"'{column.unit}'. Convert mean and se.",
        )
    try:
        absent = [name for name in parse(published.when).names if name not in cohort.columns]
    except SpecError as error:
        yield Fault((*place, "when"), str(error))
    else:
        for name in absent:
            hint = did_you_mean(name, cohort.columns)
            yield Fault((*place, "when"), f"cohort '{sample.cohort}' has no variable '{name}'.{hint}")
