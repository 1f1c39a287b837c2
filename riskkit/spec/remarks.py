"""What an analysis asks that can be meant, but often is not: said where it is run, and among the limitations."""

from __future__ import annotations

import re

from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.origins import origins
from riskkit.spec.terms import columns_of

AGE = re.compile(r"(^|[\W_])age([\W_]|$)", re.IGNORECASE)


def remarks(spec: AnalysisSpec, cohort: CohortSpec) -> tuple[str, ...]:
    """Sentences on an analysis that has no fault."""
    if "age" in spec.time_scales or "follow_up" not in spec.time_scales:
        return ()
    made_from, age = origins(cohort), cohort.follow_up.age if cohort.follow_up else None
    used = (*columns_of(spec.terms(spec.main)), *spec.strata)
    for name in used:
        label = cohort.columns[name].label if name in cohort.columns else ""
        if age in made_from.get(name, ()) or AGE.search(name) or AGE.search(label):
            return ()
    return (
        "Time since the start of follow-up is the time scale, and the main model is not adjusted for age: where the "
        "exposure differs by age, its association is in part that of age.",
    )
