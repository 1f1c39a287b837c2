"""Whose data an estimate rests on: groups of people left out one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.errors import DataError, FitError
from riskkit.fit.fit import Fit
from riskkit.infer.bootstrap import sampled
from riskkit.infer.contrast import difference
from riskkit.infer.linear import critical, estimates
from riskkit.infer.refit import design_of, refitted, with_columns

Setting = Mapping[str, Any]
RANK = 1e-11  # of the largest eigenvalue of the columns' correlations: below it a combination of them is constant


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A contrast without each group of people in turn.

    Attributes
    ----------
    groups : DataFrame
        One row per group left out: left_out n events estimate se ratio low high reason. The reason is why the model
        could not be estimated without it, and is empty where it could.
    jackknife : DataFrame, one row
        The contrast of everyone with the jackknife's standard error over the groups: estimate se ratio low high p, and
        the number of groups; by the t distribution on one degree of freedom fewer than groups. Missing where any group
        could not be left out.
    """

    groups: pd.DataFrame
    jackknife: pd.DataFrame


def leave_one_out(
    fit: Fit, by: pd.Series, setting: Setting, reference: Setting, *, at: Setting | None = None, level: float = 0.95
) -> LeftOut:
    """Fit the model again without each group of people (region, centre, survey stratum) in turn.

    Knots, cut points and levels stay those of the fit.

    Parameters
    ----------
    fit : Fit
        Not a light one.
    by : Series
        The group of each row of the data, by the data's index.
    setting, reference, at, level
        As in `rk.contrast`.

    Returns
    -------
    LeftOut
        The contrast without each group, that of all people, and the jackknife standard error.

    Raises
    ------
    SpecError
        If the fit is light.
    DataError
        If a row used has no group, all are of one, or labels of rows are not unique.

    References
    ----------
    Efron B, Tibshirani RJ (1993) An Introduction to the Bootstrap, ch 11; Kott PS (2001) J Off Stat 17:521
    (delete-a-group). R: survey::as.svrepdesign(type = "JK1").
    """
    design = design_of(fit)
    if not by.index.is_unique:
        raise DataError(
            f"'{by.name}' has rows that stand in its index more than once; give each row a label of its own."
        )
    group = by.reindex(design.index)
    if group.isna().any():
        raise DataError(f"'{by.name}' is missing for {int(group.isna().sum())} of the rows used; leave them out first.")
    codes, names = pd.factorize(group, sort=True)
    if len(names) < 2:
        raise DataError(f"'{by.name}' is {names[0]!r} in every row used; nobody would be left.")
    asked = difference(fit, setting, reference, at)
    kept = (_rows(design, np.flatnonzero(codes != g)) for g in range(len(names)))
    groups = pd.DataFrame([_without(fit, some, asked, level) for some in kept])
    groups.insert(0, "left_out", list(names))
    return LeftOut(groups, _jackknife(float(asked @ fit.coef), groups["estimate"].to_numpy(float), level))


def _rows(design: Design, rows: NDArray[np.int64]) -> Design:
    """The design of some of the rows, which stay in their clusters."""
    cluster = rows if design.cluster is None else np.unique(design.cluster[rows], return_inverse=True)[1]
    return sampled(design, rows, cluster)


def _without(fit: Fit, some: Design, asked: Array, level: float) -> dict[str, Any]:
    """The contrast on some of the rows, where they can tell."""
    first = int(fit.recipe.intercept)
    nothing = {"n": len(some.x)} | dict.fromkeys(("events", "estimate", "se", "ratio", "low", "high"), np.nan)
    reduced = _reduced(some.x[:, first:], asked[first:])
    if reduced is None:
        return nothing | {"reason": "the others do not differ in what is compared."}
    columns, question = reduced
    if question.size < asked.size - first:
        names = [*fit.recipe.names[:first], *(f"combination{j}" for j in range(1, question.size + 1))]
        some = with_columns(some, np.hstack([some.x[:, :first], columns]), names)
        asked = np.append(asked[:first], question)
    try:
        again = refitted(fit, some)
    except FitError as error:
        return nothing | {"reason": str(error)}
    found = estimates(again, asked[None], critical(again, asked[None], level)).iloc[0]
    return {"n": again.n, "events": again.events, **{str(k): float(v) for k, v in found.items()}, "reason": ""}


def _reduced(x: Array, asked: Array) -> tuple[Array, Array] | None:
    """Columns of full rank that say all that x does, shape (n, r), and the combination of their coefficients asked for.

    A factor's level that nobody is left with, or a reference level gone, makes columns of x constant or redundant. None
    where the combination cannot be told without them.
    """
    centred = x - x.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    scale = np.where(norm > 0, norm, 1.0)
    values, vectors = np.linalg.eigh((centred / scale).T @ (centred / scale))
    free = vectors[:, values > RANK * values.max()]
    question = free.T @ (asked / scale)
    if not np.allclose(free @ question, asked / scale, rtol=0, atol=1e-6 * np.abs(asked / scale).max()):
        return None
    return (x / scale) @ free, question


def _jackknife(estimate: float, without: Array, level: float) -> pd.DataFrame:
    count = without.size
    se = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    half = float(special.stdtrit(count - 1, (1 + level) / 2)) * se
    row = {
        "estimate": estimate,
        "se": se,
        "ratio": np.exp(estimate),
        "low": np.exp(estimate - half),
        "high": np.exp(estimate + half),
        "p": 2 * float(special.stdtr(count - 1, -abs(estimate / se))) if se else np.nan,
        "groups": count,
    }
    return pd.DataFrame([row])
