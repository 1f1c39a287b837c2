"""The one type every model returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.bases import Array, Summary
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, offset_of
from riskkit.design.recipe import Recipe
from riskkit.errors import SpecError, did_you_mean
from riskkit.fit.hypothesis import Test, t_critical, t_p_value, wald_chi2
from riskkit.fit.profile import Limits, profile_limits
from riskkit.markup import shown

UNITS_PER_YEAR = {"days": 365.25, "months": 12.0, "years": 1.0}
RATIOS = {"cox": "hazard ratio", "logistic": "odds ratio", "poisson": "rate ratio", "clogit": "odds ratio"}


Constrained = Callable[[Array, Array, Array], tuple[float, Array]]


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A fitted model: coefficients, their covariance, and the recipe that codes new values as the fit did.

    Attributes
    ----------
    model : {"cox", "logistic", "poisson", "clogit"}
        Names the ratio that exp(coefficient) is.
    recipe : Recipe
        The design's recipe: formula, knots, levels.
    coef : array, shape (p,)
        Coefficients on the log scale, in the recipe's order.
    vcov, vcov_model : array, shape (p, p)
        Covariance used for inference (robust when asked for), and the model-based one.
    loglik, loglik_null : float
        Maximised log-likelihood, and that of the model without covariates (with the same strata and offset); of a
        survey, weighted pseudo-likelihoods, which give no tests and no AIC (NaN).
    n, events, n_missing : int
        Rows used, events among them, rows left out for a missing value.
    person_years : float
        Time at risk in years; NaN where the model has no time.
    iterations : int
        Newton steps taken.
    method : str
        Variant of the estimator in words, for instance "Efron ties".
    covariance : {"model-based", "robust", "cluster-robust", "design-based", "case-cohort"}
        What `vcov` is.
    score_chi2 : float
        Rao's score statistic for all coefficients being zero.
    df_resid : float
        Degrees of freedom of the t distribution that intervals use; infinite means normal. Of a survey, PSUs less
        strata. Of a pooled fit, whose linear combinations each have their own (`t_df`), the fewest of any coefficient.
    ties : {"efron", "breslow"} or None
        How a Cox model treats tied events; None for other models.
    edf : array, shape (p,), or None
        Effective degrees of freedom of a model with penalised splines, spread evenly over the coefficients of each.
    ratio : str or None
        What exp(coefficient) is called where the model's name does not say ("risk ratio" of a modified Poisson model).
    notes : tuple of str
        What a reader should know about this fit, in sentences.
    design : Design or None
        The arrays fitted to; None after `light()`.
    penalty : {"firth"} or None
    infinite : array, shape (p,), or None
        -1 where a coefficient is minus infinity (a level of a covariate without events), 1 where infinity, 0 elsewhere;
        `coef` then has -1000 or 1000, the exponential of which is zero to the last bit or has no end, and `vcov` zero.
    clusters : int or None
        Clusters behind a cluster-robust covariance.
    refit : function of a Design, or None
        Fits another design the same way (likelihood-ratio tests, bootstraps); None after `light()`.
    constrained : function of start, basis and begin, or None
        Highest log-likelihood over coefficients start + basis a, and where, from a = begin; None after `light()`.
    """

    model: str
    recipe: Recipe
    coef: Array
    vcov: Array
    vcov_model: Array
    loglik: float
    loglik_null: float
    n: int
    events: int
    person_years: float
    n_missing: int
    iterations: int
    method: str
    covariance: str = "model-based"
    score_chi2: float = float("nan")
    df_resid: float = float("inf")
    ties: str | None = None
    edf: Array | None = None
    ratio: str | None = None
    notes: tuple[str, ...] = ()
    penalty: str | None = None
    infinite: Array | None = None
    clusters: int | None = None
    design: Design | None = field(default=None, repr=False)
    refit: Callable[[Design], Fit] | None = field(default=None, repr=False)
    constrained: Constrained | None = field(default=None, repr=False)
    _summaries: Mapping[str, Summary] = field(default_factory=dict, repr=False)

    @property
    def ratio_name(self) -> str:
        """What exp(coefficient) is called: "hazard ratio", "odds ratio", "rate ratio" or "risk ratio"."""
        return self.ratio or RATIOS[self.model]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.model}, {self.recipe.formula.text}: {self._counts}>"

    def _repr_html_(self) -> str:
        """The fit in a notebook: `tidy` with its formula, counts and notes, every text escaped."""
        about = f"{self.model} model, {self.method}, {self.covariance} covariance; ratio = {self.ratio_name}, 95% CI"
        return shown(self.recipe.formula.text, (about, self._counts), self.tidy(), self.notes)

    @property
    def _counts(self) -> str:
        rows = f"{self.n:,} rows"
        missing = f"; {self.n_missing:,} rows left out for missing values" if self.n_missing else ""
        return rows + (f", {self.events:,} events" if self.events else "") + missing

    @cached_property
    def params(self) -> pd.Series:
        """Coefficients by term, on the log scale."""
        return pd.Series(self._at_limit(self.coef), index=list(self.recipe.names), name="estimate")

    @cached_property
    def cov(self) -> pd.DataFrame:
        """Covariance of the coefficients; robust when a robust or cluster covariance was asked for."""
        return self._labelled(self.vcov)

    @cached_property
    def cov_model(self) -> pd.DataFrame:
        """Model-based covariance: the inverse of the observed information."""
        return self._labelled(self.vcov_model)

    def beyond(self, rows: Array) -> Array:
        """Where linear combinations of the coefficients, shape (m, p), are infinite: the sign, or zero; shape (m,)."""
        return np.zeros(len(rows)) if self.infinite is None else np.sign(rows @ self.infinite)

    def _at_limit(self, coef: Array) -> Array:
        return coef if self.infinite is None else np.where(self.infinite != 0, np.copysign(np.inf, self.infinite), coef)

    def _labelled(self, matrix: Array) -> pd.DataFrame:
        names = list(self.recipe.names)
        return pd.DataFrame(matrix, index=names, columns=names)

    @property
    def se(self) -> Array:
        """Standard errors, shape (p,)."""
        return np.sqrt(np.diag(self.vcov))

    @property
    def summaries(self) -> Mapping[str, Summary]:
        """Percentiles or levels of each variable over the rows used."""
        return self.design.summaries if self.design is not None else self._summaries

    @property
    def lr_test(self) -> Test:
        """Likelihood-ratio test of all coefficients (not valid when the covariance is robust; NaN for a survey)."""
        return Test(float("nan") if self._pseudo else 2 * (self.loglik - self.loglik_null), self.df(self._tested))

    @property
    def wald_test(self) -> Test:
        """Wald test of all coefficients but the intercept, with the covariance in `vcov`."""
        return self.wald(np.eye(self.coef.size)[self._tested])

    @property
    def score_test(self) -> Test:
        """Rao's score test of all coefficients; for a Cox model with one factor, the log-rank test; NaN for surveys."""
        return Test(float("nan") if self._pseudo else self.score_chi2, self.df(self._tested))

    @property
    def _pseudo(self) -> bool:
        return self.covariance in ("design-based", "case-cohort")

    @property
    def _tested(self) -> np.ndarray:
        return np.arange(int(self.recipe.intercept), self.coef.size)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, -2 log-likelihood + 2 (effective) degrees of freedom.

        NaN for a survey, and under Firth's penalty, which depends on the columns and their units.
        """
        return (
            float("nan") if self._pseudo or self.penalty else 2 * self.df(np.arange(self.coef.size)) - 2 * self.loglik
        )

    def df(self, columns: np.ndarray) -> float:
        """Degrees of freedom of some coefficients (indices or boolean): their number, fewer where penalised."""
        return self.coef[columns].size if self.edf is None else float(self.edf[columns].sum())

    def wald(self, rows: Array, df: float | None = None) -> Test:
        """Wald test of q linear combinations of the coefficients, shape (q, p), all being zero.

        `df` is q unless given: penalised estimates have fewer. The statistic is NaN where q is more than the residual
        degrees of freedom: a covariance between so few sampling units is singular. Infinite coefficients have no Wald
        test, and are left out of joint ones.

        Raises
        ------
        FitError
            If their covariance is singular.
        """
        if self.infinite is not None:
            finite = ~rows[:, self.infinite != 0].any(axis=1)
            df = None if df is None else df - float((~finite).sum())
            if len(rows) and not finite.any():
                return Test(float("nan"), len(rows), self.df_resid, "every coefficient is infinite.")
            rows = rows[finite]
        most = self.df_resid if self.clusters is None else min(self.df_resid, self.clusters - 1)
        if len(rows) > most:
            units = "sampling units" if self.clusters is None else f"{self.clusters} clusters"
            return Test(float("nan"), len(rows), self.df_resid, f"{units} allow no joint test of {len(rows)}.")
        chi2 = wald_chi2(rows @ self.coef, rows @ self.vcov @ rows.T) if len(rows) else 0.0
        return Test(chi2, len(rows) if df is None else df, self.df_resid)

    def t_df(self, rows: Array) -> Array:
        """Degrees of freedom of the t distributions of m linear combinations, shape (m, p); infinite means normal."""
        return np.full(len(rows), self.df_resid)

    def critical(self, level: float = 0.95) -> float:
        """Two-sided critical value of the intervals at a confidence level, with `df_resid` degrees of freedom.

        Raises
        ------
        SpecError
            If `level` is not between 0 and 1.
        """
        return float(t_critical(np.array(self.df_resid), level))

    def p_value(self, z: Array) -> Array:
        """Two-sided p values of estimates divided by their standard errors, with `df_resid` degrees of freedom."""
        return t_p_value(z, np.array(self.df_resid))

    @property
    def scales(self) -> dict[str, str]:
        """The scale of each column of estimates: that of the coefficients, or that of the ratio."""
        linear = self.model == "linear"
        own = dict.fromkeys(("estimate", "se"), "difference" if linear else f"log {self.ratio_name}")
        own |= dict.fromkeys(("difference_low", "difference_high"), "difference") if linear else {}
        return own | dict.fromkeys(("ratio", "low", "high"), self.ratio_name)

    def confint(self, level: float = 0.95, limits: Limits = "wald") -> pd.DataFrame:
        """Confidence limits on the scale of the coefficients: term estimate low high.

        With `limits="profile"`, those of the (penalised) profile likelihood, which need not be symmetric: the ones to
        report with Firth's penalty or few events (`riskkit.fit.profile`).

        Raises
        ------
        SpecError
            If `limits` is unknown, or "profile" and the fit has no likelihood of its own or has let go of its data.
        """
        return self._coefficients(level, limits)[["term", "estimate", "low", "high"]]

    def tidy(self, level: float = 0.95, limits: Limits = "wald") -> pd.DataFrame:
        """One row per coefficient: term estimate se ratio low high p.

        `estimate` and `se` are on the scale of the coefficients; `ratio`, `low` and `high` are exponentiated; the
        frame's `attrs["scale"]` says so. Of a linear model, `difference_low` and `difference_high` besides are the
        limits of the difference. With `limits="profile"` the limits and the p value are those of likelihood-ratio tests
        (`confint`).
        """
        return exponentiated(self, self._coefficients(level, limits))

    def _coefficients(self, level: float, limits: Limits) -> pd.DataFrame:
        check_choice("limits", limits, ("wald", "profile"))
        df = self.t_df(np.eye(self.coef.size))
        coef = self._at_limit(self.coef)
        se = self.se if self.infinite is None else np.where(self.infinite != 0, np.nan, self.se)
        if limits == "profile":
            low, high, p = profile_limits(self, level)
        else:
            half = t_critical(df, level) * se
            low, high, p = coef - half, coef + half, t_p_value(coef / se, df)
        return pd.DataFrame({"term": self.recipe.names, "estimate": coef, "se": se, "low": low, "high": high, "p": p})

    def glance(self) -> pd.DataFrame:
        """One row about the whole model: people, events, person-years, missing, likelihoods, AIC and tests."""
        return pd.DataFrame(
            [
                {
                    "model": self.model,
                    "n": self.n,
                    "events": self.events,
                    "person_years": self.person_years,
                    "n_missing": self.n_missing,
                    "loglik": self.loglik,
                    "loglik_null": self.loglik_null,
                    "aic": self.aic,
                    "df": self.lr_test.df,
                    **{
                        f"{name}_{value}": getattr(test, value)
                        for name, test in (("lr", self.lr_test), ("wald", self.wald_test), ("score", self.score_test))
                        for value in ("chi2", "p")
                    },
                    "iterations": self.iterations,
                    "covariance": self.covariance,
                    "method": self.method,
                }
            ]
        )

    def summary(self, level: float = 0.95) -> str:
        """Text to read: the formula, people and events, one line per coefficient, tests of the whole model."""
        years = "" if np.isnan(self.person_years) else f", {self.person_years:,.0f} person-years"
        table = self.tidy(level)
        shown = table.assign(p=[f"{p:.3g}" for p in table["p"]]).to_string(
            index=False, float_format=lambda v: f"{v:.4f}"
        )
        named = {"Wald": self.wald_test}
        if self.covariance == "model-based":
            named = {"Likelihood ratio": self.lr_test} | named | {"Score": self.score_test}
        tests = "   ".join(f"{name} {t.text}" for name, t in named.items() if t.reason or not np.isnan(t.chi2))
        if self.covariance not in ("model-based", "design-based"):
            tests += f"   (likelihood-ratio and score tests do not hold with a {self.covariance} covariance)"
        loglik = f"\nlog-likelihood {self.loglik:.4f} (null {self.loglik_null:.4f}), AIC {self.aic:.2f}"
        if self.penalty:
            loglik = f"\npenalised log-likelihood {self.loglik:.4f} (null {self.loglik_null:.4f})"
        return (
            f"{self.recipe.formula.text}\n"
            f"{self.model} model, {self.method}, {self.covariance} covariance; ratio = {self.ratio_name}, "
            f"{100 * level:g}% confidence limits\n"
            f"{self.n:,} rows, {self.events:,} events{years}; {self.n_missing:,} rows left out for missing values\n\n"
            f"{shown}\n\n{tests}"
            + ("" if self._pseudo or np.isnan(self.loglik) else loglik)
            + "".join(f"\nnote: {note}" for note in self.notes)
        )

    def predict(
        self,
        newdata: pd.DataFrame,
        kind: str = "lp",
        *,
        at: ArrayLike | None = None,
        start: float | None = None,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """What the model says of new people.

        Parameters
        ----------
        newdata : DataFrame, shape (m, ...)
        kind : str
            - "lp": linear predictor x'b + offset and its standard error, relative to all columns being zero; R's
              predict(fit, newdata, type = "lp", reference = "zero", se.fit = TRUE), but for the mean of the offset,
              which R takes off the predictions of a Cox model.
            - "ratio": hazard (odds, rate) relative to someone with every number at its median and every factor at its
              reference level.
            - Of Cox models "survival", "risk", "cumhazard" at times `at`, of someone alive at `start`, with the
              baseline's uncertainty and log-log limits; R's survfit(fit, newdata, conf.type = "log-log").
            - Of logistic models "probability". Of Poisson models "rate" per unit of person-time, "count" of events
              during `at` units of it, "risk" where the ratios are risk ratios.
        at : array, shape (T,), or float
            Times on the time scale of the fit; for "count" the person-time.
        start : float, optional
            Time from which the risk is counted; by default 0, or the first entry where people enter late.
        level : float
            Confidence level.

        Returns
        -------
        DataFrame
            "lp": estimate se. Kinds without time: a row per row of `newdata`, with its label: estimate se low high
            ("ratio": estimate se ratio low high). With time a row per person and time: row start time estimate se low
            high.

        Raises
        ------
        SpecError
            If a variable of the model, or its offset, is not in `newdata`, or the model has no such kind.
        DataError
            If a factor has a level the fit has not seen, or nobody is at risk in some of the time.
        FitError
            If the fit has let go of the data that a baseline hazard needs, or is penalised.
        """
        if kind != "lp":
            from riskkit.fit.predict import predicted  # which needs this module

            return predicted(self, newdata, kind, at, start, level)
        if at is not None or start is not None:
            raise SpecError("a linear predictor has no time; leave out at and start, or ask for a kind that has.")
        formula = self.recipe.formula
        needed = list(dict.fromkeys([*self.recipe.inputs, *([formula.offset] if formula.offset else [])]))
        check_columns(newdata, needed, "newdata")
        complete = newdata[needed].notna().all(axis=1).to_numpy()
        out = pd.DataFrame({"estimate": np.nan, "se": np.nan}, index=newdata.index)
        x = self.recipe.matrix(newdata[complete])
        offset = offset_of(formula, newdata[complete])
        out.loc[complete, "estimate"] = x @ self.coef + (0.0 if offset is None else offset)
        out.loc[complete, "se"] = np.sqrt(np.einsum("ij,jk,ik->i", x, self.vcov, x))
        sign = np.zeros(len(newdata))
        sign[complete] = self.beyond(x)
        if sign.any():
            out.loc[sign != 0, "estimate"], out.loc[sign != 0, "se"] = np.copysign(np.inf, sign[sign != 0]), np.nan
        return out

    def with_covariance(self, kind: str, by: Any = None) -> Fit:
        """The same model with another covariance.

        Parameters
        ----------
        kind : {"model", "robust", "cluster", "cr2"}
            Model-based; robust, every row by itself; robust for clusters; or the bias-reduced CR2 for few clusters,
            with Satterthwaite's degrees of freedom for each question (linear, logistic, Poisson).
        by : str, or array of one value for each row of the data
            The clusters, as in `fit.with_covariance("cluster", by="centre")`: a column of the data fitted to.

        Raises
        ------
        SpecError
            If the fit is light, pooled or of a survey, or an argument makes no sense for its model.
        DataError
            If a row has no cluster, or the data were changed since.
        FitError
            If there is one cluster.

        References
        ----------
        Bell RM, McCaffrey DF (2002) Surv Methodol 28:169. R: clubSandwich::vcovCR(fit, cluster, type = "CR2").
        """
        from riskkit.fit.covariances import with_covariance

        return with_covariance(self, kind, by)

    def light(self, summaries: Mapping[str, Summary] | None = None) -> Fit:
        """The same fit without its design: inference still works, diagnostics need the data again.

        `summaries` are those of the variables, for callers that have them already from the same rows.
        """
        kept = self.summaries if summaries is None else summaries
        return replace(self, design=None, refit=None, constrained=None, _summaries=dict(kept))


def exponentiated(fit: Fit, table: pd.DataFrame) -> pd.DataFrame:
    """Estimates with `low` and `high` on the scale of the coefficients, these made ratios, and `ratio` after `se`.

    Of a linear model the limits of the difference stay, as `difference_low` and `difference_high`.
    """
    low, high = table["low"], table["high"]
    with np.errstate(over="ignore"):  # the ratio of a log ratio beyond 700 is infinite, and may be printed so
        out = table.assign(low=np.exp(low), high=np.exp(high))
        out.insert(list(table.columns).index("se") + 1, "ratio", np.exp(table["estimate"]))
    if fit.model == "linear":
        out = out.assign(difference_low=low, difference_high=high)
    out.attrs["scale"] = fit.scales
    return out


def check_choice(name: str, value: object, choices: tuple[str | None, ...]) -> None:
    """Refuse an argument that is not one of its choices.

    Raises
    ------
    SpecError
        Naming the argument, its value and the choices.
    """
    if value not in choices:
        known = [str(choice) for choice in choices]
        raise SpecError(f"{name}={value!r} is not one of {', '.join(known)}.{did_you_mean(str(value), known)}")
