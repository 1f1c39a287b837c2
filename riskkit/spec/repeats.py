"""The tables [repeats] of a cohort file: variables that were measured again at later visits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel
from riskkit.spec.tables import TimeUnit

if TYPE_CHECKING:
    from riskkit.spec.cohort import CohortSpec

Rule = Literal["error", "leave out"]


class RepeatsSpec(SpecModel):
    """One variable's further values: rows of a file, each of a person at a visit."""

    file: str = Field(description="key of the file of visits, rows = 'many'; a person's stand in order of time")
    value: str = Field(description="column of the values; codes, unit and range are those of the variable")
    date: str | None = Field(None, description="column of the date of a visit, where [follow_up] has `baseline`")
    age: str | None = Field(None, description="column of the age at a visit, where [follow_up] has `age`")
    time: str | None = Field(None, description="column of the time from the start of follow-up")
    unit: TimeUnit | None = Field(None, description="of `age` or `time`; years unless given")
    out_of_order: Literal["error", "sort"] = Field(
        "error", description="what a visit is that does not come after the one above it; two at one time cannot be"
    )
    after_end: Rule = Field("error", description="what a visit after death or the end of follow-up is")
    after_outcome: Rule = Field(
        "error",
        description="what a visit after an outcome of the cohort is; 'leave out': models of that outcome do without it",
    )


def repeats_faults(spec: CohortSpec) -> Iterator[Fault]:
    """What is wrong with [repeats] in the rest of the file."""
    for name, repeats in spec.repeats.items():
        place = ("repeats", name)
        if name not in spec.variables:
            guess = did_you_mean(name, spec.variables)
            yield Fault(place, f"there is no variable '{name}', whose value at the start this continues.{guess}")
        elif spec.variables[name].kind != "number":
            yield Fault(place, f"'{name}' is a {spec.variables[name].kind}; a level is a number.")
        if repeats.file not in spec.files:
            guess = did_you_mean(repeats.file, spec.files)
            yield Fault((*place, "file"), f"there is no file '{repeats.file}'.{guess}")
        elif spec.files[repeats.file].rows != "many":
            yield Fault((*place, "file"), f"'{repeats.file}' has one row a person; write rows = 'many' in its table.")
        elif spec.files[repeats.file].format == "fixed":
            yield Fault((*place, "file"), f"'{repeats.file}' has no names of columns; give it as CSV or Parquet.")
        given = [field for field in ("date", "age", "time") if getattr(repeats, field) is not None]
        if len(given) != 1:
            yield Fault(place, "needs one of `date`, `age` and `time`, and no more: when a visit was.")
        if spec.follow_up is None:
            yield Fault(place, "needs a table [follow_up], in which visits lie.")
            continue
        if "date" in given and spec.follow_up.baseline is None:
            yield Fault((*place, "date"), "needs `baseline` in [follow_up], a variable of dates; give `age` or `time`.")
        if "age" in given and spec.follow_up.age is None:
            yield Fault((*place, "age"), "needs `age` in [follow_up], the age at the start.")
        if "date" in given and repeats.unit is not None:
            yield Fault((*place, "unit"), "goes with `age` or `time`, not with `date`. Leave it out.")
