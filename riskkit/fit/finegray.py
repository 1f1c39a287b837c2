"""Fine and Gray's model of the subdistribution hazard: how covariates change the cumulative incidence itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd

from riskkit import formula as language
from riskkit.design.bases import Array
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, build
from riskkit.design.surv import Surv
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit import residuals
from riskkit.fit.censoring import CENSORED, COMPETING, EVENT, Observation, Stay, stay
from riskkit.fit.cox import TIES
from riskkit.fit.few_clusters import cluster_notes, count
from riskkit.fit.fit import UNITS_PER_YEAR, Fit, check_choice
from riskkit.fit.hazards import by_group
from riskkit.fit.linearise import covariance_name, degrees_of_freedom, design_notes
from riskkit.fit.newton import maximise
from riskkit.fit.partial import Evaluation, PartialLikelihood, partial_likelihood
from riskkit.fit.smoothing import smooths
from riskkit.fit.tie_steps import steps

Codes = Any | Sequence[Any]


def finegray(
    formula: str,
    data: pd.DataFrame,
    *,
    cause: Codes,
    competing: Codes = None,
    censored: Codes = 0,
    censoring: str | Sequence[str] | None = None,
    id: str | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool = True,
    ties: str = "efron",
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit Fine and Gray's model of the subdistribution hazard, with delayed entry.

    Parameters
    ----------
    formula : str
        `Surv(time, status) ~ terms` or `Surv(entry, exit, status) ~ terms`. `strata(...)` gives baselines of their own.
    data : DataFrame
        One row per person; more with `id`.
    cause, competing, censored : code, or sequence of codes
        What the values of the status column mean: the events of interest, those that compete, and the end of follow-up
        without any. Every value that occurs must be declared.
    censoring : str or sequence of str, optional
        Columns within whose groups censoring and entry have distributions of their own; otherwise everyone's are alike.
    id : str, optional
        Column of people, where follow-up is split into periods: only a person's last row is censored.
    weights : str, optional
        Column of case weights; censoring and entry are estimated with them too (survival::finegray does without).
    cluster : str, optional
        Column of cluster identifiers; `id` unless given.
    robust : bool
        The covariance between rows (people, clusters), with the weights of censoring taken as known; without it the
        model-based one, which takes those weights for people.
    ties : {"efron", "breslow"}
    time_unit : {"days", "months", "years"}
        Unit of the time scale; only person-years depend on it.
    max_iterations : int
        Newton steps allowed.

    Returns
    -------
    Fit
        Of model "finegray"; its ratios are subdistribution hazard ratios.

    Raises
    ------
    SpecError
        If the formula or an argument cannot be understood, or a code is declared twice.
    DataError
        If a status is not declared, or there is no event of the cause or no competing event.
    FitError
        If the model cannot be estimated.

    Notes
    -----
    The subdistribution hazard keeps those in the risk set who had a competing event, with weights that say how many of
    them would still be under observation (Geskus). Its ratio is no effect on a rate; for risks at levels of an exposure
    see `standardise`, which needs no proportional subdistribution hazards.

    References
    ----------
    Fine JP, Gray RJ (1999) JASA 94:496-509; Geskus RB (2011) Biometrics 67:39-49; Zhang X, Zhang MJ, Fine J (2011) Stat
    Med 30:1933-1951. R: coxph(Surv(fgstart, fgstop, fgstatus) ~ ..., survival::finegray(...), weights = fgwt, id = id).
    """
    check_choice("ties", ties, TIES)
    check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    parsed = language.parse(formula)
    if not parsed.survival:
        raise SpecError(f"formula {parsed.text!r}: the outcome is Surv(time, status) or Surv(entry, exit, status).")
    groups = [censoring] if isinstance(censoring, str) else list(censoring or ())
    status = parsed.response[-1]
    check_columns(data, [*parsed.response, *groups, *([id] if id else [])], "finegray")
    state = _states(data[status], cause, competing, censored)
    unlabelled = data.assign(**{status: np.where(np.isnan(state), np.nan, state == EVENT)})
    unlabelled.index = pd.RangeIndex(len(data))
    if groups and data[groups].isna().any(axis=None):
        raise DataError(f"censoring: {', '.join(groups)} has missing values; leave those rows out.")
    design = build(parsed, unlabelled, weights=weights, cluster=cluster or id)
    used = design.index.to_numpy()
    rows = data.iloc[used]
    people = rows[id].to_numpy() if id else used
    design = replace(design, index=data.index[used], source=None, rows=None)
    follow_up = cast(Surv, design.response)
    order = np.lexsort((follow_up.exit, pd.factorize(people)[0]))
    same = people[order][1:] == people[order][:-1]
    first, last = np.ones(len(used), dtype=bool), np.ones(len(used), dtype=bool)
    first[order[1:][same]], last[order[:-1][same]] = False, False
    early = ~last & (state[used] != CENSORED)
    if early.any():
        raise DataError(f"finegray: {int(early.sum())} rows of '{id}' have an event before the person's last row.")
    seen = Observation(
        follow_up=follow_up,
        state=state[used].astype(np.int64),
        group=np.asarray(rows.groupby(groups).ngroup() if groups else np.zeros(len(used)), dtype=np.int64),
        first=first,
        last=last,
        weights=np.ones(len(used)) if design.weights is None else design.weights,
    )
    return fit_design(design, seen, robust=robust, ties=ties, time_unit=time_unit, max_iterations=max_iterations)


def fit_design(
    design: Design, seen: Observation, *, robust: bool, ties: str, time_unit: str, max_iterations: int
) -> Fit:
    """Fit Fine and Gray's model to a design of the rows that were seen.

    Raises
    ------
    SpecError
        If the design's rows are not those seen: the model is not resampled.
    DataError, FitError
        As `finegray` does.
    """
    if design.response is not seen.follow_up:
        raise SpecError(
            "a Fine and Gray model is not fitted again to other rows (a bootstrap, people left out): who was censored "
            "and who had a competing event belongs to its own. Call rk.finegray on the data of those rows."
        )
    for what, state in (("event of the cause", EVENT), ("competing event", COMPETING)):
        if not (seen.state == state).any():
            raise DataError(
                f"finegray: there is no {what} among the {len(design.x)} rows used"
                + ("; without competing events it is a Cox model, rk.cox." if state == COMPETING else ".")
            )
    if smooths(design.recipe, plain=True):
        raise FitError("a Fine and Gray model has no penalised splines; use rcs(...), ns(...) or bs(...).")
    plain = partial_likelihood(design, ties)
    likelihood = Subdistribution(**vars(plain), kept=stay(seen, design.strata, plain.sets.times, plain.sets.bounds))
    best = maximise(likelihood, design.recipe.names, max_iterations)
    model_based = covariance = np.asarray(np.linalg.inv(best.information))
    robust = robust or design.cluster is not None
    if robust:
        moved = likelihood.score(best.at) @ model_based * likelihood.case_weights[:, None]
        if design.cluster is not None:
            moved = by_group(moved, design.cluster, int(design.cluster.max()) + 1)
        covariance = np.asarray(moved.T @ moved)
    return Fit(
        model="finegray",
        recipe=design.recipe,
        coef=best.coef,
        vcov=covariance,
        vcov_model=model_based,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=len(design.x),
        events=int(seen.follow_up.event.sum()),
        person_years=float(seen.follow_up.person_time.sum()) / UNITS_PER_YEAR[time_unit],
        n_missing=design.n_missing,
        iterations=best.iterations,
        method=f"Fine and Gray's weights, {ties.capitalize()} ties",
        covariance=covariance_name(design, robust),
        score_chi2=best.score_chi2,
        df_resid=degrees_of_freedom(design),
        clusters=count(design),
        ratio="subdistribution hazard ratio",
        notes=(
            *design_notes(design),
            *cluster_notes(count(design), best.coef.size),
            f"{int((seen.state == COMPETING).sum()):,} people with a competing event stay in the risk sets, weighted.",
        ),
        design=design,
        refit=partial(
            fit_design, seen=seen, robust=robust, ties=ties, time_unit=time_unit, max_iterations=max_iterations
        ),
    )


@dataclass(frozen=True, eq=False)
class Subdistribution(PartialLikelihood):
    """A partial likelihood whose risk sets keep those with a competing event, with weights that change over time.

    The weight of a row at a key is a product of one number for the row and one for the group and key, so that sums over
    those who stay are cumulative sums like any other, and no row is ever split.
    """

    kept: Stay = None  # type: ignore[assignment]  # dataclasses want defaults after defaults

    def join(self, coef: Array, shift: float, theta: Array, at_risk: Array) -> None:
        """Add those who stay to the sums over risk sets."""
        kept, sets = self.kept, self.sets
        predictor = self.x[kept.rows] @ coef - shift
        if self.offset is not None:
            predictor += self.offset[kept.rows]
        theta[kept.rows] = np.exp(predictor) * self.case_weights[kept.rows]
        values = theta[kept.rows] * kept.share
        rows = np.column_stack([values[:, None] * self.x[kept.rows], values])
        for group, over in enumerate(kept.over):
            ours = (kept.group == group) & (kept.start < kept.stop)
            entering = by_group(rows[ours], kept.start[ours], sets.size)
            at_risk[:-1] += over[:, None] * sets.cumulative(entering)[:-1]

    def while_staying(self, increments: Array) -> Array:
        """Sum increments, shape (D, m), over the keys at which each row stays, weighted; shape (rows kept, m)."""
        kept, out = self.kept, np.empty((self.kept.rows.size, increments.shape[1]))
        for group, over in enumerate(kept.over):
            ours = kept.group == group
            before = np.zeros((self.sets.size + 1, increments.shape[1]))
            np.cumsum(over[:, None] * increments, axis=0, out=before[1:])
            out[ours] = before[kept.stop[ours]] - before[kept.start[ours]]
        return out * kept.share[:, None]

    def expected(self, at: Evaluation) -> Array:
        """Expected events of each row times its weight, those while staying included."""
        out = super().expected(at)
        out[self.kept.rows] += at.theta[self.kept.rows] * self.while_staying(at.hazard[:, None])[:, 0]
        return out

    def score(self, at: Evaluation) -> Array:
        """Score residuals of all rows, shape (n, p), the weights of those who stay taken as known."""
        kept, these = self.kept, steps(self, at)
        increments = these.by_key((these.weight / these.s0)[:, None] * these.mean)
        out = residuals.score(self, at)
        staying = at.theta[kept.rows, None] * self.while_staying(increments)
        out[kept.rows] += staying / self.case_weights[kept.rows, None]
        return out


def _states(status: pd.Series, cause: Codes, competing: Codes, censored: Codes) -> Array:
    """What each status means, shape (N,): CENSORED, EVENT, COMPETING, or NaN where it is missing."""
    declared: dict[Any, int] = {}
    for what, codes, state in (
        ("cause", cause, EVENT),
        ("competing", competing, COMPETING),
        ("censored", censored, CENSORED),
    ):
        listed = [] if codes is None else [codes] if isinstance(codes, str) or not np.iterable(codes) else list(codes)
        if what == "cause" and not listed:
            raise SpecError("finegray: cause is the code of the event in the status column, as in cause=1.")
        for value in listed:
            if value in declared:
                raise SpecError(f"finegray: status {value!r} is declared twice; each code means one thing.")
            declared[value] = state
    present = status.dropna()
    unknown = [value for value in pd.unique(present) if value not in declared]
    if unknown:
        named = ", ".join(repr(getattr(value, "item", lambda v=value: v)()) for value in unknown[:5])
        raise DataError(
            f"finegray: status column '{status.name}' holds {named}, which is not declared; say what it means: "
            "cause=..., competing=... or censored=... (a list for several codes)."
        )
    out = np.full(len(status), np.nan)
    out[status.notna().to_numpy()] = [declared[value] for value in present]
    return out
