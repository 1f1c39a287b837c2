"""How many knots: splines compared by AIC and by test, and what choosing does to the p value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from riskkit import numbers
from riskkit.design.bases import Array, Basis, Linear
from riskkit.design.design import Design
from riskkit.design.smooth import Rcs
from riskkit.design.splines import knots as knots_of
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit
from riskkit.infer.likelihood import likelihood_ratio
from riskkit.infer.refit import design_of, recoded, refitted, refuse_frequencies, values_used

DRAWS = 20_000
_ALIASED = 1e-7  # relative to the largest: singular values below this are rounding


@dataclass(frozen=True, eq=False)
class Selection:
    """Codings of one variable side by side.

    Attributes
    ----------
    table : DataFrame, one row per coding
        knots (0: a straight line), df, loglik, aic, p (of the whole association) and p_nonlinear by likelihood ratio,
        chosen (lowest AIC).
    fit : Fit
        The chosen model.
    p_reported : float
        P value of the association in the chosen model, as if no choice had been made.
    p_adjusted : float
        The same with the choice allowed for.
    """

    table: pd.DataFrame
    fit: Fit
    p_reported: float
    p_adjusted: float

    def sentence(self) -> str:
        """Declare the choice and what it does to the p value."""
        knots = int(self.table.loc[self.table["chosen"], "knots"].iloc[0])
        return (
            f"Of {len(self.table)} codings compared, AIC chose {f'{knots} knots' if knots else 'a straight line'}; "
            f"the association has {numbers.p_phrase(self.p_reported)} as if no choice had been made, "
            f"and {numbers.p_phrase(self.p_adjusted)} with the choice allowed for."
        )


def select(fit: Fit, variable: str, *, knots: Iterable[int] = (3, 4, 5, 6, 7), seed: int = 1) -> Selection:
    """Compare a straight line and restricted cubic splines of 3 to 7 knots, by AIC and by likelihood-ratio tests.

    Choosing a coding by its fit makes the p value of the chosen one too small. `p_adjusted` is how often the same
    choice gives a p value as small when there is no association: the codings' score statistics are then quadratic
    forms of one normal vector, whose correlations are those of the columns given the other covariates and the strata.
    It never exceeds the number of codings times `p_reported`.

    Parameters
    ----------
    fit : Fit
        A model with the variable as a line or a spline of any number of knots, model-based covariance; not a light one.
    variable : str
        A number without interactions.
    knots : numbers of knots to compare, each 3 to 10
    seed : int
        Of the 20,000 draws behind `p_adjusted`.

    Returns
    -------
    Selection
        A row for each coding (AIC, likelihood-ratio tests), the one chosen, and its p value reported and adjusted.

    Raises
    ------
    SpecError
        If the fit is light or robust, or the variable interacts or has another coding.
    FitError
        If one of the models cannot be fitted.

    References
    ----------
    Harrell, Regression Modeling Strategies (2nd ed.), 2.4.5 and 4.3; Grambsch PM, O'Brien PC (1991) Stat Med
    10:697-709.
    """
    if fit.penalty:
        raise SpecError(
            "select: AIC compares likelihoods, and Firth's penalty changes with the coding; compare codings without "
            'it, or test the nonlinear part by rk.anova(fit, "lr").'
        )
    refuse_frequencies(design_of(fit), "select")
    counts = [0, *sorted({int(k) for k in knots})]
    if len(counts) == 1:
        raise SpecError("select: give the numbers of knots to compare, as in knots=(3, 4, 5).")
    x = values_used(fit, variable)
    bases: list[Basis] = [Rcs(variable, tuple(knots_of(x, k).tolist())) if k else Linear(variable) for k in counts]
    fits = [refitted(fit, recoded(design_of(fit), variable, basis, x)) for basis in bases]
    table = pd.DataFrame([_row(k, again, variable) for k, again in zip(counts, fits, strict=True)])
    best = int(table["aic"].to_numpy().argmin())
    table["chosen"] = np.arange(len(table)) == best
    p = float(table["p"].iloc[best])
    residual = [_residual(design_of(again), variable) for again in fits]
    return Selection(table, fits[best], p, adjusted_p(residual, p, seed))


def _row(k: int, fit: Fit, variable: str) -> dict[str, float]:
    columns = np.eye(fit.coef.size)[fit.recipe.terms_with(variable)[0].columns]
    return {
        "knots": k,
        "df": len(columns),
        "loglik": fit.loglik,
        "aic": fit.aic,
        "p": likelihood_ratio(fit, columns).p,
        "p_nonlinear": likelihood_ratio(fit, columns[1:]).p if len(columns) > 1 else np.nan,
    }


def _residual(design: Design, variable: str) -> Array:
    """Columns of the variable, shape (n, q), with the other covariates and the strata regressed out."""
    (term,) = design.recipe.terms_with(variable)
    stratum = np.zeros(len(design.x), dtype=np.int64) if design.strata is None else design.strata
    size = np.bincount(stratum)
    centred = np.column_stack(
        [column - (np.bincount(stratum, column) / np.maximum(size, 1))[stratum] for column in design.x.T]
    )
    ours = np.zeros(centred.shape[1], dtype=bool)
    ours[term.columns] = True
    others = centred[:, ~ours]
    return centred[:, ours] - others @ np.linalg.lstsq(others, centred[:, ours], rcond=None)[0]


def adjusted_p(codings: list[Array], p: float, seed: int = 1) -> float:
    """P value of the coding with the lowest AIC, with the choice allowed for.

    Parameters
    ----------
    codings : list of arrays, shape (n, q_k)
        Columns of each coding, with the other covariates regressed out.
    p : float
        P value of the chosen coding.
    seed : int
    """
    spaces = [_orthonormal(columns) for columns in codings]
    union = _orthonormal(np.hstack(spaces))
    normal = np.random.default_rng(seed).standard_normal((DRAWS, union.shape[1]))
    df = np.array([space.shape[1] for space in spaces])
    chi2 = np.column_stack([((normal @ (union.T @ space)) ** 2).sum(axis=1) for space in spaces])
    best = (2 * df - chi2).argmin(axis=1)
    chosen = stats.chi2.sf(chi2[np.arange(DRAWS), best], df[best])
    # Few draws are as extreme as a very small p value, where Bonferroni's bound is the sharper one.
    return float(max(p, min((1 + (chosen <= p).sum()) / (1 + DRAWS), len(codings) * p)))


def _orthonormal(columns: Array) -> Array:
    norms = np.linalg.norm(columns, axis=0)
    left, size, _ = np.linalg.svd(columns / np.where(norms > 0, norms, 1.0), full_matrices=False)
    return np.asarray(left[:, size > _ALIASED * size[0]])
