"""The distribution of an exposure by age and sex, as a tidy frame."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.errors import DataError, did_you_mean

WIDTH = 5  # years of a band of age
PERCENTILES = (5, 25, 50, 75, 95)
FEWEST = 20  # people of a band; the percentiles of fewer are left out
COLUMNS = ("exposure", "sex", "age_low", "age_high", "age", "n", *(f"p{p}" for p in PERCENTILES))


def by_age_and_sex(data: pd.DataFrame, exposure: str, age: str, sex: str) -> pd.DataFrame:
    """Percentiles of an exposure in five-year bands of age, for each sex.

    Parameters
    ----------
    data : DataFrame
        One row per person.
    exposure, age, sex : str
        Columns: two numbers (age in years) and a category. People without a value in one of them are left out.

    Returns
    -------
    DataFrame
        One row per sex and band: exposure sex age_low age_high age n p5 p25 p50 p75 p95. A band is from age_low up to
        but not including age_high; `age` is the mean age of its people. Bands of fewer than 20 people are left out.

    Raises
    ------
    DataError
        If there is no such column.

    Notes
    -----
    Quantiles are of type 7 in R's numbering.
    """
    for name in (exposure, age, sex):
        if name not in data:
            raise DataError(f"There is no column '{name}' to describe.{did_you_mean(name, map(str, data.columns))}")
    known = data[[exposure, age, sex]].dropna()
    band = np.floor(known[age].to_numpy(dtype=float) / WIDTH) * WIDTH
    rows = []
    for (group, start), people in known.groupby([known[sex].astype(str), band], sort=True):
        if len(people) >= FEWEST:
            values = people[exposure].to_numpy(dtype=float)
            middle = float(people[age].mean())
            low = float(str(start))
            rows.append((exposure, group, low, low + WIDTH, middle, len(people), *np.percentile(values, PERCENTILES)))
    return pd.DataFrame(rows, columns=list(COLUMNS))
