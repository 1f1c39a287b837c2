"""What the results keep of a spline: its shape in numbers, and all that its curve can be drawn again from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from riskkit.fit.fit import Fit
from riskkit.infer.linear import number
from riskkit.infer.nadir import Nadir
from riskkit.infer.ushape import ushape

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
SEARCHED = ("p1", "p99")  # where the lowest point beside a drawn curve is sought: as far as the curve is drawn


def spline_row(fit: Fit, exposure: str, lowest: Nadir) -> pd.DataFrame:
    """One row: percentiles of the exposure among the people used (p1 ... p99), the lowest point, degrees of freedom."""
    percentiles = number(fit, exposure).percentiles
    row = {f"p{percent}": percentiles[percent] for percent in PERCENTILES}
    row |= {"nadir": lowest.x, "nadir_low": lowest.low, "nadir_high": lowest.high, "interior": lowest.interior}
    return pd.DataFrame([row | {"df_resid": fit.df_resid}])


def covariances(fit: Fit) -> pd.DataFrame:
    """Covariances of the exposure's coefficients: term, other, covariance; each pair once, the variances among them."""
    own = fit.recipe.terms[0].columns
    names, matrix = np.array(fit.recipe.names[own]), fit.vcov[own, own]
    row, column = np.tril_indices(len(names))
    return pd.DataFrame({"term": names[row], "other": names[column], "covariance": matrix[row, column]})


def shape_row(fit: Fit, exposure: str, lowest: Nadir, unit: str, what: str) -> pd.DataFrame:
    """One row: where `what` (risk) is lowest, and whether the curve is a U, in numbers and in a sentence.

    The columns `verdict_...` are the whole verdict, over one range: `riskkit.infer.verdict.ShapeVerdict.from_row` makes
    it again, with its words.
    """
    u = ushape(fit, exposure, level=lowest.level)
    row: dict[str, Any] = {
        "nadir": lowest.x,
        "nadir_low": lowest.low,
        "nadir_high": lowest.high,
        "interior": lowest.interior,
        "at_boundary": lowest.at_boundary,
        "nadir_sentence": lowest.sentence(unit, what),
        "u_p": u.p,
        "verdict": u.verdict(unit, what),
    }
    for name, end in (("lower", u.lower), ("upper", u.upper)):
        row |= {f"{name}_x": end.x, f"{name}_slope": end.estimate, f"{name}_slope_low": end.low}
        row |= {f"{name}_slope_high": end.high, f"{name}_p": end.p}
    return pd.DataFrame([row | {"slopes_p": u.slopes_p} | u.heights.row()])
