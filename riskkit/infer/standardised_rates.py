"""Directly standardised rates: what the rate of each group would be, had it the age structure of a standard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from riskkit.design.bases import Array, numbers
from riskkit.design.columns import check_columns
from riskkit.errors import DataError, SpecError
from riskkit.fit.hypothesis import t_critical
from riskkit.infer.rates import COUNTS, count_limits


def standardised_rates(
    data: pd.DataFrame,
    standard: pd.DataFrame,
    *,
    events: str,
    time: str,
    by: Sequence[str],
    group: str | None = None,
    reference: object = None,
    weight: str = "weight",
    per: float = 1.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Standardise the rates of groups to one population.

    Parameters
    ----------
    data : DataFrame, shape (n, ...)
        One row per person and band (as `rk.split` makes them), or per cell of a table.
    standard : DataFrame
        The standard population: one row per combination of the columns `by`, with its size.
    events, time : str
        Columns of `data` with events (counts or 0/1) and person-time.
    by : names of columns
        What is standardised for, in both frames: age band, sex.
    group : str, optional
        Column of `data` with the groups to compare.
    reference : level of `group`, optional
        Group the others are divided by (a comparative mortality figure).
    weight : str
        Column of `standard`; its scale does not matter.
    per : float
        Person-time to show rates for, in the unit of `time`: 100000 for rates per 100,000 person-years.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        group events person_time crude crude_low crude_high (exact) rate se low high, a row for each group in sorted
        order. The standardised rate's limits are the gamma limits of Fay and Feuer. With `reference` also ratio
        ratio_low ratio_high, whose limits are symmetric on the log scale.

    Raises
    ------
    SpecError
        If a column or the reference group is missing.
    DataError
        If a group has no person-time in a cell of the standard, the standard lacks a cell of the data or has one
        twice, or a number is none.

    References
    ----------
    Fay MP, Feuer EJ (1997) Stat Med 16:791. R: epitools::ageadjust.direct. Ratio: Breslow NE, Day NE (1987), 2.3.
    """
    by = [by] if isinstance(by, str) else list(by)
    check_columns(data, [*by, events, time, *([group] if group else [])], "standardised_rates: data")
    check_columns(standard, [*by, weight], "standardised_rates: standard")
    _check_standard(standard, by, weight)
    cells = _cells(data, by, events, time, group)
    size = standard.set_index(by)[weight].astype(float)
    shares = (size[size > 0] / size.sum()).sort_index()
    labels = list(pd.factorize(data[group], sort=True)[1]) if group else ["all"]
    if reference is not None and reference not in labels:
        raise SpecError(f"standardised_rates: no group {reference!r}; the groups are {', '.join(map(str, labels))}.")
    rows = [_one(label, cells.loc[cells["group"] == label], by, shares, per, level) for label in labels]
    out = pd.DataFrame(rows)
    if reference is not None:
        base = out.iloc[labels.index(reference)]
        out["ratio"] = out["rate"] / base["rate"]
        with np.errstate(divide="ignore", invalid="ignore"):  # a group without events has a ratio of 0, without limits
            spread = np.sqrt((out["se"] / out["rate"]) ** 2 + (base["se"] / base["rate"]) ** 2)
        spread[labels.index(reference)] = 0.0
        width = np.exp(float(t_critical(np.array(np.inf), level)) * spread)
        out["ratio_low"], out["ratio_high"] = out["ratio"] / width, out["ratio"] * width
    return out


def _check_standard(standard: pd.DataFrame, by: Sequence[str], weight: str) -> None:
    weights = numbers(standard[weight], COUNTS)
    if np.isnan(weights).any() or (weights < 0).any() or weights.sum() <= 0:
        raise DataError(f"the standard's '{weight}' must be numbers from 0, and not all 0; correct it.")
    if standard.duplicated(by).any():
        raise DataError(f"the standard has {int(standard.duplicated(by).sum())} cells twice; keep one of each.")


def _cells(data: pd.DataFrame, by: list[str], events: str, time: str, group: str | None) -> pd.DataFrame:
    for name in (events, time):
        values = numbers(data[name], COUNTS)
        if np.isnan(values).any() or (values < 0).any():
            raise DataError(f"'{name}' is missing or negative in some rows; correct them, or leave the rows out.")
    for name in [*by, *([group] if group else [])]:
        if data[name].isna().any():
            raise DataError(f"'{name}' is missing in {int(data[name].isna().sum())} rows; leave them out.")
    frame = data[[*by, events, time]].rename(columns={events: "events", time: "time"})
    frame["group"] = data[group] if group else "all"
    return frame.groupby([*by, "group"], observed=True)[["events", "time"]].sum().reset_index()


def _one(
    label: object, cells: pd.DataFrame, by: list[str], shares: pd.Series, per: float, level: float
) -> dict[str, object]:
    found = cells.set_index(by)[["events", "time"]]
    stray = ~found.index.isin(shares.index) & ((found["events"] > 0) | (found["time"] > 0))
    if stray.any():
        raise DataError(
            f"the standard has no cell {', '.join(by)} = {found.index[stray][0]}, where group {label} has person-time. "
            "Add it to the standard, or leave these rows out."
        )
    found = found.reindex(shares.index, fill_value=0)
    events, time = found["events"].to_numpy(float), found["time"].to_numpy(float)
    if (time <= 0).any():
        raise DataError(
            f"group {label} has no person-time in the cell {', '.join(by)} = {found.index[time <= 0][0]} of the "
            "standard, so its rate there is not known. Merge cells, or use a standard without it."
        )
    weights = shares.to_numpy() / time
    rate, se, low, high = fay_feuer(events, weights, level)
    crude = count_limits(np.array([events.sum()]), "exact", level)
    scale = per / time.sum()
    return {
        "group": label, "events": int(events.sum()), "person_time": time.sum(), "crude": events.sum() * scale,
        "crude_low": crude[0][0] * scale, "crude_high": crude[1][0] * scale,
        "rate": rate * per, "se": se * per, "low": low * per, "high": high * per,
    }  # fmt: skip


def fay_feuer(events: Array, weights: Array, level: float = 0.95) -> tuple[float, float, float, float]:
    """Weighted sum of Poisson counts, shape (m,), its standard error and its gamma limits."""
    rate, variance = float(weights @ events), float(weights**2 @ events)
    tail, largest = (1 - level) / 2, float(weights.max())
    low = variance / rate * float(special.gammaincinv(rate**2 / variance, tail)) if rate > 0 else 0.0
    above, spread = rate + largest, variance + largest**2
    high = spread / above * float(special.gammaincinv(above**2 / spread, 1 - tail))
    return rate, float(np.sqrt(variance)), low, high
