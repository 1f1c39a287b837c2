"""How the people of a survey were drawn: what a cohort keeps of it, those it leaves out included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from riskkit.errors import DataError
from riskkit.spec.tables import SurveyDesignSpec


@dataclass(frozen=True)
class Sampling:
    """The design of a survey, before anyone was left out of the cohort.

    Attributes
    ----------
    weights, psu : str
    strata : str or None
        Variables of the cohort: sampling weight, primary sampling unit (PSU), stratum.
    nested : bool
        Whether PSUs are numbered anew in each stratum.
    lonely_psu : {"fail", "remove", "adjust", "average"}
    population, note : str
        Whom the weights represent; what a reader should know about them (empty unless declared).
    n : int
        People sampled.
    units : tuple of tuple
        Every PSU, as its values of `strata` (if any) and `psu`: a design-based variance needs those without anyone in
        the cohort too.
    """

    weights: str
    psu: str
    strata: str | None
    nested: bool
    lonely_psu: str
    population: str
    note: str
    n: int
    units: tuple[tuple[Any, ...], ...]


def sampling(people: pd.DataFrame, spec: SurveyDesignSpec) -> Sampling:
    """Read the design of a survey from everyone sampled.

    Raises
    ------
    DataError
        If someone has no weight, stratum or PSU, or a weight is not positive.
    """
    places = [name for name in (spec.strata, spec.psu) if name]
    for name in (spec.weights, *places):
        if people[name].isna().any():
            raise DataError(
                f"'{name}' is missing for {int(people[name].isna().sum()):,} of {len(people):,} people, but everyone "
                'sampled has a place in the design. Leave out people without a record of it: join = "inner".'
            )
    if not (people[spec.weights] > 0).all():
        raise DataError(
            f"'{spec.weights}' must be positive; it is not for {int((people[spec.weights] <= 0).sum()):,} people."
        )
    units = people[places].drop_duplicates().sort_values(places).itertuples(index=False, name=None)
    declared = spec.model_dump()
    return Sampling(**{**declared, "note": spec.note or ""}, n=len(people), units=tuple(units))
