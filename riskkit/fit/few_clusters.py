"""Clusters, and what having few of them does to intervals and tests."""

from __future__ import annotations

import numpy as np

from riskkit.design.design import Design
from riskkit.errors import FitError

FEW = 50
"""Clusters from which normal distributions are as good as t (Cameron AC, Miller DL (2015) J Hum Resour 50:317)."""


def count(design: Design) -> int | None:
    """Clusters of a design, or None.

    Raises
    ------
    FitError
        If there is one, which leaves no variation between clusters.
    """
    if design.cluster is None:
        return None
    found = int(np.unique(design.cluster).size)
    if found < 2:
        raise FitError("there is one cluster, which leaves no variation between clusters to estimate a variance from.")
    return found


def residual_df(clusters: int | None) -> float:
    """Degrees of freedom of the t distribution of intervals: clusters less one where they are few."""
    return float("inf") if clusters is None or clusters >= FEW else clusters - 1.0


def cluster_notes(clusters: int | None, tested: int) -> tuple[str, ...]:
    """Say what few clusters do to intervals and tests; `tested` is the number of coefficients."""
    if clusters is None or (clusters >= FEW and tested < clusters):
        return ()
    notes = [f"{clusters} clusters: intervals and tests are of t and F with {clusters - 1} degrees of freedom."]
    if clusters >= FEW:
        notes = []
    if tested >= clusters:
        notes.append(
            f"{clusters} clusters allow joint tests of {clusters - 1} coefficients at most; others are missing."
        )
    return tuple(notes)
