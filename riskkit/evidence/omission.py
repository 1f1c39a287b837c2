"""What each study does to a meta-analysis: without it, up to it, and how far it is from what the others say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.errors import FitError, SpecError
from riskkit.evidence import heterogeneity as between_studies
from riskkit.evidence.meta import Meta, fit_studies, heterogeneity


def some_studies(fit: Meta, rows: NDArray[np.int64]) -> Meta:
    """Fit the same meta-analysis to some of its studies, by their positions, in that order."""
    assert fit.design is not None
    assert fit.ratio is not None
    return fit_studies(
        replace(fit.design, x=fit.design.x[rows], index=fit.design.index[rows]),
        fit.estimate[rows],
        fit.variance[rows],
        method=fit.estimator,
        test=fit.test,
        study=tuple(fit.study[i] for i in rows),
        scale=fit.scale,
        ratio=fit.ratio,
        table=None if fit.table is None else fit.table.iloc[rows],
    )


def meta_leave_one_out(fit: Meta, level: float = 0.95) -> pd.DataFrame:
    """Pool again without each study in turn.

    Parameters
    ----------
    fit : Meta
        Without moderators.
    level : float
        Of the limits.

    Returns
    -------
    DataFrame, k rows
        study (the one left out) estimate se ratio low high p tau2 i2 q.

    Raises
    ------
    SpecError
        If there are moderators.
    FitError
        If there are fewer than two studies.

    References
    ----------
    R: metafor::leave1out.
    """
    _pooled_only(fit, "meta_leave_one_out")
    if fit.n < 2:
        raise FitError("meta_leave_one_out: needs two studies or more.")
    others = [np.delete(np.arange(fit.n), i) for i in range(fit.n)]
    return pd.DataFrame(
        [{"study": fit.study[i], **_row(some_studies(fit, rows), level)} for i, rows in enumerate(others)]
    )


def meta_cumulative(fit: Meta, by: str, level: float = 0.95) -> pd.DataFrame:
    """Pool again each time a study is added, in the order of a column of the table, such as the year.

    Parameters
    ----------
    fit : Meta
        Without moderators.
    by : str
        Column of the table that it was fitted to.
    level : float
        Of the limits.

    Returns
    -------
    DataFrame, k rows
        study (the one added) studies (how many by then) estimate se ratio low high p tau2 i2 q. The first row is that
        of the first study alone, with the normal interval of its own standard error.

    Raises
    ------
    SpecError
        If there are moderators, or the table has no such column.

    References
    ----------
    Lau J and others (1992) N Engl J Med 327:248. R: metafor::cumul.
    """
    _pooled_only(fit, "meta_cumulative")
    if fit.table is None or by not in fit.table:
        raise SpecError(f"meta_cumulative: the table of the meta-analysis has no column '{by}'.")
    order = np.argsort(fit.table[by].to_numpy(), kind="stable")
    first = some_studies(replace(fit, test="normal"), order[:1])
    fits = [first, *(some_studies(fit, order[: k + 1]) for k in range(1, fit.n))]
    return pd.DataFrame(
        [{"study": fit.study[order[k]], "studies": k + 1, **_row(one, level)} for k, one in enumerate(fits)]
    )


def meta_influence(fit: Meta) -> pd.DataFrame:
    """Diagnostics of each study: how far it lies from the others, and what it moves.

    Parameters
    ----------
    fit : Meta

    Returns
    -------
    DataFrame, k rows
        study; rstudent (residual from the fit to the others, in standard errors); dffits; cook (Cook's distance);
        cov_ratio (determinant of the covariance without it, over that with it); tau2, q (without it); hat; weight (%).

    Raises
    ------
    FitError
        If there are too few studies to leave one out.

    References
    ----------
    Viechtbauer W, Cheung MWL (2010) Res Synth Methods 1:112. R: metafor::influence.rma.uni.
    """
    if fit.n <= fit.coef.size + 1:
        raise FitError(f"meta_influence: {fit.n} studies are too few to leave one out of {fit.coef.size} coefficients.")
    x, y, v = fit.x, fit.estimate, fit.variance
    hat = np.einsum("ij,jk,ik->i", x, fit.vcov_model, x) / (v + fit.tau2)
    rows = []
    for i in range(fit.n):
        other = some_studies(fit, np.delete(np.arange(fit.n), i))
        moved = fit.coef - other.coef
        away, spread = float(y[i] - x[i] @ other.coef), float(x[i] @ other.vcov @ x[i])
        factor = 1.0 if fit.test == "normal" else float(other.vcov[0, 0] / other.vcov_model[0, 0])
        rows.append(
            {
                "study": fit.study[i],
                "rstudent": away / np.sqrt(v[i] + other.tau2 + spread),
                "dffits": float(x[i] @ moved) / np.sqrt(factor * hat[i] * (v[i] + other.tau2)),
                "cook": float(moved @ np.linalg.solve(fit.vcov, moved)),
                "cov_ratio": float(np.linalg.det(other.vcov) / np.linalg.det(fit.vcov)),
                "tau2": other.tau2,
                "q": between_studies.weighted(other.estimate, other.variance, other.x).q,
                "hat": hat[i],
                "weight": fit.weights[i],
            }
        )
    return pd.DataFrame(rows)


def _row(fit: Meta, level: float) -> dict[str, float]:
    pooled = {str(name): float(value) for name, value in fit.tidy(level).drop(columns="term").iloc[0].items()}
    spread = heterogeneity(fit, level)
    return {**pooled, "tau2": fit.tau2, "i2": spread.i2, "q": spread.q}


def _pooled_only(fit: Meta, what: str) -> None:
    if fit.coef.size != 1:
        raise SpecError(
            f"{what}: is of a meta-analysis without moderators; this one has {', '.join(fit.recipe.names)}."
        )
