"""What the explorer needs to answer for a reader's own level: how others' levels lie by age and sex, and risks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from riskkit.describe.age_and_sex import PERCENTILES
from riskkit.fit.limits import Scale
from riskkit.manifest import Manifest
from riskkit.numbers import measure
from riskkit.questions.absolute.words import competing_text, within_text
from riskkit.results import Results
from riskkit.spec.plan import NO_TIME
from riskkit.spec.tables import FLAG
from riskkit.telling.words import in_sentence, listed

KEY = ["exposure", "outcome", "time_scale", "coding", "model"]
DIGITS = 12  # significant ones of what curves of risks are drawn from


def bands(results: Results, exposure: str) -> list[dict[str, Any]]:
    """Percentiles of one exposure in each band of age of each sex, without those that are withheld."""
    rows = results.by_age_and_sex[results.by_age_and_sex["exposure"] == exposure]
    found = []
    for row in rows.to_dict("records"):
        known = [(percent, row[f"p{percent}"]) for percent in PERCENTILES if np.isfinite(row[f"p{percent}"])]
        if len(known) > 1:
            about = {"sex": row["sex"], "from": row["age_low"], "to": row["age_high"] - 1, "n": row["n"]}
            found.append({**about, "at": [[percent, z_of(percent), x] for percent, x in known]})
    return [{**each, "n": each["n"] if np.isfinite(each["n"]) else None} for each in found]


def z_of(percent: float) -> float:
    """The standard normal quantile of a percentile: between two of them levels are taken to lie as normal ones do."""
    return float(ndtri(percent / 100))


def risks(results: Results) -> dict[tuple[str, ...], dict[str, Any]]:
    """What is told of absolute risks beside each curve, by `KEY`; nothing for curves without.

    Each set, of one sex and age, has levels, and at these the transformed risk (log(-log) of a risk, logit of a
    prevalence) with its variance, both polynomials between knots.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    if results.absolute_patterns.empty:
        return found
    others = dict(iter(results.pattern_covariates.groupby(KEY)))
    for key, rows in results.absolute_patterns.groupby(KEY, sort=False):
        timed = key[KEY.index("time_scale")] != NO_TIME
        sets = [_set(own, timed) for _, own in rows.groupby(["sex", "age"], sort=False, dropna=False)]
        sets = [each for each in sets if each]
        if sets:
            found[key] = {
                "sets": sets,
                "exact": results.manifest.disclosed is None,
                "scale": "log-log" if timed else "logit",
                "within": within_text(rows["horizon"].iloc[0]),
                "others": _others(results.manifest, others[key]) if key in others else "",
                "competing": competing_text(results.manifest, key[KEY.index("outcome")]),
            }
    return found


def _set(rows: pd.DataFrame, timed: bool) -> dict[str, Any] | None:
    """One curve of risks; None where it is nothing at some level, as without events, or known at one level only."""
    rows = rows.sort_values("x")
    scale = Scale("log-log" if timed else "logit")
    value, se = rows["estimate"].to_numpy(), rows["se"].to_numpy()
    moved, variance = scale.to(value), (se * scale.derivative(value)) ** 2
    if len(rows) < 2 or not (np.isfinite(moved) & np.isfinite(variance)).all():
        return None
    first = rows.iloc[0]
    counts = {name: _count(first[name]) for name in ("events", "competing_events")}
    age = float(first["age"]) if np.isfinite(first["age"]) else None
    numbers = {"x": rows["x"].to_numpy(), "g": moved, "v": variance}
    return {"sex": first["sex"], "age": age, **counts, **{name: _short(each) for name, each in numbers.items()}}


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def _count(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None


def _others(manifest: Manifest, rows: pd.DataFrame) -> str:
    """What typical people have of the other covariates: smoking: Never, body mass index: 26.4 kg/m²."""
    told = []
    for row in rows.to_dict("records"):
        variable = manifest.cohort.variables[row["variable"]]
        if variable.kind == "category":
            value = str(row["level"])
        elif variable.kind == "flag":
            value = FLAG[int(row["value"])].lower()
        else:
            value = measure(row["value"], variable.unit)
        told.append(f"{in_sentence(variable.label)}: {value}")
    return listed(told)
