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
    setting, reference : mapping of variable to value, or to m values
        Both name the same variables, as in `contrast(fit, {"igf1": 300}, {"igf1": 200})`; of arrays or lists, each
        place is a comparison, a single value standing for all places.
    at : mapping of variable to value, optional
        Where variables that interact with those stand, in both settings; by default at their median or reference level.
    level : float
        Confidence level of the interval.

    Returns
    -------
    DataFrame, one row a comparison
        estimate and se (log ratio), ratio, low, high, p. Equal settings give a ratio of exactly 1 with no width, and no
        p value.

    Raises
    ------
    SpecError
        If the settings name different variables, or one that is not in the model, or arrays differ in length.

    References
    ----------
    R: rms::contrast.rms(fit, list(igf1 = 300), list(igf1 = 200)).
    """
    rows = differences(fit, setting, reference, at)
    return estimates(fit, rows, critical(fit, rows, level)).assign(p=p_values(fit, rows))


def difference(
    fit: Fit, setting: Mapping[str, Any], reference: Mapping[str, Any], at: Mapping[str, Any] | None = None
) -> Array:
    """The combination of coefficients that one comparison is, shape (p,).

    Raises
    ------
    SpecError
        As `contrast` does, or if there are several.
    """
    rows = differences(fit, setting, reference, at)
    if len(rows) > 1:
        raise SpecError(f"one comparison is asked for; the settings are of {len(rows)}.")
    return np.asarray(rows[0])


def differences(
    fit: Fit, setting: Mapping[str, Any], reference: Mapping[str, Any], at: Mapping[str, Any] | None = None
) -> Array:
    """The combinations of coefficients that m comparisons are, shape (m, p).

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
    places = {name: (_places(setting[name]), _places(reference[name])) for name in setting}
    lengths = {len(values) for pair in places.values() for values in pair}
    m = max(lengths)
    if not lengths <= {1, m}:
        raise SpecError(f"contrast: give each variable one value or as many as the others; got {sorted(lengths)}.")
    both = coded(fit, {name: [*_repeated(one, m), *_repeated(other, m)] for name, (one, other) in places.items()}, at)
    return both[:m] - both[m:]


def _places(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | np.ndarray | pd.Series | pd.Index) else [value]


def _repeated(values: list[Any], m: int) -> list[Any]:
    return values * m if len(values) == 1 else values
