"""Dose-response meta-analysis: one curve from the exposure levels of several studies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from riskkit.design.bases import Array, Summary
from riskkit.design.design import build
from riskkit.errors import DataError, FitError, SpecError
from riskkit.evidence.cohorts import repeated
from riskkit.evidence.covariance import covariance as covariance_of
from riskkit.evidence.effects import Scale
from riskkit.evidence.levels import Study, studies
from riskkit.evidence.random_effects import Block, RandomMethod, blocks, fit_blocks
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.hypothesis import Test, t_critical
from riskkit.formula import parse

Covariance = Literal["greenland-longnecker", "hamling"]
METHODS = {"REML": "REML", "ML": "maximum likelihood", "common": "one curve for all studies"}
NAMES = {"case-control": "odds ratio", "incidence-rate": "rate ratio", "cumulative-incidence": "risk ratio"}


@dataclass(frozen=True, eq=False, repr=False)
class DoseResponse(Fit):
    """A dose-response meta-analysis: a Fit whose coefficients are those of the mean curve.

    `rk.curve`, `rk.nadir`, `rk.ushape`, `rk.contrast` and `rk.anova` answer of the mean curve. Percentiles ("p5",
    "median") are of the doses in the table, each level counted once.

    Attributes
    ----------
    study : tuple of str, length m
        Studies used.
    between : array, shape (p, p)
        Covariance of true coefficients between studies.
    stages : {1, 2}
    estimator : {"REML", "ML", "common"}
    table : DataFrame or None
        The rows used, with the log ratio and its standard error as `estimate` and `se`.
    """

    study: tuple[str, ...] = ()
    between: Array = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    stages: int = 2
    estimator: RandomMethod = "REML"
    table: pd.DataFrame | None = field(default=None, repr=False)
    parts: tuple[Block, ...] = field(default=(), repr=False)

    @property
    def aic(self) -> float:
        """Akaike's criterion, counting the covariance between studies; of REML never to compare curves."""
        p = self.coef.size
        random = 0 if self.estimator == "common" else p * (p + 1) // 2
        return 2 * (p + random) - 2 * self.loglik

    @property
    def own(self) -> pd.DataFrame:
        """Each study's own coefficients: study term estimate se; of studies with levels enough for the curve."""
        rows = []
        for name, part in zip(self.study, self.parts, strict=True):
            if part.full:
                coef, cov = part.own
                for term, estimate, se in zip(self.recipe.names, coef, np.sqrt(np.diag(cov)), strict=True):
                    rows.append({"study": name, "term": term, "estimate": estimate, "se": se})
        return pd.DataFrame(rows, columns=["study", "term", "estimate", "se"])

    def light(self, summaries: Mapping[str, Summary] | None = None) -> Fit:
        """The same fit: what it was fitted to is a few rows."""
        return self

    def summary(self, level: float = 0.95) -> str:
        """Text to read: studies, coefficients of the mean curve, and how much curves differ."""
        q = dose_heterogeneity(self)
        table = self.tidy(level).to_string(index=False, float_format=lambda v: f"{v:.4f}")
        spread = ", ".join(f"{sd:.4g}" for sd in np.sqrt(np.diag(self.between)))
        lines = [
            f"{self.recipe.formula.text.split('~')[1].strip()}: {len(self.study)} studies, {self.n} levels, "
            f"{self.events:,} cases; {self.method}; ratio = {self.ratio_name}, {100 * level:g}% limits",
            table,
            f"SD between studies {spread}; Q {q['q']:.2f} on {q['df']:.0f} df, p = {q['p']:.3g}, I2 {q['i2']:.1f}%",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)


def dose_response(
    table: pd.DataFrame,
    terms: str = "rcs(dose, 3)",
    *,
    study: str = "study",
    design: str = "design",
    scale: Scale | None = None,
    method: RandomMethod = "REML",
    stages: Literal[1, 2] = 1,
    covariance: Covariance = "greenland-longnecker",
    covariances: Mapping[str, ArrayLike] | None = None,
    test: Literal["normal", "knapp-hartung"] = "normal",
    level: float = 0.95,
    cohort: str | None = None,
) -> DoseResponse:
    """Fit one curve to the exposure levels of several studies, each with a reference of its own.

    Parameters
    ----------
    table : DataFrame
        One row a level: study, dose, `ratio` with `low` and `high` (or `estimate`, a log ratio, and `se`), `cases`, `n`
        (all people of the level; person-time of rates) and a design: "case-control" (cc), "incidence-rate" (ir) or
        "cumulative-incidence" (ci). One level of each study is the reference: ratio 1, no limits.
    terms : str
        The curve, of one column: "dose", "rcs(dose, 3)", "rcs(dose, [10, 20, 30])", "ns(dose, 3)", or a quadratic,
        "fp(dose, [1, 2])". Knots stand at percentiles of the doses in the table.
    study : str
        Column that names studies.
    design : str
        Column of designs, or one design for all.
    scale, level
        Of the table's numbers, as in `rk.meta`.
    method : {"REML", "ML", "common"}
        Of the covariance of true coefficients between studies, which is unstructured; "common" says that there is none.
    stages : {1, 2}
        1 uses every study. 2 pools each study's own curve, and leaves out those with fewer levels than the curve has
        columns. Where there are none of these the two are the same model, with the same numbers.
    covariance : {"greenland-longnecker", "hamling"}
        How a study's log ratios, which share its reference, go together, from its counts.
    covariances : mapping of study to array, optional
        Covariances of the log ratios of the levels that are not the reference, in the table's order, where they are
        known (of a cohort of one's own); these studies need no counts.
    test : {"normal", "knapp-hartung"}
        "knapp-hartung" multiplies the covariance by the mean weighted squared residual, as Jackson and Riley extend the
        method to several coefficients (but never by less than 1), and uses t on studies less coefficients: with the
        degrees of freedom of all levels, as they have it, intervals were too narrow (docs/calibration.md).
    cohort : str, optional
        Column of the people studied, where it is not the study; the same people twice are told in `notes`.

    Returns
    -------
    DoseResponse
        A Fit. `n` counts levels, `events` cases.

    Raises
    ------
    SpecError
        If a column is not there, or an argument is none of its choices.
    DataError
        If the table cannot be right: all faults at once, by study.
    FitError
        If the doses do not determine the curve, no counts give the published ratios, or a covariance is not positive
        definite.

    References
    ----------
    Greenland S, Longnecker MP (1992) Am J Epidemiol 135:1301; Orsini N and others (2012) Am J Epidemiol 175:66;
    Crippa A and others (2019) Stat Methods Med Res 28:1579 (one stage); Jackson D, Riley RD (2014) Stat Med 33:183.
    R: dosresmeta, whose counts of a cumulative-incidence study give its risk ratios as if they were odds ratios.
    """
    check_choice("method", method, tuple(METHODS))
    check_choice("covariance", covariance, ("greenland-longnecker", "hamling"))
    check_choice("test", test, ("normal", "knapp-hartung"))
    if stages not in (1, 2):
        raise SpecError(f"dose_response: stages is 1 or 2; got {stages!r}.")
    dose = curve_variable(terms)
    given = {str(name): np.asarray(matrix, dtype=float) for name, matrix in (covariances or {}).items()}
    found, notes = studies(
        table, dose=dose, study=study, design=design, scale=scale, level=level, given=frozenset(given)
    )
    rows, se = _rows(table, found)
    whole = build(f"_log_ratio ~ {terms}", rows)
    parts = [
        (one.log_ratio, whole.x[one.others] - whole.x[one.reference], _covariance(one, covariance, given))
        for one in found
    ]
    reduced = blocks(parts)
    p = whole.x.shape[1]
    told = [*notes, *repeated(_one_row_a_study(table, found), study, cohort)]
    kept = [i for i, block in enumerate(reduced) if stages == 1 or block.full]
    if len(kept) < len(found):
        short = ", ".join(f"'{one.name}'" for i, one in enumerate(found) if i not in kept)
        told.append(f"too few levels for {p} columns, so left out of the two-stage model (stages=1 has them): {short}.")
    if not kept:
        raise FitError(f"dose_response: no study has levels enough for {p} columns of its own; use stages=1.")
    if len(kept) == 1 and method != "common":
        told.append("one study: its own curve, which says nothing of how studies differ.")
    used, names = tuple(reduced[i] for i in kept), tuple(found[i].name for i in kept)
    at = fit_blocks(used, method)
    size = sum(block.z.size for block in used) - p
    vcov, df = at.cov, float("inf")
    if test == "knapp-hartung":
        if len(used) <= p:
            raise FitError(
                f"dose_response: {len(used)} studies and {p} coefficients leave no degree of freedom; write "
                "test='normal'."
            )
        vcov, df = at.cov * max(1.0, at.q / size), float(len(used) - p)
    chosen = np.sort(np.concatenate([np.append(found[i].others, found[i].reference) for i in kept]))
    kinds = {one.counts.design if one.counts else None for i, one in enumerate(found) if i in kept}
    return DoseResponse(
        model="dose-response",
        recipe=whole.recipe,
        coef=at.coef,
        vcov=vcov,
        vcov_model=at.cov,
        loglik=at.loglik + _constant(used, [parts[i][1] for i in kept], stages, restricted=method == "REML"),
        loglik_null=float("nan"),
        n=len(chosen),
        events=int(np.nansum(table["cases"].to_numpy(dtype=float)[chosen])) if "cases" in table else 0,
        person_years=float("nan"),
        n_missing=len(table) - len(chosen),
        iterations=0,
        method=f"{METHODS[method]}, {'one stage' if stages == 1 else 'two stages'}",
        covariance="common-effect" if method == "common" else "random-effects",
        df_resid=df,
        ratio=NAMES.get(kinds.pop() or "", "relative risk") if len(kinds) == 1 else "relative risk",
        notes=tuple(told),
        design=whole,
        study=names,
        between=at.psi,
        stages=stages,
        estimator=method,
        table=table.assign(estimate=rows["_log_ratio"].to_numpy(), se=se).iloc[chosen],
        parts=used,
    )


def dose_heterogeneity(fit: DoseResponse) -> dict[str, float]:
    """Multivariate Q of the studies about one curve, its test, and I2 = max(0, (Q - df) / Q) in per cent.

    Parameters
    ----------
    fit : DoseResponse
        Of two stages or one.

    Returns
    -------
    dict
        q, df, p, i2.

    References
    ----------
    Jackson D, White IR, Riley RD (2012) Stat Med 31:3805.
    """
    q = fit_blocks(fit.parts, "common").q
    df = sum(block.z.size for block in fit.parts) - fit.coef.size
    if df < 1:
        return {"q": q, "df": 0.0, "p": float("nan"), "i2": float("nan")}
    return {
        "q": q,
        "df": float(df),
        "p": float(special.chdtrc(df, q)),
        "i2": max(0.0, 100 * (1 - df / q)) if q else 0.0,
    }


def dose_fit(fit: DoseResponse) -> Test:
    """Test that each study's levels lie on its own curve: residual sums of squares within studies.

    A small p value says that the curve is too stiff for the levels.

    Parameters
    ----------
    fit : DoseResponse
        Of two stages or one.

    Returns
    -------
    Test
        Chi-squared, its degrees of freedom, and p.

    References
    ----------
    Discacciati A, Crippa A, Orsini N (2017) Res Synth Methods 8:149.
    """
    return Test(sum(block.rest for block in fit.parts), sum(block.rows - block.z.size for block in fit.parts))


def dose_prediction(
    fit: DoseResponse, grid: ArrayLike, reference: float, level: float = 0.95, *, df: float | None = None
) -> pd.DataFrame:
    """The curve of a new study: limits that add the variance between studies to that of the mean curve.

    Parameters
    ----------
    fit : DoseResponse
    grid : array, shape (g,)
        Doses.
    reference : float
        Dose at which the ratio is 1.
    level : float
    df : float, optional
        Degrees of freedom of t; by default studies less 2, as in `rk.prediction_interval`.

    Returns
    -------
    DataFrame, g rows
        x estimate se ratio low high; `se` is that of a new study's log ratio.

    Raises
    ------
    FitError
        If there are fewer than three studies and `df` is not given.
    """
    if df is None:
        if len(fit.study) < 3:
            raise FitError(
                f"dose_prediction: needs three studies or more; there are {len(fit.study)}. Give df to have one."
            )
        df = len(fit.study) - 2
    (variable,) = fit.recipe.variables
    x = np.atleast_1d(np.asarray(grid, dtype=float))
    coded = fit.recipe.matrix(pd.DataFrame({variable: np.append(x, reference)}))
    rows = coded[:-1] - coded[-1]
    estimate = rows @ fit.coef
    se = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, fit.vcov + fit.between, rows), 0.0))
    half = float(t_critical(np.array(float(df)), level)) * se
    columns = {"x": x, "estimate": estimate, "se": se, "ratio": np.exp(estimate)}
    return pd.DataFrame({**columns, "low": np.exp(estimate - half), "high": np.exp(estimate + half)})


def curve_variable(terms: str) -> str:
    """The one column that the terms of a curve are of.

    Raises
    ------
    SpecError
        If they are no terms, or not of one column.
    """
    formula = parse(f"_log_ratio ~ {terms}")
    names = {name for term in formula.terms for factor in term for name in factor.columns}
    if len(names) != 1 or formula.strata or formula.offset or formula.cluster:
        raise SpecError(
            f"dose_response: {terms!r} must be a curve of one column, as in 'rcs(dose, 3)'; what a study has one value "
            "of cancels out of its comparisons. Fit subgroups of studies by themselves."
        )
    return names.pop()


def _rows(table: pd.DataFrame, found: list[Study]) -> tuple[pd.DataFrame, Array]:
    logs, se = np.zeros(len(table)), np.full(len(table), np.nan)
    for one in found:
        logs[one.others], se[one.others] = one.log_ratio, np.sqrt(one.variance)
    return table.assign(_log_ratio=logs), se


def _one_row_a_study(table: pd.DataFrame, found: list[Study]) -> pd.DataFrame:
    return table.iloc[[one.reference for one in found]]


def _covariance(one: Study, method: Covariance, given: Mapping[str, Array]) -> Array:
    if one.name in given:
        return _checked(one, given[one.name])
    assert one.counts is not None
    try:
        return covariance_of(one.log_ratio, one.variance, one.counts, method)
    except FitError as error:
        raise FitError(f"dose_response: {one.name}: {error}") from None


def _checked(one: Study, matrix: Array) -> Array:
    n = one.log_ratio.size
    what = f"dose_response: {one.name}: its covariance"
    if matrix.shape != (n, n):
        raise DataError(f"{what} has shape {matrix.shape}; {n} levels beside the reference take ({n}, {n}).")
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=0):
        raise DataError(f"{what} is not symmetrical, or has missing values.")
    if np.linalg.eigvalsh(matrix).min() <= 1e-12 * np.abs(matrix).max():
        raise DataError(f"{what} is not positive definite: no estimates can have it. Look for two equal rows.")
    if not np.allclose(np.diag(matrix), one.variance, rtol=0.1):
        raise DataError(f"{what} has variances on its diagonal that are not those of the table's limits.")
    return matrix


def _constant(used: tuple[Block, ...], x: list[Array], stages: int, *, restricted: bool) -> float:
    """What takes the likelihood of the statistics to that of the log ratios, or of the studies' own coefficients.

    A restricted one has the constant of metafor and mixmeta, half the log-determinant of X'X.
    """
    if stages == 2:
        squares = len(used) * np.eye(x[0].shape[1])
        constant = sum(float(np.linalg.slogdet(block.a)[1]) for block in used)
    else:
        squares = np.vstack(x).T @ np.vstack(x)
        constant = -sum(
            0.5 * ((block.rows - block.z.size) * float(np.log(2 * np.pi)) + block.rest) + block.log_root
            for block in used
        )
    return constant + (0.5 * float(np.linalg.slogdet(squares)[1]) if restricted else 0.0)
