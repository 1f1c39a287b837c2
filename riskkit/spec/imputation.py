"""What an analysis file says of imputing missing covariates."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel


class ImputationSpec(SpecModel):
    """Multiple imputation of what the main model's covariates lack, beside the analysis of complete cases."""

    m: int = Field(20, ge=2, description="how many imputed sets")
    iterations: int = Field(10, ge=4, description="rounds of the chained equations before a set is taken")
    seed: int = Field(1, description="of the draws")
    variables: Literal["covariates"] | tuple[str, ...] = Field(
        "covariates", description="'covariates': all of the main model; or a list, and who lacks others stays left out"
    )
    auxiliary: tuple[str, ...] = Field((), description="more variables from which missing values are predicted")
    ordered: tuple[str, ...] = Field((), description="categories whose levels are ordered")


def imputation_faults(
    imputation: ImputationSpec | None, covariates: Collection[str], variables: Collection[str]
) -> Iterator[Fault]:
    """Names that the cohort does not have, and variables to impute that the main model does not use.

    Parameters
    ----------
    imputation : ImputationSpec or None
    covariates, variables : collection of str
        Of the main model, and of the cohort.
    """
    for field in ("variables", "auxiliary", "ordered") if imputation else ():
        named = getattr(imputation, field)
        for j, name in enumerate(named if named != "covariates" else ()):
            place = ("imputation", field, j)
            if name not in variables:
                yield Fault(place, f"the cohort has no variable '{name}'.{did_you_mean(name, variables)}")
            elif field == "variables" and name not in covariates:
                yield Fault(place, f"'{name}' is no covariate of the main model; name it in 'auxiliary'.")
