"""Contrasts of groups and percentiles as levels of a dose, by a declared distribution of the exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.evidence.contrasts import place, span
from riskkit.evidence.covariance import Counts, greenland_longnecker
from riskkit.evidence.effects import effects
from riskkit.evidence.reference import Reference
from riskkit.evidence.table import Estimate


@dataclass(frozen=True, eq=False)
class Placed:
    """Levels of several studies on the scale of a reference, as `rk.dose_response` takes them.

    Attributes
    ----------
    table : DataFrame
        study id dose estimate se: each study's reference first, with the estimate 0 and no standard error.
    covariances : dict of str to array
        Of each study's log ratios.
    left_out : tuple of pairs
        Study, and why a contrast of it has no place.
    """

    table: pd.DataFrame
    covariances: dict[str, Array]
    left_out: tuple[tuple[str, str], ...]


def placed(rows: Sequence[Estimate], reference: Reference) -> Placed:
    """Place contrasts of groups and percentiles at their levels in a reference population.

    A group stands at the mean that the people between its percentiles have in the reference population, whatever their
    own levels are: so assays and ages that differ between studies do not matter, and levels are those of the reference
    population "at the same percentile". Log ratios of one study against one group go together as Greenland and
    Longnecker have it; with groups of known shares no counts are needed, since the correlation does not depend on how
    many cases there are in all.

    Parameters
    ----------
    rows : sequence of Estimate
        With limits; of one outcome.
    reference : Reference

    Returns
    -------
    Placed
    """
    parts: list[pd.DataFrame] = []
    covariances: dict[str, Array] = {}
    left_out: list[tuple[str, str]] = []
    for study in dict.fromkeys(row.study for row in rows):
        own = [row for row in rows if row.study == study]
        here = [row for row in own if row.contrast.kind in ("groups", "percentiles")]
        left_out += [(study, _no_place(row)) for row in own if row not in here]
        same = [row for row in here if _against(row) == _against(here[0])]
        left_out += [(study, f"'{row.contrast.words}' is against another group") for row in here if row not in same]
        if same:
            table, covariance = _study(study, same, reference)
            parts.append(table)
            covariances[study] = covariance
    columns = ["study", "id", "dose", "estimate", "se"]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return Placed(whole[columns], covariances, tuple(left_out))


def _study(study: str, rows: Sequence[Estimate], reference: Reference) -> tuple[pd.DataFrame, Array]:
    spans = [_against(rows[0]), *(span(row.contrast, row.contrast.of) for row in rows)]
    printed = pd.DataFrame([{"study": row.id, "ratio": row.ratio, "low": row.low, "high": row.high} for row in rows])
    found = effects(printed)
    doses = [place(a, b, reference) for a, b in spans]
    table = pd.DataFrame({"study": study, "id": ["", *(row.id for row in rows)], "dose": doses})
    table["estimate"], table["se"] = np.append(0.0, found.estimate), np.append(np.nan, found.se)
    # People of a percentile are a narrow group about it; only the shares relative to each other matter.
    share = np.array([max(b - a, 1.0) for a, b in spans]) / 100
    counts = Counts(share * np.append(1.0, np.exp(found.estimate)), share, "incidence-rate")
    return table, greenland_longnecker(found.estimate, found.se**2, counts)


def _against(row: Estimate) -> tuple[float, float]:
    return span(row.contrast, row.contrast.against)


def _no_place(row: Estimate) -> str:
    if row.contrast.kind == "levels":
        return f"'{row.contrast.words}' is of levels, and the distribution of its own people is not declared"
    return f"'{row.contrast.words}' says of no group which percentiles it is"
