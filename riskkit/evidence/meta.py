"""Meta-analysis: estimates of several studies pooled, or regressed on what the studies differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array, Summary
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, build
from riskkit.errors import DataError, FitError, SpecError
from riskkit.evidence import heterogeneity as between_studies
from riskkit.evidence.cohorts import repeated
from riskkit.evidence.effects import Scale, effects
from riskkit.evidence.heterogeneity import ESTIMATORS, Estimator
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.hypothesis import t_critical

MetaTest = Literal["normal", "knapp-hartung"]
OWN = ("_estimate", "_se")  # columns of the working frame
METHODS = {
    "common": "common effect",
    "DL": "random effects, DerSimonian-Laird",
    "PM": "random effects, Paule-Mandel",
    "REML": "random effects, REML",
    "ML": "random effects, maximum likelihood",
}


@dataclass(frozen=True, eq=False, repr=False)
class Meta(Fit):
    """A meta-analysis: a Fit whose rows are studies and whose columns are an intercept and moderators.

    `rk.contrast`, `rk.curve` and `rk.anova` answer of moderators; intervals of the fit are of mean effects. There are
    no likelihood-ratio tests: likelihoods restricted to different columns do not compare.

    Attributes
    ----------
    study : tuple of str, length k
    estimate, variance : array, shape (k,)
        Of the studies, on the model's scale.
    estimator : {"common", "DL", "PM", "REML", "ML"}
    test : {"normal", "knapp-hartung"}
    tau2 : float
        Variance of true effects between studies.
    scale : {"ratio", "log ratio", "difference"}
    table : DataFrame or None
        The rows used, in their order.
    """

    study: tuple[str, ...] = ()
    estimate: Array = field(default_factory=lambda: np.empty(0), repr=False)
    variance: Array = field(default_factory=lambda: np.empty(0), repr=False)
    estimator: Estimator = "REML"
    test: MetaTest = "normal"
    tau2: float = 0.0
    scale: Scale = "ratio"
    table: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def aic(self) -> float:
        """Akaike's criterion, counting tau2; of REML never to compare moderators; NaN of DL and PM."""
        if np.isnan(self.loglik):
            return float("nan")
        return 2 * (self.coef.size + (self.estimator != "common")) - 2 * self.loglik

    @property
    def x(self) -> Array:
        """Columns of the studies, shape (k, p)."""
        assert self.design is not None
        return self.design.x

    @property
    def weights(self) -> Array:
        """Each study's share of the weight, in per cent; shape (k,)."""
        w = 1 / (self.variance + self.tau2)
        return 100 * w / w.sum()

    def light(self, summaries: Mapping[str, Summary] | None = None) -> Fit:
        """The same fit: what it was fitted to is a row a study."""
        return self

    def studies(self, level: float = 0.95) -> pd.DataFrame:
        """One row a study: study estimate se ratio low high weight (per cent)."""
        se = np.sqrt(self.variance)
        half = t_critical(np.array(np.inf), level) * se
        frame = pd.DataFrame({"study": self.study, "estimate": self.estimate, "se": se})
        with np.errstate(over="ignore"):
            for name, values in (
                ("ratio", self.estimate),
                ("low", self.estimate - half),
                ("high", self.estimate + half),
            ):
                frame[name] = np.exp(values)
        return frame.assign(weight=self.weights)

    def summary(self, level: float = 0.95) -> str:
        """Text to read: studies, mean effects, and how much true effects differ."""
        found = heterogeneity(self, level)
        table = self.tidy(level).to_string(index=False, float_format=lambda v: f"{v:.4f}")
        lines = [
            f"{self.n} studies, {self.method}; ratio = {self.ratio_name}, {100 * level:g}% limits ({self.test})",
            table,
            f"tau2 {found.tau2:.4f} ({found.tau2_low:.4f} to {found.tau2_high:.4f}), I2 {found.i2:.1f}%, "
            f"Q {found.q:.2f} on {found.df} df, p = {found.p:.3g}",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Heterogeneity:
    """How much true effects differ between studies.

    Attributes
    ----------
    tau2, tau2_se, tau2_low, tau2_high : float
        Variance of true effects, its standard error (REML and ML), and its interval by Q profile.
    i2, h2 : float
        Share of the variance that is between studies, in per cent, and total over sampling variance.
    q : float
    df : int
    p : float
        Cochran's Q (of a meta-regression, the residual one) and its test of tau2 = 0.
    """

    tau2: float
    tau2_se: float
    tau2_low: float
    tau2_high: float
    i2: float
    h2: float
    q: float
    df: int
    p: float


def meta(
    table: pd.DataFrame,
    moderators: str = "1",
    *,
    study: str = "study",
    scale: Scale | None = None,
    method: Estimator = "REML",
    test: MetaTest = "normal",
    ratio: str = "ratio",
    level: float = 0.95,
    cohort: str | None = None,
) -> Meta:
    """Pool estimates of several studies, or regress them on moderators.

    Parameters
    ----------
    table : DataFrame, k rows
        One row a study: `ratio`, `low`, `high`; or `estimate` (a log ratio or a difference) and `se`, or its limits.
    moderators : str
        Right-hand side of a formula: "1" pools; "C(allocation)" compares subgroups (rk.anova tests between them);
        "latitude" or "rcs(latitude, 3)" is a meta-regression.
    study : str
        Column that names studies.
    scale : {"ratio", "log ratio", "difference"}, optional
        Of the table's numbers; by default "ratio" where there is such a column, else "log ratio".
    method : {"REML", "DL", "PM", "ML", "common"}
        Estimator of the variance between studies; "common" says there is none.
    test : {"normal", "knapp-hartung"}
        "knapp-hartung" multiplies the covariance by the mean weighted squared residual and uses t on k - p degrees of
        freedom (Hartung and Knapp's method where nothing but the mean is estimated), as metafor does: the factor may be
        below 1.
    ratio : str
        What the ratio is called: "hazard ratio", "odds ratio".
    level : float
        Confidence level of the table's limits.
    cohort : str, optional
        Column that names the people studied, where it is not the study: rows of the same people are told in `notes`
        (by their years, where the table has `year_from` and `year_to`).

    Returns
    -------
    Meta
        A Fit; `rk.heterogeneity`, `rk.prediction_interval`, `rk.meta_leave_one_out`, `rk.meta_cumulative`,
        `rk.meta_influence`, `rk.egger`, `rk.trim_and_fill` and `rk.funnel_contours` ask more of it. Rows without an
        estimate, standard error or moderator are left out, and counted in `n_missing`.

    Raises
    ------
    SpecError
        If a column is not there or an argument is none of its choices.
    DataError
        If rows cannot be right.
    FitError
        If moderators are constant or combinations of others, or fewer studies remain than columns.

    References
    ----------
    Viechtbauer W (2010) J Stat Softw 36(3); Knapp G, Hartung J (2003) Stat Med 22:2693. R: metafor::rma.
    """
    check_choice("method", method, ESTIMATORS)
    check_choice("test", test, ("normal", "knapp-hartung"))
    check_columns(table, [study, *([cohort] if cohort else [])], "meta")
    found = effects(table, scale=scale, level=level, study=study)
    frame = table.assign(**{OWN[0]: found.estimate, OWN[1]: found.se})
    complete = frame[frame["_estimate"].notna() & frame["_se"].notna()]
    if not len(complete):
        raise DataError("meta: no row has both an estimate and a standard error (or limits).")
    design = build(f"_estimate ~ {moderators}", complete, intercept=True)
    rows = complete.loc[design.index] if design.n_missing else complete
    if design.strata is not None or design.offset is not None or design.cluster is not None:
        raise SpecError(
            f"meta: moderators {moderators!r} are covariates; strata, offset and cluster are not known here."
        )
    notes = [*found.notes, *repeated(rows, study, cohort)]
    if len(rows) == 1:
        notes.append("one study: its own estimate, which says nothing of how studies differ.")
    return fit_studies(
        design,
        np.asarray(rows["_estimate"], dtype=float),
        np.asarray(rows["_se"], dtype=float) ** 2,
        method=method,
        test=test,
        study=tuple(rows[study].astype(str)),
        scale=found.scale,
        ratio=ratio if found.scale != "difference" else "exponentiated difference",
        notes=tuple(notes),
        n_missing=len(table) - len(rows),
        table=rows.drop(columns=list(OWN)),
    )


def fit_studies(
    design: Design,
    y: Array,
    v: Array,
    *,
    method: Estimator,
    test: MetaTest,
    study: tuple[str, ...],
    scale: Scale,
    ratio: str,
    notes: tuple[str, ...] = (),
    n_missing: int = 0,
    table: pd.DataFrame | None = None,
) -> Meta:
    """Fit a meta-analysis to estimates y and variances v, shape (k,), on a design with k rows.

    Raises
    ------
    FitError
        As `meta` does.
    """
    x, (k, p) = design.x, design.x.shape
    if k < p or np.linalg.matrix_rank(x) < p:
        raise FitError(
            f"meta: {k} studies do not determine {p} coefficients ({', '.join(design.recipe.names)}): a moderator is "
            "the same in all of them, or a combination of others. Leave it out, or merge its levels."
        )
    if test == "knapp-hartung" and k == p:
        raise FitError(f"meta: {k} studies and {p} coefficients leave no degree of freedom; write test='normal'.")
    tau2 = between_studies.between(y, v, x, method)
    at = between_studies.weighted(y, v, x, tau2)
    vcov, df = at.cov, float("inf")
    if test == "knapp-hartung":
        vcov, df = at.cov * at.q / (k - p), float(k - p)
    likelihood = method in ("common", "ML", "REML")
    return Meta(
        model="meta",
        recipe=design.recipe,
        coef=at.coef,
        vcov=vcov,
        vcov_model=at.cov,
        loglik=between_studies.log_likelihood(y, v, x, tau2, restricted=method == "REML") if likelihood else np.nan,
        loglik_null=float("nan"),
        n=k,
        events=0,
        person_years=float("nan"),
        n_missing=n_missing,
        iterations=0,
        method=METHODS[method],
        covariance="common-effect" if method == "common" else "random-effects",
        df_resid=df,
        ratio=ratio,
        notes=notes,
        design=design,
        study=study,
        estimate=y,
        variance=v,
        estimator=method,
        test=test,
        tau2=tau2,
        scale=scale,
        table=table,
    )


def heterogeneity(fit: Meta, level: float = 0.95) -> Heterogeneity:
    """Variance between studies with its interval, I2, H2 and Q.

    With `method="common"` I2 and H2 are those of Q, max(0, (Q - df) / Q); else those of tau2 and the typical variance
    within studies.

    Parameters
    ----------
    fit : Meta
    level : float
        Of the intervals.

    Returns
    -------
    Heterogeneity
        tau2, its standard error and Q-profile limits, I2 and H2 with theirs, and Q with its test.

    References
    ----------
    Higgins JPT, Thompson SG (2002) Stat Med 21:1539. R: metafor::rma and confint.
    """
    y, v, x = fit.estimate, fit.variance, fit.x
    df = len(y) - x.shape[1]
    q = between_studies.weighted(y, v, x).q
    if df < 1:
        nan = float("nan")
        return Heterogeneity(nan, nan, nan, nan, nan, nan, q, 0, nan)
    if fit.estimator == "common":
        h2 = q / df
        i2 = max(0.0, 100 * (q - df) / q) if q else 0.0
    else:
        typical = between_studies.typical_variance(v, x)
        i2, h2 = 100 * fit.tau2 / (fit.tau2 + typical), (fit.tau2 + typical) / typical
    low, high = between_studies.q_profile(y, v, x, level)
    error = between_studies.tau2_error(v, x, fit.tau2, fit.estimator)
    return Heterogeneity(fit.tau2, error, low, high, i2, h2, q, df, float(special.chdtrc(df, q)))


def prediction_interval(fit: Meta, level: float = 0.95, *, df: float | None = None) -> pd.DataFrame:
    """Interval for the true effect in a new study, of a meta-analysis without moderators.

    Parameters
    ----------
    fit : Meta
    level : float
    df : float, optional
        Degrees of freedom of t; by default k - 2 (Higgins, Thompson and Spiegelhalter). `float("inf")`, or k - 1 with
        Knapp and Hartung's test, is metafor's default.

    Returns
    -------
    DataFrame, one row
        estimate, se (of a new effect), ratio, low, high.

    Raises
    ------
    SpecError
        If there are moderators, or fewer than three studies where `df` is not given.

    References
    ----------
    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009) JRSS A 172:137. R: metafor::predict.rma.
    """
    if fit.coef.size != 1:
        raise SpecError("prediction_interval: is of a meta-analysis without moderators; pool each subgroup by itself.")
    if df is None:
        if fit.n < 3:
            raise SpecError(
                f"prediction_interval: needs three studies or more; there are {fit.n}. Give df to have one."
            )
        df = fit.n - 2
    estimate, se = float(fit.coef[0]), float(np.sqrt(fit.vcov[0, 0] + fit.tau2))
    half = float(t_critical(np.array(float(df)), level)) * se
    columns = {"estimate": estimate, "se": se, "ratio": np.exp(estimate)}
    return pd.DataFrame([{**columns, "low": np.exp(estimate - half), "high": np.exp(estimate + half)}])
