"""A meta-analysis in each subgroup of studies, and the test between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.columns import check_columns
from riskkit.errors import FitError
from riskkit.evidence.meta import Meta, heterogeneity, meta
from riskkit.fit.hypothesis import Test


@dataclass(frozen=True, eq=False)
class Subgroups:
    """Pooled estimates of subgroups of studies, each with its own variance between studies.

    Attributes
    ----------
    fits : dict of Meta by subgroup
    test : Test
        Whether the subgroups' means differ.
    frame : DataFrame
        subgroup studies estimate se ratio low high p tau2 i2.
    """

    fits: dict[Any, Meta]
    test: Test
    frame: pd.DataFrame


def meta_subgroups(table: pd.DataFrame, by: str, *, level: float = 0.95, **options: Any) -> Subgroups:
    """Pool each subgroup by itself, with its own variance between studies, and test between them.

    A test with one variance for all is `rk.anova(rk.meta(table, "C(by)"))`.

    Parameters
    ----------
    table : DataFrame
        As `rk.meta` takes it.
    by : str
        Column of subgroups; rows without one are left out.
    level : float
        Of the limits in `frame`.
    **options
        Of `rk.meta`.

    Returns
    -------
    Subgroups
        A frame with a pooled estimate for each, and the test between them.

    Raises
    ------
    SpecError
        If there is no such column.
    FitError
        If there are fewer than two subgroups.

    References
    ----------
    Borenstein M and others (2009) Introduction to Meta-Analysis, chapter 19.
    """
    check_columns(table, [by], "meta_subgroups")
    parts = dict(iter(table.groupby(by, sort=True, observed=True)))
    if len(parts) < 2:
        raise FitError(f"meta_subgroups: '{by}' has {len(parts)} values; a test between subgroups needs two.")
    fits = {key: meta(part, **options) for key, part in parts.items()}
    mean = np.array([fit.coef[0] for fit in fits.values()])
    w = np.array([1 / fit.vcov[0, 0] for fit in fits.values()])
    chi2 = float(w @ (mean - (w @ mean) / w.sum()) ** 2)
    rows = []
    for key, fit in fits.items():
        pooled = fit.tidy(level).drop(columns="term").iloc[0].to_dict()
        rows.append({"subgroup": key, "studies": fit.n, **pooled, "tau2": fit.tau2, "i2": heterogeneity(fit, level).i2})
    return Subgroups(fits, Test(chi2, len(fits) - 1), pd.DataFrame(rows))
