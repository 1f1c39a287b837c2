"""Models that were fitted together: what questions that need the fits themselves are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.fit.fit import Fit
from riskkit.spec.plan import Task


@dataclass(frozen=True, eq=False)
class Fitted:
    """One model of a batch: its task, formula and fit, and which rows of the batch's data it used, shape (n,)."""

    task: Task
    formula: str
    fit: Fit
    used: np.ndarray


@dataclass(frozen=True, eq=False)
class Batch:
    """Models that differ in the outcome only.

    Attributes
    ----------
    task : Task
        Any of the batch.
    terms : str
        Right-hand side of the batch's formula.
    data : DataFrame
        The people of the batch.
    fitted : tuple of Fitted
        Those that could be.
    estimates : DataFrame
        The exposure's estimates of all of them, with their `outcome`; empty for splines.
    """

    task: Task
    terms: str
    data: pd.DataFrame
    fitted: tuple[Fitted, ...]
    estimates: pd.DataFrame
