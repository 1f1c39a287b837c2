"""How many people and events are behind each line, outcome and number described; only where there is a rule on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskkit.study.batch import Batch
from riskkit.study.behind import cells
from riskkit.study.study import Job, Rows, Running, Study


def jobs(study: Study) -> Iterator[Job]:
    """One job, where the cohort has a rule on small numbers."""
    if study.cohort.disclosure is not None:
        yield Job(counted, (), "small cells")


def counted(study: Study) -> Rows:
    """Rows of cells_of_outcomes and cells_of_values."""
    return {"cells_of_outcomes": outcomes(study), "cells_of_values": values(study)}


def outcomes(study: Study) -> pd.DataFrame:
    """Of each outcome that others are part of: those that have no person in common, and the events of none of them.

    The largest come first, as they would if a reader took from all deaths those of the causes reported.
    """
    cohort, names = study.cohort, study.spec.outcomes
    had = {
        name: (cohort.data[name].to_numpy(dtype=float) == 1) & cohort.data[cohort.outcomes[name].at_risk].to_numpy()
        for name in names
    }
    rows = []
    for whole in names:
        left = had[whole].copy()
        for part in sorted(names, key=lambda name: -had[name].sum()):
            if had[part].sum() < had[whole].sum() and had[part].any() and (had[part] <= left).all():
                left &= ~had[part]
                rows.append((whole, part, int(had[part].sum())))
        if left.sum() < had[whole].sum():
            rows.append((whole, "", int(left.sum())))
    return pd.DataFrame(rows, columns=["outcome", "part", "events"])


def values(study: Study) -> pd.DataFrame:
    """Of each number described, by group of the first exposure: how many people do not have its commonest value."""
    cohort = study.cohort
    name, coding = next(iter(study.codings.items()))
    exposure = cohort.data[name]
    group = pd.Series(np.searchsorted(coding.cuts, exposure, side="left"), index=exposure.index)
    groups = [("All", pd.Series(True, index=exposure.index))]
    groups += [(f"Q{g + 1}", (group == g) & exposure.notna()) for g in range(len(coding.cuts) + 1)]
    rows = []
    for variable in study.spec.characteristics:
        if cohort.variables[variable].kind != "number":
            continue
        known = cohort.data[variable].dropna()
        distinct, times = np.unique(known.to_numpy(dtype=float), return_counts=True)
        if not len(distinct):
            continue
        usual = distinct[times.argmax()]
        least, most = distinct[[0, -1]]
        for label, own in groups:
            here = cohort.data.loc[own, variable].dropna()
            others = int((here != usual).sum())
            rows.append((variable, label, len(here), others, len(distinct), usual, least + most - usual))
    columns = ["variable", "group", "n", "n_other", "values", "commonest", "other"]
    return pd.DataFrame(rows, columns=columns)


def of_batch(study: Study, batch: Batch) -> Rows:
    """Rows of cells: of each line that was fitted."""
    if study.cohort.disclosure is None or batch.task.coding != "linear" or not batch.fitted:
        return {}
    found = []
    for each in batch.fitted:
        people = batch.data.loc[each.used]
        rows = cells(each.task, people[each.task.exposure], people[each.task.outcome])
        found.append(rows[["outcome", "level", "n", "events", "values", "gap"]])
    return {"cells": pd.concat(found, ignore_index=True)}


RUNNING = Running(jobs=jobs, of_batch=of_batch, of_samples=True)
