"""The main model's line of an exposure at the start of follow-up, and of its levels as visits tell them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from riskkit import formula as language
from riskkit.cohort.repeats import visits_of
from riskkit.design.visits import column_of, over_visits
from riskkit.errors import FitError
from riskkit.fit.fit import Fit
from riskkit.questions.repeats.spec import BASELINE, RepeatedSpec
from riskkit.spec.plan import Task, is_main
from riskkit.spec.tables import PER_YEAR
from riskkit.study.answers import KEY
from riskkit.study.coding import ExposureCoding
from riskkit.study.estimators import fit_model
from riskkit.study.sample import Sample, failure, sample
from riskkit.study.study import FAILED, Job, Rows, Running, Study

AREA_YEARS = 10  # an area is told per so many years at one increment more
ID, TIME = "@person", "@time"  # no variable can be called so


def jobs(study: Study) -> Iterator[Job]:
    """One job for each exposure with levels, and outcome."""
    asked: RepeatedSpec | None = study.spec.asked("repeats")
    if asked is None:
        return
    for task in study.tasks:
        levels, wanted = asked.of(task.exposure), asked.outcomes or study.spec.outcomes
        if levels and task.outcome in wanted and task.coding == "linear" and is_main(task, study.spec):
            yield Job(of_levels, (task,), f"{task.exposure}, {task.outcome}, over visits", 1 + len(levels))


def of_levels(study: Study, task: Task) -> Rows:
    """Estimates of one exposure and outcome: rows of repeats, and of failures.

    The people are those of the main model, all of whom have a value at the start. Their time counts for a level from
    when it is known.
    """
    asked: RepeatedSpec = study.spec.asked("repeats")
    coding, found, failed = study.codings[task.exposure], [], []
    try:
        chosen = sample(task, study)
    except FAILED as error:
        return {"failures": failure(task, "Levels over visits", str(error))}
    for level in (BASELINE, *asked.of(task.exposure)):
        try:
            found.append(_estimate(study, chosen, coding, level))
        except FAILED as error:
            failed.append(failure(task, f"Levels over visits: {level}", str(error)))
    rows = {"repeats": found, "failures": failed}
    return {name: pd.concat(frames, ignore_index=True) for name, frames in rows.items() if frames}


def _estimate(study: Study, chosen: Sample, coding: ExposureCoding, level: str) -> pd.DataFrame:
    """One row of repeats.

    Raises
    ------
    FitError
        If there are fewer events than the analysis asks for, or the model cannot be fitted.
    """
    task = chosen.task
    data = periods(study, chosen, level)
    column = column_of(task.exposure, level)
    entry, exit_, event = _follow_up(chosen.response)
    data = data[data[column].notna()]
    events = int(data[event].sum())
    if events < study.spec.min_events:
        raise FitError(f"{events} events, fewer than the {study.spec.min_events} asked for.")
    per, label = coding.per, coding.per_label
    if level == "area":
        per, label = coding.per * AREA_YEARS, f"{coding.per_label} for {AREA_YEARS} years"
    strata = [f"strata({', '.join(task.strata)})"] if task.strata else []
    terms = " + ".join([f"per({column}, {per!r})", *task.covariates, *strata])
    fit: Fit = fit_model(f"Surv({entry}, {exit_}, {event}) ~ {terms}", data, task, chosen.time_unit)
    own = fit.tidy(study.spec.level).iloc[fit.recipe.terms[0].columns]
    people = data[ID].nunique()
    years = float((data[exit_] - data[entry]).sum()) / PER_YEAR[str(chosen.time_unit)]
    return own.drop(columns="term").assign(
        **{name: getattr(task, name) for name in KEY if name != "variant"},
        level=level,
        per=label,
        n=people,
        n_left_out=len(chosen.data) - people,
        events=events,
        person_years=years,
    )


def periods(study: Study, chosen: Sample, level: str) -> pd.DataFrame:
    """The follow-up of a model's people, cut where a level changes."""
    cohort, task, data = study.cohort, chosen.task, chosen.data
    entry, _, _ = _follow_up(chosen.response)
    on_age = task.time_scale == "age"
    people = data.reset_index(drop=True).assign(**{ID: data.index})
    visits = visits_of(cohort.data.loc[data.index], cohort.repeats[task.exposure]).rename(columns={"row": ID})
    visits[TIME] = visits["time"] + (people.set_index(ID)[entry].loc[visits[ID]].to_numpy() if on_age else 0.0)
    return over_visits(
        people,
        visits.rename(columns={"value": task.exposure}),
        [level],
        value=task.exposure,
        follow_up=chosen.response,
        id=ID,
        time=TIME,
        time_unit=str(chosen.time_unit),
        after="leave out",  # the cohort's file says what a visit after an outcome is
    )


def _follow_up(response: str) -> tuple[str, str, str]:
    """Columns of entry, exit and event once follow-up is cut."""
    *entry, exit_, event = language.parse(f"{response} ~ 1").response
    return (entry[0] if entry else f"{exit_}_start"), exit_, event


RUNNING = Running(jobs=jobs)
