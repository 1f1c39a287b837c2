"""Whether a modifier is the age at entry of a model whose time scale is age."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from riskkit.design.bases import Array
from riskkit.errors import SpecError

SAME = 0.99  # rank correlation, or share of people that cut points place rightly, from which two are one thing


def refuse_age_at_entry(entry: Array, modifier: pd.Series, name: str) -> None:
    """Refuse as a modifier what the age at entry decides, in a model whose time scale is age.

    Among people of the same attained age, those who entered older entered later: a product of the exposure with the age
    at entry (or groups of it) then compares people examined recently with people examined long ago, not the old with
    the young. Where everyone enters at the same time, as with time since examination, nothing is refused.

    Parameters
    ----------
    entry : array, shape (n,)
        When people come under observation, on the model's time scale.
    modifier : Series, shape (n,)
        A number, or groups.
    name : str
        What it is called, for the error.

    Raises
    ------
    SpecError
        If the modifier is a number that rises or falls with entry (rank correlation of 0.99 or more), or groups that
        cut points of entry tell apart (for 99% of people or more).

    References
    ----------
    Thiebaut ACM, Benichou J (2004) Stat Med 23:3803-3820; Korn EL, Graubard BI, Midthune D (1997) Am J Epidemiol
    145:72-80.
    """
    known = modifier.notna().to_numpy()
    start, values = np.asarray(entry, dtype=float)[known], modifier[known]
    if not start.size or np.ptp(start) == 0 or values.nunique() < 2:
        return
    if _numeric(values):
        decided = abs(stats.spearmanr(start, values.to_numpy(dtype=float)).statistic) >= SAME
    else:
        decided = _apart(start, values.astype(str).to_numpy()) >= SAME
    if decided:
        raise SpecError(
            f"'{name}' is the age at entry, and the time scale is age: at any attained age its levels differ in when "
            "people were examined, not in how old they are. Make time since examination the scale, as in Surv(years, "
            f"event) ~ exposure * {name} + rcs(age, 4), where '{name}' means what it says."
        )


def _numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and values.nunique() > 2


def _apart(start: Array, group: np.ndarray) -> float:
    """Share of people whose group is that of their place among the entries, groups in the order of their medians."""
    median = pd.Series(start).groupby(group).median().sort_values()
    rank = pd.Series(group).map(dict(zip(median.index, range(len(median)), strict=True))).to_numpy()
    order = np.argsort(start, kind="stable")
    return float((rank[order] == np.sort(rank)).mean())
