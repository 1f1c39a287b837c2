"""Regression dilution: how much of a measured difference is a lasting one.

One measurement is the usual level plus an error within the person: the assay's, and the day's. The dilution ratio is
the share of a difference in measured level that is still there when people are measured again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from riskkit.design.bases import Array, numbers
from riskkit.design.design import Design, Term
from riskkit.design.levels import groups as cut
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit, check_choice
from riskkit.infer.refit import design_of, values_used

Method = Literal["rosner", "macmahon-peto"]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Dilution:
    """A regression dilution ratio.

    Attributes
    ----------
    method : {"rosner", "macmahon-peto"}
    ratio, se, low, high : float
        The ratio (1 is no dilution), its standard error and interval.
    level : float
        Confidence level of the interval.
    n : int
        People measured twice.
    mean : float
        Mean of the first measurement over everybody who has one, in its unit: where usual levels regress to.
    within_sd : float
        Standard deviation of the error of one measurement, in its unit; 0 when the ratio is 1 or more.
    given : tuple of str
        What the ratio is conditional on: covariates, and groups within which people were compared.
    """

    method: Method
    ratio: float
    se: float
    low: float
    high: float
    level: float
    n: int
    mean: float
    within_sd: float
    given: tuple[str, ...] = ()


def dilution(
    first: pd.Series,
    second: pd.Series,
    method: Method = "rosner",
    *,
    covariates: pd.DataFrame | None = None,
    by: pd.Series | None = None,
    groups: int = 5,
    level: float = 0.95,
) -> Dilution:
    """Estimate the regression dilution ratio from repeat measurements.

    "rosner" is the slope of the second measurement on the first, by least squares: what a linear correction needs.
    "macmahon-peto" cuts the first measurement into groups and divides the range, from the lowest to the highest group,
    of their means at the second measurement by that at the first; it takes no straight line between them. Its standard
    error is by the delta method for a ratio of means, the cut points being taken as fixed.

    Parameters
    ----------
    first : Series, shape (n,)
        First measurement, of everybody: cut points and the mean are theirs.
    second : Series, shape (n,)
        Second measurement, on the same scale (both logarithms if the model has the logarithm); missing in those who
        were measured once. How they were chosen may depend on the first measurement, not on the second.
    method : {"rosner", "macmahon-peto"}
    covariates : DataFrame of numbers, shape (n, q), optional
        For "rosner": those of the model to be corrected, because what they explain of the level does not err.
    by : Series, shape (n,), optional
        Groups, such as the sexes, within which people are compared; people without one are left out.
    groups : int
        For "macmahon-peto": 5 for fifths, within each level of `by`.
    level : float

    Returns
    -------
    Dilution
        The ratio (1 without error) with its standard error and limits, and the standard deviation within people.

    Raises
    ------
    SpecError
        If the method or level is unknown, or covariates are given to "macmahon-peto".
    DataError
        If the columns are not of the same people, too few were measured twice, or the ratio is not positive.

    References
    ----------
    MacMahon S, Peto R, et al. (1990) Lancet 335:765-774. Rosner B, Willett WC, Spiegelman D (1989) Stat Med
    8:1051-1069. Frost C, Thompson SG (2000) JRSS A 163:173-189.
    """
    check_choice("method", method, ("rosner", "macmahon-peto"))
    if covariates is not None and method != "rosner":
        raise SpecError('method="macmahon-peto" takes no covariates; use method="rosner", or `by`.')
    others = [] if covariates is None else [covariates[name] for name in covariates.columns]
    for column in (second, *others, *([] if by is None else [by])):
        if not column.index.equals(first.index):
            raise DataError(
                f"dilution: '{column.name}' and '{first.name}' are not of the same people in the same order; take both "
                "from one frame."
            )
    x, y = numbers(first), numbers(second)
    z = np.column_stack([numbers(column) for column in others]) if others else np.empty((x.size, 0))
    codes = np.zeros(x.size, dtype=np.int64) if by is None else pd.factorize(by)[0].astype(np.int64)
    used = ~np.isnan(x) & ~np.isnan(z).any(axis=1) & (codes >= 0)
    given = tuple(str(column.name) for column in (*others, *([] if by is None else [by])))
    return _estimated(method, x[used], y[used], z[used], codes[used], groups, given, level)


def dilution_in(fit: Fit, variable: str, second: pd.Series, level: float = 0.95) -> Dilution:
    """Rosner's dilution ratio given everything else that a model has: the one its slope is to be divided by.

    The second measurement is regressed on the first, the model's other columns and its strata. (A time scale of age is
    not among them; strata by age at entry bring it in.)

    Parameters
    ----------
    fit : Fit
        Not a light one, with one row per person.
    variable : str
        A number coded as a straight line or spline; what `second` repeats.
    second : Series
        By the labels of the data that the fit was made from; missing in those who were measured once.
    level : float

    Returns
    -------
    Dilution

    Raises
    ------
    SpecError
        If the fit is light or weighted, or the variable is in groups or interacts.
    DataError
        As `dilution` does, or if `second` lacks people of the fit.
    """
    design = design_of(fit)
    first = values_used(fit, variable)
    if not second.index.is_unique or not design.index.isin(second.index).all():
        raise DataError(
            f"dilution: '{second.name}' must have one value, or a missing one, for every row that the fit used; take "
            "it from the frame that the fit was made from."
        )
    (term,) = fit.recipe.terms_with(variable)
    others, codes = beside(design, term)
    strata = fit.recipe.formula.strata
    given = tuple(name for name in fit.recipe.variables if name != variable) + tuple(strata)
    return _estimated("rosner", first, numbers(second.loc[design.index]), others, codes, 0, given, level)


def beside(design: Design, term: Term) -> tuple[Array, Codes]:
    """The design's columns beside a term, without the intercept, shape (n, q), and the stratum of each row.

    Raises
    ------
    SpecError
        If the design has weights: the corrections here are of people who count alike.
    """
    if design.weights is not None:
        raise SpecError("regression dilution is not corrected in weighted models here; fit without weights.")
    kept = np.ones(design.x.shape[1], dtype=bool)
    kept[: int(design.recipe.intercept)] = False
    kept[term.columns] = False
    strata = np.zeros(len(design.x), dtype=np.int64) if design.strata is None else design.strata
    return design.x[:, kept], strata


def unexplained(values: Array, covariates: Array, codes: Codes) -> tuple[Array, int]:
    """Residuals of values, shape (n,), given covariates and a mean for each code; and the degrees of freedom left."""
    levels, codes = np.unique(codes, return_inverse=True)
    size = np.bincount(codes)

    def centred(column: Array) -> Array:
        return np.asarray(column - (np.bincount(codes, column) / size)[codes])

    y = centred(values)
    if not covariates.shape[1]:
        return y, y.size - levels.size
    z = np.column_stack([centred(column) for column in covariates.T])
    scale = z.std(axis=0)
    # What does not vary within a code leaves rounding behind, which must not be scaled up into a covariate.
    z = z[:, scale > 1e-12 * np.abs(covariates).max(axis=0)]
    z = z / z.std(axis=0)
    coef, _, rank, _ = np.linalg.lstsq(z, y, rcond=1e-10)
    return y - z @ coef, y.size - levels.size - int(rank)


def _estimated(
    method: Method, x: Array, y: Array, z: Array, codes: Codes, groups: int, given: tuple[str, ...], level: float
) -> Dilution:
    """Estimate from both measurements, shape (n,), covariates, shape (n, q), and codes to stay within."""
    if not 0 < level < 1:
        raise SpecError(f"a confidence level lies between 0 and 1, as in 0.95; got {level!r}.")
    twice = ~np.isnan(y)
    if method == "rosner":
        ratio, se, df = _rosner(x[twice], y[twice], z[twice], codes[twice])
    else:
        ratio, se, df = _macmahon_peto(x, y, codes, groups)
    if not ratio > 0:
        raise DataError(
            f"the dilution ratio is {ratio:.3g}: who is high at first is not high again, so the measurement says "
            "nothing of a usual level. Are the two columns of the same people, on the same scale?"
        )
    residual, left = unexplained(x, z, codes)
    within = max(1 - ratio, 0.0) * float(residual @ residual) / left
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    return Dilution(
        method,
        ratio=ratio,
        se=se,
        low=ratio - half,
        high=ratio + half,
        level=level,
        n=int(twice.sum()),
        mean=float(x.mean()),
        within_sd=float(np.sqrt(within)),
        given=given,
    )


def _rosner(x: Array, y: Array, z: Array, codes: Codes) -> tuple[float, float, float]:
    """Slope of y on x, its standard error and degrees of freedom, among those measured twice."""
    r1, left = unexplained(x, z, codes) if x.size else (x, 0)
    sum_squares = float(r1 @ r1)
    # What covariates explain entirely leaves rounding behind, not zero.
    if left < 3 or sum_squares <= 1e-10 * float(x @ x):
        raise DataError(
            f"{x.size} people were measured twice: too few, or too much alike given the covariates, for a dilution "
            "ratio. Are those measured once missing in the second column?"
        )
    r2, _ = unexplained(y, z, codes)
    slope = float(r1 @ r2) / sum_squares
    error = r2 - slope * r1
    return slope, float(np.sqrt(error @ error / (left - 1) / sum_squares)), float(left - 1)


def _macmahon_peto(x: Array, y: Array, codes: Codes, groups: int) -> tuple[float, float, float]:
    """Ratio of the ranges of the groups' means, its standard error and (infinite) degrees of freedom."""
    twice = ~np.isnan(y)
    ends: list[tuple[float, Array, Array]] = []  # weight, first and second measurements of an end group
    for code in np.unique(codes[twice]):
        group = cut(pd.Series(x[codes == code], name="first measurement"), groups).group_of(x)
        share = float((codes[twice] == code).mean())
        for end, sign in ((1, -1.0), (groups, 1.0)):
            rows = twice & (codes == code) & (group == end)
            if rows.sum() < 2:
                raise DataError(
                    f"{int(rows.sum())} people in group {end} of {groups} were measured twice; take fewer groups or "
                    'method="rosner".'
                )
            ends.append((sign * share, x[rows], y[rows]))
    first = sum(weight * float(a.mean()) for weight, a, _ in ends)
    second = sum(weight * float(b.mean()) for weight, _, b in ends)
    ratio = second / first
    variance = sum(weight**2 * float(np.var(b - ratio * a, ddof=1)) / a.size for weight, a, b in ends) / first**2
    return ratio, float(np.sqrt(variance)), float("inf")
