"""Which code a case gets: one of its disease's, of the revision in use on the day."""

from __future__ import annotations

from typing import Literal

import numpy as np

from riskkit.simulate.diseases import DISEASES

Revision = Literal["icd10", "icd9"]


def vocabulary(revision: Revision) -> list[str]:
    """Codes of every disease of the twin in one revision, in the order of `DISEASES`."""
    return [code for disease in DISEASES for code in getattr(disease, revision)]


def choose(revision: Revision, row: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Pick one code for each case.

    Parameters
    ----------
    revision : {"icd10", "icd9"}
    row : int array, shape (cases,)
        Place of the disease in `DISEASES`.
    u : float array, shape (cases,)
        Uniform draws.

    Returns
    -------
    int array, shape (cases,)
        Places in `vocabulary`.
    """
    sizes = np.array([len(getattr(disease, revision)) for disease in DISEASES])
    starts = np.cumsum(sizes) - sizes
    return starts[row] + np.floor(u * sizes[row]).astype(np.int64)
