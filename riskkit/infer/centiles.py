"""Reference ranges: centiles of a measurement by age, with intervals, and each person's place in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from riskkit import formula as language
from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns, check_names
from riskkit.design.survey import Sample, SurveyDesign, draw
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import check_choice
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.linearise import linearised
from riskkit.fit.lms import LmsFit, fit_lms, place_knots, z_scores
from riskkit.fit.quantiles import QuantileFit, fit_quantiles

METHODS = ("lms", "quantile")
USUAL = (2.5, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5)
GRID = 101  # ages a curve is shown at
FEWEST = 50  # people a group's curves need


@dataclass(frozen=True, eq=False)
class Group:
    """The curves of one group: its fit, the covariance of its coefficients, and who they were learnt from.

    Of quantiles the covariance is that of the share below the curve, not of the curve.
    """

    fit: LmsFit | QuantileFit
    covariance: Array
    df: float
    x: Array
    y: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Centiles:
    """Reference ranges of a measurement by age (or another variable), in each group.

    Attributes
    ----------
    outcome, variable : str
        What was measured, and what its ranges depend on.
    by : str or None
        Column of the groups, each with curves of its own.
    method : {"lms", "quantile"}
    groups : mapping of level to Group
        One, named None, without `by`.
    notes : tuple of str
        What a reader should know, in sentences.
    """

    outcome: str
    variable: str
    by: str | None
    method: str
    groups: Mapping[Any, Group] = field(repr=False)
    notes: tuple[str, ...] = ()

    def curves(
        self, at: ArrayLike | None = None, centiles: Sequence[float] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Centiles at given ages.

        Parameters
        ----------
        at : array, shape (m,), optional
            Values of the variable; 101 from the first to the last of each group unless given.
        centiles : numbers between 0 and 100, optional
            The usual nine (2.5, 5, 10, 25, 50, 75, 90, 95, 97.5), or those the quantile model was fitted for.
        level : float
            Confidence level of the limits, which are pointwise.

        Returns
        -------
        DataFrame
            [by] variable centile value low high, a row for each group, centile and age.

        Raises
        ------
        SpecError
            If a centile is not between 0 and 100, or not one that a quantile model was fitted for.
        DataError
            If an age is outside the ages of the people the curves were learnt from.
        """
        frames = []
        for name, group in self.groups.items():
            ages = np.linspace(*group.fit.basis.boundary, GRID) if at is None else np.atleast_1d(np.asarray(at, float))
            self._within(ages, name)
            for centile in self._asked(centiles, group):
                value, low, high = _curve(group, ages, centile, level)
                frame = pd.DataFrame(
                    {self.variable: ages, "centile": centile, "value": value, "low": low, "high": high}
                )
                if self.by:
                    frame.insert(0, self.by, name)
                frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def parameters(self, at: ArrayLike | None = None) -> pd.DataFrame:
        """L (Box-Cox power), M (median) and S (coefficient of variation) at given ages: [by] variable L M S.

        Raises
        ------
        SpecError
            If the model is of quantiles.
        DataError
            If an age is outside the model.
        """
        frames = []
        for name, group in self.groups.items():
            fit = self._lms(group)
            ages = np.linspace(*fit.basis.boundary, GRID) if at is None else np.atleast_1d(np.asarray(at, float))
            self._within(ages, name)
            frame = pd.DataFrame(dict(zip(("L", "M", "S"), fit.parameters(ages), strict=True)))
            frame.insert(0, self.variable, ages)
            if self.by:
                frame.insert(0, self.by, name)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def sds(self, data: pd.DataFrame) -> pd.Series:
        """Standard deviation score of each row: where it stands among people of its age and group.

        Missing where the measurement, the age or the group is. `100 * scipy.stats.norm.cdf(sds)` is a centile.

        Raises
        ------
        SpecError
            If the model is of quantiles, or a column is missing.
        DataError
            If an age is outside the model, a measurement is not positive, or a group has no curves.
        """
        columns = [self.outcome, self.variable, *([self.by] if self.by else [])]
        check_columns(data, columns, "sds")
        known = data[columns].notna().all(axis=1).to_numpy()
        out = np.full(len(data), np.nan)
        of = np.full(len(data), None, dtype=object) if self.by is None else data[self.by].to_numpy(dtype=object)
        for name in pd.unique(of[known]):
            if name not in self.groups:
                raise DataError(f"sds: no curves for {self.by}={name}; there are {', '.join(map(str, self.groups))}.")
            fit = self._lms(self.groups[name])
            rows = known & (of == name)
            ages, values = numbers(data[self.variable][rows]), _positive(data[self.outcome][rows])
            self._within(ages, name)
            out[rows] = z_scores(fit.parameters(ages), values)
        return pd.Series(out, index=data.index, name=f"{self.outcome}_sds")

    def _lms(self, group: Group) -> LmsFit:
        if not isinstance(group.fit, LmsFit):
            raise SpecError('a model of quantiles has no L, M and S, and no scores; use method="lms".')
        return group.fit

    def _within(self, ages: Array, name: Any) -> None:
        low, high = self.groups[name].fit.basis.boundary
        outside = ~((ages >= low) & (ages <= high))
        if outside.any():
            of = "" if self.by is None else f" of {self.by}={name}"
            raise DataError(
                f"'{self.variable}' is outside the ages{of} that the centiles were learnt from ({low:g} to {high:g}) "
                f"for {int(outside.sum())} values, first {ages[outside][0]:g}. No range is known there; leave them out."
                if self.variable == "age"
                else f"'{self.variable}' is outside the range{of} that the centiles were learnt from ({low:g} to "
                f"{high:g}) for {int(outside.sum())} values, first {ages[outside][0]:g}. Leave them out."
            )

    def _asked(self, centiles: Sequence[float] | None, group: Group) -> list[float]:
        if isinstance(group.fit, QuantileFit):
            fitted = [round(100 * float(share), 10) for share in group.fit.shares]
            wrong = [c for c in centiles or () if round(float(c), 10) not in fitted]
            if wrong:
                raise SpecError(
                    f"centile {wrong[0]:g} was not fitted; this model has {', '.join(f'{c:g}' for c in fitted)}. Ask "
                    "for it in rk.centiles(..., centiles=[...])."
                )
            return [float(c) for c in centiles] if centiles is not None else fitted
        return _checked(centiles)


def centiles(
    formula: str,
    data: pd.DataFrame,
    *,
    by: str | None = None,
    method: str = "lms",
    centiles: Sequence[float] | None = None,
    weights: str | None = None,
    survey: SurveyDesign | None = None,
) -> Centiles:
    """Estimate reference ranges of a measurement that change with age.

    Parameters
    ----------
    formula : str
        `igf1 ~ age`: the measurement, and the one number its ranges depend on.
    data : DataFrame
        One row per person.
    by : str, optional
        Column of groups with curves of their own (sex).
    method : {"lms", "quantile"}
        "lms": penalised curves of L, M and S, smoothed as the data ask for; every centile, and scores. "quantile": no
        distribution is assumed; curves of the centiles asked for, which do not cross.
    centiles : numbers between 0 and 100, optional
        For method="quantile": which to fit; the usual nine unless given.
    weights : str, optional
        Column of sampling weights; limits are then robust.
    survey : SurveyDesign, optional
        How the people of a survey were drawn; limits are then design-based.

    Returns
    -------
    Centiles

    Raises
    ------
    SpecError
        If an argument cannot be understood.
    DataError
        If a measurement is not positive (LMS), or a group has fewer than 50 people or 10 ages.
    FitError
        If the curves cannot be fitted.

    References
    ----------
    Cole TJ, Green PJ (1992) Stat Med 11:1305; Koenker R (2005) Quantile Regression. Limits of LMS curves are Bayesian
    ones of the penalised likelihood, those of quantiles Zhou and Portnoy's (1996, Ann Stat 24:287): the quantiles of
    the share less and plus its error, infinite where too few people lie beyond. R: VGAM::lms.bcn, gamlss::lms;
    quantreg::rq.
    """
    check_choice("method", method, METHODS)
    check_names(by=by, weights=weights)
    outcome, variable = _read(formula)
    if weights and survey is not None:
        raise SpecError("a survey design has weights of its own; leave out weights.")
    if centiles is not None and method == "lms":
        raise SpecError('an LMS model has every centile: ask for them in .curves(centiles=...), or method="quantile".')
    used = [outcome, variable, *([by] if by else []), *([weights] if weights else [])]
    check_columns(data, used, f"formula {formula!r}")
    sample: Sample | None = None
    if survey is not None:
        sample, inside = draw(survey, data)
        data = data[inside]
    known = data[used].notna().all(axis=1).to_numpy()
    rows = data[known]
    sample = sample.take(known) if sample is not None else None
    names = [None] if by is None else sorted(pd.unique(rows[by]).tolist())
    groups = {}
    for name in names:
        chosen = np.ones(len(rows), dtype=bool) if by is None else (rows[by] == name).to_numpy()
        part = rows[chosen]
        w = _weights(part, weights, sample.take(chosen) if sample is not None else None)
        x, y = numbers(part[variable]), numbers(part[outcome])
        if len(part) < FEWEST or np.unique(x).size < 10:
            of = "" if by is None else f" of {by}={name}"
            raise DataError(
                f"centiles: {len(part)} people{of} with {np.unique(x).size} values of '{variable}' are too few for "
                f"curves; {FEWEST} people and 10 values are the least."
            )
        if method == "lms":
            _positive(part[outcome])
        shares = [c / 100 for c in _checked(centiles)]
        groups[name] = _group(method, x, y, w, shares, sample.take(chosen) if sample is not None else None)
    return Centiles(outcome, variable, by, method, groups, _notes(len(data) - len(rows), groups))


def _group(method: str, x: Array, y: Array, w: Array | None, shares: list[float], sample: Sample | None) -> Group:
    plain = np.ones(y.size) if w is None else w
    df = float("inf") if sample is None else float(sample.df)
    if method == "lms":
        lms = fit_lms(x, y, place_knots(x), w)
        covariance = lms.inverse
        if w is not None:
            meat = _between(lms.scores, sample, lms.inverse) if sample is not None else _squared(lms)
            covariance = meat + lms.inverse @ lms.penalty @ lms.inverse
        return Group(lms, covariance, df, x, y, plain)
    quantiles = fit_quantiles(x, y, shares, weights=w)
    covariances = []  # of the share below each curve, not of the curve
    for share, scores in zip(quantiles.shares, quantiles.scores, strict=True):
        if sample is not None:
            covariances.append(_between(scores, sample, quantiles.inverse))
        else:
            b = quantiles.basis.columns(x) * plain[:, None]
            covariances.append(share * (1 - share) * quantiles.inverse @ (b.T @ b) @ quantiles.inverse)
    return Group(quantiles, np.stack(covariances), df, x, y, plain)


def _squared(fit: LmsFit) -> Array:
    influence = fit.scores @ fit.inverse
    return np.asarray(influence.T @ influence)


def _between(scores: Array, sample: Sample, inverse: Array) -> Array:
    """Design-based covariance of estimates whose influences are scores times an inverse."""
    totals = np.zeros((sample.stratum.size, scores.shape[1]))
    np.add.at(totals, sample.psu, scores)
    return linearised(sample, totals @ inverse)


def _curve(group: Group, x: Array, centile: float, level: float) -> tuple[Array, Array, Array]:
    """A centile at ages x and its limits, shape (m,) each."""
    critical = float(t_critical(np.array(group.df), level))
    b = group.fit.basis.columns(x)
    if isinstance(group.fit, QuantileFit):
        k = int(np.argmin(np.abs(group.fit.shares - centile / 100)))
        value = b @ group.fit.coef[k]
        half = critical * np.sqrt(np.einsum("ij,jk,ik->i", b, group.covariance[k], b))
        return value, *group.fit.limits(x, k, half)
    power, m, s = group.fit.parameters(x)
    z = float(special.ndtri(centile / 100))
    inner = power * s * z
    if (inner <= -1).any():
        raise DataError(f"the centile {centile:g} does not exist at {x[inner <= -1][0]:g}: L S z is below -1 there.")
    small = np.abs(power) < 1e-5  # where L is next to 0, by the first terms of a series in L
    safe = np.where(small, 1.0, power)
    log_value = np.log(m) + np.where(small, s * z - power * (s * z) ** 2 / 2, np.log1p(inner) / safe)
    by_power = np.where(small, -((s * z) ** 2) / 2, s * z / (safe * (1 + inner)) - np.log1p(inner) / safe**2)
    slopes = np.concatenate([b * by_power[:, None], b, b * (s * z / (1 + inner))[:, None]], axis=1)
    half = critical * np.sqrt(np.einsum("ij,jk,ik->i", slopes, group.covariance, slopes))
    return np.exp(log_value), np.exp(log_value - half), np.exp(log_value + half)


def _read(formula: str) -> tuple[str, str]:
    parsed = language.parse(formula)
    plain = len(parsed.terms) == 1 and len(parsed.terms[0]) == 1 and not parsed.terms[0][0].function
    if parsed.survival or not plain or parsed.strata or parsed.offset or parsed.cluster or len(parsed.response) != 1:
        raise SpecError(
            f"formula {formula!r}: centiles take a measurement and one number, as in 'igf1 ~ age'; groups go into by=."
        )
    return parsed.response[0], parsed.terms[0][0].variable


def _checked(centiles: Sequence[float] | None) -> list[float]:
    asked = list(USUAL) if centiles is None else [float(c) for c in centiles]
    if not asked or any(not 0 < c < 100 for c in asked) or sorted(set(asked)) != asked:
        raise SpecError(f"centiles are increasing numbers between 0 and 100, as in [3, 50, 97]; got {centiles!r}.")
    return asked


def _positive(values: pd.Series) -> Array:
    out = numbers(values)
    if (out <= 0).any():
        raise DataError(
            f"'{values.name}' must be positive for LMS curves: {int((out <= 0).sum())} values are zero or less. "
            'Correct them, leave them out, or use method="quantile".'
        )
    return out


def _weights(rows: pd.DataFrame, name: str | None, sample: Sample | None) -> Array | None:
    if sample is not None:
        return _counted(sample.weights)
    if name is None:
        return None
    values = numbers(rows[name], "weights are numbers")
    if not (values > 0).all():
        raise DataError(f"weights '{name}' must be positive; {int((values <= 0).sum())} are not. Leave those rows out.")
    return _counted(values)


def _counted(weights: Array) -> Array:
    """Weights that add up to as many people as they count for (Kish), so that curves are not smoothed too little."""
    return np.asarray(weights * weights.sum() / (weights @ weights))


def _notes(n_missing: int, groups: Mapping[Any, Group]) -> tuple[str, ...]:
    notes = [f"{n_missing:,} rows left out for missing values."] if n_missing else []
    for name, group in groups.items():
        of = "" if name is None else f" of {name}"
        if isinstance(group.fit, QuantileFit) and group.fit.crossed:
            notes.append(f"quantile curves{of} fitted one by one would cross; they were fitted together.")
    return tuple(notes)
