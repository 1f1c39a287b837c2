"""What the analysis file says of a survey: whether the main model is also fitted by its design."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """A cohort without a design, and codings that cannot be set side by side."""
    if not spec.asked("survey"):
        return
    if cohort.design is None:
        yield Fault(("survey",), f"cohort '{spec.cohort}' has no [design], which says how its people were drawn.")
    for name, exposure in spec.declared_exposures.items():
        if not (exposure.spline and exposure.per):
            yield Fault(
                ("exposures", name), "survey = true sets curves and lines side by side: spline and per cannot be false."
            )


ASKING = Asking(
    {
        "survey": (
            bool,
            Field(False, description="whether the main model is also fitted by the design of the cohort's survey"),
        )
    },
    faults,
)
