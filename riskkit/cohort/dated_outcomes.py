"""Follow-up and outcomes of a cohort whose raw files have dates; what comes out has times and ages only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.cohort.codelists import Codelist
from riskkit.cohort.events import Definition
from riskkit.cohort.flow import FlowStep, leave_out
from riskkit.cohort.outcomes import Outcome, at_risk_of, step
from riskkit.errors import DataError
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.tables import PER_YEAR

EPOCH = np.datetime64("1970-01-01", "D")
ASSUMED_DAY = 15
DEATH = "death of any cause"  # no name of the specification has blanks


@dataclass(frozen=True)
class Calendar:
    """When people enter and at the latest leave; each a Series of days since 1970-01-01, one entry a person.

    Attributes
    ----------
    birth, baseline : Series
    leave : Series
        The day of death or loss to follow-up; infinite for neither.
    ends : dict of Series
        The last complete day of each kind of records, in the person's country.
    """

    birth: pd.Series
    baseline: pd.Series
    leave: pd.Series
    ends: dict[str, pd.Series]

    def of(self, index: pd.Index) -> Calendar:
        """Keep some of the people."""
        ends = {key: days[index] for key, days in self.ends.items()}
        return Calendar(self.birth[index], self.baseline[index], self.leave[index], ends)


def definitions(spec: CohortSpec, lists: dict[str, Codelist]) -> dict[str, Definition]:
    """List what has to be found in the records: outcomes and histories by name, and death."""
    wanted = {
        name: Definition(entry.sources, lists[entry.codelist] if entry.codelist else None)
        for name, entry in spec.recorded.items()
    }
    if spec.follow_up is not None and spec.follow_up.death is not None:
        wanted[DEATH] = Definition((spec.follow_up.death,), None)
    return wanted


def birth_days(people: pd.DataFrame, spec: CohortSpec) -> pd.Series:
    """Day of birth from year and month, the 15th being assumed; missing where one of them is.

    Raises
    ------
    DataError
        If a month is none of 1 to 12.
    """
    assert spec.follow_up is not None
    year, month = people[str(spec.follow_up.birth_year)], people[str(spec.follow_up.birth_month)]
    wrong = month.notna() & ~month.isin(range(1, 13))
    if wrong.any():
        raise DataError(
            f"'{month.name}' has {wrong.sum():,} value(s) that are no month, such as {month[wrong].iloc[0]:g}."
        )
    months = ((year - 1970) * 12 + month - 1).to_numpy()
    known = np.isfinite(months)
    days = np.full(len(people), np.nan)
    first = (np.datetime64("1970-01", "M") + months[known].astype(np.int64)).astype("datetime64[D]")
    days[known] = (first - EPOCH).astype(np.int64) + ASSUMED_DAY - 1
    return pd.Series(days, index=people.index)


def add_histories(people: pd.DataFrame, spec: CohortSpec, days: pd.DataFrame) -> pd.DataFrame:
    """Add a column for each history: 1 with a record by baseline, 0 without; missing if its date is not known."""
    assert spec.follow_up is not None
    baseline = people[str(spec.follow_up.baseline)]
    flags = {
        name: (days[name] <= baseline).astype(np.float64).where(days[name].notna() & baseline.notna())
        for name in spec.histories
    }
    return people.assign(**flags)


def calendar(people: pd.DataFrame, spec: CohortSpec, days: pd.DataFrame) -> Calendar:
    """Gather the days that bound follow-up.

    Raises
    ------
    DataError
        If a date of baseline, a birth or a country is missing, or somebody enters or is lost before birth.
    """
    declared = spec.follow_up
    assert declared is not None
    birth, baseline, country = birth_days(people, spec), people[str(declared.baseline)], people[str(declared.country)]
    for name, values in ((declared.baseline, baseline), (declared.country, country), (declared.birth_year, birth)):
        if values.isna().any():
            raise DataError(
                f"'{name}' is missing for {values.isna().sum():,} people ({_who(people, values.isna())}). Exclude "
                f"them: when = 'missing({name})'."
            )
    lost = people[declared.lost].fillna(np.inf) if declared.lost else pd.Series(np.inf, index=people.index)
    for name, date in ((declared.baseline, baseline), (declared.lost, lost)):
        early = date < birth
        if early.any():
            raise DataError(
                f"'{name}' is before birth for {early.sum():,} people ({_who(people, early)}). Correct the dates, or "
                "the year and month of birth."
            )
    ends = {}
    for key, censoring in spec.censoring.items():
        last = {level: int((np.datetime64(day, "D") - EPOCH).astype(int)) for level, day in censoring.dates.items()}
        ends[key] = country.astype(object).map(last).astype(np.float64)
    # A death without a date: nobody knows until when the person was followed.
    death = days[DEATH].fillna(-np.inf) if DEATH in days else lost
    return Calendar(birth, baseline, death.clip(upper=lost), ends)


def leave_out_unfollowed(
    people: pd.DataFrame, flow: tuple[FlowStep, ...], spec: CohortSpec, dates: Calendar
) -> tuple[pd.DataFrame, tuple[FlowStep, ...]]:
    """Take the step that the calendar asks for: who is not observed for a day."""
    unfollowed = _exit(spec, dates) <= dates.baseline
    return leave_out(people, flow, "Not followed for a day: dead, lost or records ended by baseline", unfollowed)


def dated_follow_up(spec: CohortSpec, dates: Calendar) -> dict[str, pd.Series]:
    """Make ``follow_up``, ``age_entry`` and ``age_exit`` in the declared unit."""
    entry = _in_unit(dates.baseline - dates.birth, spec)
    time = _in_unit(_exit(spec, dates) - dates.baseline, spec)
    return {"follow_up": time, "age_entry": entry, "age_exit": entry + time}


def dated_outcome(
    people: pd.DataFrame, spec: CohortSpec, name: str, dates: Calendar, days: pd.DataFrame
) -> tuple[Outcome, dict[str, pd.Series]]:
    """Make the columns of an outcome that is the first of dated records.

    `dates` and `days` are those of `people`, row by row.

    Follow-up ends with the first record, death, loss to follow-up or the end of the outcome's records, whichever comes
    first. A record by baseline makes a prevalent case, who is not at risk; so is who has records without a usable date
    only, and who had a history that the outcome is declared to be free of (or may have had: its date is not known).

    Raises
    ------
    DataError
        If nobody is at risk.
    """
    declared = spec.outcomes[name]
    first, leave = days[name], _exit(spec, dates, declared.censoring)
    at_risk, flow = at_risk_of(people, declared)
    steps = [(spec.histories[history].label, people[history] != 0) for history in declared.free_of]
    steps.append(("Had it by baseline", first <= dates.baseline))
    steps.append(("Recorded without a usable date", first.isna()))
    steps.append(("Not followed for a day: dead, lost or records ended by baseline", leave <= dates.baseline))
    for label, out in steps:
        at_risk = at_risk & ~out
        flow = (*flow, step(label, flow[-1], at_risk))
    time = _in_unit(first.clip(upper=leave) - dates.baseline, spec).where(at_risk)
    columns = {
        name: ((first <= leave) & at_risk).astype(np.int8),
        f"{name}_at_risk": at_risk,
        f"{name}_follow_up": time,
        f"{name}_age_exit": _in_unit(dates.baseline - dates.birth, spec) + time,
    }
    outcome = Outcome(
        name=name,
        label=declared.label,
        event=name,
        time=f"{name}_follow_up",
        age_exit=f"{name}_age_exit",
        at_risk=f"{name}_at_risk",
        only=declared.only,
        note=declared.note,
        flow=flow,
    )
    return outcome, columns


def _exit(spec: CohortSpec, dates: Calendar, censoring: str | None = None) -> pd.Series:
    """Last day of follow-up where nothing happens, of the kind of records given or that of the cohort."""
    assert spec.follow_up is not None
    return dates.leave.clip(upper=dates.ends[censoring or str(spec.follow_up.censoring)])


def _in_unit(days: pd.Series, spec: CohortSpec) -> pd.Series:
    assert spec.follow_up is not None
    return days * (PER_YEAR[spec.follow_up.unit] / PER_YEAR["days"])


def _who(people: pd.DataFrame, chosen: pd.Series) -> str:
    ids = [str(identifier) for identifier in people.loc[chosen, "id"].head(3)]
    return f"id {', '.join(ids)}{', ...' if chosen.sum() > 3 else ''}"
