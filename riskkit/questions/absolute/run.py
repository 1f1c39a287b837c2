"""Standardised risks of the leading pairs: at levels, along the exposure, and in scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from riskkit.design.bases import numbers
from riskkit.design.surv import TIE
from riskkit.errors import FitError
from riskkit.fit.fit import Fit
from riskkit.infer.shift import Shift
from riskkit.infer.standardise import standardise
from riskkit.questions.absolute.patterns import ages_of, described, nodes, of_age
from riskkit.questions.absolute.spec import PERCENTILE, AbsoluteSpec, competing, scenarios
from riskkit.spec.plan import NO_TIME, Task, leading
from riskkit.spec.tables import PER_YEAR
from riskkit.study.answers import KEY
from riskkit.study.eligibility import in_category_without_events, varying_terms
from riskkit.study.estimators import fit_model
from riskkit.study.leading import leading_pairs
from riskkit.study.sample import failure, sample
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study

POINTS = 13  # along the exposure
OUTERMOST = (1, 99)  # percentiles that the curve goes between
WHAT = "Absolute risks"
ENTRY, EXIT, EVENT, OTHER = "risk_starts", "risk_ends", "had_the_event", "had_another"


def after(study: Study, frames: Frames) -> Iterator[Job]:
    """A job for each leading exposure with each leading outcome, in the main model."""
    if study.spec.asked("absolute") is None:
        return
    pairs = set(leading_pairs(study, frames))
    for task in leading(study.tasks, study.spec, "spline"):
        if (task.exposure, task.outcome) in pairs:
            yield Job(risks, (task,), f"{task.exposure}, {task.outcome}, absolute risks", 3)


def risks(study: Study, task: Task) -> Rows:
    """Standardise the risks of one pair.

    Returns
    -------
    dict of frame name to DataFrame
        absolute_risks, absolute_differences; of a spline absolute_patterns and pattern_covariates; failures: an age at
        which nobody is at risk, a horizon beyond follow-up, a level outside the data, too few competing events.
    """
    asked: AbsoluteSpec = study.spec.asked("absolute")
    key = {name: getattr(task, name) for name in KEY if name != "variant"}
    try:
        causes = fitted(study, task)
    except FAILED as error:
        return {"failures": failure(task, WHAT, str(error))}
    found: dict[str, list[pd.DataFrame]] = {}
    for age in asked.ages or (np.nan,):
        try:
            for name, rows in _answers(study, task, causes, age).items():
                about = {**key, "age": age, "horizon": asked.horizon or np.nan, **causes.counts(age, asked.horizon)}
                found.setdefault(name, []).append(rows.assign(**about))
        except FAILED as error:  # the other ages stay
            named = WHAT if np.isnan(age) else f"{WHAT} from age {age:g}"
            found.setdefault("failures", []).append(failure(task, named, str(error)))
    if task.coding == "spline" and "absolute_risks" in found:
        found |= {name: [rows.assign(**key)] for name, rows in _patterns(study, task, causes).items()}
    return {name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}


def _patterns(study: Study, task: Task, causes: Causes) -> Rows:
    """Rows of absolute_patterns and pattern_covariates; ages that the data cannot answer for are left out."""
    asked: AbsoluteSpec = study.spec.asked("absolute")
    people, frames = causes.people, []
    low, high = np.percentile(numbers(people[task.exposure]), OUTERMOST)
    x = nodes(low, high, study.codings[task.exposure].knots)
    for age in ages_of(study) or (np.nan,):
        try:
            rows = of_age(causes.fits, people, task, study, x, causes.times(age, asked.horizon))
        except FAILED:  # the risks of all people, of an age that was asked for, have said why
            continue
        for sex, own in rows.groupby("sex", sort=False):
            here = (people["sex"] == sex).to_numpy() if sex else np.ones(len(people), dtype=bool)
            counts = causes.counts(age, asked.horizon, here)
            frames.append(own.assign(age=age, horizon=asked.horizon or np.nan, **counts))
    return {
        "absolute_patterns": pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(),
        "pattern_covariates": described(causes.fits, people, task, study),
    }


@dataclass(frozen=True, eq=False)
class Causes:
    """Fits to one pair's people.

    Attributes
    ----------
    fits : dict of name to Fit
        Of the outcome first, then of the competing event; all to the same people.
    people : DataFrame
        A row a person, with the variables of the models, and the columns ENTRY, EXIT (in `per_year` parts of a year;
        where there is follow-up), EVENT and OTHER.
    per_year : float
    """

    fits: dict[str, Fit]
    people: pd.DataFrame
    per_year: float

    def times(self, age: float, horizon: float | None) -> dict[str, Any]:
        """What is asked of a risk on the fits' time scale; empty where there is no time."""
        if horizon is None:
            return {}
        start = 0.0 if np.isnan(age) else age
        return {"start": start * self.per_year, "times": [(start + horizon) * self.per_year]}

    def counts(self, age: float, horizon: float | None, of: np.ndarray | None = None) -> dict[str, int]:
        """People (of all or of some, shape (n,)), and what happened to them in the stretch of time of a risk."""
        people = self.people if of is None else self.people[of]
        here = np.ones(len(people), dtype=bool)
        if horizon is not None:
            start = 0.0 if np.isnan(age) else age * self.per_year
            end = people[EXIT].to_numpy()
            here = (end > start) & (end <= start + horizon * self.per_year)
        events = {"events": EVENT, "competing_events": OTHER}
        return {"n": len(people)} | {name: int(people.loc[here, column].sum()) for name, column in events.items()}


def fitted(study: Study, task: Task) -> Causes:
    """Fit the outcome's model, and one of the competing event's hazard with the same terms, to the same people.

    Everyone is followed until the first of the two. People in a category of a covariate in which nobody has one of
    them are left out, as the report's models do.

    Raises
    ------
    FitError
        If there are competing events, but fewer than the analysis asks for.
    """
    spec, cohort = study.spec, study.cohort
    chosen = sample(task, study)
    if task.time_scale == NO_TIME:
        fit = chosen.fit([study.codings[task.exposure].term(task)])
        data = chosen.data.assign(**{EVENT: numbers(chosen.data[task.outcome]) == 1, OTHER: False})
        return Causes({task.outcome: fit}, data, 1.0)
    data = chosen.data.assign(**_follow_up(study, chosen.task, chosen.data.index))
    if data[EVENT].sum() < spec.min_events:
        raise FitError(
            f"{data[EVENT].sum()} events before a competing one, fewer than the {spec.min_events} asked for."
        )
    names, left = {task.outcome: EVENT}, chosen.task
    other = competing(spec)
    if other is not None and data[OTHER].any():
        if data[OTHER].sum() < spec.min_events:
            few = f"{data[OTHER].sum()} events of the competing {cohort.outcomes[other].label}"
            raise FitError(f"{few}, fewer than the {spec.min_events} asked for.")
        without = in_category_without_events(replace(left, outcome=OTHER), data, np.ones(len(data), bool), cohort)
        data = data[~without]
        left = replace(left, covariates=varying_terms(left, data))
        names[other] = OTHER
    strata = [f"strata({', '.join(task.strata)})"] if task.strata else []
    terms = " + ".join([study.codings[task.exposure].term(task), *left.covariates, *strata])
    fits = {
        name: fit_model(f"Surv({ENTRY}, {EXIT}, {column}) ~ {terms}", data, left, cohort.time_unit)
        for name, column in names.items()
    }
    return Causes(fits, data, PER_YEAR[str(cohort.time_unit)])


def _follow_up(study: Study, task: Task, rows: pd.Index) -> dict[str, Any]:
    """From when until when each person is followed, and by which event that ended."""
    cohort, spec = study.cohort, study.spec
    declared, data = cohort.outcomes[task.outcome], cohort.data.loc[rows]
    on_age = task.time_scale == "age"
    entry = numbers(data["age_entry"]) if on_age else np.zeros(len(data))
    own = numbers(data[str(declared.time)])
    event, ends = data[task.outcome].to_numpy() == 1, own
    other = np.zeros(len(data), dtype=bool)
    name = competing(spec)
    if name is not None and name != task.outcome:
        rival = cohort.outcomes[name]
        at = numbers(data[str(rival.time)])
        came = (data[name].to_numpy() == 1) & data[rival.at_risk].to_numpy()
        first = came & (at < own * (1 - TIE))  # before the outcome, or before the follow-up for it ended
        event = event & ~first
        other = came & (at <= own * (1 + TIE)) & ~event
        ends = np.where(first, at, own)
    exit = numbers(data[str(declared.age_exit)]) - (own - ends) if on_age else ends
    return {ENTRY: entry, EXIT: exit, EVENT: event.astype(int), OTHER: other.astype(int)}


def _answers(study: Study, task: Task, causes: Causes, age: float) -> Rows:
    spec, coding = study.spec, study.codings[task.exposure]
    asked: AbsoluteSpec = spec.asked("absolute")
    times = causes.times(age, asked.horizon)

    def answer(effect: str, **settings: Any) -> pd.DataFrame:
        """Rows of the outcome, without those of what competes with it."""
        found = standardise(
            causes.fits, task.exposure, effect=effect, cause=task.outcome, level=spec.level, **times, **settings
        )
        return found.drop(columns=["cause", "start", "time", "level", "reference", "treated"], errors="ignore")

    values = study.cohort.data[task.exposure].to_numpy(dtype=float)
    label_of: dict[float, str] = {}
    for level in asked.levels:  # of an exposure with few values several percentiles can be one level
        label_of.setdefault(placed(level, values), str(level) if isinstance(level, str) else f"{level:g}")
    x, named = list(label_of), list(label_of.values())
    ends = np.percentile(numbers(causes.people[task.exposure]), OUTERMOST)
    few = causes.people[task.exposure].nunique() <= 2  # which have nothing between them
    grid = [] if few else [each for each in np.linspace(*ends, POINTS) if each not in x]
    kind = ["level"] * len(x) + ["curve"] * len(grid)
    risk = answer("risk", levels=[*x, *grid]).assign(kind=kind, level=[*named, *[""] * len(grid)], x=[*x, *grid])
    out = {"absolute_risks": risk}
    apart = [i for i, each in enumerate(x) if each != coding.reference]
    differences = []
    if apart:
        at = [x[i] for i in apart]
        found = answer("difference", levels=at, reference=coding.reference)
        differences.append(
            found.assign(kind="level", level=[named[i] for i in apart], x=at, reference=coding.reference, capped=np.nan)
        )
    shifts: list[Shift] = [each.shift for each in scenarios(spec, task.exposure) if each.shift is not None]
    if shifts:
        found = answer("difference", shift=shifts)
        labels = [str(shift.label) for shift in shifts]
        differences.append(found.assign(kind="scenario", level=labels, x=np.nan, reference=np.nan))
    if differences:
        out["absolute_differences"] = pd.concat(differences, ignore_index=True)
    return out


def placed(level: float | str, values: np.ndarray) -> float:
    """A level of an exposure: a number, or a percentile of everyone who has it, shape (n,)."""
    if not isinstance(level, str):
        return float(level)
    found = PERCENTILE.fullmatch(level)
    return float(np.nanpercentile(values, float(found["percent"])) if found else np.nanmedian(values))


RUNNING = Running(after=after)
