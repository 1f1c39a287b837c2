"""How an exposure is coded in every model of an analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import Array, numbers
from riskkit.design.splines import knots
from riskkit.errors import DataError
from riskkit.spec.exposure import AMOUNT, ExposureSpec
from riskkit.spec.plan import Task

RANGE = (5, 95)  # percentiles between which shapes are told


@dataclass(frozen=True)
class ExposureCoding:
    """How an exposure is coded, learnt once from the whole cohort.

    Knots, cut points and the standard deviation are the same for all outcomes and models, so that their results can be
    laid side by side. Everything is in the exposure's own unit; groups are counted from the lowest, which is 1. `low`
    and `high`, the 5th and the 95th percentile, are the range of all that is said of a shape: a report has one low and
    one high level of an exposure.
    """

    label: str
    unit: str | None
    knots: tuple[float, ...]
    cuts: tuple[float, ...]
    reference_group: int
    per: float
    per_label: str
    reference: float
    reference_label: str
    low: float
    high: float
    repeat: str | None = None
    simex: tuple[str, ...] = ()

    def term(self, task: Task) -> str:
        """The exposure's formula term."""
        match task.coding:
            case "spline":
                return f"rcs({task.exposure}, {list(self.knots)})"
            case "groups":
                return f"groups({task.exposure}, {list(self.cuts)}, ref={self.reference_group})"
            case "linear":
                return f"per({task.exposure}, {self.per!r})"

    def df(self, task: Task) -> int:
        """How many coefficients the exposure has in a task."""
        return {"spline": len(self.knots) - 1, "groups": len(self.cuts), "linear": 1}[task.coding]


def learn_coding(name: str, spec: ExposureSpec, cohort: Cohort, among: pd.DataFrame | None = None) -> ExposureCoding:
    """Learn how an exposure is coded from everyone in the cohort who has it, or from those who stand for the cohort.

    Raises
    ------
    DataError
        If there are too few distinct values for the knots, or a knot, a cut point or the reference lies beyond all
        values.
    """
    variable = cohort.variables[name]
    values = numbers((cohort.data if among is None else among)[name].dropna())
    _check_within(name, spec, values)
    per, per_label = increment(spec, float(values.std(ddof=1)), variable.unit)
    placed: tuple[float, ...] = spec.spline if isinstance(spec.spline, tuple) else ()
    if isinstance(spec.spline, int) and spec.spline:
        placed = tuple(knots(values, spec.spline).tolist())
    cuts: tuple[float, ...] = spec.groups if isinstance(spec.groups, tuple) else ()
    if isinstance(spec.groups, int) and spec.groups:
        cuts = tuple(np.quantile(values, np.arange(1, spec.groups) / spec.groups).tolist())
    low, high = np.percentile(values, RANGE)
    where = {"median": float(np.median(values)), "mean": float(values.mean())}
    reference = where[spec.reference] if isinstance(spec.reference, str) else spec.reference
    return ExposureCoding(
        label=variable.label,
        unit=variable.unit,
        knots=placed,
        cuts=cuts,
        reference_group=spec.reference_group or int(np.searchsorted(cuts, reference, side="left")) + 1,
        per=per,
        per_label=per_label,
        reference=reference,
        reference_label=spec.reference if isinstance(spec.reference, str) else "chosen value",
        low=float(low),
        high=float(high),
        repeat=spec.repeat,
        simex=spec.simex,
    )


def _check_within(name: str, spec: ExposureSpec, values: Array) -> None:
    least, most = float(values.min()), float(values.max())
    fields: dict[str, object] = {"spline": spec.spline, "groups": spec.groups, "reference": (spec.reference,)}
    for field, given in fields.items():
        for number in given if isinstance(given, tuple) else ():
            if not isinstance(number, str) and not least <= number <= most:
                raise DataError(
                    f"exposures.{name}.{field}: {number:g} lies outside the values of '{name}', which go from "
                    f"{least:g} to {most:g}. Choose one within, and mind the unit."
                )


def increment(spec: ExposureSpec, sd: float, unit: str | None) -> tuple[float, str]:
    """What the linear estimate of an exposure is per, and how to call it.

    Parameters
    ----------
    spec : ExposureSpec
    sd : float
        Standard deviation of the exposure.
    unit : str or None
        Of the exposure.
    """
    in_unit = f" {unit}" if unit else ""
    if spec.per == "sd" or spec.per is False:
        return sd, f"SD ({sd:.3g}{in_unit})"
    amount = AMOUNT.fullmatch(spec.per) if isinstance(spec.per, str) else None
    per = float(amount["number"]) if amount else float(spec.per)
    return per, f"{per:g}{in_unit}"
