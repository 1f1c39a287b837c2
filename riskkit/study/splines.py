"""What the results keep of a spline: its shape in numbers, and all that its curve can be drawn again from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.fit.fit import Fit
from riskkit.infer.linear import number
from riskkit.infer.nadir import Nadir
from riskkit.infer.ushape import UShape

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)


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


def shape_row(u: UShape) -> pd.DataFrame:
    """One row: the verdict on a shape, from which `ShapeVerdict.from_row` makes it again, and the slopes beside it.

    Words are made where they are told.
    """
    row = u.heights.row()
    for name, end in (("lower", u.lower), ("upper", u.upper)):
        row |= {f"{name}_x": end.x, f"{name}_slope": end.estimate, f"{name}_slope_low": end.low}
        row |= {f"{name}_slope_high": end.high, f"{name}_p": end.p}
    return pd.DataFrame([row | {"slopes_p": u.slopes_p}])
