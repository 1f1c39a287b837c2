"""Standardised risks: what the model says of these people, had all of them a level, or had each one's level moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from riskkit.design.bases import Array
from riskkit.errors import FitError, SpecError, did_you_mean
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.follow_up import beginning, check_times
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.limits import limits, pooled
from riskkit.infer.absolute import ESTIMATORS, asked_for, imputed_sets
from riskkit.infer.causes import check_causes
from riskkit.infer.competing import Targets, Way
from riskkit.infer.effects import COMPARED, EFFECTS, OF_TIME, Asked, computed, scale_of
from riskkit.infer.gformula import LINKS, Settings, of_hazards, of_means
from riskkit.infer.population import OfFits, OfFrame, Population
from riskkit.infer.resampled import replicated
from riskkit.infer.scenarios import Change, Moving, Plan, planned
from riskkit.infer.units import Units, units


def standardise(
    causes: Mapping[str, Fit] | Fit,
    exposure: str,
    levels: ArrayLike | Sequence[Any] | None = None,
    times: ArrayLike | None = None,
    *,
    start: float | None = None,
    effect: str = "risk",
    reference: Any = None,
    shift: Change | Sequence[Change] | Mapping[str, Change] | None = None,
    over: pd.DataFrame | None = None,
    weights: str | ArrayLike | None = None,
    drawn: bool = False,
    cause: str | None = None,
    level: float = 0.95,
    estimator: str = "product-limit",
    bootstrap: int | None = None,
    seed: int = 1,
    workers: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Standardise risks over people by the g-formula.

    Parameters
    ----------
    causes : Fit, or mapping of name to Fit
        A logistic or Poisson model; a Cox model, where nothing competes; or a Cox model of each cause's hazard,
        `{"mi": fit, "death": other}`, each followed until the first event of any cause. Pooled fits give pooled
        answers.
    exposure : str
        The variable that is set or moved; its coding may be any, and may interact.
    levels : sequence, optional
        Levels that everyone is given: numbers, "median", "mean", percentiles as in "p5", or levels of a factor.
    times : array, shape (T,)
        For Cox models: when, on the time scale of the fits.
    start : float, optional
        For Cox models: the risk is of people alive and free of every cause then: `start=60, times=[70]` is the risk
        over 10 years from age 60. By default from 0, or from the first entry.
    effect : {"risk", "difference", "ratio", "rmst", "rmst_difference", "years_lost", "years_lost_difference", "paf"}
        - "risk": mean risk (probability, rate) at each level;
        - "difference", "ratio": against the reference, with the number needed for one event less or more;
        - "rmst": mean time free of every cause until each time; "years_lost": mean time lost to each cause, in the unit
          of the time scale; and their differences;
        - "paf": the share of the risk as it is that would not be there under each level or shift.
    reference : optional
        The level compared with; "as they are" (everyone keeps their own) is one too. By default the first level, or the
        people as they are where there are shifts.
    shift : change, sequence or mapping of label to change, optional
        Scenarios that move everyone's own level: "+10%", "+20", "to 200", a table, or a `Shift` with a share of people
        treated and the uncertainty of the change. People are moved no further than the support.
    over : DataFrame, optional
        The people to average over; by default the rows of the fits, with their weights.
    weights : str or array, optional
        Column of `over`, or numbers, that people count with.
    drawn : bool
        Whether the rows of `over` are of the fits' data, by their index: that they are a sample then counts in the
        standard error, as it does for the rows of the fits. Otherwise they are taken as given: a standard population.
    cause : str, optional
        The only cause to answer for, which takes less time; all by default. What is free of every cause is of them all.
    level : float
        Confidence level.
    estimator : {"product-limit", "exponential"}
        As in `absolute_risk`.
    bootstrap : int, optional
        Replicates of a bootstrap over rows or clusters that checks the standard errors; adds se_bootstrap,
        low_bootstrap, high_bootstrap (percentiles).
    seed, workers, progress
        Of the bootstrap.

    Returns
    -------
    DataFrame
        A row per cause, time and level: [cause start time] level reference estimate se low high, and `capped` and
        `treated` (shares of people) of shifts, number_needed number_low number_high of differences: 1 / difference,
        negative where the level prevents. An interval of the number that spans zero difference runs through infinity,
        and is then given as (-inf, inf).
        Limits are symmetric on log(-log) for risks, logit for probabilities, log for rates and ratios.

    Raises
    ------
    SpecError
        If an argument cannot be understood.
    DataError
        If a level is outside the support, causes overlap, nobody is at risk in some of the time, or it is beyond the
        end of follow-up.
    FitError
        If a fit is of another kind, penalised or light.

    Notes
    -----
    The mean is of what would be if the association were causal, its confounders all in the model, and risks from an age
    are for the covariates of all people averaged over, not of those who survive to it: give those as `over`.

    References
    ----------
    Robins J (1986) Math Modelling 7:1393-1512; Ozenne BMH et al. (2020) Biom J 62:751-763. Attributable fraction:
    Sjölander A, Vansteelandt S (2017) Stat Methods Med Res 26:948-957. R: riskRegression::ate.
    """
    check_choice("effect", effect, EFFECTS)
    check_choice("estimator", estimator, ESTIMATORS)
    t_critical(np.array(np.inf), level)
    if over is None and (weights is not None or drawn):
        raise SpecError("weights and drawn are of the people in over; the rows of the fits have their own weights.")
    fits = _checked(causes, exposure)
    model = next(iter(fits.values())).model
    if model != "cox" and (times is not None or start is not None or effect in OF_TIME):
        raise SpecError(f"a {model} model has no time: leave out times and start, and ask for no {', '.join(OF_TIME)}.")
    plan = planned(fits, exposure, levels, reference, shift, effect in COMPARED, effect == "paf")
    if cause is not None and effect in ("rmst", "rmst_difference"):
        raise SpecError(f"cause: {effect} is the time free of every cause; leave cause out, or ask for years_lost.")
    chosen = tuple(asked_for(fits, cause))
    question = Question(times, start, effect, over, weights, drawn, estimator, plan, chosen)
    sets = imputed_sets(fits)
    found = [question.answer(one) for one in sets]
    table, scale, df = found[0].table, scale_of(effect, model), min(fit.df_resid for fit in sets[0].values())
    value, se, dfs = found[0].value, found[0].se, np.array(df)
    if len(found) > 1:
        value, se, dfs = pooled(np.stack([one.value for one in found]), np.stack([one.se for one in found]), scale, df)
        table["capped"] = np.mean([one.table["capped"] for one in found], axis=0)
    low, high = limits(value, se, scale, dfs, level)
    out = table.assign(estimate=value, se=se, low=low, high=high)
    if bootstrap is not None:
        if len(sets) > 1:
            raise FitError("the bootstrap checks one fit, not pooled ones; check the fit of one imputed set.")
        if drawn:
            raise SpecError("bootstrap: drawn people would have to be drawn again; leave out over, or drawn.")
        values = replicated(
            sets[0], lambda again: question.answer(again, errors=False).value, bootstrap, seed, workers, progress
        )
        ends = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        out = out.assign(se_bootstrap=values.std(axis=0, ddof=1), low_bootstrap=ends[0], high_bootstrap=ends[1])
    if effect == "difference":
        out = _with_numbers_needed(out)
    return _tidy(out, single=isinstance(causes, Fit), shifted=shift is not None)


@dataclass(frozen=True, eq=False)
class Answer:
    """Rows of an answer without their numbers, and the numbers, shape (m,)."""

    table: pd.DataFrame
    value: Array
    se: Array


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked, of any fits of the same models: those given, of an imputed set or of a bootstrap sample."""

    times: ArrayLike | None
    start: float | None
    effect: str
    over: pd.DataFrame | None
    weights: str | ArrayLike | None
    drawn: bool
    estimator: str
    plan: Plan
    causes: tuple[int, ...]

    def answer(self, fits: Mapping[str, Fit], errors: bool = True) -> Answer:
        """Answer from the fits; standard errors are zero if they are not asked for."""
        survival = next(iter(fits.values())).model == "cox"
        if survival:
            check_causes(fits)
        drawn = units(fits)
        people = self._people(fits, drawn)
        scenes = self.plan.scenes(people)
        settings, needed = Settings(self.plan.exposure, scenes.values), drawn if errors else None
        ends = begin = None
        if survival:
            ends, begin = check_times(self.times, self.start, fits), beginning(fits, self.start)
            k = len(self.causes)
            lost = np.full(k * ends.size, self.effect in OF_TIME)
            targets = Targets(np.repeat(self.causes, ends.size), np.tile(ends, k), lost)
            base = of_hazards(fits, people, settings, targets, begin, needed, Way.of(self.estimator, fits))
        else:
            base = of_means(next(iter(fits)), next(iter(fits.values())), people, settings, needed)
        means = base.mixed(scenes.shares)
        covariance = scenes.of_changes(base.estimate)
        if errors:
            covariance = covariance + drawn.covariance(means.influence.reshape(drawn.size, -1))
        table, asked = self._asked([list(fits)[number] for number in self.causes], ends, begin)
        value, se = computed(self.effect, asked, means.estimate, covariance)
        return Answer(table.assign(capped=[scenes.capped[one.setting] for one in asked]), value, se)

    def _people(self, fits: Mapping[str, Fit], drawn: Units) -> Population:
        if self.over is None:
            return OfFits.of(fits, drawn)
        return OfFrame.of(fits, self.over, self.weights, self.drawn, drawn, self.plan.exposure)

    def _asked(self, names: list[str], ends: Array | None, begin: float | None) -> tuple[pd.DataFrame, list[Asked]]:
        plan, rows, asked = self.plan, [], []
        moments = [float("nan")] if ends is None else ends.tolist()
        together = self.effect in ("rmst", "rmst_difference")
        for number, name in enumerate([""] if together else names):
            for t, time in enumerate(moments):
                causes = range(len(names)) if together else [number]
                targets = tuple(c * len(moments) + t for c in causes)
                for setting in plan.shown:
                    against = plan.reference if self.effect in COMPARED else None
                    one = Asked(setting, -1 if against is None else against, targets)
                    if self.effect == "paf":
                        one = Asked(cast(int, plan.reference), setting, targets)
                    if self.effect == "rmst":
                        one = Asked(setting, -1, targets, time - cast(float, begin))
                    kind = plan.kinds[setting]
                    asked.append(one)
                    rows.append(
                        {
                            "cause": name,
                            "start": begin,
                            "time": time,
                            "level": plan.labels[setting],
                            "reference": None if against is None else plan.labels[against],
                            "treated": kind.shift.share if isinstance(kind, Moving) else float("nan"),
                        }
                    )
        return pd.DataFrame(rows), asked


def _checked(causes: Any, exposure: str) -> dict[str, Fit]:
    fits = {causes.recipe.formula.response[-1]: causes} if isinstance(causes, Fit) else causes
    if not isinstance(fits, Mapping) or not fits or not all(isinstance(fit, Fit) for fit in fits.values()):
        raise SpecError('standardise takes a fit, or a Cox fit for each cause, as in {"mi": fit, "death": other}.')
    for fit in fits.values():
        if fit.model not in ("cox", *LINKS):
            raise FitError(
                f"standardised risks are of Cox, logistic and Poisson models, not of a {fit.model} model"
                + (", whose sets have baselines that it leaves out." if fit.model == "clogit" else ".")
            )
        for one in getattr(fit, "fits", (fit,)):
            if one.design is None:
                raise FitError("standardise needs the data of the fit, which light() let go of; fit again.")
    if len(fits) > 1 and any(fit.model != "cox" for fit in fits.values()):
        raise FitError("several causes are each a Cox model; a logistic or Poisson model goes alone.")
    known = list(dict.fromkeys(name for fit in fits.values() for name in fit.recipe.variables))
    if exposure not in known:
        raise SpecError(f"exposure '{exposure}' is in none of the models.{did_you_mean(exposure, known)}")
    return dict(fits)


def _with_numbers_needed(out: pd.DataFrame) -> pd.DataFrame:
    value, low, high = (out[name].to_numpy() for name in ("estimate", "low", "high"))
    with np.errstate(divide="ignore"):
        spans = (low <= 0) & (high >= 0)
        return out.assign(
            number_needed=1 / value,
            number_low=np.where(spans, -np.inf, 1 / high),
            number_high=np.where(spans, np.inf, 1 / low),
        )


def _tidy(out: pd.DataFrame, single: bool, shifted: bool) -> pd.DataFrame:
    order = ["cause", "start", "time", "level", "reference", "estimate", "se", "low", "high"]
    rest = [name for name in out.columns if name not in order]
    out = out[order + rest]
    empty = [name for name in ("start", "time", "reference") if out[name].isna().all()]
    if single or (out["cause"] == "").all():
        empty.append("cause")
    if not shifted:
        empty += ["capped", "treated"]
    return out.drop(columns=empty)
