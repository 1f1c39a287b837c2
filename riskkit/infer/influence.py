"""Whose data an estimate rests on: the rows that move it most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.residuals import residuals
from riskkit.infer.contrast import contrast, difference
from riskkit.infer.refit import design_of

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
    moved = dfbeta(fit) @ difference(fit, setting, reference, at)
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
