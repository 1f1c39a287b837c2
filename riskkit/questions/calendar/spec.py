"""What the analysis file says of calendar time: which variable has the year in which follow-up began."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel
from riskkit.spec.plan import NO_TIME


class CalendarSpec(SpecModel):
    """Incidence rates by calendar period, standardised to the ages of all periods together."""

    entry: str = Field(description="variable: the calendar year in which a person's follow-up began, as in 1992.4")
    years: int = Field(1, ge=1, le=50, description="length of a period in calendar years")
    ages: int = Field(5, ge=1, le=50, description="width of a band of age, in years")
    per: float = Field(100_000, gt=0, description="person-years that rates are given for")


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """A variable that the cohort has not, or that is no number; a cohort without age or follow-up."""
    calendar: CalendarSpec | None = spec.asked("calendar")
    if calendar is None:
        return
    column = cohort.columns.get(calendar.entry)
    if column is None:
        guess = did_you_mean(calendar.entry, cohort.columns)
        yield Fault(("calendar", "entry"), f"cohort '{spec.cohort}' has no variable '{calendar.entry}'.{guess}")
    elif column.kind != "number":
        yield Fault(
            ("calendar", "entry"),
            f"'{calendar.entry}' is a {column.kind}. Make a number of it, the calendar year, in the cohort file.",
        )
    if cohort.follow_up is None or NO_TIME in spec.time_scales:
        yield Fault(("calendar",), "the outcomes are states at baseline: nobody is followed through the years.")
    elif cohort.follow_up.age is None:
        yield Fault(
            ("calendar",), f"cohort '{spec.cohort}' names no age in [follow_up], which rates are standardised for."
        )


ASKING = Asking(
    {"calendar": (CalendarSpec | None, Field(None, description="incidence rates by calendar year"))},
    faults,
)
