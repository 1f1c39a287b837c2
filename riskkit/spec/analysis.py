"""The analysis file: what is to be estimated, on which cohort, adjusted for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, create_model

from riskkit import registry
from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.cohort import CohortSpec, load_cohort_spec
from riskkit.spec.evidence import KIND as EVIDENCE
from riskkit.spec.exposure import ExposureSpec, exposure_faults
from riskkit.spec.expression import parse
from riskkit.spec.faults import Place
from riskkit.spec.load import Fault, SpecModel, other_name, read_toml, validate
from riskkit.spec.origins import of_outcomes, origins
from riskkit.spec.ranges import KIND as RANGES
from riskkit.spec.sampling import CASE_COHORT, SamplingSpec
from riskkit.spec.scores import UNIT, score_faults
from riskkit.spec.tables import ExclusionSpec
from riskkit.spec.terms import columns_of, is_product, single_terms, term_faults

Coding = Literal["spline", "groups", "linear"]


class ModelSpec(SpecModel):
    """A set of covariates; `add` continues the list of the model before."""

    name: str
    label: str
    covariates: tuple[str, ...] | None = Field(None, description="columns or formula terms, such as 'rcs(bmi, 4)'")
    add: tuple[str, ...] | None = Field(None, description="terms added to those of the model before")


class VariantSpec(SpecModel):
    """Other people or other follow-up than the main analysis has; the main model is fitted to them."""

    name: str
    label: str
    when: str | None = Field(None, description="a condition: who takes part")
    without: tuple[str, ...] = Field((), description="covariates and strata left out, such as the one in `when`")
    codings: tuple[Coding, ...] = Field(("linear",), min_length=1)


class SubgroupSpec(VariantSpec):
    """Some of the people, to be compared with others of the same `by`."""

    when: str = Field(description="a condition: who takes part")
    by: str = Field(description="what the subgroups that are compared differ in, in words: 'Sex'")


class SensitivitySpec(VariantSpec):
    """The main analysis with something changed, to see whether its estimates move."""

    lag: float | None = Field(None, gt=0, le=100, description="years of follow-up left out at the start")
    trim: tuple[float, float] | None = Field(None, description="percentiles outside which the exposure is left out")


class AnalysisSpec(SpecModel):
    """One analysis: every exposure with every outcome, on every time scale, in every model.

    An analysis that is loaded also has the fields that the kinds of question contribute (`analysis_model`).
    """

    model_config = ConfigDict(serialize_by_alias=True)
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="letters, digits, - and _; the file's name, unless given"
    )
    title: str
    question: str
    cohort: str = Field(description="name of a file in cohorts/, without .toml")
    declared_exposures: dict[str, ExposureSpec] = Field(min_length=1, alias="exposures")
    outcomes: tuple[str, ...] = Field(min_length=1)
    models: tuple[ModelSpec, ...] = Field(min_length=1)
    main_model: str | None = Field(None, description="the model the report leads with; the last one unless named")
    primary: Coding = Field(
        "spline",
        description="whose test counts as evidence: of all terms of the spline, of the straight line, or of any "
        "difference between groups; of an exposure without it, or with too few events for it, the straight line's",
    )
    family: Literal["analysis", "exposure"] = Field(
        "analysis", description="p values are corrected for all pairs of the analysis, or of each exposure"
    )
    exclusions: tuple[ExclusionSpec, ...] = Field((), description="who of the cohort is left out of this analysis")
    time_scales: tuple[Literal["age", "follow_up", "none"], ...] = Field(
        ("age",), min_length=1, description="'none' where the outcomes are states at baseline, and only there"
    )
    strata: tuple[str, ...] = ()
    competing: str | None = Field(
        None, description="outcome after which the others cannot happen, such as death from any cause"
    )
    characteristics: tuple[str, ...] = Field((), description="variables of the table of characteristics")
    subgroups: tuple[SubgroupSpec, ...] = ()
    sensitivity: tuple[SensitivitySpec, ...] = ()
    level: float = Field(0.95, ge=0.5, le=0.999, description="confidence level")
    min_events: int = Field(
        20, ge=1, description="a model with fewer events is not fitted but listed among those not fitted"
    )
    notes: tuple[str, ...] = Field((), description="limitations or remarks printed in the report")

    @property
    def exposures(self) -> dict[str, ExposureSpec]:
        """Those of which every model is fitted, by name."""
        return {name: each for name, each in self.declared_exposures.items() if not each.screen}

    @property
    def screened(self) -> dict[str, ExposureSpec]:
        """Names and patterns of those that are screened."""
        return {name: each for name, each in self.declared_exposures.items() if each.screen}

    @property
    def variants(self) -> tuple[VariantSpec, ...]:
        """Subgroups, then sensitivity analyses."""
        return (*self.subgroups, *self.sensitivity)

    @property
    def main(self) -> ModelSpec:
        """The model the report leads with."""
        return next((m for m in self.models if m.name == self.main_model), self.models[-1])

    def covariates(self, model: ModelSpec) -> tuple[str, ...]:
        """Every covariate of a model as it is written, those of the models it adds to included."""
        terms: tuple[str, ...] = ()
        for each in self.models:
            terms = each.covariates if each.covariates is not None else (*terms, *(each.add or ()))
            if each.name == model.name:
                break
        return terms

    def terms(self, model: ModelSpec) -> tuple[str, ...]:
        """The same, taken apart: one term each, so that `age * sex` is age, sex and age:sex."""
        return single_terms(self.covariates(model))

    def asked(self, field: str) -> Any:
        """What the file says in a field that a kind of question contributes; None where no such kind is known."""
        return getattr(self, field, None)


@lru_cache(maxsize=1)
def analysis_model() -> type[AnalysisSpec]:
    """The analysis file with the fields of every kind of question."""
    fields: dict[str, Any] = {
        name: field for asking in registry.parts("spec").values() for name, field in asking.fields.items()
    }
    return create_model("AnalysisSpec", __base__=AnalysisSpec, **fields)


def load_analysis(path: str | Path) -> tuple[AnalysisSpec, CohortSpec]:
    """Read and check an analysis file and the cohort file it names (in cohorts/ beside the file's folder).

    Raises
    ------
    SpecError
        With every fault of the file at once, each by its place.
    """
    path = Path(path)
    data = read_toml(path)
    if data.get("kind") == EVIDENCE:
        raise SpecError(f"{path}: is of published evidence, to which nothing is fitted: riskkit report {path.stem}.")
    if data.get("kind") == RANGES:
        raise SpecError(f"{path}: is of reference ranges, which have no models: riskkit run {path}.")
    named = data.get("cohort")
    cohort: CohortSpec | None = None
    if isinstance(named, str):
        cohort = load_cohort_spec(path.resolve().parent.parent / "cohorts" / f"{named}.toml")
    spec = validate(
        analysis_model(),
        {"name": path.stem, **data},
        path,
        lambda spec: (*other_name(spec.name, path), *(_faults(spec, cohort) if cohort else ())),
    )
    assert cohort is not None  # validate has refused a file without the name of its cohort
    if "time_scales" not in spec.model_fields_set and spec.outcomes[0] in cohort.states:
        spec = spec.model_copy(update={"time_scales": ("none",)})
    return spec, cohort


def _faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    units = {name: column.unit for name, column in cohort.columns.items()}
    units |= {name: panel.unit for name in spec.exposures if (panel := cohort.panel_of(name)) and name not in units}
    for i, outcome in enumerate(spec.outcomes):
        if outcome not in cohort.outcomes:
            yield unknown(("outcomes", i), "outcome", outcome, spec, cohort.outcomes)
        elif outcome in spec.outcomes[:i]:
            yield Fault(("outcomes", i), f"'{outcome}' is named twice.")
    for i, scale in enumerate(spec.time_scales):
        if scale in spec.time_scales[:i]:
            yield Fault(("time_scales", i), f"'{scale}' is named twice.")
    if spec.competing is not None and spec.competing not in cohort.outcomes:
        yield unknown(("competing",), "outcome", spec.competing, spec, cohort.outcomes)
    yield from _state_faults(spec, cohort)
    of_exposures = units | {name: UNIT for name, exposure in spec.exposures.items() if exposure.sds_of is not None}
    for name, exposure in spec.exposures.items():
        yield from score_faults(name, exposure, cohort)
        yield from exposure_faults(name, exposure, of_exposures, spec.outcomes, spec.cohort)
        yield from _follows(("exposures", name), exposure.sds_of or name, spec, cohort, "exposure")
    yield from _model_faults(spec, cohort)
    for field in ("strata", "characteristics"):
        for j, name in enumerate(getattr(spec, field)):
            if name not in units:
                yield unknown((field, j), "variable", name, spec, units)
            elif field == "strata":
                yield from _follows((field, j), name, spec, cohort, "stratum")
    for i, exclusion in enumerate(spec.exclusions):
        yield from _condition_faults(("exclusions", i, "when"), exclusion.when, spec, units)
    yield from _variant_faults(spec, units)
    for asking in registry.parts("spec").values():
        yield from asking.faults(spec, cohort)
    if cohort.sampling is not None:
        yield from _sampled_faults(spec, cohort.sampling)
    yield from _coding_faults(spec)


def _sampled_faults(spec: AnalysisSpec, sampling: SamplingSpec) -> Iterator[Fault]:
    """What would take a sample for the cohort it was drawn from, or would break its sets."""
    by_hand = "riskkit.cox(..., sampling=...) of docs/designs.md is for models of your own."
    for i, name in enumerate(spec.outcomes):
        if name not in sampling.outcomes:
            yield Fault(
                ("outcomes", i),
                f"not every case of '{name}' is in the sample, which was drawn for {', '.join(sampling.outcomes)}.",
            )
    refused = {
        "exclusions": "would leave out people of the sample, and not of the cohort; write them in the cohort's file.",
        "subgroups": f"are not offered for a {sampling.design} sample: the numbers of their part of the cohort are not "
        f"known. {by_hand}",
        "sensitivity": f"is not offered for a {sampling.design} sample. {by_hand}",
        "competing": "would take the sample for the cohort, of which alone there is an absolute risk. Leave it out.",
    }
    for field, why in refused.items():
        if getattr(spec, field):
            yield Fault((field,), why)
    for name, exposure in spec.exposures.items():
        if exposure.repeat is not None:
            yield Fault(("exposures", name, "repeat"), f"is not offered for a {sampling.design} sample. Leave it out.")
    if spec.strata and sampling.design != CASE_COHORT:
        yield Fault(("strata",), "the sets are the strata; matched variables need none. Leave it out.")
    for asking in registry.parts("spec").values():
        for field in asking.fields:
            if not asking.of_samples and field in spec.model_fields_set and getattr(spec, field):
                yield Fault(
                    (field,), f"is not offered for a {sampling.design} sample: it takes its people for a cohort."
                )


def _model_faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """Names of models, and their covariates term by term."""
    names = [model.name for model in spec.models]
    if spec.main_model is not None and spec.main_model not in names:
        yield Fault(("main_model",), f"no model is named '{spec.main_model}'.{did_you_mean(spec.main_model, names)}")
    for i, model in enumerate(spec.models):
        if names.index(model.name) != i:
            yield Fault(("models", i, "name"), f"'{model.name}' is the name of an earlier model; give another.")
        if (model.covariates is None) == (model.add is None):
            yield Fault(("models", i), "give either 'covariates' or 'add' (to the model before), and not both.")
        if i == 0 and model.add is not None:
            yield Fault(("models", i, "add"), "the first model has none before it to add to; write 'covariates'.")
        field = "covariates" if model.covariates is not None else "add"
        for j, written in enumerate((model.covariates or ()) + (model.add or ())):
            place = ("models", i, field, j)
            found = list(term_faults(place, written, cohort.columns, spec.cohort))
            yield from found or _covariate_faults(place, written, spec, cohort)


def _covariate_faults(place: Place, written: str, spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What a covariate cannot be in this analysis, although the cohort has all that it names."""
    age = cohort.follow_up.age if cohort.follow_up else None
    made_from = origins(cohort)
    for term in single_terms((written,)):
        used = columns_of((term,))
        exposures = [name for name in used if name in spec.exposures]
        for name in used:
            yield from _follows(place, name, spec, cohort, "covariate")
            derived_from = [each for each in spec.exposures if each != name and each in made_from.get(name, ())]
            if derived_from:
                yield Fault(
                    place, f"'{name}' is made from the exposure '{derived_from[0]}': beside it, neither can be read."
                )
            score = next((each for each, coded in spec.exposures.items() if coded.sds_of == name), None)
            if score is not None:
                yield Fault(place, f"the exposure '{score}' is the score of '{name}': beside it, neither can be read.")
            for each in spec.exposures:
                if name != each and made_from.get(each, frozenset()) - {each} == {name}:
                    yield Fault(place, f"the exposure '{each}' is made from '{name}' alone: they are one and the same.")
        if exposures and is_product(term):
            yield Fault(
                place, f"'{term}' is a product with the exposure '{exposures[0]}'; ask for it with [[interactions]]."
            )
        elif exposures and len(spec.exposures) == 1:
            yield Fault(place, f"'{exposures[0]}' is the exposure; it adjusts for itself.")
        if age in used and is_product(term) and "age" in spec.time_scales:
            others = ", ".join(f'"{name}"' for name in used if name != age)
            yield Fault(
                place,
                f"'{term}' is a product with age, which is the time scale and no covariate there. To let the hazard "
                f"change with age differently by it, write strata = [{others}].",
            )


def _follows(place: Place, name: str, spec: AnalysisSpec, cohort: CohortSpec, role: str) -> Iterator[Fault]:
    """The fault of a variable from which an outcome or its time follows, or that is made from one."""
    made_from = origins(cohort)
    ending = of_outcomes(cohort, spec.outcomes, made_from)
    said = next((each for each in (name, *sorted(made_from.get(name, ()))) if each in ending), None)
    if said is not None:
        by_way = "" if said == name else f"'{name}' is made from '{said}', and "
        yield Fault(place, f"{by_way}'{said}' {ending[said]}: no {role} of it.")


def _coding_faults(spec: AnalysisSpec) -> Iterator[Fault]:
    """What is asked of every exposure, and an exposure's codings cannot answer."""
    switches = {"spline": "spline", "groups": "groups", "linear": "per"}
    if "primary" in spec.model_fields_set:
        lacking = [name for name, each in spec.exposures.items() if getattr(each, switches[spec.primary]) is False]
        if lacking:
            yield Fault(
                ("primary",),
                f"'{spec.primary}' is to be the primary test, and '{lacking[0]}' says {switches[spec.primary]} = "
                "false. Name a coding that every exposure has.",
            )
    for field in ("subgroups", "sensitivity"):
        for i, variant in enumerate(getattr(spec, field)):
            for coding in variant.codings:
                lacking = [
                    name for name, each in spec.declared_exposures.items() if getattr(each, switches[coding]) is False
                ]
                if lacking:
                    yield Fault(
                        (field, i, "codings"),
                        f"'{coding}' is asked for, and '{lacking[0]}' says {switches[coding]} = false. Give codings "
                        "that the exposure has, or let it have this one.",
                    )


def _state_faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What cannot go together: states at baseline, whose models are logistic, with anything that has follow-up."""
    states = [name for name in spec.outcomes if name in cohort.states]
    timed = [name for name in spec.outcomes if name in cohort.outcomes and name not in states]
    if states and timed:
        yield two_kinds(states[0], timed[0])
    elif states:
        if "time_scales" in spec.model_fields_set and spec.time_scales != ("none",):
            yield Fault(("time_scales",), "the outcomes are states at baseline and have none. Leave it out.")
        if spec.strata:
            yield Fault(("strata",), "a logistic model has none. Write them as covariates.")
        for i, change in enumerate(spec.sensitivity):
            if change.lag is not None:
                yield Fault(("sensitivity", i, "lag"), "the outcomes are states at baseline: there is no follow-up.")
    elif timed and "none" in spec.time_scales:
        yield Fault(("time_scales",), "'none' is for states at baseline; these outcomes have 'age' and 'follow_up'.")


def two_kinds(state: str, timed: str) -> Fault:
    """The fault of outcomes of both kinds in one analysis."""
    return Fault(
        ("outcomes",),
        f"'{state}' is a state at baseline (odds ratios), '{timed}' has follow-up (hazard ratios). Write two analyses.",
    )


def _variant_faults(spec: AnalysisSpec, units: Mapping[str, str | None]) -> Iterator[Fault]:
    """Names and conditions of subgroups and sensitivity analyses, the conditions read on no people at all."""
    seen: set[str] = set()
    for field in ("subgroups", "sensitivity"):
        for i, variant in enumerate(getattr(spec, field)):
            place = (field, i)
            if variant.name in seen:
                yield Fault((*place, "name"), f"'{variant.name}' is the name of an earlier one; give another.")
            seen.add(variant.name)
            for j, name in enumerate(variant.without):
                if name not in units:
                    yield unknown((*place, "without", j), "variable", name, spec, units)
            if variant.when is not None:
                yield from _condition_faults((*place, "when"), variant.when, spec, units)
    for i, change in enumerate(spec.sensitivity):
        place = ("sensitivity", i)
        if change.when is None and change.lag is None and change.trim is None:
            yield Fault(place, "changes nothing: give 'when', 'lag' or 'trim'.")
        if change.trim is not None and not 0 <= change.trim[0] < change.trim[1] <= 100:
            yield Fault((*place, "trim"), "must be two percentiles in increasing order, as in [1, 99].")


def _condition_faults(place: Place, text: str, spec: AnalysisSpec, units: Mapping[str, str | None]) -> Iterator[Fault]:
    try:
        absent = [name for name in parse(text).names if name not in units]
    except SpecError as error:
        yield Fault(place, str(error))
    else:
        yield from (unknown(place, "variable", name, spec, units) for name in absent)


def unknown(place: Place, kind: str, name: str, spec: AnalysisSpec, known: Iterable[str]) -> Fault:
    """The fault of a name that the cohort does not have."""
    return Fault(place, f"cohort '{spec.cohort}' has no {kind} '{name}'.{did_you_mean(name, known)}")
