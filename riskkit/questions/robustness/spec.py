"""What the analysis file says of robustness: how far an estimate could be due to bias, or to a few people."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.analysis import AnalysisSpec, two_kinds
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault, Place
from riskkit.spec.load import SpecModel


class ConfounderSpec(SpecModel):
    """A binary confounder that nobody measured, more common where the risk is higher."""

    label: str = Field(description="what the report calls it")
    prevalence: tuple[float, float] = Field(
        description="shares of people with it, 0 to 1, at two levels of the exposure one increment apart"
    )


class RobustnessSpec(SpecModel):
    """Checks of the linear estimate of every exposure and outcome in the main model; what is left out is not done."""

    evalues: bool = Field(True, description="E-values of the estimate and of the limit nearer 1")
    confounders: tuple[ConfounderSpec, ...] = ()
    negative_controls: tuple[str, ...] = Field((), description="outcomes of the cohort with no reason to be associated")
    leave_one_out: str | None = Field(None, description="category or flag: its groups are left out one at a time")
    bootstrap: int = Field(0, ge=0, le=100_000, description="bootstrap samples; 0 for none")
    influence: int = Field(
        0, ge=0, le=1000, description="how many of the most influential people to name and leave out"
    )


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """What is wrong with it, for the columns and outcomes that a cohort knows, and the outcomes of the analysis."""
    robustness: RobustnessSpec | None = spec.asked("robustness")
    if robustness is None:
        return
    columns, known, outcomes = cohort.columns, cohort.outcomes, spec.outcomes
    for name, exposure in spec.exposures.items():
        if exposure.per is False:
            yield Fault(("robustness",), f"is about linear estimates, and '{name}' has none: it says per = false.")
    for name in (each for each in robustness.negative_controls if each in known):
        other = next((each for each in outcomes if each in known), name)
        if (name in cohort.states) != (other in cohort.states):
            yield two_kinds(*((name, other) if name in cohort.states else (other, name)))
            break
    place: Place = ("robustness",)
    for i, name in enumerate(robustness.negative_controls):
        if name not in known:
            guess = did_you_mean(name, known)
            yield Fault((*place, "negative_controls", i), f"cohort '{spec.cohort}' has no outcome '{name}'.{guess}")
        elif name in outcomes:
            yield Fault((*place, "negative_controls", i), f"'{name}' is an outcome of this analysis.")
    group = robustness.leave_one_out
    if group is not None and group not in columns:
        guess = did_you_mean(group, columns)
        yield Fault((*place, "leave_one_out"), f"cohort '{spec.cohort}' has no variable '{group}'.{guess}")
    elif group is not None and columns[group].kind not in ("category", "flag"):
        yield Fault((*place, "leave_one_out"), f"'{group}' is a number; make groups of it in the cohort's [derived].")
    for i, confounder in enumerate(robustness.confounders):
        for j, share in enumerate(confounder.prevalence):
            if not 0 <= share <= 1:
                yield Fault((*place, "confounders", i, "prevalence", j), f"is a share, 0 to 1; got {share:g}")
        if confounder.prevalence[0] == confounder.prevalence[1]:
            yield Fault((*place, "confounders", i, "prevalence"), "both are the same: it could not confound.")
    if robustness.bootstrap == 1:
        yield Fault((*place, "bootstrap"), "must be 0 (none) or at least 2, and 1,000 or more for intervals; got 1")


ASKING = Asking({"robustness": (RobustnessSpec | None, Field(None))}, faults)
