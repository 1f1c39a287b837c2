"""Incidence rates of each outcome by calendar period, standardised for age."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskkit.design.bases import numbers
from riskkit.design.lexis import split
from riskkit.errors import DataError
from riskkit.infer.standardised_rates import standardised_rates
from riskkit.questions.calendar.spec import CalendarSpec
from riskkit.spec.tables import PER_YEAR
from riskkit.study.study import FAILED, Job, Rows, Running, Study

ENTRY, EXIT, EVENT, AGE, TIME = "entry", "exit", "event", "age", "time"


def jobs(study: Study) -> Iterator[Job]:
    """One job for each outcome."""
    if study.spec.asked("calendar") is not None:
        for outcome in study.spec.outcomes:
            yield Job(by_period, (outcome,), f"{outcome}, by calendar year")


def by_period(study: Study, outcome: str) -> Rows:
    """Rates of one outcome: rows of calendar, or one of failures."""
    try:
        return {"calendar": rates(study, outcome)}
    except FAILED as error:
        about = {"exposure": "", "outcome": outcome, "time_scale": "calendar", "coding": "", "model": ""}
        failed = {**about, "variant": "Rates by calendar year", "reason": str(error), "formula": ""}
        return {"failures": pd.DataFrame([failed])}


def rates(study: Study, outcome: str) -> pd.DataFrame:
    """Rates in each period, standardised to the person-years of all periods together, of everybody at risk.

    Only bands of age that have person-time in every period take part, so that the same ages are compared throughout.

    Returns
    -------
    DataFrame
        outcome period from_year to_year age_low age_high n events person_years crude rate se low high.

    Raises
    ------
    DataError
        If nobody's calendar year is known, or no band of age has person-time in every period.
    """
    asked: CalendarSpec = study.spec.asked("calendar")
    people = followed(study, outcome)
    first, last = _period(people[ENTRY].min(), asked.years), _period(people[EXIT].max(), asked.years) + asked.years
    periods = np.arange(first, last + 1, asked.years)
    bands = np.arange(0, people[AGE].max() + (last - first) + asked.ages, asked.ages)
    pieces = split(
        people, {"calendar": periods, AGE: bands}, follow_up=f"Surv({ENTRY}, {EXIT}, {EVENT})", scale="calendar",
        scales={AGE: AGE},
    )  # fmt: skip
    pieces = pieces.assign(**{TIME: pieces[EXIT] - pieces[ENTRY]})
    cells = pieces.pivot_table(TIME, f"{AGE}_from", "calendar_from", aggfunc="sum", fill_value=0.0)
    common = cells.index[(cells > 0).all(axis=1)]
    if common.empty:
        raise DataError(
            f"no band of {asked.ages} years of age has person-time in every period from {first} to {last - 1}. Write "
            "longer periods (years) or wider bands (ages) in [calendar]."
        )
    pieces = pieces[pieces[f"{AGE}_from"].isin(common)]
    standard = cells.loc[common].sum(axis=1).rename("weight").reset_index()
    found = standardised_rates(
        pieces, standard, events=EVENT, time=TIME, by=[f"{AGE}_from"], group="calendar_from", per=asked.per,
        level=study.spec.level,
    )  # fmt: skip
    start = found["group"].astype(int)
    last_year = start + asked.years - 1
    single = asked.years == 1
    return pd.DataFrame(
        {
            "outcome": outcome,
            "period": [str(a) if single else f"{a} to {b}" for a, b in zip(start, last_year, strict=True)],
            "from_year": start.astype(float),
            "to_year": last_year.astype(float),
            "age_low": float(common.min()),
            "age_high": float(common.max() + asked.ages),
            "n": pieces.groupby("calendar_from")["person"].nunique().loc[found["group"]].to_numpy(),
            "events": found["events"],
            "person_years": found["person_time"],
            **{name: found[name] for name in ("crude", "rate", "se", "low", "high")},
        }
    )


def followed(study: Study, outcome: str) -> pd.DataFrame:
    """Who is at risk and when, in calendar years: person entry exit event, and age at entry.

    Raises
    ------
    DataError
        If nobody's calendar year at entry is known.
    """
    cohort, asked = study.cohort, study.spec.asked("calendar")
    declared = cohort.outcomes[outcome]
    data = cohort.data[cohort.data[declared.at_risk]]
    years = numbers(data[str(declared.time)]) / PER_YEAR[str(cohort.time_unit)]
    entry, age = numbers(data[asked.entry]), numbers(data[str(study.age)])
    people = pd.DataFrame(
        {"person": np.arange(len(data)), ENTRY: entry, EXIT: entry + years, EVENT: data[outcome] == 1, AGE: age}
    ).astype({EVENT: int})
    people = people.dropna()
    if people.empty:
        raise DataError(f"'{asked.entry}', the calendar year at entry, is missing in everyone at risk.")
    return people


def _period(year: float, years: int) -> int:
    """The first year of the period that a moment lies in; periods are counted from the year 0."""
    return int(np.floor(year / years)) * years


RUNNING = Running(jobs=jobs)
