"""What the results say of the cohort and of the run, besides the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.infer.simex import ADDED
from riskkit.provenance import provenance
from riskkit.runner.interactions import label_of
from riskkit.runner.model import measure
from riskkit.runner.scale import Scale
from riskkit.runner.usual import REPLICATES
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.interactions import InteractionSpec, levels_of
from riskkit.spec.tables import PER_YEAR
from riskkit.tables.age_and_sex import by_age_and_sex
from riskkit.tables.characteristics import characteristics

BINS = 60
SHOWN = [0.001, 0.999]  # quantiles between which a histogram is drawn


def histograms(scales: Mapping[str, Scale], cohort: Cohort) -> pd.DataFrame:
    """Distribution of each exposure in the cohort: left, right, n."""
    frames = []
    for name in scales:
        values = cohort.data[name].dropna().to_numpy(dtype=float)
        counts, edges = np.histogram(values, bins=BINS, range=tuple(np.quantile(values, SHOWN)))
        frames.append(pd.DataFrame({"exposure": name, "left": edges[:-1], "right": edges[1:], "n": counts}))
    return pd.concat(frames, ignore_index=True)


def described(spec: AnalysisSpec, scales: Mapping[str, Scale], cohort: Cohort) -> pd.DataFrame:
    """The cohort's characteristics by groups of the first exposure."""
    name, scale = next(iter(scales.items()))
    values = cohort.data[name]
    group = pd.Series(np.searchsorted(scale.cuts, values, side="left"), index=values.index)
    labels = ("Q" + (group + 1).astype(str)).where(values.notna())
    years = cohort.data["follow_up"] / PER_YEAR[str(cohort.time_unit)] if measure(spec).timed else None
    variables = {variable: cohort.variables[variable] for variable in spec.characteristics}
    return characteristics(cohort.data, variables, by=labels, person_years=years)


def age_and_sex(scales: Mapping[str, Scale], age: str | None, cohort: Cohort) -> pd.DataFrame:
    """Percentiles of each exposure by age and sex; no rows where the cohort lacks either."""
    if age is None or "sex" not in cohort.variables or cohort.variables[age].unit != "years":
        return pd.DataFrame()
    frames = [by_age_and_sex(cohort.data, name, age, "sex") for name in scales if name != age]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def manifest(path: Path, spec: AnalysisSpec, scales: Mapping[str, Scale], cohort: Cohort) -> dict[str, Any]:
    """What was asked, of whom, with what software."""
    plain = (
        "name",
        "title",
        "question",
        "outcomes",
        "time_scales",
        "strata",
        "competing",
        "level",
        "min_events",
        "notes",
    )
    return {
        "analysis": {
            **{field: getattr(spec, field) for field in plain},
            "measure": measure(spec).ratio,
            "main_model": spec.main.name,
            "models": [{"name": m.name, "label": m.label, "covariates": spec.covariates(m)} for m in spec.models],
            "subgroups": [subgroup.model_dump() for subgroup in spec.subgroups],
            "imputation": spec.imputation.model_dump() if spec.imputation else None,
            "sensitivity": [change.model_dump() for change in spec.sensitivity],
            "published": [each.model_dump() for each in spec.published],
            "simex": {"replicates": REPLICATES, "added_error": ADDED},
            "interactions": [_interaction(each, cohort) for each in spec.interactions],
            "robustness": spec.robustness.model_dump() if spec.robustness else None,
        },
        "exposures": {name: asdict(scale) for name, scale in scales.items()},
        "outcomes": {name: {"label": cohort.outcomes[name].label} for name in spec.outcomes},
        "cohort": cohort.describe(),
        "provenance": provenance(path),
    }


def _interaction(interaction: InteractionSpec, cohort: Cohort) -> dict[str, Any]:
    variable = cohort.variables[interaction.modifier]
    levels = levels_of(variable.kind, variable.levels)
    return {**interaction.model_dump(), "label": label_of(interaction, cohort), "levels": levels}
