"""Rows of tidy frames, for tests that compare one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd


def one(frame: pd.DataFrame, **key: str) -> pd.Series:
    found = frame[np.logical_and.reduce([frame[name] == value for name, value in key.items()])]
    assert len(found) == 1, found
    return found.iloc[0]
