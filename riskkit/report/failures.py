"""The models that were not fitted, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskkit.disclosure import applied
from riskkit.numbers import count
from riskkit.results import Results
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.words import TIME_SCALES

CODINGS = {"spline": "spline", "groups": "groups", "linear": "straight line"}


def failures_table(failures: pd.DataFrame, labels: Mapping[str, Mapping[str, str]], caption: str) -> Table:
    """The models that were left out, each with the reason.

    Parameters
    ----------
    failures : DataFrame
        Columns exposure outcome time_scale coding model variant reason; the variant is shown where any row has one.
    labels : mapping of str to mapping
        For each of the key columns, its values' labels.
    caption : str
    """
    keys = {
        "exposure": "Exposure",
        "outcome": "Outcome",
        "time_scale": "Time scale",
        "coding": "Coding",
        "model": "Model",
    }
    if (failures["variant"] != "").any():
        keys["variant"] = "Subgroup, sensitivity analysis or check"
    columns = tuple(Column(text, numeric=False) for text in (*keys.values(), "Reason"))
    rows = [
        Row((*(labels[key].get(getattr(r, key), getattr(r, key)) for key in keys), r.reason))
        for r in failures.itertuples()
    ]
    return Table(caption, columns, tuple(rows))


def left_out_told(results: Results) -> str:
    """How many models were fitted, and whether any was not."""
    variants = results.variants[["exposure", "outcome", "coding", "variant"]].drop_duplicates()
    fitted = count(len(results.fits) + len(variants))
    if results.failures.empty:
        return f"None: all {fitted} models that the analysis asks for were fitted."
    if applied(results.manifest):
        return f"{fitted} models are shown; these are not:"
    return f"{fitted} models were fitted; these were not:"


def left_out_table(results: Results) -> Table | None:
    """The models that were not fitted, each with its reason; None where all were."""
    if results.failures.empty:
        return None
    manifest = results.manifest
    analysis = manifest.analysis
    labels = {
        "exposure": {name: exposure.label for name, exposure in manifest.exposures.items()},
        "outcome": {name: outcome.label for name, outcome in manifest.outcomes.items()},
        "time_scale": TIME_SCALES,
        "coding": CODINGS,
        "model": {model.name: model.label for model in analysis.models},
        "variant": {each.name: each.label for each in analysis.variants},
    }
    return failures_table(results.failures, labels, "Models that were not fitted, and why")
