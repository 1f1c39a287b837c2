"""Cox's model of rows in partitions."""

from __future__ import annotations

import numpy as np

from riskkit import formula as language
from riskkit.design.columns import check_names
from riskkit.design.design import offset_of
from riskkit.errors import FitError, SpecError, did_you_mean
from riskkit.fit.fit import UNITS_PER_YEAR, Fit, check_choice
from riskkit.fit.newton import maximise
from riskkit.fit.partial import unusual
from riskkit.fit.smoothing import smooths
from riskkit.fit.stream.learn import Wanted, learn
from riskkit.fit.stream.likelihood import StreamedLikelihood
from riskkit.fit.stream.robust import robust_covariance
from riskkit.fit.stream.rows import coder
from riskkit.fit.stream.source import Source
from riskkit.fit.stream.summaries import Summaries


def cox_stream(
    formula: str,
    source: Source,
    *,
    ties: str = "efron",
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool = False,
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit Cox's model to partitions: what `riskkit.cox` does with a source instead of a frame.

    The fit keeps no rows: it answers what needs coefficients, their covariance and the variables' percentiles, which
    are read when first asked for.

    Raises
    ------
    SpecError, DataError, FitError
        As `riskkit.cox` does.
    """
    check_choice("ties", ties, ("efron", "breslow"))
    check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    check_names(weights=weights, cluster=cluster)
    weights, cluster = (name and language.unquoted(name) for name in (weights, cluster))
    spec = language.parse(formula)
    if not spec.survival:
        raise SpecError(
            f"formula {spec.text!r}: a Cox model's outcome is Surv(time, event) or Surv(entry, exit, event)."
        )
    if cluster and spec.cluster and cluster != spec.cluster:
        raise SpecError(
            f"cluster is both '{spec.cluster}' in the formula and '{cluster}' as an argument; give it once."
        )
    cluster = cluster or spec.cluster
    wanted = Wanted(spec, weights, cluster, source.categories)
    for name in wanted.columns:
        if name not in source.columns:
            known = did_you_mean(name, source.columns)
            raise SpecError(f"formula {spec.text!r}: no column '{name}' in the data.{known}")
    seen, recipe, notes = learn(source, wanted)
    if smooths(recipe, plain=True):
        raise SpecError("penalised splines (ps) are not for rows in partitions; use rcs or ns.")
    if not seen.events:
        raise FitError(f"there are no events among the {seen.used} rows used; nothing can be estimated.")
    coded, events = coder(wanted, seen, recipe)
    seen.events.clear()
    likelihood = StreamedLikelihood(
        source,
        coded,
        recipe.matrix(events) - coded.centre,
        np.ones(len(events)) if weights is None else events[weights].to_numpy(dtype=float),
        offset_of(spec, events),
        ties == "efron",
        seen.used,
    )
    best = maximise(likelihood, recipe.names, max_iterations)
    model_based = covariance = np.asarray(np.linalg.inv(best.information))
    robust = robust or cluster is not None
    if robust:
        covariance = robust_covariance(likelihood, best.at, model_based, cluster)
    return Fit(
        model="cox",
        recipe=recipe,
        coef=best.coef,
        vcov=covariance,
        vcov_model=model_based,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=seen.used,
        events=len(events),
        person_years=seen.person_time / UNITS_PER_YEAR[time_unit],
        n_missing=seen.left_out,
        iterations=best.iterations,
        method=f"{ties.capitalize()} ties",
        covariance="cluster-robust" if cluster else "robust" if robust else "model-based",
        score_chi2=best.score_chi2,
        ties=ties,
        notes=(*notes, *unusual(coded.sets, best.at)),
        _summaries=Summaries(source, wanted, recipe),
    )
