"""Cumulative incidence by group of an exposure, on the analysis's time scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskkit.design.bases import Array, numbers
from riskkit.design.surv import slack
from riskkit.frames import MODEL
from riskkit.infer.incidence import incidence
from riskkit.spec.plan import NO_TIME
from riskkit.spec.tables import PER_YEAR
from riskkit.study.leading import leading_pairs
from riskkit.study.sample import not_answered
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study

FEWEST = 10  # people at risk in every group, from the start of the curves to their end
LONG = 40  # years; shorter curves are read twice a year, longer ones once: a page holds many


def after(study: Study, frames: Frames) -> Iterator[Job]:
    """A job for each leading pair with groups and follow-up."""
    if study.spec.time_scales[0] != NO_TIME:
        for exposure, outcome in leading_pairs(study, frames):
            if study.codings[exposure].cuts:
                yield Job(by_group, (exposure, outcome), f"{exposure}, {outcome}, cumulative incidence")


def by_group(study: Study, exposure: str, outcome: str) -> Rows:
    """Estimate the curves of one pair: rows of incidence, or one of failures."""
    try:
        return {"incidence": incidence_by_group(study, exposure, outcome)}
    except FAILED as error:
        main = (exposure, outcome, study.spec.time_scales[0], "groups", study.spec.main.name)
        return {"failures": not_answered(dict(zip(MODEL, main, strict=True)), "Cumulative incidence", error)}


def incidence_by_group(study: Study, exposure: str, outcome: str) -> pd.DataFrame:
    """Estimate the cumulative incidence of an outcome in each group of an exposure, among all who are at risk.

    Returns
    -------
    DataFrame
        exposure outcome time_scale level n events time estimate low high n_at_risk n_event: a row per group and time
        (years). It starts at the first whole year from which on every group has ten people at risk, and ends with the
        last; nobody is left out for a missing covariate. No rows where there is no such year.
    """
    spec, cohort, cuts = study.spec, study.cohort, study.codings[exposure].cuts
    declared = cohort.outcomes[outcome]
    data = cohort.data[cohort.data[declared.at_risk] & cohort.data[exposure].notna()]
    on_age = spec.time_scales[0] == "age"
    years = PER_YEAR[str(cohort.time_unit)]
    exit = numbers(data[str(declared.age_exit if on_age else declared.time)]) / years
    entry = numbers(data["age_entry"]) / years if on_age else np.zeros(len(data))
    event = data[outcome].to_numpy() == 1
    competing = _competing(study, outcome, data) & ~event
    group = np.searchsorted(cuts, numbers(data[exposure]), side="left")
    at = _times(entry, exit, group, len(cuts) + 1)
    rows = []
    for g in range(len(cuts) + 1) if len(at) else ():
        own = group == g
        found = incidence(
            exit[own], event[own], entry=entry[own], competing=competing[own], at=at, start=at[0], level=spec.level
        )
        counts = {"level": f"Q{g + 1}", "n": int(own.sum()), "events": int(event[own].sum())}
        rows.append(found.drop(columns="se").assign(**counts))
    out = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return out.assign(exposure=exposure, outcome=outcome, time_scale=spec.time_scales[0])


def _competing(study: Study, outcome: str, data: pd.DataFrame) -> np.ndarray:
    """Whose follow-up the competing event ended, shape (n,)."""
    spec, cohort = study.spec, study.cohort
    if spec.competing is None or spec.competing == outcome:
        return np.zeros(len(data), dtype=bool)
    other = cohort.outcomes[spec.competing]
    ends, own = (numbers(data[str(each.time)]) for each in (other, cohort.outcomes[outcome]))
    return np.asarray((data[spec.competing] == 1) & (ends <= own + slack(own)))


def _times(entry: Array, exit: Array, group: np.ndarray, groups: int) -> Array:
    """Times to read the curves at, from the first to the last whole year with enough people in every group."""
    whole = np.arange(np.floor(entry.min()), np.ceil(exit.max()) + 1)
    fewest = np.full(whole.size, np.inf)
    for g in range(groups):
        starts, ends = np.sort(entry[group == g]), np.sort(exit[group == g])
        at_risk = starts.searchsorted(whole, "left") - ends.searchsorted(whole, "left")
        at_risk[0] = max(at_risk[0], (starts == whole[0]).sum())  # who enters at the origin is at risk from there
        fewest = np.minimum(fewest, at_risk)
    few = np.flatnonzero(fewest < FEWEST)
    fullest = int(fewest.argmax())
    if fewest[fullest] < FEWEST:
        return np.array([])
    first = few[few < fullest].max(initial=-1) + 1
    last = few[few > fullest].min(initial=whole.size) - 1
    step = 0.5 if whole[last] - whole[first] <= LONG else 1.0
    return np.arange(whole[first], whole[last] + step / 2, step)


RUNNING = Running(after=after)
