"""Cox models of case-cohort samples."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design, build
from riskkit.design.sampling import CaseCohort, Subcohort, subcohort, survival_formula
from riskkit.design.surv import Surv
from riskkit.errors import FitError, SpecError
from riskkit.fit.fit import UNITS_PER_YEAR, Fit
from riskkit.fit.kernel import Ints
from riskkit.fit.newton import maximise
from riskkit.fit.partial import Evaluation, PartialLikelihood, partial_likelihood
from riskkit.fit.residuals import score
from riskkit.fit.smoothing import smooths

OUTSIDE = -100.0  # log weight of a case in risk sets it is no part of: nothing, and no infinity
NAMES = {
    "prentice": "Prentice's pseudo-likelihood",
    "self-prentice": "Self and Prentice's pseudo-likelihood",
    "lin-ying": "Lin and Ying's pseudo-likelihood",
    "borgan-1": "Borgan's first stratified pseudo-likelihood",
    "borgan-2": "Borgan's second stratified pseudo-likelihood",
}


def case_cohort(
    formula: str,
    data: pd.DataFrame,
    sampling: CaseCohort,
    *,
    ties: str = "efron",
    robust: bool = False,
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit Cox's model to a case-cohort sample; `riskkit.cox(..., sampling=CaseCohort(...))` calls this.

    Returns
    -------
    Fit
        `n` and `person_years` are of the sample. `vcov_model` is the inverse information, `vcov` adds what sampling the
        subcohort adds. Likelihoods are pseudo-likelihoods: no tests and no AIC.

    Raises
    ------
    SpecError, DataError, FitError
        As `riskkit.cox`, and for a sample that is none.
    """
    parsed = survival_formula(formula)
    if robust and sampling.method != "lin-ying":
        raise SpecError(
            f'the covariance of method="{sampling.method}" knows of the sampling already; leave out robust '
            "(Lin and Ying's method alone has a further, model-robust one)."
        )
    rows, drawn = subcohort(sampling, data, parsed.response[-1])
    sample = data[rows].reset_index(drop=True)
    design = build(parsed, sample)
    if design.cluster is not None:
        raise SpecError("a case-cohort sample has one row a person here; leave out cluster.")
    smooths(design.recipe, plain=False)
    used = design.index.to_numpy()
    drawn = replace(drawn, inside=drawn.inside[used], stratum=drawn.stratum[used])
    design = replace(design, index=data.index[rows][used], n_missing=len(sample) - len(used), sampling="case-cohort")
    surv = _followed(design)
    if not surv.event.any():
        raise FitError(f"there are no events among the {len(used)} rows used; nothing can be estimated.")
    maximised = partial(_maximise, ties=ties, max_iterations=max_iterations)
    match sampling.method:
        case "prentice":
            coef, loglik, steps = _prentice(design, drawn, ties, max_iterations)
            _, model, extra, _ = _self_prentice(design, drawn, maximised)
        case "self-prentice":
            (coef, loglik, steps), model, extra, _ = _self_prentice(design, drawn, maximised)
        case "borgan-1":
            (coef, loglik, steps), model, extra = _borgan_1(design, drawn, maximised)
        case method:
            (coef, loglik, steps), model, extra = _all_cases(design, drawn, maximised, method, robust)
    return Fit(
        model="cox",
        recipe=design.recipe,
        coef=coef,
        vcov=model + extra if not robust else extra,
        vcov_model=model,
        loglik=loglik[1],
        loglik_null=loglik[0],
        n=len(design.x),
        events=int(surv.event.sum()),
        person_years=float(surv.person_time.sum()) / UNITS_PER_YEAR[time_unit],
        n_missing=design.n_missing,
        iterations=steps,
        method=f"{NAMES[sampling.method]}, {ties.capitalize()} ties",
        covariance="case-cohort",
        ties=ties,
        notes=(
            f"case-cohort sample of {drawn.cohort.sum():,} people: a subcohort of {drawn.inside.sum():,}, of whom "
            f"{(drawn.inside & surv.event).sum():,} are cases, and {(~drawn.inside).sum():,} cases besides.",
            *design.notes,
        ),
        design=design,
    )


def _followed(design: Design) -> Surv:
    assert isinstance(design.response, Surv)  # survival_formula has refused others
    return design.response


Solution = tuple[Array, tuple[float, float], int]  # coefficients; log-likelihood without and with them; steps
Maximised = tuple[Solution, PartialLikelihood, Evaluation, Array]


def _maximise(design: Design, *, ties: str, max_iterations: int) -> Maximised:
    """Maximise a partial likelihood; also what residuals need, and the inverse information."""
    likelihood = partial_likelihood(design, ties)
    best = maximise(likelihood, design.recipe.names, max_iterations)
    inverse = np.asarray(np.linalg.inv(best.information))
    return (best.coef, (best.loglik_null, best.loglik), best.iterations), likelihood, best.at, inverse


def _prentice(design: Design, drawn: Subcohort, ties: str, max_iterations: int) -> Solution:
    """Prentice's estimates: a case outside the subcohort is at risk at its own event time alone."""
    likelihood = partial_likelihood(design, ties)
    sets = likelihood.sets
    outside = np.flatnonzero(~drawn.inside)
    last = sets.last[outside]
    before = sets.before.copy()
    before[outside] = np.where(np.isin(last, sets.bounds[:-1]), -1, last - 1)
    likelihood = replace(likelihood, sets=replace(sets, before=before))
    best = maximise(likelihood, design.recipe.names, max_iterations)
    return best.coef, (best.loglik_null, best.loglik), best.iterations


def _copies(design: Design, drawn: Subcohort, weights: Array | None) -> tuple[Design, int]:
    """Cases, who are in no risk set, and below them the subcohort, who have no event; and the number of cases."""
    surv = _followed(design)
    cases = np.flatnonzero(surv.event)
    rows = np.concatenate([cases, np.flatnonzero(drawn.inside)])
    offset = np.where(np.arange(rows.size) < cases.size, OUTSIDE, 0.0)
    copied = replace(
        design,
        x=np.ascontiguousarray(design.x[rows]),
        response=Surv(
            None if surv.entry is None else surv.entry[rows], surv.exit[rows], np.arange(rows.size) < cases.size
        ),
        strata=None if design.strata is None else design.strata[rows],
        offset=offset if design.offset is None else offset + design.offset[rows],
        weights=None if weights is None else np.concatenate([np.ones(cases.size), weights[drawn.inside]]),
        index=design.index[rows],
    )
    return copied, cases.size


def _self_prentice(
    design: Design, drawn: Subcohort, maximised: partial[Maximised]
) -> tuple[Solution, Array, Array, int]:
    copied, n_cases = _copies(design, drawn, None)
    (coef, loglik, steps), likelihood, at, inverse = maximised(copied)
    influence = (score(likelihood, at) @ inverse)[n_cases:]
    left_out = 1 - drawn.inside.sum() / drawn.cohort.sum()
    shifted = (loglik[0] - OUTSIDE * n_cases, loglik[1] - OUTSIDE * n_cases)
    return (coef, shifted, steps), inverse, left_out * influence.T @ influence, n_cases


def _borgan_1(design: Design, drawn: Subcohort, maximised: partial[Maximised]) -> tuple[Solution, Array, Array]:
    sampled = _at_least_two(
        np.bincount(drawn.stratum[drawn.inside], minlength=drawn.cohort.size), drawn, "in the subcohort"
    )
    weight = drawn.cohort / np.maximum(sampled, 1)
    copied, n_cases = _copies(design, drawn, weight[drawn.stratum])
    (coef, loglik, steps), likelihood, at, inverse = maximised(copied)
    scores = score(likelihood, at)[n_cases:]
    spread = _within_strata(scores, drawn.stratum[drawn.inside], (weight - 1) * drawn.cohort, sampled)
    shifted = (loglik[0] - OUTSIDE * n_cases, loglik[1] - OUTSIDE * n_cases)
    return (coef, shifted, steps), inverse, inverse @ spread @ inverse


def _all_cases(
    design: Design, drawn: Subcohort, maximised: partial[Maximised], method: str, robust: bool
) -> tuple[Solution, Array, Array]:
    """Lin and Ying's, and Borgan's second: cases count once, others for the people of their stratum without event."""
    event = _followed(design).event
    sampled = _at_least_two(
        np.bincount(drawn.stratum[~event], minlength=drawn.cohort.size), drawn, "in the subcohort without the event"
    )
    others = drawn.cohort - drawn.cases
    weight = np.where(event, 1.0, (others / np.maximum(sampled, 1))[drawn.stratum])
    solution, likelihood, at, inverse = maximised(replace(design, weights=weight))
    scores = score(likelihood, at)
    if method == "borgan-2":
        amount = (others / np.maximum(sampled, 1) - 1) * others
        spread = _within_strata(scores[~event], drawn.stratum[~event], amount, sampled)
        return solution, inverse, inverse @ spread @ inverse
    influence = (scores * weight[:, None]) @ inverse
    away = influence[~event] - influence[~event].mean(axis=0)
    extra = (1 - sampled.sum() / others.sum()) * away.T @ away
    return solution, inverse, extra + (influence.T @ (influence / weight[:, None]) if robust else 0.0)


def _at_least_two(sampled: Ints, drawn: Subcohort, where: str) -> Ints:
    few = (sampled < 2) & (np.bincount(drawn.stratum, minlength=sampled.size) > 0)
    if few.any():
        raise FitError(
            f"{int(few.sum())} of {sampled.size} sampling strata have fewer than two people {where}, whose spread "
            "cannot be known; merge strata."
        )
    return sampled


def _within_strata(scores: Array, stratum: Ints, amount: Array, sampled: Ints) -> Array:
    """Sum over strata of `amount` times the covariance of the scores within the stratum, shape (p, p)."""
    size = np.maximum(np.bincount(stratum, minlength=amount.size), 1)
    mean = np.zeros((amount.size, scores.shape[1]))
    np.add.at(mean, stratum, scores)
    away = scores - (mean / size[:, None])[stratum]
    scale = amount / np.maximum(sampled - 1, 1)
    return np.asarray(away.T @ (away * scale[stratum, None]))
