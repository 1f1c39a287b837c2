"""The file of an analysis of another kind, `kind = "evidence"`: claims, and where evidence on them stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field

from riskkit.errors import did_you_mean
from riskkit.spec.load import Fault, SpecModel, other_name, read_toml, validate

KIND = "evidence"
Expects = Literal["above 1", "below 1", "U", "raises", "lowers"]
PRIMARY = ("cohort", "nested case-control", "case-control", "cross-sectional", "pooled individual data", "patients")


def _several(value: Any) -> Any:
    """One thing written by itself, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


Item = TypeVar("Item")
OneOrMore = Annotated[tuple[Item, ...], BeforeValidator(_several)]


class SelectionSpec(SpecModel):
    """Rows of the table of estimates, by the words in them."""

    outcome: str
    contrast: OneOrMore[str] = Field(description="as rk writes it, one or several: 'per 5 nmol/L', 'fifth 1 against 3'")
    exposure: str | None = Field(None, description="the file's exposure unless given")
    designs: tuple[str, ...] = Field(PRIMARY, min_length=1, description="primary studies unless given")
    subgroup: str | None = Field(None, description="rows of this subgroup only")
    onto: float | None = Field(
        None, gt=0, description="bring each to so many of the reference's unit, as if straight, by the reference"
    )


class AgentsSpec(SpecModel):
    """Rows of the table of agents."""

    agents: tuple[str, ...] = Field((), description="names of agents")
    classes: tuple[str, ...] = Field((), description="classes of agents")


class OwnSpec(SpecModel):
    """An estimate of an analysis of one's own that speaks to the claim."""

    analysis: str
    outcome: str
    exposure: str | None = Field(None, description="the analysis's first unless given")
    coding: Literal["linear", "groups", "spline"] = "linear"
    group: Literal["lowest", "highest"] = Field(
        "highest", description="of coding 'groups', which is compared with the others' reference"
    )


class DoseResponseSpec(SpecModel):
    """A curve across studies: from the table of doses, or from contrasts of groups placed on the reference's scale."""

    outcome: str | None = Field(None, description="of the table of doses")
    contrasts: bool = Field(
        False,
        description="place the claim's own contrasts of groups and percentiles at their levels in the reference "
        "population, where no table of doses with counts is published",
    )
    exposure: str | None = Field(None, description="the file's exposure unless given")
    terms: str | None = Field(
        None, description="the curve, of `dose`; a spline with three knots (p10, p50, p90) unless given"
    )
    reference: float | None = Field(None, description="the dose where the ratio is 1; the middle knot unless given")


class ClaimSpec(SpecModel):
    """One claim: what is said, by whom, and what would speak for it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    question: str = Field(description="the id of a question")
    claim: str
    said_in: str
    expects: Expects | None = Field(None, description="what the claim says of the ratio; of a U, both ends above 1")
    published: SelectionSpec | None = None
    low: SelectionSpec | None = Field(None, description="the low end of a U, against its middle")
    high: SelectionSpec | None = Field(None, description="the high end of a U")
    agents: AgentsSpec | None = None
    dose_response: DoseResponseSpec | None = None
    own: OneOrMore[OwnSpec] = ()
    missing: str | None = Field(None, description="what was looked for and is in none of the tables")
    not_testable: str | None = Field(None, description="why neither published nor own cohorts can test it")
    note: str | None = None

    @property
    def ends(self) -> dict[str, SelectionSpec | None]:
        """The selections by end: "line", or "low" and "high" of a U."""
        return {"low": self.low, "high": self.high} if self.expects == "U" else {"line": self.published}


class QuestionSpec(SpecModel):
    """A question that several claims belong to."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    question: str


class PoolingSpec(SpecModel):
    """How rows of one claim are pooled."""

    method: Literal["REML", "DL", "PM", "ML", "common"] = "REML"
    test: Literal["normal", "knapp-hartung"] = Field(
        "knapp-hartung", description="with two rows, a normal interval is given all the same, and said so"
    )
    level: float = Field(0.95, gt=0, lt=1)


class ReferenceSpec(SpecModel):
    """A declared distribution of the exposure: the groups of a population in the table of levels."""

    population: str
    factors: dict[str, float] = Field(default_factory=dict, description="how many of its unit are in one of another")


class DosesSpec(SpecModel):
    """A table of exposure levels with counts, and how its doses are brought to numbers of one unit."""

    table: str = Field("evidence/doses.csv", description="beside this file")
    unit: str = Field(description="that all doses are brought to")
    factors: dict[str, float] = Field(default_factory=dict, description="how many of it are in one of another unit")
    bottom: Literal["width", "zero"] = Field(
        "width", description="of an open lowest one: as wide as the next, or from 0"
    )
    top: Literal["width"] | float = Field("width", description="of an open highest one, or so many times its limit")
    covariance: Literal["greenland-longnecker", "hamling"] = "greenland-longnecker"


class EvidenceSpec(SpecModel):
    """One evidence file: its tables, its questions and its claims."""

    name: str
    kind: Literal["evidence"]
    title: str
    exposure: str = Field(description="as the table of estimates names it: 'IGF-1'")
    estimates: str = Field("evidence/estimates.csv", description="beside this file")
    levels: str | None = Field(None, description="a table of levels, for `reference`")
    agents: str | None = Field(None, description="a table of agents")
    doses: DosesSpec | None = Field(None, description="a table of exposure levels with counts, for `dose_response`")
    bias: str | None = Field(None, description="how risk of bias was judged, in the columns bias_... of the estimates")
    pooling: PoolingSpec = Field(default_factory=lambda: PoolingSpec.model_validate({}))
    reference: ReferenceSpec | None = None
    questions: tuple[QuestionSpec, ...]
    claims: tuple[ClaimSpec, ...]


def is_evidence(path: str | Path) -> bool:
    """Whether a file is an analysis of this kind, by its `kind`.

    Raises
    ------
    SpecError
        If it is no TOML file.
    """
    return read_toml(path).get("kind") == KIND


def load_evidence(path: str | Path) -> EvidenceSpec:
    """Read and check an evidence file.

    What its claims select from the tables is checked where these are read (`riskkit.evidence.ledger.selection_faults`).

    Raises
    ------
    SpecError
        With every fault of the file at once, each by its place.
    """
    path = Path(path)
    data = read_toml(path)
    return validate(
        EvidenceSpec,
        {"name": path.stem, **data},
        path,
        lambda spec: (*other_name(spec.name, path), *evidence_faults(spec)),
    )


def evidence_faults(spec: EvidenceSpec) -> Iterator[Fault]:
    """Names that stand twice or nowhere, claims that say nothing that could be tested, and fields at odds."""
    questions = [each.id for each in spec.questions]
    for field in ("questions", "claims"):
        if not getattr(spec, field):
            yield Fault((field,), f"is empty: give one of [[{field}]] or more.")
    yield from _repeated("questions", questions)
    yield from _repeated("claims", [each.id for each in spec.claims])
    for i, each in enumerate(spec.questions):
        if not any(claim.question == each.id for claim in spec.claims):
            yield Fault(("questions", i), f"no claim belongs to '{each.id}'; leave it out, or give it one.")
    if spec.reference is not None and spec.levels is None:
        yield Fault(("reference",), "is a population of the table of levels, and there is none; give 'levels'.")
    for field in ("reference", "doses"):
        declared = getattr(spec, field)
        for unit, factor in (declared.factors if declared else {}).items():
            if not factor > 0:
                yield Fault((field, "factors", unit), f"must be a positive number; got {factor:g}.")
    if spec.doses is not None and isinstance(spec.doses.top, float) and not spec.doses.top > 1:
        yield Fault(("doses", "top"), f'is "width" or a number above 1, as in 1.2; got {spec.doses.top:g}.')
    for i, claim in enumerate(spec.claims):
        place = ("claims", i)
        if claim.question not in questions:
            hint = did_you_mean(claim.question, questions)
            yield Fault((*place, "question"), f"there is no question '{claim.question}'.{hint}")
        for field, message in _claim_faults(claim, spec):
            yield Fault((*place, field) if field else place, message)


def _claim_faults(claim: ClaimSpec, spec: EvidenceSpec) -> Iterator[tuple[str, str]]:
    """Pairs of a field of a claim ("" for the claim itself) and what is wrong."""
    given: Mapping[str, Any] = {
        "published": claim.published,
        "low": claim.low,
        "high": claim.high,
        "agents": claim.agents,
        "dose_response": claim.dose_response,
        "own": claim.own or None,
    }
    present = [name for name, value in given.items() if value is not None]
    if claim.not_testable is not None:
        for name in [*present, *(name for name in ("expects", "missing") if getattr(claim, name) is not None)]:
            yield name, "stands beside 'not_testable'; a claim that cannot be tested has no evidence here."
        return
    if claim.expects is None:
        yield (
            "expects",
            "is missing: say what the claim expects (above 1, below 1, U, raises, lowers), or not_testable.",
        )
        return
    allowed = {
        "U": {"low", "high", "dose_response", "own"},
        "raises": {"agents"},
        "lowers": {"agents"},
    }.get(claim.expects, {"published", "dose_response", "own"})
    for name in present:
        if name not in allowed:
            yield (
                name,
                f"has no place in a claim that expects '{claim.expects}'; that takes {', '.join(sorted(allowed))}.",
            )
    if claim.missing is not None:
        for name in set(present) - {"own"}:
            yield name, "stands beside 'missing', which says that there is nothing published to select."
    elif claim.expects in ("raises", "lowers"):
        if claim.agents is None:
            yield "agents", f"is missing: a claim that expects '{claim.expects}' is about agents."
        elif not claim.agents.agents and not claim.agents.classes:
            yield "agents", "names no agents and no classes; give one of them."
        elif spec.agents is None:
            yield "agents", "there is no table of agents; give 'agents' at the top of the file."
    elif not allowed & set(present):
        yield "", f"has nothing to be tested by: give {', '.join(sorted(allowed))}, or say what is missing."
    if claim.dose_response is not None:
        yield from (("dose_response", told) for told in _curve_faults(claim.dose_response, claim, spec))
    for name in ("published", "low", "high"):
        selection = given[name]
        if selection is not None and selection.onto is not None and spec.reference is None:
            yield name, "brings estimates onto a scale; declare the distribution of the exposure in [reference]."


def _curve_faults(curve: DoseResponseSpec, claim: ClaimSpec, spec: EvidenceSpec) -> Iterator[str]:
    if curve.contrasts == (curve.outcome is not None):
        yield "takes either outcome, of the table of doses, or contrasts = true."
    elif curve.contrasts:
        if spec.reference is None:
            yield "places contrasts on a scale; declare the distribution of the exposure in [reference]."
        if claim.expects != "U" or claim.low is None or claim.high is None:
            yield "places the contrasts of both ends of a U; give low and high, or take the table of doses."
    elif spec.doses is None:
        yield "takes an outcome of the table of doses, and there is none; declare [doses]."


def _repeated(field: str, ids: list[str]) -> Iterator[Fault]:
    for i, each in enumerate(ids):
        if each in ids[:i]:
            yield Fault((field, i, "id"), f"'{each}' is the id of an earlier one; give another.")
