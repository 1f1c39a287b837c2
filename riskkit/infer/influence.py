"""Whose data an estimate rests on: single rows, and whole groups of people left out one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.residuals import residuals
from riskkit.infer.bootstrap import sampled
from riskkit.infer.contrast import contrast
from riskkit.infer.linear import coded
from riskkit.infer.refit import design_of, refitted

Setting = Mapping[str, Any]


def influence(
    fit: Fit, setting: Setting, reference: Setting, *, at: Setting | None = None, rows: int = 5
) -> pd.DataFrame:
    """Rows of the data that move a contrast most.

    Parameters
    ----------
    fit : Fit
        A Cox or logistic model that has kept its design.
    setting, reference, at
        As in `rk.contrast`: the contrast that is watched.
    rows : int
        How many rows to name.

    Returns
    -------
    DataFrame
        The most influential first, one per row: row (its label in the data), dfbeta (what the log ratio would lose,
        nearly, without it), dfbetas (the same in standard errors), ratio (of the contrast without it, nearly).

    Raises
    ------
    SpecError
        If the fit is light or of another model, or `rows` is less than 1.

    References
    ----------
    Cain KC, Lange NT (1984) Biometrics 40:493; Pregibon D (1981) Ann Stat 9:705. R: residuals(coxph(...), "dfbeta");
    of a logistic model it is one Newton step from the estimates (R's dfbeta(glm(...)) is of deviance residuals).
    """
    if rows < 1:
        raise SpecError(f"influence: ask for at least 1 row; got {rows}.")
    found = contrast(fit, setting, reference, at=at).iloc[0]
    both = coded(fit, {name: [setting[name], reference[name]] for name in setting}, at)
    moved = dfbeta(fit) @ (both[0] - both[1])
    worst = np.argsort(-np.abs(moved), kind="stable")[:rows]
    return pd.DataFrame(
        {
            "row": design_of(fit).index[worst],
            "dfbeta": moved[worst],
            "dfbetas": moved[worst] / found["se"],
            "ratio": np.exp(found["estimate"] - moved[worst]),
        }
    )


def dfbeta(fit: Fit) -> Array:
    """What each coefficient would lose, nearly, without a row; shape (n, p).

    Raises
    ------
    SpecError
        If the fit is light, or neither a Cox nor a logistic model.
    """
    design = design_of(fit)
    if fit.model == "cox":
        return np.asarray(residuals(fit, "dfbeta"))
    if fit.model != "logistic" or not isinstance(design.response, np.ndarray):
        raise SpecError(f"influence is known of Cox and logistic models, not of a {fit.model} model.")
    offset = 0.0 if design.offset is None else design.offset
    weights = 1.0 if design.weights is None else design.weights
    share = special.expit(design.x @ fit.coef + offset)
    step = design.x @ fit.vcov_model
    leverage = weights * share * (1 - share) * np.einsum("ij,ij->i", step, design.x)
    return np.asarray(step * (weights * (design.response - share) / (1 - leverage))[:, None])


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A contrast without each group of people in turn.

    Attributes
    ----------
    groups : DataFrame
        One row per group left out: left_out n events estimate se ratio low high p reason; `reason` says why the model
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
    rows = [
        {"left_out": name, **_without(fit, design, np.flatnonzero(codes != g), setting, reference, at, level)}
        for g, name in enumerate(names)
    ]
    groups = pd.DataFrame(rows)
    whole = contrast(fit, setting, reference, at=at, level=level)
    return LeftOut(groups, _jackknife(float(whole["estimate"].iloc[0]), groups["estimate"].to_numpy(float), level))


def _without(
    fit: Fit, design: Design, kept: np.ndarray, setting: Setting, reference: Setting, at: Setting | None, level: float
) -> dict[str, Any]:
    """The contrast on some rows; it is coded by the whole fit, so that medians stay where they were."""
    some = sampled(design, kept, kept)
    nothing = dict.fromkeys(("estimate", "se", "ratio", "low", "high", "p"), np.nan)
    try:
        again = refitted(fit, some)
    except FitError as error:
        return {"n": len(kept), "events": np.nan, **nothing, "reason": str(error)}
    found = contrast(again.light(fit.summaries), setting, reference, at=at, level=level).iloc[0]
    return {"n": again.n, "events": again.events, **{str(name): value for name, value in found.items()}, "reason": ""}


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
