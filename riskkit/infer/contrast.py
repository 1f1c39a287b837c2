"""One comparison of two settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.linear import coded, critical, estimates, p_values


def contrast(
    fit: Fit,
    setting: Mapping[str, Any],
    reference: Mapping[str, Any],
    *,
    at: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare two settings of one or more variables, everything else the same.

    Parameters
    ----------
    fit : Fit
        Of any model; a light one will do.
    setting, reference : mapping of variable to value
        Both name the same variables, as in `contrast(fit, {"igf1": 300}, {"igf1": 200})`.
    at : mapping of variable to value, optional
        Where variables that interact with those stand, in both settings; by default at their median or reference level.
    level : float
        Confidence level of the interval.

    Returns
    -------
    DataFrame, one row
        estimate and se (log ratio), ratio, low, high, p. Equal settings give a ratio of exactly 1 with no width, and no
        p value.

    Raises
    ------
    SpecError
        If the settings name different variables, or one that is not in the model.

    References
    ----------
    R: rms::contrast.rms(fit, list(igf1 = 300), list(igf1 = 200)).
    """
    row = difference(fit, setting, reference, at)[None]
    out = estimates(fit, row, critical(fit, row, level))
    return out.assign(p=p_values(fit, row))


def difference(
    fit: Fit, setting: Mapping[str, Any], reference: Mapping[str, Any], at: Mapping[str, Any] | None = None
) -> Array:
    """The combination of coefficients that a contrast is, shape (p,).

    Raises
    ------
    SpecError
        As `contrast` does.
    """
    if set(setting) != set(reference) or not setting:
        raise SpecError(
            f"contrast: name the same variables on both sides; got {sorted(setting)} and {sorted(reference)}. "
            "Variables that are equal on both sides go into `at`."
        )
    both = coded(fit, {name: [setting[name], reference[name]] for name in setting}, at)
    return np.asarray(both[0] - both[1])
