"""Who was studied: how exposures are distributed, characteristics, age and sex, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskkit.describe.age_and_sex import by_age_and_sex
from riskkit.describe.characteristics import characteristics
from riskkit.spec.plan import Task, is_main
from riskkit.spec.tables import PER_YEAR
from riskkit.spec.terms import columns_of
from riskkit.study.estimators import measure
from riskkit.study.study import Job, Rows, Running, Study

BINS = 60
SHOWN = [0.001, 0.999]  # quantiles between which a histogram is drawn


def jobs(study: Study) -> Iterator[Job]:
    """One job: it takes no time."""
    yield Job(describe, (), "who was studied")


def describe(study: Study) -> Rows:
    """Rows of histograms, characteristics, by_age_and_sex and missing."""
    return {
        "histograms": histograms(study),
        "characteristics": described(study),
        "by_age_and_sex": age_and_sex(study),
        "missing": how_much_missing(study),
    }


def histograms(study: Study) -> pd.DataFrame:
    """Distribution of each exposure in the cohort: left, right, n."""
    frames = []
    for name in study.codings:
        values = _described_people(study)[name].dropna().to_numpy(dtype=float)
        counts, edges = np.histogram(values, bins=BINS, range=tuple(np.quantile(values, SHOWN)))
        frames.append(pd.DataFrame({"exposure": name, "left": edges[:-1], "right": edges[1:], "n": counts}))
    return pd.concat(frames, ignore_index=True)


def described(study: Study) -> pd.DataFrame:
    """The cohort's characteristics by groups of the first exposure."""
    spec, cohort = study.spec, study.cohort
    name, coding = next(iter(study.codings.items()))
    data = _described_people(study)
    values = data[name]
    group = pd.Series(np.searchsorted(coding.cuts, values, side="left"), index=values.index)
    labels = ("Q" + (group + 1).astype(str)).where(values.notna())
    followed = measure(spec).timed and (cohort.sampled is None or cohort.sampled.subcohort is not None)
    years = data["follow_up"] / PER_YEAR[str(cohort.time_unit)] if followed else None
    variables = {variable: cohort.variables[variable] for variable in spec.characteristics}
    return characteristics(data, variables, by=labels, person_years=years)


def _described_people(study: Study) -> pd.DataFrame:
    """Everyone, or whoever stands for the cohort where the people are a sample of it."""
    data, drawn = study.cohort.data, study.cohort.sampled
    return data if drawn is None else data[drawn.compared(data)]


def age_and_sex(study: Study) -> pd.DataFrame:
    """Percentiles of each exposure by age and sex; no rows where the cohort lacks either."""
    age, cohort = study.age, study.cohort
    if age is None or "sex" not in cohort.variables or cohort.variables[age].unit != "years":
        return pd.DataFrame()
    frames = [by_age_and_sex(_described_people(study), name, age, "sex") for name in study.codings if name != age]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def how_much_missing(study: Study) -> pd.DataFrame:
    """How many people lack each variable of the main model.

    Returns
    -------
    DataFrame
        exposure variable n n_missing: the exposure among everyone in the cohort, its covariates and strata among those
        who have it, and, with an empty variable, how many of these lack any. Then prevalent outcomes that are not
        known of some, among those who have the exposure and could have them; follow-up is known of everyone.
    """
    cohort = study.cohort
    main: dict[str, list[Task]] = {}
    for task in study.tasks:
        if is_main(task, study.spec):
            main.setdefault(task.exposure, []).append(task)
    rows = []
    for exposure, (task, *others) in main.items():
        measured = cohort.data[exposure].notna()
        rows.append((exposure, exposure, len(measured), int((~measured).sum())))
        lacking = cohort.data.loc[measured, [*columns_of(task.covariates), *task.strata]].isna()
        rows += [(exposure, str(name), len(lacking), int(lacking[name].sum())) for name in lacking]
        rows.append((exposure, "", len(lacking), int(lacking.any(axis=1).sum())))
        for name in dict.fromkeys(each.outcome for each in (task, *others)):
            possible = cohort.data.loc[measured & cohort.data[cohort.outcomes[name].at_risk], name]
            if possible.isna().any():
                rows.append((exposure, name, len(possible), int(possible.isna().sum())))
    return pd.DataFrame(rows, columns=["exposure", "variable", "n", "n_missing"])


RUNNING = Running(jobs=jobs, of_samples=True)
