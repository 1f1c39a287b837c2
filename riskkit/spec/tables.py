"""The tables of a cohort file: a raw file, a variable, a derived variable, an exclusion, follow-up, an outcome."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from riskkit.spec.load import SpecModel

Kind = Literal["number", "category", "flag", "date"]
TimeUnit = Literal["days", "months", "years"]
PER_YEAR: dict[str, float] = {"days": 365.25, "months": 12.0, "years": 1.0}
TABLES: dict[str, tuple[Literal["parquet", "csv"], str]] = {  # format and delimiter by suffix
    ".parquet": ("parquet", ","),
    ".csv": ("csv", ","),
    ".tsv": ("csv", "\t"),
    ".txt": ("csv", "\t"),
}
FLAG = ("No", "Yes")  # what the values 0 and 1 of a flag are called
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]*)?")


def same_code(code: str | float) -> str:
    """Write a code so that equal codes are equal text: 1, 1.0, '1' and '01' are one code."""
    if isinstance(code, str) and not PLAIN_NUMBER.fullmatch(code.strip()):
        return code.strip()
    return repr(float(code)).removesuffix(".0")


class FetchSpec(SpecModel):
    """Where the raw files are found, besides at their addresses."""

    mirror: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$",
        description="name of this cohort's folder in a mirror, where it is not the cohort's",
    )
    fallback: Literal["simulate", "simulate visits"] | None = Field(
        default=None,
        description="'simulate': without any data, invented people in the same format (UK Biobank's) stand in; "
        "'simulate visits': people seen every two years",
    )


class FileSpec(SpecModel):
    """One raw file, with at most one record a person unless `rows` says otherwise."""

    path: str = Field(description="name of the file, without folder; capitals and a final .gz do not matter")
    format: Literal["fixed", "csv", "xpt", "sas7bdat", "dta", "parquet", "table"] = Field(
        description="'table': Parquet, CSV or tab-separated, whichever is there; `path` then goes without suffix"
    )
    rows: Literal["one", "many"] = Field("one", description="records a person has: 'many' for records of events")
    names: Literal["as written", "uk biobank"] = Field(
        "as written", description="'uk biobank': a column written p31_i0 may stand as participant.p31_i0 or 31-0.0"
    )
    label: str | None = Field(None, description="what the file is, for the exclusion flow and the report")
    id: str | None = Field(None, description="its column of identifiers, where it is not the cohort's id")
    id_columns: tuple[int, int] | None = Field(None, description="first and last position of the identifier")
    continues: str | None = Field(
        None,
        description="key of a file of the same columns, whose records come before these",
    )
    join: Literal["left", "inner"] = Field("left", description="'inner' leaves out people without a record here")
    address: str | None = Field(None, description="where to download it")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="of the publisher's file, unpacked, where it is known"
    )
    encoding: str | None = Field(None, description="of its text: UTF-8, or what the file itself says, unless given")
    delimiter: str = Field(",", min_length=1, max_length=1, description="between the columns of a csv file")
    record_length: int | None = Field(None, gt=0, description="characters of a record, line end not counted")
    shortest_record: int | None = Field(
        None, ge=0, description="where the publisher cut trailing blanks: the shortest a whole record can be"
    )

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names the file may have."""
        return tuple(self.path + suffix for suffix in TABLES) if self.format == "table" else (self.path,)

    def at(self, path: Path) -> Self:
        """Return this with the format of the file that was found, where it may have several."""
        if self.format != "table":
            return self
        suffix = path.with_suffix("").suffix if path.suffix.casefold() == ".gz" else path.suffix
        form, delimiter = TABLES[suffix.casefold()]
        return self.model_copy(update={"format": form, "delimiter": delimiter})


class CodedLimit(SpecModel):
    """A value that stands for all beyond it."""

    at: float
    meaning: str


class DescribedSpec(SpecModel):
    """What a variable of the cohort is to those who read about it."""

    label: str = Field(description="what tables and figures call it")
    kind: Kind
    unit: str | None = None
    note: str | None = Field(None, description="what a reader should know about it")


class VariableSpec(DescribedSpec):
    """One column of a raw file and what its values mean."""

    source: str = Field(pattern=r"^\w+\.\S+$", description="'file.COLUMN'")
    columns: tuple[int, int] | None = Field(None, description="first and last position, counted from 1 (fixed width)")
    codes: dict[str, str] | None = Field(None, description="code = label, in the order the levels shall have")
    missing: tuple[str, ...] = Field((), description="codes that stand for a missing value, as text")
    blank: Literal["missing", "error"] = Field("missing", description="what an empty cell is")
    empty: Literal["error", "missing"] = Field("error", description="what a column without any value is")
    range: tuple[float, float] | None = Field(None, description="lowest and highest plausible value, in `unit`")
    outside: Literal["error", "missing"] = Field("error", description="what a value outside `range` is")
    top_code: CodedLimit | None = Field(None, description="a highest value that stands for all above it")
    bottom_code: CodedLimit | None = Field(None, description="a lowest value that stands for all below it")

    @property
    def file(self) -> str:
        """Key of the raw file."""
        return self.source.split(".", 1)[0]

    @property
    def column(self) -> str:
        """Name of the column in the raw file."""
        return self.source.split(".", 1)[1]

    @property
    def levels(self) -> tuple[str, ...]:
        """Labels of a category in their order; empty for the other kinds."""
        return tuple(dict.fromkeys((self.codes or {}).values())) if self.kind == "category" else ()


class CaseSpec(SpecModel):
    """What a derived variable is for those a condition holds for."""

    when: str = Field(description="a condition")
    then: bool | float | str = Field(description="a label (category), true or false (flag), a number or an expression")


class DerivedSpec(DescribedSpec):
    """A variable made from others: by one expression, or by the first case that holds (missing where none does)."""

    expression: str | None = None
    cases: tuple[CaseSpec, ...] | None = Field(None, min_length=1)

    @property
    def levels(self) -> tuple[str, ...]:
        """Labels of a category in the order of its cases; empty for the other kinds."""
        return tuple(dict.fromkeys(str(case.then) for case in self.cases or ())) if self.kind == "category" else ()


class ExclusionSpec(SpecModel):
    """One step of the exclusion flow."""

    label: str = Field(description="who is left out, in words")
    when: str = Field(description="a condition")


class FollowUpSpec(SpecModel):
    """From when to when people are observed: by a variable of `time`, or by dates from `baseline` on."""

    time: str | None = Field(None, description="variable: time from start to end, in days, months or years")
    age: str | None = Field(
        None, description="variable: age at the start, in days, months or years; with `baseline`, no more than its name"
    )
    baseline: str | None = Field(None, description="variable: date of the start, where the raw files have dates")
    birth_year: str | None = Field(None, description="variable: year of birth; needed with `baseline`")
    birth_month: str | None = Field(None, description="variable: month of birth, 1 to 12; the 15th is assumed")
    lost: str | None = Field(None, description="variable: date of loss to follow-up")
    death: str | None = Field(None, description="key of [events]: the records of deaths")
    country: str | None = Field(None, description="variable: the category whose levels have their own censoring dates")
    censoring: str | None = Field(None, description="key of [censoring]: the end of follow-up for all deaths")
    unit: TimeUnit = Field(description="unit of follow_up, age_entry and age_exit in the cohort")
    start: str = Field(description="when observation begins, in words")
    end: str = Field(description="when it ends, in words")


class SurveyDesignSpec(SpecModel):
    """How the people of a survey were drawn, by variables of the cohort."""

    weights: str = Field(description="variable: how many people of the population a person stands for")
    psu: str = Field(description="variable: the primary sampling unit")
    strata: str | None = Field(None, description="variable: the stratum that primary sampling units were drawn in")
    nested: bool = Field(False, description="whether primary sampling units are numbered anew in each stratum")
    lonely_psu: Literal["fail", "remove", "adjust", "average"] = Field(
        "fail", description="a stratum with one primary sampling unit: as R's option survey.lonely.psu"
    )
    population: str = Field(description="whom the weights represent, in words")
    note: str | None = Field(None, description="what a reader should know about the weights")


class ReferenceRatesSpec(SpecModel):
    """Rates of another population, with which the cohort's own events are compared."""

    table: str = Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$",
        description="file in rates/, without .csv: outcome, age_from, age_to, rate and what else they differ by",
    )
    population: str = Field(description="whose rates they are, in words")
    source: str = Field(description="where they were published")
    per: float = Field(100_000, gt=0, description="person-years that rates are per")
    calendar: str | None = Field(
        None, description="variable: the calendar year in which follow-up began; needed where rates differ by period"
    )


class OutcomeSpec(SpecModel):
    """What counts as an event: a condition, or the first of the dated records of `sources`; or a state at baseline."""

    label: str = Field(description="what tables and figures call it")
    event: str | None = Field(None, description="a condition: who has had it by the end of follow-up")
    state: str | None = Field(
        None, description="a condition: who has it at baseline; it has no follow-up, and is analysed by its odds"
    )
    time: str | None = Field(
        None,
        description="variable: this outcome's own time from the start; the end of follow-up where it is blank and the "
        "event did not happen",
    )
    only: str | None = Field(None, description="a condition: whom it can happen to")
    sources: tuple[str, ...] = Field((), description="keys of [events], as 'hospital' or 'hospital.primary'")
    codelist: str | None = Field(None, description="file in codelists/, without .csv; any record counts without it")
    free_of: tuple[str, ...] = Field((), description="keys of [histories]: whom it leaves out who had that by baseline")
    censoring: str | None = Field(None, description="key of [censoring]; that of [follow_up] unless given")
    note: str | None = None
