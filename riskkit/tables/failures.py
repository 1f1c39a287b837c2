"""The models that were not fitted, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskkit.tables.table import Column, Row, Table


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
