"""What an unmeasured confounder would have to be like to explain an association away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import Literal

from riskkit.errors import SpecError
from riskkit.fit.fit import check_choice

Measure = Literal["risk ratio", "rate ratio", "hazard ratio", "odds ratio"]
MEASURES = ("risk ratio", "rate ratio", "hazard ratio", "odds ratio")


@dataclass(frozen=True)
class EValue:
    """How strong confounding would have to be to move a ratio, and its interval, to the null.

    Attributes
    ----------
    estimate : float
        The risk ratio by which an unmeasured confounder would have to be associated with both exposure and outcome,
        beyond the covariates, to explain the estimate away. Weaker confounding could not.
    limit : float
        The same for the limit of the interval nearer the null; exactly 1 where the interval holds the null, NaN where
        none was given.
    ratio : float
        The estimate on the risk-ratio scale, as it was used.
    scale : str
        How it was brought there, in words.
    """

    estimate: float
    limit: float
    ratio: float
    scale: str


@dataclass(frozen=True)
class TippingPoint:
    """The ratio of confounder and outcome at which a binary confounder would explain an association away.

    Attributes
    ----------
    estimate, limit : float
        For the estimate, and for the limit of its interval nearer 1; `limit` is exactly 1 where the interval holds 1,
        and NaN where none was given. Infinite where no strength suffices: the prevalences differ too little, or in the
        other direction for any ratio above 0.
    """

    estimate: float
    limit: float


def evalue(
    ratio: float,
    low: float | None = None,
    high: float | None = None,
    *,
    measure: Measure = "risk ratio",
    rare: bool | None = None,
    null: float = 1.0,
) -> EValue:
    """E-value of a ratio and of the limit of its interval nearer the null.

    Parameters
    ----------
    ratio, low, high : float
        Estimate and confidence limits, for one contrast: exposed against unexposed, or one declared level against
        another.
    measure : {"risk ratio", "rate ratio", "hazard ratio", "odds ratio"}
    rare : bool
        Whether the outcome is rare (under 15% by the end of follow-up); needed for hazard and odds ratios, which then
        stand for risk ratios. Those of a common outcome are brought to the risk-ratio scale by the square root (odds
        ratios), or by (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1 / HR)).
    null : float
        The true ratio that confounding would have to leave, on the scale of `measure`.

    Returns
    -------
    EValue
        Of the estimate and of the limit nearer the null; 1 where the interval holds the null.

    Raises
    ------
    SpecError
        If a number is not a positive one, the limits do not hold the estimate, or `rare` is needed and not given.

    References
    ----------
    VanderWeele TJ, Ding P (2017) Ann Intern Med 167:268; Ding P, VanderWeele TJ (2016) Epidemiology 27:368;
    VanderWeele TJ (2017) Biometrics 73:1470 (common outcomes). R: EValue::evalues.RR, evalues.HR, evalues.OR.
    """
    check_choice("measure", measure, MEASURES)
    _check(ratio, low, high)
    if not (isfinite(null) and null > 0):
        raise SpecError(f"evalue: null is a positive ratio; got {null!r}.")
    needs_rare = measure in ("hazard ratio", "odds ratio")
    if needs_rare and rare is None:
        raise SpecError(
            f"evalue: say whether the outcome is rare (under 15%): rare=True or rare=False, of the {measure}."
        )
    common = needs_rare and not rare
    scale = f"{measure} of a {'common' if common else 'rare'} outcome" if needs_rare else measure
    true = _risk_ratio(null, measure, common)
    point, *limits = (None if r is None else _risk_ratio(r, measure, common) / true for r in (ratio, low, high))
    assert point is not None
    return EValue(_evalue(point), _of_limit(point, limits, _evalue), point * true, scale)


def bias_factor(confounder_ratio: float, exposed: float, unexposed: float) -> float:
    """By how much a binary confounder multiplies a ratio.

    Parameters
    ----------
    confounder_ratio : float
        Ratio of the outcome with the confounder to that without it, given exposure and covariates.
    exposed, unexposed : float
        Prevalence of the confounder among them, 0 to 1.

    Returns
    -------
    float
        The ratio observed over the true one.

    Raises
    ------
    SpecError
        If a prevalence is not between 0 and 1, or the ratio not positive.

    References
    ----------
    Lin DY, Psaty BM, Kronmal RA (1998) Biometrics 54:948; Schneeweiss S (2006) Pharmacoepidemiol Drug Saf 15:291;
    VanderWeele TJ, Arah OA (2011) Epidemiology 22:42. Exact for risk ratios; for hazard and odds ratios of rare
    outcomes.
    """
    _check_prevalences(exposed, unexposed)
    _check(confounder_ratio, None, None)
    return (exposed * (confounder_ratio - 1) + 1) / (unexposed * (confounder_ratio - 1) + 1)


def tipping_point(
    ratio: float, low: float | None = None, high: float | None = None, *, exposed: float, unexposed: float
) -> TippingPoint:
    """How strongly a binary confounder of given prevalences must go with the outcome to explain a ratio away.

    Parameters
    ----------
    ratio, low, high : float
        Estimate and confidence limits.
    exposed, unexposed : float
        Prevalence of the confounder among them, 0 to 1; of a number as exposure, at the two levels that are compared.

    Returns
    -------
    TippingPoint
        The ratio that the confounder would need, for the estimate and for the limit nearer the null.

    Raises
    ------
    SpecError
        If a number is out of its range.

    References
    ----------
    As `bias_factor`, solved for the confounder's ratio.
    """
    _check_prevalences(exposed, unexposed)
    _check(ratio, low, high)

    def solve(r: float) -> float:
        apart = exposed - r * unexposed
        found = 1 + (r - 1) / apart if apart else inf
        return found if found > 0 else inf

    return TippingPoint(solve(ratio), _of_limit(ratio, [low, high], solve))


def _evalue(ratio: float) -> float:
    away = max(ratio, 1 / ratio)
    return away + sqrt(away * (away - 1))


def _of_limit(ratio: float, limits: list[float | None], measure: Callable[[float], float]) -> float:
    """A measure of the limit nearer 1: exactly 1 where the limits hold it, NaN where there are none."""
    low, high = limits
    near = low if ratio > 1 else high
    if near is None:
        return nan
    return 1.0 if (near - 1) * (ratio - 1) <= 0 else measure(near)


def _risk_ratio(ratio: float, measure: Measure, common: bool) -> float:
    if not common:
        return ratio
    if measure == "odds ratio":
        return sqrt(ratio)
    return (1 - 0.5 ** sqrt(ratio)) / (1 - 0.5 ** sqrt(1 / ratio))


def _check(ratio: float, low: float | None, high: float | None) -> None:
    for name, value in (("ratio", ratio), ("low", low), ("high", high)):
        if value is not None and not (isfinite(value) and value > 0):
            raise SpecError(f"{name} is a positive ratio; got {value!r}.")
    if (low is not None and low > ratio) or (high is not None and high < ratio):
        raise SpecError(f"the limits {low!r} and {high!r} do not hold the estimate, {ratio!r}.")


def _check_prevalences(exposed: float, unexposed: float) -> None:
    for name, value in (("exposed", exposed), ("unexposed", unexposed)):
        if not 0 <= value <= 1:
            raise SpecError(f"{name} is the share of people with the confounder, 0 to 1; got {value!r}.")
