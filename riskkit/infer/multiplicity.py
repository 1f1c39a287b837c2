"""Many tests at once: p values adjusted over the family that was declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from riskkit.errors import DataError, SpecError, did_you_mean


def _bonferroni(p: np.ndarray) -> np.ndarray:
    return np.minimum(len(p) * p, 1.0)


def _holm(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    return np.minimum(steps, 1.0)[np.argsort(order)]


# Not statsmodels' multipletests: it collects garbage at every call, which takes longer than the fits of a family.
_ADJUST: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "holm": _holm,
    "bonferroni": _bonferroni,
    "fdr_bh": partial(false_discovery_control, method="bh"),
    "fdr_by": partial(false_discovery_control, method="by"),
}
COLUMNS = {"holm": "p_holm", "fdr_bh": "p_fdr", "fdr_by": "p_fdr_by", "bonferroni": "p_bonferroni"}


def adjust(
    tests: pd.DataFrame,
    family: Sequence[str] = (),
    method: Sequence[str] = ("holm", "fdr_bh"),
    *,
    p: str = "p",
) -> pd.DataFrame:
    """Adjust p values for the number of tests in their family.

    Holm's p values hold the chance of any false finding in the family at the level they are read at, whatever the
    tests' dependence; Benjamini and Hochberg's hold the expected share of false findings among the findings, for tests
    that are independent or positively dependent ("fdr_by" for any other).

    Parameters
    ----------
    tests : DataFrame, n rows
        One row per test.
    family : sequence of str
        Columns whose every combination of values is a family of its own; by default all rows are one family. A missing
        value is a value like another.
    method : sequence of {"holm", "fdr_bh", "fdr_by", "bonferroni"}
    p : str
        The column of p values. A missing one (a model that could not be fitted) is left out of its family and counted.

    Returns
    -------
    DataFrame, the same n rows in their order
        With p_holm, p_fdr (p_fdr_by, p_bonferroni) as asked for, `family_size` (p values that were adjusted together)
        and `family_missing` (tests of the family without one).

    Raises
    ------
    SpecError
        If a column or method is unknown.
    DataError
        If a p value is not between 0 and 1.

    References
    ----------
    Holm S (1979) Scand J Stat 6:65-70. Benjamini Y, Hochberg Y (1995) JRSS B 57:289-300. R: p.adjust.
    """
    if isinstance(family, str) or isinstance(method, str):
        raise SpecError('adjust: family and method are lists, as in family=["model"], method=["holm"].')
    for name in (p, *family):
        if name not in tests.columns:
            raise SpecError(f"adjust: the tests have no column '{name}'.{did_you_mean(name, map(str, tests.columns))}")
    for name in method:
        if name not in COLUMNS:
            raise SpecError(f"adjust: unknown method '{name}'.{did_you_mean(name, COLUMNS)}")
    values = tests[p].to_numpy(dtype=float, na_value=np.nan)
    present = ~np.isnan(values)
    wrong = present & ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise DataError(
            f"adjust: column '{p}' holds {int(wrong.sum())} values outside 0 to 1 (the first is "
            f"{values[wrong][0]:g}), which are no p values."
        )
    member = (
        tests.groupby(list(family), dropna=False, sort=False, observed=True).ngroup().to_numpy()
        if family
        else np.zeros(len(tests), dtype=np.int64)
    )
    adjusted = {name: np.full(len(tests), np.nan) for name in method}
    for code in np.unique(member[present]):
        rows = present & (member == code)
        for name in method:
            adjusted[name][rows] = _ADJUST[name](values[rows])
    size = np.bincount(member[present], minlength=member.max(initial=-1) + 1)
    missing = np.bincount(member[~present], minlength=size.size)
    columns = {COLUMNS[name]: found for name, found in adjusted.items()}
    return tests.assign(**columns, family_size=size[member], family_missing=missing[member])
