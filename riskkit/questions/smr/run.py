"""Events of each outcome against those expected at the cohort's reference rates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskkit.cohort.rates import ReferenceRates
from riskkit.design.bases import numbers
from riskkit.design.lexis import split
from riskkit.errors import DataError
from riskkit.infer.rates import expected
from riskkit.questions.smr.frames import with_ratios
from riskkit.questions.smr.spec import SmrSpec
from riskkit.spec.tables import FLAG, PER_YEAR
from riskkit.study.study import FAILED, Job, Rows, Running, Study

ENTRY, EXIT, EVENT, TIME, PERSON = "entry", "exit", "event", "time", "person"


def jobs(study: Study) -> Iterator[Job]:
    """One job for each outcome."""
    if study.spec.asked("smr") is not None:
        for outcome in study.spec.outcomes:
            yield Job(against_reference, (outcome,), f"{outcome}, against reference rates")


def against_reference(study: Study, outcome: str) -> Rows:
    """Ratios of one outcome: rows of smr, or one of failures."""
    try:
        return {"smr": ratios(study, outcome)}
    except FAILED as error:
        about = {"exposure": "", "outcome": outcome, "time_scale": "age", "coding": "", "model": ""}
        failed = {**about, "variant": "Against reference rates", "reason": str(error), "formula": ""}
        return {"failures": pd.DataFrame([failed])}


def ratios(study: Study, outcome: str) -> pd.DataFrame:
    """The ratio of everybody, of the levels of each variable asked for, and of the groups of each exposure.

    Returns
    -------
    DataFrame
        As the frame smr.

    Raises
    ------
    DataError
        If there are no rates of this outcome, or none for an age, year or level at which people are followed.
    """
    asked: SmrSpec = study.spec.asked("smr")
    people, missing = followed(study, outcome)
    rates = study.cohort.rates
    assert rates is not None  # the analysis file has been checked
    pieces = banded(people, rates, outcome)
    wanted = {"": (pd.Series("", index=people.index), [""])}
    wanted |= {name: _levels(study, people, name) for name in asked.by}
    if asked.exposures:
        wanted |= {name: _groups(study, people, name) for name, coding in study.codings.items() if coding.cuts}
    return pd.concat(
        [
            _by(name, values, levels, people, pieces, missing).assign(outcome=outcome)
            for name, (values, levels) in wanted.items()
        ],
        ignore_index=True,
    ).pipe(_with_limits, study.spec.level)


def followed(study: Study, outcome: str) -> tuple[pd.DataFrame, int]:
    """Who is at risk and from which to which age: person entry exit event, calendar year, the variables of the rates.

    Returns
    -------
    DataFrame
        With the cohort's rows as index.
    int
        How many at risk are left out, since one of these is missing.
    """
    cohort = study.cohort
    rates, declared = cohort.rates, cohort.outcomes[outcome]
    assert rates is not None
    data = cohort.data[cohort.data[declared.at_risk]]
    a_year = PER_YEAR[str(cohort.time_unit)]
    frame = {
        ENTRY: numbers(data["age_entry"]) / a_year,
        EXIT: numbers(data[str(declared.age_exit)]) / a_year,
        EVENT: (data[outcome] == 1).astype(int),
    }
    if rates.periods:
        frame["period"] = numbers(data[str(rates.calendar)])
    people = pd.DataFrame(frame | {name: _labels(study, data, name) for name in rates.by}, index=data.index)
    known = people.notna().all(axis=1)
    return people[known], int((~known).sum())


def banded(people: pd.DataFrame, rates: ReferenceRates, outcome: str) -> pd.DataFrame:
    """Follow-up cut at the bands of the rates, with the events expected in each piece.

    Returns
    -------
    DataFrame
        event time expected, a row a piece under its person's index label.

    Raises
    ------
    DataError
        As `ratios`.
    """
    table = _table(rates, outcome)
    scales = {"age": "age", **({"period": "period"} if rates.periods else {})}
    cuts = {}
    for scale in scales:
        bands = table[[f"{scale}_from", f"{scale}_to"]].drop_duplicates().sort_values(f"{scale}_from")
        end = bands[f"{scale}_to"].iloc[-1]
        cuts[scale] = [*bands[f"{scale}_from"], *([end + 1] if np.isfinite(end) else [])]
        start = people[ENTRY] if scale == "age" else people["period"]
        _within(start, start + people[EXIT] - people[ENTRY], cuts[scale][0], end + 1, scale, outcome, rates)
    pieces = split(
        people, cuts, follow_up=f"Surv({ENTRY}, {EXIT}, {EVENT})", scale="age",
        scales={"period": "period"} if rates.periods else None,
    )  # fmt: skip
    pieces[TIME] = pieces[EXIT] - pieces[ENTRY]
    by = [*(f"{scale}_from" for scale in scales), *rates.by]
    pieces["expected"] = expected(pieces, table, by=by, time=TIME, per=rates.per)
    return pieces[[EVENT, TIME, "expected"]]


def _table(rates: ReferenceRates, outcome: str) -> pd.DataFrame:
    """The rates of one outcome; open ends are infinite."""
    bands = ["age_from", "age_to", "period_from", "period_to"]
    table = pd.DataFrame(list(rates.cells), columns=["outcome", *bands, *rates.by, "rate"])
    table = table[table["outcome"] == outcome].copy()
    if table.empty:
        raise DataError(
            f"the reference rates of {rates.population} have none of '{outcome}'; they have "
            f"{', '.join(rates.outcomes)}. Add rows for it."
        )
    table[bands] = table[bands].astype(float)
    for name in ("age_to", "period_to"):
        table[name] = table[name].fillna(np.inf)
    return table


def _within(
    start: pd.Series, end: pd.Series, low: float, high: float, scale: str, outcome: str, rates: ReferenceRates
) -> None:
    """Refuse follow-up at ages, or in years, that the reference rates do not have."""
    tie = 1e-9 * max(1.0, abs(float(end.max())))
    if start.min() < low - tie or end.max() > high + tie:
        what = "ages" if scale == "age" else "years"
        upper = "on" if np.isinf(high) else f"to {high - 1:g}"
        raise DataError(
            f"people are followed at {what} {start.min():.1f} to {end.max():.1f}, and the reference rates of "
            f"{rates.population} for '{outcome}' are of {what} {low:g} {upper}. Add rates, or leave these people out "
            "by [[exclusions]]."
        )


def _by(
    name: str, values: pd.Series, levels: list[str], people: pd.DataFrame, pieces: pd.DataFrame, missing: int
) -> pd.DataFrame:
    """Counts in each level of a variable, those without anybody left out."""
    level = values.reindex(pieces.index).to_numpy()
    sums = pieces.groupby(level)[[EVENT, TIME, "expected"]].sum()
    n = values.value_counts()
    there = [each for each in levels if each in sums.index]
    return pd.DataFrame(
        {
            "by": name,
            "level": there,
            "position": range(len(there)),
            "n": n.reindex(there).to_numpy(),
            "events": sums.loc[there, EVENT].to_numpy(),
            "person_years": sums.loc[there, TIME].to_numpy(),
            "expected": sums.loc[there, "expected"].to_numpy(),
            "n_missing": missing + int(values.isna().sum()),
        }
    )


def _with_limits(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    made = [with_ratios(own.astype({"events": float}), level) for _, own in rows.groupby("by", sort=False)]
    return pd.concat(made, ignore_index=True).assign(level_of_confidence=level).astype({"events": "int64"})


def _labels(study: Study, data: pd.DataFrame, name: str) -> pd.Series:
    """Levels of a category or flag as text, missing where they are."""
    values = data[name]
    if study.cohort.variables[name].kind == "flag":
        return values.map(dict(enumerate(FLAG))).astype(object)
    return values.astype(object)


def _levels(study: Study, people: pd.DataFrame, name: str) -> tuple[pd.Series, list[str]]:
    variable = study.cohort.variables[name]
    levels = FLAG if variable.kind == "flag" else variable.levels
    return _labels(study, study.cohort.data.loc[people.index], name), list(levels)


def _groups(study: Study, people: pd.DataFrame, name: str) -> tuple[pd.Series, list[str]]:
    """The groups of an exposure, from the lowest; a value at a cut point belongs to the group below it."""
    cuts = np.asarray(study.codings[name].cuts)
    values = study.cohort.data.loc[people.index, name]
    labels = pd.Series(
        [f"Q{group + 1}" for group in cuts.searchsorted(values, "left")], index=people.index, dtype=object
    )
    return labels.where(values.notna()), [f"Q{group + 1}" for group in range(len(cuts) + 1)]


RUNNING = Running(jobs=jobs)
