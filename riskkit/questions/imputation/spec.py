"""What an analysis file says of imputing missing covariates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.asking import Asking
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel
from riskkit.spec.terms import columns_of


class ImputationSpec(SpecModel):
    """Multiple imputation of what the main model's covariates lack, beside the analysis of complete cases."""

    m: int = Field(20, ge=2, le=1000, description="how many imputed sets")
    iterations: int = Field(10, ge=4, le=1000, description="rounds of the chained equations before a set is taken")
    seed: int = Field(1, ge=0, le=2**63 - 1, description="of the draws")
    variables: Literal["covariates"] | tuple[str, ...] = Field(
        "covariates", description="'covariates': all of the main model; or a list, and who lacks others stays left out"
    )
    auxiliary: tuple[str, ...] = Field((), description="more variables from which missing values are predicted")
    ordered: tuple[str, ...] = Field((), description="categories whose levels are ordered")


def faults(spec: AnalysisSpec, cohort: CohortSpec) -> Iterator[Fault]:
    """Names that the cohort does not have, and variables to impute that the main model does not use."""
    imputation: ImputationSpec | None = spec.asked("imputation")
    try:
        covariates = columns_of(spec.terms(spec.main))
    except SpecError:  # a covariate that cannot be read is a fault of the model
        return
    variables = cohort.columns
    for field in ("variables", "auxiliary", "ordered") if imputation else ():
        named = getattr(imputation, field)
        for j, name in enumerate(named if named != "covariates" else ()):
            place = ("imputation", field, j)
            if name not in variables:
                yield Fault(place, f"the cohort has no variable '{name}'.{did_you_mean(name, variables)}")
            elif field == "variables" and name not in covariates:
                yield Fault(place, f"'{name}' is no covariate of the main model; name it in 'auxiliary'.")


def with_imputations(spec: AnalysisSpec, m: int) -> AnalysisSpec:
    """The analysis with so many imputed sets.

    Raises
    ------
    SpecError
        If there are fewer than two.
    """
    if m < 2:
        raise SpecError(f"imputations: two sets or more are needed to pool (20 is common); got {m}.")
    declared = spec.asked("imputation") or ImputationSpec.model_validate({})
    return spec.model_copy(update={"imputation": declared.model_copy(update={"m": m})})


ASKING = Asking(
    {
        "imputation": (
            ImputationSpec | None,
            Field(None, description="impute missing covariates of the main model"),
        )
    },
    faults,
)
