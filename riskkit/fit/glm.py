"""What logistic and Poisson regression share: their fit, covariance and the checks of what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.errors import FitError, SpecError
from riskkit.fit.few_clusters import count
from riskkit.fit.fit import Constrained, Fit, check_choice
from riskkit.fit.likelihoods import BERNOULLI, POISSON, Evaluation, FirthLikelihood, GlmLikelihood, gram
from riskkit.fit.linearise import covariance_name, degrees_of_freedom, design_notes, linearised
from riskkit.fit.newton import Maximum, maximise
from riskkit.fit.smoothing import Smooth, maximise_smooth, smooths
from riskkit.fit.within import limit_notes, maximise_limit, maximum_within, without_events

Penalty = Literal["firth"] | None
MAX_ITERATIONS = 100
FAR_OFF, ALIKE = (
    1e3,
    1e-13,
)  # means over spreads from which a column is centred, and spreads over means that are rounding


def fit_glm(
    design: Design,
    likelihood: GlmLikelihood,
    model: str,
    refit: Callable[[Design], Fit],
    constrained: Constrained,
    *,
    robust: bool,
    penalty: Penalty,
    max_iterations: int,
    person_years: float = float("nan"),
    ratio: str | None = None,
) -> Fit:
    """Fit a generalised linear model to a design; `likelihood` is of its columns.

    Raises
    ------
    FitError
        If the model cannot be estimated.
    """
    names = design.recipe.names
    splines = smooths(design.recipe, plain=not (robust or penalty))
    everyone = likelihood.family is BERNOULLI
    infinite = None
    if not (penalty or splines):
        infinite = without_events(design, likelihood.y > 0, likelihood.y @ likelihood.x, everyone=everyone)
    likelihood, back = centred(likelihood) if infinite is None else (likelihood, None)
    best, edf = maximise_glm(likelihood, names, penalty, max_iterations, splines, infinite)
    vcov = vcov_model = inverse(best.information)
    residual = likelihood.residual(best.at.mean)
    if design.sample is not None:
        scores = summed(likelihood.x, residual, design.sample.psu, design.sample.stratum.size)
        vcov = linearised(design.sample, scores @ vcov_model)
    elif robust:
        people = design.people if design.weight_kind == "frequency" else None
        vcov = sandwich(likelihood.x, residual, vcov_model, design.cluster, people)
    coef = best.coef
    if back is not None:
        coef, vcov, vcov_model = back @ coef, back @ vcov @ back.T, back @ vcov_model @ back.T
    return Fit(
        model=model,
        recipe=design.recipe,
        coef=coef,
        vcov=vcov,
        vcov_model=vcov_model,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=int(design.people.sum()),
        events=int(design.people @ likelihood.y),
        person_years=person_years,
        n_missing=design.n_missing,
        iterations=best.iterations,
        method="Firth's penalised likelihood" if penalty else "maximum likelihood",
        covariance=covariance_name(design, robust),
        score_chi2=best.score_chi2,
        df_resid=degrees_of_freedom(design),
        edf=edf,
        ratio=ratio,
        notes=(*design_notes(design), *limit_notes(names, infinite)),
        clusters=count(design),
        penalty=penalty,
        infinite=infinite,
        design=design,
        refit=refit,
        constrained=constrained,
    )


def highest_within(
    likelihood: GlmLikelihood, penalty: Penalty, max_iterations: int, start: Array, basis: Array, begin: Array
) -> tuple[float, Array]:
    """Maximise over coefficients start + basis a: `riskkit.fit.within.maximum_within`, with the penalty if any."""
    full = FirthLikelihood(likelihood) if penalty else likelihood
    return maximum_within(full, start, basis, begin, max_iterations)


def centred(likelihood: GlmLikelihood) -> tuple[GlmLikelihood, Array | None]:
    """Take the means out of columns that vary little beside them, such as a calendar day or a large identifier.

    Their squares would drown what they tell in rounding. Returns the likelihood of the centred columns, and the matrix,
    shape (p, p), that takes its coefficients to those of the columns as they are; None where nothing is taken out.
    """
    if not likelihood.intercept:
        return likelihood, None
    mean, spread = likelihood.x[:, 1:].mean(axis=0), likelihood.x[:, 1:].std(axis=0)
    mean[(np.abs(mean) <= FAR_OFF * spread) | (spread <= ALIKE * np.abs(mean))] = 0.0
    if not mean.any():
        return likelihood, None
    back = np.eye(mean.size + 1)
    back[0, 1:] = -mean
    return replace(likelihood, x=np.ascontiguousarray(likelihood.x - np.concatenate([[0.0], mean]))), back


@dataclass(frozen=True, eq=False)
class InterceptAlone:
    """A log-likelihood as a function of the intercept, the other coefficients being zero."""

    full: GlmLikelihood | FirthLikelihood

    @property
    def x(self) -> Array:
        """The column of ones."""
        return self.full.x[:, :1]

    def evaluate(self, coef: Array) -> Evaluation:
        """Compute the log-likelihood and its derivative at an intercept, shape (1,)."""
        at = self.full.evaluate(np.concatenate([coef, np.zeros(self.full.x.shape[1] - 1)]))
        return Evaluation(at.loglik, at.gradient[:1], at.mean)

    def information(self, at: Evaluation, *, far: bool = False) -> Array:
        """Information about the intercept, shape (1, 1)."""
        return self.full.information(at)[:1, :1]

    def first_information(self, at: Evaluation, names: tuple[str, ...]) -> Array:
        """The same: an intercept needs no check."""
        return self.information(at)


def maximise_glm(
    plain: GlmLikelihood,
    names: tuple[str, ...],
    penalty: Penalty,
    max_iterations: int,
    splines: tuple[Smooth, ...] = (),
    infinite: Array | None = None,
) -> tuple[Maximum[Evaluation], Array | None]:
    """Fit the intercept alone (if there is one), then, from there, all coefficients.

    With Firth's penalty the log-likelihoods are penalised ones, both with the penalty of the full design: twice their
    difference is the penalised likelihood-ratio statistic. `infinite` says which coefficients are so
    (`riskkit.fit.within.without_events`). Returns the effective degrees of freedom of models with
    penalised splines besides.

    Raises
    ------
    FitError
        If a column is constant or collinear, a coefficient has no finite estimate, or steps run out.

    References
    ----------
    McCullagh P, Nelder JA (1989) Generalized Linear Models; Firth D (1993) Biometrika 80:27; Heinze G, Schemper M
    (2002) Stat Med 21:2409. R: glm; logistf::logistf.
    """
    full = FirthLikelihood(plain) if penalty else plain
    if not plain.intercept:
        if infinite is not None:
            return maximise_limit(full, names, infinite, max_iterations, np.zeros(len(names))), None
        return maximise_smooth(full, names, splines, max_iterations)
    base = np.ones(len(plain.y)) if plain.weights is None else plain.weights
    closed_form = plain.offset is None or plain.family is POISSON
    exposed = base * np.exp(plain.offset) if plain.offset is not None and closed_form else base
    intercept = np.array([plain.family.link(float(base @ plain.y / exposed.sum()))])
    if penalty or not closed_form:
        intercept = maximise(InterceptAlone(full), names[:1], max_iterations, intercept).coef
    start = np.concatenate([intercept, np.zeros(len(names) - 1)])
    if infinite is not None:
        return maximise_limit(full, names, infinite, max_iterations, start), None
    return maximise_smooth(full, names, splines, max_iterations, start)


def sandwich(
    x: Array, residual: Array, model: Array, cluster: NDArray[np.int64] | None, people: Array | None = None
) -> Array:
    """Robust covariance: the model-based one around the squared gradient terms of rows, or of clusters.

    Parameters
    ----------
    x : array, shape (n, p)
    residual : array, shape (n,)
        A row's term of the gradient is `residual` times `x`.
    model : array, shape (p, p)
        Model-based covariance.
    cluster : int array, shape (n,), or None
    people : array, shape (n,), optional
        How many people, alike and independent, each row stands for.

    References
    ----------
    White H (1980) Econometrica 48:817. R: sandwich::sandwich(fit), sandwich::vcovCL(fit, cluster, type = "HC0",
    cadjust = FALSE).
    """
    if cluster is None:
        meat = gram(x, residual**2 if people is None else residual**2 / people)
    else:
        by_cluster = summed(x, residual, cluster, int(cluster.max()) + 1)
        meat = by_cluster.T @ by_cluster
    return np.asarray(model @ meat @ model)


def summed(x: Array, residual: Array, group: NDArray[np.int64], size: int) -> Array:
    """Sum of `residual` times `x` over the rows of each group, shape (size, p)."""
    members = sparse.csr_array((residual, (group, np.arange(len(x)))), shape=(size, len(x)))
    return np.asarray(members @ x)


def inverse(information: Array) -> Array:
    """Model-based covariance, shape (p, p); zero for coefficients without information, which are infinite.

    Raises
    ------
    FitError
        If the information is singular.
    """
    told = np.diag(information) != 0
    if not told.all():
        out = np.zeros_like(information)
        out[np.ix_(told, told)] = inverse(information[np.ix_(told, told)])
        return out
    scale = np.sqrt(np.diag(information))  # columns in very different units are no reason for lost digits
    try:
        return np.asarray(np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        raise FitError("the information is singular at the estimates; take out a redundant term.") from None


def check_options(design: Design, robust: bool, penalty: object) -> bool:
    """Whether the covariance is robust: asked for, or because there are clusters or a survey design.

    Raises
    ------
    SpecError
        If the penalty is unknown, or stands beside a robust covariance.
    """
    check_choice("penalty", penalty, (None, "firth"))
    check_said(design, robust)
    robust = robust or design.cluster is not None or design.sample is not None or design.weight_kind == "sampling"
    if robust and penalty:
        raise SpecError(FIRTH_ALONE)
    return robust


FIRTH_ALONE = (
    'penalty="firth" has a model-based covariance only; leave out robust, cluster and survey, and sampling weights.'
)


def check_said(design: Design, robust: bool) -> None:
    """Refuse weights that may be counts of people or shares of a sample, where the covariance depends on which.

    Raises
    ------
    SpecError
        If `robust` is asked for, without clusters, with weights that are whole numbers of a kind unsaid.
    """
    weights = design.weights
    if not robust or weights is None or design.weight_kind or design.cluster is not None or design.sample is not None:
        return
    if weights.max() > 1 and (weights == np.round(weights)).all():
        raise SpecError(
            'the weights are whole numbers: say weight_kind="frequency" if a row stands for so many people, or '
            'weight_kind="sampling" if a person does; the robust covariance differs.'
        )


def single_outcome(design: Design, what: str, *, survival: bool = False) -> Array:
    """The outcome column of a model without strata, shape (n,); `survival` allows Surv(...) instead.

    Raises
    ------
    SpecError
        If the outcome is Surv(...) where it may not be, or the formula has strata.
    """
    text = design.recipe.formula.text
    if design.strata is not None:
        raise SpecError(
            f"formula {text!r}: {what} has no strata; write C(column) for an effect of its own, or fit matched sets "
            "with riskkit.clogit."
        )
    if isinstance(design.response, Surv):
        if survival:
            return design.response.event.astype(float)
        raise SpecError(f"formula {text!r}: the outcome of {what} is one column, not Surv(...).")
    return design.response
