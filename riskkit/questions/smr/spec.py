"""What the analysis file says of reference rates: by what the ratios are given, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel
from riskkit.spec.plan import NO_TIME


class SmrSpec(SpecModel):
    """Standardised ratios of the outcomes, against the reference rates of the cohort."""

    by: tuple[str, ...] = Field((), description="variables: a ratio in each of their levels, and whether these differ")
    exposures: bool = Field(True, description="whether ratios are also given in the groups of each exposure")
    of: Literal["incidence", "mortality"] = Field("incidence", description="what the outcomes are: SIR or SMR")
    limits: Literal["exact", "mid-p"] = Field(
        "exact", description="of the ratios that are told and drawn; the frame has both"
    )


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """A cohort without reference rates or follow-up, and variables that it has not or that have no levels."""
    asked: SmrSpec | None = spec.asked("smr")
    if asked is None:
        return
    if cohort.reference_rates is None:
        yield Fault(("smr",), f"cohort '{spec.cohort}' has no [reference_rates], which name the rates to compare with.")
    if cohort.sampling is not None:
        yield Fault(
            ("smr",),
            f"cohort '{spec.cohort}' is a sample with more cases than its people have ([sampling]); events of the "
            "whole cohort are what is compared with reference rates. Leave it out.",
        )
    if cohort.follow_up is None or NO_TIME in spec.time_scales:
        yield Fault(("smr",), "the outcomes are states at baseline: nobody is followed, so that nothing is expected.")
    for i, name in enumerate(asked.by):
        column = cohort.columns.get(name)
        if column is None:
            guess = did_you_mean(name, cohort.columns)
            yield Fault(("smr", "by", i), f"cohort '{spec.cohort}' has no variable '{name}'.{guess}")
        elif column.kind not in ("category", "flag"):
            yield Fault(
                ("smr", "by", i), f"'{name}' is a {column.kind}; ratios are by the levels of a category or a flag."
            )
        elif name in asked.by[:i]:
            yield Fault(("smr", "by", i), f"'{name}' is named twice.")


ASKING = Asking(
    {"smr": (SmrSpec | None, Field(None, description="standardised ratios against the cohort's reference rates"))},
    faults,
)
