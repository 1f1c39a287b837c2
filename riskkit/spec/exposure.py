"""What the analysis file says of one exposure: how it is coded, and corrected."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Literal

from pydantic import Field

from riskkit.errors import did_you_mean
from riskkit.spec.faults import Fault
from riskkit.spec.load import SpecModel

AMOUNT = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<unit>\S.*)")
LEAST, MOST = 1e-9, 1e9  # of an increment
KNOTS, CUTS = 10, 19  # at most


class ExposureSpec(SpecModel):
    """How one exposure is coded; every coding asked for is fitted."""

    spline: int | tuple[float, ...] | Literal[False] = Field(
        5, description="number of knots of the restricted cubic spline (3 to 7), the knots themselves, or false"
    )
    groups: int | tuple[float, ...] | Literal[False] = Field(
        5, description="number of quantile groups, their cut points, or false"
    )
    reference_group: int | None = Field(
        None,
        ge=1,
        description="the group that the others are compared with, counted from the lowest; the one with `reference` "
        "unless given",
    )
    per: float | str | Literal[False] = Field(
        "sd", description="increment of the linear estimate: 'sd', a number, an amount such as '5 nmol/L', or false"
    )
    reference: float | Literal["median", "mean"] = Field(
        "median", description="where ratios of the spline and of its group are 1: 'median', 'mean' or a number"
    )
    repeat: str | None = Field(None, description="variable of a second measurement, to correct regression dilution")
    simex: tuple[str, ...] = Field((), description="outcomes whose line is corrected by SIMEX too, as a check")
    unit: str | None = Field(None, description="the unit this file is written in; it must be the cohort's")
    screen: bool = Field(
        False,
        description="every variable of this name or pattern (olink_*), one at a time with every outcome: [screen]",
    )
    sds_of: str | None = Field(
        None, description="variable: the exposure is its standard deviation score, under a name of its own"
    )
    sds_for: tuple[str, ...] = Field(
        (), description="what the score accounts for: a number and, if wanted, a category, as in ['age', 'sex']"
    )

    @property
    def number_of_groups(self) -> int:
        """Into how many groups it is cut; 0 for none."""
        return len(self.groups) + 1 if isinstance(self.groups, tuple) else int(self.groups)


def exposure_faults(
    name: str, exposure: ExposureSpec, units: Mapping[str, str | None], outcomes: Collection[str], cohort: str
) -> Iterator[Fault]:
    """What is wrong with one exposure, for the units of a cohort's variables and the outcomes of the analysis."""
    place = ("exposures", name)
    if name not in units:
        yield Fault(place, f"cohort '{cohort}' has no variable '{name}'.{did_you_mean(name, units)}")
        return
    unit = units[name]
    if exposure.unit is not None and exposure.unit != unit:
        yield Fault(
            (*place, "unit"),
            f"'{exposure.unit}' is not the unit of '{name}' in cohort '{cohort}', which is '{unit}'. "
            f"Write the numbers of this table in {unit}.",
        )
    if exposure.repeat is not None and exposure.repeat not in units:
        guess = did_you_mean(exposure.repeat, units)
        yield Fault((*place, "repeat"), f"cohort '{cohort}' has no variable '{exposure.repeat}'.{guess}")
    elif exposure.repeat is not None and units[exposure.repeat] != unit:
        yield Fault((*place, "repeat"), f"'{exposure.repeat}' is in {units[exposure.repeat]}, '{name}' in {unit}.")
    for j, outcome in enumerate(exposure.simex):
        if outcome not in outcomes:
            hint = did_you_mean(outcome, outcomes)
            yield Fault((*place, "simex", j), f"'{outcome}' is not among the outcomes of this analysis.{hint}")
    if exposure.simex and exposure.repeat is None:
        yield Fault((*place, "simex"), "needs a second measurement; name its variable as 'repeat'.")
    if exposure.simex and exposure.per is False:
        yield Fault((*place, "simex"), "corrects the straight line, which 'per = false' leaves out.")
    if isinstance(exposure.spline, int) and exposure.spline is not False and not 3 <= exposure.spline <= 7:
        yield Fault((*place, "spline"), f"must be 3 to 7 knots, or the knots themselves; got {exposure.spline}")
    if isinstance(exposure.spline, tuple) and (len(exposure.spline) < 3 or not _increasing(exposure.spline)):
        yield Fault((*place, "spline"), "knots must be at least three numbers in increasing order.")
    if isinstance(exposure.groups, int) and exposure.groups is not False and not 2 <= exposure.groups <= 20:
        yield Fault((*place, "groups"), f"must be 2 to 20 groups, or their cut points; got {exposure.groups}")
    if isinstance(exposure.groups, tuple) and (not exposure.groups or not _increasing(exposure.groups)):
        yield Fault((*place, "groups"), "cut points must be numbers in increasing order.")
    if exposure.groups is False and exposure.reference_group is not None:
        yield Fault((*place, "reference_group"), "is one of the groups, which 'groups = false' leaves out.")
    elif exposure.reference_group is not None and exposure.reference_group > exposure.number_of_groups:
        yield Fault(
            (*place, "reference_group"),
            f"'{name}' is cut into {exposure.number_of_groups} groups; got {exposure.reference_group}",
        )
    if isinstance(exposure.per, str) and exposure.per != "sd":
        amount = AMOUNT.fullmatch(exposure.per)
        if not amount:
            wanted = f"must be 'sd', a number, or an amount such as '5 {unit}'"
            yield Fault((*place, "per"), f"{wanted}; got '{exposure.per}'")
        elif amount["unit"] != unit:
            yield Fault((*place, "per"), f"'{exposure.per}': '{name}' is in {unit} in cohort '{cohort}'.")
        elif not LEAST <= float(amount["number"]) <= MOST:
            yield Fault((*place, "per"), f"must be {LEAST:g} to {MOST:g} {unit}; got '{exposure.per}'")
    elif isinstance(exposure.per, float) and not exposure.per > 0:
        yield Fault((*place, "per"), f"must be more than 0; got {exposure.per:g}")
    elif isinstance(exposure.per, float) and not LEAST <= exposure.per <= MOST:
        yield Fault((*place, "per"), f"must be {LEAST:g} to {MOST:g}; got {exposure.per:g}")
    for field, most in (("spline", KNOTS), ("groups", CUTS)):
        given = getattr(exposure, field)
        if isinstance(given, tuple) and len(given) > most:
            yield Fault((*place, field), f"must be at most {most} numbers; got {len(given)}")


def _increasing(values: tuple[float, ...]) -> bool:
    return all(a < b for a, b in pairwise(values))
