"""From a factor of a formula to a basis: knots, cut points and levels are learnt from the rows used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design import fractional, levels
from riskkit.design.bases import FUNCTIONS, Array, Basis, Linear, Transformed, is_number, numbers
from riskkit.design.bsplines import Boundary, interior_knots
from riskkit.design.composed import Composed, Inner
from riskkit.design.smooth import Bs, Natural, Penalised, Rcs
from riskkit.design.splines import checked_knots, knots
from riskkit.design.surv import Surv
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.formula import Factor

PIECES_PER_DF, MIN_PIECES = 2.5, 3  # of a penalised spline, as in survival's pspline
CUTS = ("everyone", "noncases")


def learn(factor: Factor, rows: pd.DataFrame, response: Surv | Array) -> Basis:
    """Turn a parsed factor into a basis, learning what its coding depends on from the rows used.

    Raises
    ------
    SpecError
        If an argument makes no sense.
    DataError
        If a column cannot be what the coding makes of it.
    """
    if factor.of:
        return _of_transform(factor, rows, response)
    name, options = factor.variable, dict(factor.options)
    values = rows[name]
    match factor.function:
        case "":
            return Linear(name) if is_number(values) else levels.factor(_text(values))
        case "C":
            return levels.factor(values, options.get("ref"), _order(factor, options.get("levels")))
        case "per":
            return _per(factor, values, options.get("unit"))
        case "rcs":
            wanted = options.get("knots", 5)
            placed = knots(numbers(values), wanted) if isinstance(wanted, int) else checked_knots(wanted)
            return Rcs(name, tuple(placed.tolist()))
        case "ns":
            boundary = _boundary(factor, numbers(values), options)
            return Natural(name, _interior(factor, numbers(values), options, boundary, least=1), boundary)
        case "bs":
            degree = options.get("degree", 3)
            if not isinstance(degree, int) or not 1 <= degree <= 5:
                raise SpecError(f"{factor.text}: degree must be 1 (straight pieces) to 5; 3 is a cubic spline.")
            boundary = _boundary(factor, numbers(values), options)
            return Bs(name, _interior(factor, numbers(values), options, boundary, degree), boundary, degree)
        case "ps":
            return _penalised(factor, numbers(values), options)
        case "fp":
            powers = options.get("powers")
            if isinstance(powers, int | float):
                powers = (powers,)
            if not isinstance(powers, tuple):
                raise SpecError(
                    f"{factor.text}: give the powers, as in fp({name}, [-1, 2]), or let riskkit.select_fp choose them."
                )
            return fractional.fractional_polynomial(values, powers, options.get("shift"), options.get("scale"))
        case "groups" | "fifths":
            return _groups(factor, rows, options, response)
        case "tv":
            raise SpecError(f"{factor.text}: effects that change over time are for riskkit.cox alone.")
        case transformation if transformation in FUNCTIONS:
            return Transformed(name, transformation, factor.shift)
        case other:
            raise SpecError(f"{factor.text}: '{other}' cannot code a variable.")


def _of_transform(factor: Factor, rows: pd.DataFrame, response: Surv | Array) -> Basis:
    outer = Transformed(factor.variable, factor.of, factor.shift)
    transformed = outer.columns(outer.encode(rows))[:, 0]
    name = outer.names[0]
    inner = learn(replace(factor, variable=name, of="", shift=0.0), pd.DataFrame({name: transformed}), response)
    if not isinstance(inner, Inner):
        raise SpecError(f"{factor.text}: a doubling of {name} means nothing; write per({factor.variable}, 'doubling').")
    return Composed(inner, outer)


def _order(factor: Factor, order: Any) -> tuple[Any, ...] | None:
    if order is not None and not isinstance(order, tuple):
        raise SpecError(
            f"{factor.text}: levels is a list of all levels in order, as in levels=['never', 'former', 'current']."
        )
    return order


def _per(factor: Factor, values: pd.Series, unit: Any) -> Basis:
    name = factor.variable
    if unit == "sd":
        sd = float(numbers(values).std(ddof=1)) if len(values) > 1 else 0.0
        if sd == 0:
            raise DataError(f"{factor.text}: '{name}' is the same in every row used, so it has no standard deviation.")
        return Linear(name, sd)
    if unit == "doubling":
        return Transformed(name, "log2")
    if isinstance(unit, str) or unit is None or isinstance(unit, tuple) or not unit > 0:
        raise SpecError(
            f"{factor.text}: say per how much: a positive number as in per({name}, 5), "
            f'per({name}, "sd") or per({name}, "doubling").'
        )
    return Linear(name, float(unit))


def _text(values: pd.Series) -> pd.Series:
    """A column that is a factor by itself; numbers kept as objects, or dates, would have a level for each value."""
    kind = pd.api.types.infer_dtype(values)
    if kind not in ("string", "categorical", "boolean"):
        raise DataError(
            f"column '{values.name}' is {values.dtype} holding {kind} values, neither numbers nor text; turn it into "
            f"numbers (as pd.to_numeric does), or write C({values.name}) to use it as a factor."
        )
    return values


def _boundary(factor: Factor, x: Array, options: Mapping[str, Any]) -> Boundary:
    given = options.get("boundary", (float(x.min()), float(x.max())))
    if not isinstance(given, tuple) or len(given) != 2 or not given[0] < given[1]:
        raise SpecError(f"{factor.text}: boundary must be two numbers, as in boundary=[{x.min():g}, {x.max():g}].")
    if not ((x >= given[0]) & (x <= given[1])).any():
        raise DataError(
            f"{factor.text}: no value lies between the boundary knots {given[0]:g} and {given[1]:g}; those of "
            f"'{factor.variable}' go from {x.min():g} to {x.max():g}."
        )
    return float(given[0]), float(given[1])


def _interior(
    factor: Factor, x: Array, options: Mapping[str, Any], boundary: Boundary, least: int
) -> tuple[float, ...]:
    """Interior knots as given, or as many as the degrees of freedom ask for; `least` is the df without any."""
    df, given = options.get("df"), options.get("knots")
    if (df is None) == (given is None):
        raise SpecError(f"{factor.text}: give either df or knots, as in {factor.function}({factor.variable}, df=4).")
    if df is not None:
        if not isinstance(df, int) or not least <= df <= 50:
            raise SpecError(f"{factor.text}: df must be a whole number from {least} to 50; got {df!r}.")
        return tuple(interior_knots(x, df - least, boundary, factor.text).tolist())
    knots = np.atleast_1d(np.asarray(given))
    if knots.dtype.kind not in "if" or (np.diff([boundary[0], *knots, boundary[1]]) <= 0).any():
        raise SpecError(
            f"{factor.text}: knots must be numbers in increasing order, between the boundary knots {boundary[0]:g} and "
            f"{boundary[1]:g}; got {given!r}."
        )
    return tuple(knots.astype(float).tolist())


def _penalised(factor: Factor, x: Array, options: Mapping[str, Any]) -> Basis:
    df = options.get("df", 4)
    if not isinstance(df, int | float) or not 1 < df <= 20:
        raise SpecError(f"{factor.text}: df must be more than 1 (a straight line) and at most 20; got {df!r}.")
    distinct = np.unique(x).size
    if distinct <= df + 1:
        raise DataError(f"{factor.text}: '{factor.variable}' has {distinct} distinct values, too few for {df:g} df.")
    terms = max(MIN_PIECES, round(PIECES_PER_DF * df))
    return Penalised(factor.variable, float(df), terms, _boundary(factor, x, options))


def _groups(factor: Factor, rows: pd.DataFrame, options: Mapping[str, Any], response: Surv | Array) -> Basis:
    values, how, ref = rows[factor.variable], options.get("how", 5), options.get("ref", 1)
    cuts, by = options.get("cuts", "everyone"), options.get("by")
    if not isinstance(ref, int):
        raise SpecError(f"{factor.text}: ref is the number of a group, counted from 1; got {ref!r}.")
    if isinstance(how, str | float):
        raise SpecError(f"{factor.text}: give a number of groups or [cut points]; got {how!r}.")
    if isinstance(how, tuple) and ("cuts" in options or by is not None):
        raise SpecError(f"{factor.text}: cut points are given, so 'cuts' and 'by' have nothing to do; leave them out.")
    if cuts not in CUTS:
        raise SpecError(f"{factor.text}: cuts={cuts!r} is not one of {', '.join(CUTS)}.{did_you_mean(str(cuts), CUTS)}")
    learners = _noncases(factor, response) if cuts == "noncases" else np.ones(len(values), dtype=bool)
    if by is None:
        return levels.groups(values[learners], how, ref)
    return levels.groups_by(values, rows[by], how, ref, learners)


def _noncases(factor: Factor, response: Surv | Array) -> NDArray[np.bool_]:
    if isinstance(response, Surv):
        return ~response.event
    if not np.isin(response, (0, 1)).all():
        raise SpecError(f'{factor.text}: cuts="noncases" takes an outcome of 0 (not a case) and 1 (a case).')
    return response == 0
