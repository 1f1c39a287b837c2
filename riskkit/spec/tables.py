"""The tables of a cohort file: a raw file, a variable, a derived variable, an exclusion, follow-up, an outcome."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from riskkit.spec.load import SpecModel

Kind = Literal["number", "category", "flag"]
TimeUnit = Literal["days", "months", "years"]
PER_YEAR: dict[str, float] = {"days": 365.25, "months": 12.0, "years": 1.0}
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]*)?")


def same_code(code: str | float) -> str:
    """Write a code so that equal codes are equal text: 1, 1.0, '1' and '01' are one code."""
    if isinstance(code, str) and not PLAIN_NUMBER.fullmatch(code.strip()):
        return code.strip()
    return repr(float(code)).removesuffix(".0")


class FetchSpec(SpecModel):
    """Where the raw files are found, besides at their addresses."""

    mirror: str = Field(description="name of this cohort's folder in a mirror")


class FileSpec(SpecModel):
    """One raw file with at most one record a person."""

    path: str = Field(description="name of the file, without folder; capitals and a final .gz do not matter")
    format: Literal["fixed", "csv", "xpt", "sas7bdat", "dta", "parquet"]
    label: str | None = Field(None, description="what the file is, for the exclusion flow and the report")
    id: str | None = Field(None, description="its column of identifiers, where it is not the cohort's id")
    id_columns: tuple[int, int] | None = Field(None, description="first and last position of the identifier")
    join: Literal["left", "inner"] = Field("left", description="'inner' leaves out people without a record here")
    address: str | None = Field(None, description="where to download it")
    encoding: str | None = Field(None, description="of its text: UTF-8, or what the file itself says, unless given")
    delimiter: str = Field(",", min_length=1, max_length=1, description="between the columns of a csv file")
    record_length: int | None = Field(None, gt=0, description="characters of a record, line end not counted")
    shortest_record: int | None = Field(
        None, ge=0, description="where the publisher cut trailing blanks: the shortest a whole record can be"
    )


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
    """From when to when people are observed."""

    time: str = Field(description="variable: time from start to end, in days, months or years")
    age: str | None = Field(None, description="variable: age at the start, in days, months or years")
    unit: TimeUnit = Field(description="unit of follow_up, age_entry and age_exit in the cohort")
    start: str = Field(description="when observation begins, in words")
    end: str = Field(description="when it ends, in words")


class OutcomeSpec(SpecModel):
    """What counts as an event."""

    label: str = Field(description="what tables and figures call it")
    event: str = Field(description="a condition: who has had it by the end of follow-up")
    time: str | None = Field(None, description="variable: this outcome's own time from the start")
    only: str | None = Field(None, description="a condition: whom it can happen to")
    note: str | None = None
