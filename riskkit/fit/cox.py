"""Cox's proportional hazards model."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design, build, events_apart
from riskkit.design.sampling import CaseCohort, NestedCaseControl
from riskkit.design.survey import SurveyDesign
from riskkit.design.weights import WeightKind
from riskkit.errors import SpecError
from riskkit.fit.case_cohort import case_cohort
from riskkit.fit.changing import changes, cox_changing
from riskkit.fit.few_clusters import count
from riskkit.fit.firth import maximise_penalised
from riskkit.fit.fit import UNITS_PER_YEAR, Fit, check_choice
from riskkit.fit.glm import FIRTH_ALONE, check_said, inverse
from riskkit.fit.linearise import covariance_name, degrees_of_freedom, design_notes, linearised
from riskkit.fit.nested import nested_case_control
from riskkit.fit.partial import PartialLikelihood, partial_likelihood, unusual
from riskkit.fit.residuals import robust_covariance, summed_scores
from riskkit.fit.riskset import parts
from riskkit.fit.smoothing import maximise_smooth, smooths
from riskkit.fit.stream.cox import cox_stream
from riskkit.fit.stream.source import source_of
from riskkit.fit.within import limit_notes, maximise_limit, maximum_within, without_events
from riskkit.formula import parse

TIES = ("efron", "breslow")


def cox(
    formula: str,
    data: Any,
    *,
    ties: str = "efron",
    weights: str | None = None,
    weight_kind: WeightKind = None,
    cluster: str | None = None,
    robust: bool = False,
    survey: SurveyDesign | None = None,
    sampling: CaseCohort | NestedCaseControl | None = None,
    penalty: str | None = None,
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit Cox's proportional hazards model.

    Parameters
    ----------
    formula : str
        `Surv(time, event) ~ terms` or `Surv(entry, exit, event) ~ terms`; at risk means entry < t <= exit. With
        `strata(...)` each stratum has its own baseline hazard.
    data : DataFrame, or a source of more rows than memory holds
        One row per person, or per period of a person's follow-up. A source is a path or list of paths of Parquet, a
        pyarrow Dataset, a DuckDB relation or a dask DataFrame.
    ties : {"efron", "breslow"}
    weights : str, optional
        Column of case weights; zero is nobody. Those of a survey go into `survey`.
    weight_kind : {"frequency", "sampling"}, optional
        What the weights are: "frequency", a row stands for so many people, whom `n`, `events`, person-years, ties,
        robust errors and groups count; "sampling", a person stands for so many of a population, and the covariance is
        robust. Unsaid, a row is one person, and the model-based covariance that of so many.
    cluster : str, optional
        Column of cluster identifiers (a person, when follow-up is split): the covariance is then cluster-robust.
    robust : bool
        Lin and Wei's covariance, robust against a wrong model; every row is its own cluster.
    survey : SurveyDesign, optional
        How the people of a survey were drawn: estimates are then of its population, with a design-based covariance.
    sampling : CaseCohort or NestedCaseControl, optional
        How the rows were drawn from a cohort, where covariates are known for some of it only.
    penalty : {None, "firth"}
        Firth's penalised likelihood, which has finite estimates under separation; the log-likelihoods of the fit are
        then penalised ones.
    time_unit : {"days", "months", "years"}
        Unit of the time scale; only person-years depend on it.
    max_iterations : int
        Newton steps allowed.

    Returns
    -------
    Fit
        Coefficients are log hazard ratios, per unit of their columns.

    Raises
    ------
    SpecError
        If the formula or an argument cannot be understood.
    DataError
        If a column cannot be what the formula makes of it.
    FitError
        If the model cannot be estimated: no events, a constant column, collinear columns, separation.

    References
    ----------
    Cox DR (1972) JRSS B 34:187; Efron B (1977) JASA 72:557; Lin DY, Wei LJ (1989) JASA 84:1074.
    R: survival::coxph(formula, data, ties, weights, cluster, robust).
    """
    source = None if isinstance(data, pd.DataFrame) else source_of(data)
    if source is not None:
        if survey is not None or sampling is not None or penalty is not None or weight_kind is not None:
            raise SpecError(
                "rows in partitions take no survey, sampling or penalty, and no kind of weights; leave it out, or read "
                "them in a frame."
            )
        return cox_stream(
            formula, source, ties=ties, weights=weights, cluster=cluster, robust=robust, time_unit=time_unit,
            max_iterations=max_iterations,
        )  # fmt: skip
    if sampling is not None:
        check_choice("ties", ties, TIES)
        check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
        check_choice("penalty", penalty, (None, "firth"))
        if weights or weight_kind or cluster or survey is not None:
            raise SpecError("a sample of a cohort has weights of its own; leave out weights, cluster and survey.")
        if isinstance(sampling, CaseCohort):
            if penalty:
                raise SpecError('penalty="firth" is not for a case-cohort sample, which has a pseudo-likelihood.')
            return case_cohort(
                formula, data, sampling, ties=ties, robust=robust, time_unit=time_unit, max_iterations=max_iterations
            )
        if robust:
            raise SpecError("sampled risk sets have a model-based covariance; leave out robust.")
        return nested_case_control(formula, data, sampling, penalty=penalty, max_iterations=max_iterations)
    if changes(parse(formula)):
        if cluster or robust or survey is not None or penalty or weight_kind:
            raise SpecError("a model with tv(...) has a model-based covariance only; leave out what asks for another.")
        check_choice("ties", ties, TIES)
        check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
        return cox_changing(
            parse(formula), data, ties=ties, weights=weights, time_unit=time_unit, max_iterations=max_iterations
        )
    design = build(formula, data, weights=weights, weight_kind=weight_kind, cluster=cluster, survey=survey)
    return fit_design(
        design, ties=ties, robust=robust, penalty=penalty, time_unit=time_unit, max_iterations=max_iterations
    )


def fit_design(
    design: Design,
    *,
    ties: str = "efron",
    robust: bool = False,
    penalty: str | None = None,
    time_unit: str = "years",
    max_iterations: int = 30,
    threads: int | None = None,
) -> Fit:
    """Fit Cox's model to a design; the same as `cox`, for callers that build designs once and fit many times.

    `threads` says how many to use, None for one per processor; the results are the same, bit for bit.

    Raises
    ------
    SpecError, FitError
        As `cox` does.
    """
    check_choice("ties", ties, TIES)
    check_choice("penalty", penalty, (None, "firth"))
    check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    check_said(design, robust)
    robust = robust or design.cluster is not None or design.sample is not None or design.weight_kind == "sampling"
    if robust and penalty:
        raise SpecError(FIRTH_ALONE)
    design = events_apart(design)
    splines = smooths(design.recipe, plain=not (robust or penalty))
    with _threads(len(design.x), threads) as pool:
        likelihood = partial_likelihood(design, ties, pool)
        names, edf = design.recipe.names, None
        infinite = (
            None if penalty or splines else without_events(design, likelihood.surv.event, event_totals(likelihood))
        )
        if penalty:
            best = maximise_penalised(likelihood, names, max_iterations)
        elif infinite is not None:
            best = maximise_limit(likelihood, names, infinite, max_iterations, np.zeros(len(names)))
        else:
            best, edf = maximise_smooth(likelihood, names, splines, max_iterations)
    model_based = np.asarray(np.linalg.inv(best.information)) if infinite is None else inverse(best.information)
    covariance = model_based
    if design.sample is not None:
        scores = summed_scores(likelihood, best.at, design.sample.psu, design.sample.stratum.size)
        covariance = linearised(design.sample, scores @ model_based)
    elif robust:
        covariance = robust_covariance(likelihood, best.at, model_based, design.cluster, design.people)
    surv = likelihood.surv
    return Fit(
        model="cox",
        recipe=design.recipe,
        coef=best.coef,
        vcov=covariance,
        vcov_model=model_based,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=int(design.people.sum()),
        events=int(design.people[surv.event].sum()),
        person_years=float(design.people @ surv.person_time) / UNITS_PER_YEAR[time_unit],
        n_missing=design.n_missing,
        iterations=best.iterations,
        method=("Firth's penalised likelihood, " if penalty else "") + f"{ties.capitalize()} ties",
        covariance=covariance_name(design, robust),
        score_chi2=best.score_chi2,
        df_resid=degrees_of_freedom(design),
        ties=ties,
        edf=edf,
        notes=(*design_notes(design), *limit_notes(names, infinite), *unusual(likelihood.sets, best.at)),
        clusters=count(design),
        penalty=penalty,
        infinite=infinite,
        design=design,
        constrained=partial(highest_within, design, ties, penalty, max_iterations),
        refit=partial(
            fit_design, ties=ties, robust=robust, penalty=penalty, time_unit=time_unit, max_iterations=max_iterations
        ),
    )


def event_totals(likelihood: PartialLikelihood) -> Array:
    """Weighted sum of the design's columns over the events, shape (p,)."""
    return likelihood.event_total + likelihood.centre * likelihood.event_weights.sum()


def highest_within(
    design: Design, ties: str, penalty: str | None, max_iterations: int, start: Array, basis: Array, begin: Array
) -> tuple[float, Array]:
    """Maximise over coefficients start + basis a: `riskkit.fit.within.maximum_within`, with the penalty if any."""
    likelihood = partial_likelihood(design, ties)
    if penalty:
        best = maximise_penalised(likelihood, design.recipe.names, max_iterations, start, basis, begin)
        return best.loglik, best.coef
    return maximum_within(likelihood, start, basis, begin, max_iterations)


def _threads(n: int, threads: int | None) -> AbstractContextManager[ThreadPoolExecutor | None]:
    """Threads for large data; for small data starting them would cost more than the fit."""
    wanted = threads or os.cpu_count() or 1
    return ThreadPoolExecutor(wanted) if wanted > 1 and len(parts(n)) > 1 else nullcontext()
