"""Subgroups and sensitivity analyses: their linear estimates beside the main one, and whether they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from riskkit.infer.ends import ENDS, cochran
from riskkit.measure import Measure
from riskkit.numbers import MINUS, NOTHING, count, p_value, ratio_interval
from riskkit.spec.analysis import SensitivitySpec, SubgroupSpec
from riskkit.tables.table import Column, Row, Table

ESTIMATE = ("estimate", "se", "ratio", "low", "high", "p", "n", "events")


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's Q over k estimates, with its k - 1 degrees of freedom; p is NaN for fewer than two estimates."""

    q: float
    df: int
    p: float


def heterogeneity(estimate: ArrayLike, se: ArrayLike) -> Heterogeneity:
    """Test whether independent estimates are of one value, by Cochran's Q.

    Parameters
    ----------
    estimate, se : array, shape (k,)
        Log ratios and their standard errors; missing ones are left out.

    References
    ----------
    Cochran WG (1954) Biometrics 10:101-129. R: metafor::rma(method = "FE")$QE.
    """
    b, s = np.asarray(estimate, dtype=float), np.asarray(se, dtype=float)
    known = np.isfinite(b) & np.isfinite(s) & (s > 0)
    weight = 1 / s[known] ** 2
    if weight.size < 2:
        return Heterogeneity(float("nan"), 0, float("nan"))
    q = float(weight @ (b[known] - weight @ b[known] / weight.sum()) ** 2)
    return Heterogeneity(q, weight.size - 1, float(chi2.sf(q, weight.size - 1)))


def heterogeneity_of_ends(rows: pd.DataFrame) -> Heterogeneity:
    """Test whether both ends of curves, against one reference, are the same in independent subgroups.

    Parameters
    ----------
    rows : DataFrame
        Two rows of each subgroup: variant end ("low", "high") estimate se covariance; those without both are left out.

    References
    ----------
    Cochran's Q of two correlated estimates: Becker BJ, Wu MJ (2007) Stat Sci 22:414-429. R: mixmeta (method "fixed").
    """
    wide = rows.pivot(index="variant", columns="end", values=["estimate", "se", "covariance"])
    wide = wide.reindex(columns=pd.MultiIndex.from_product([["estimate", "se", "covariance"], ENDS])).dropna()
    if len(wide) < 2:
        return Heterogeneity(float("nan"), 0, float("nan"))
    se = wide["se"].to_numpy(dtype=float)
    between = np.einsum("ki,kj->kij", se, np.zeros_like(se))
    between[:, [0, 1], [0, 1]] = se**2
    between[:, [0, 1], [1, 0]] = wide["covariance"].to_numpy(dtype=float)[:, :1]
    q, df = cochran(wide["estimate"].to_numpy(dtype=float), between), 2 * (len(wide) - 1)
    return Heterogeneity(q, df, float(chi2.sf(q, df)))


def compare_subgroups(variants: pd.DataFrame, declared: Sequence[SubgroupSpec], people: int) -> pd.DataFrame:
    """Lay out the subgroups of every outcome, with the test of heterogeneity of those that differ in the same thing.

    Parameters
    ----------
    variants : DataFrame
        One row of each outcome and subgroup: outcome variant estimate se ratio low high p n events. Lines, or ends of
        curves with their `end` and `covariance`: then what is called the outcome is "outcome/end", and both ends of one
        curve are tested at once.
    declared : sequence of mapping
        The subgroups of the analysis file: name, label, by.
    people : int
        In the cohort. Subgroups that hold more people than this between them overlap, and are not tested.

    Returns
    -------
    DataFrame
        One row per outcome and subgroup, in the declared order, those that could not be fitted with missing estimates:
        outcome by variant label, the estimates, and q df p_heterogeneity of the subgroups of the same `by`.
    """
    found = variants.set_index(["outcome", "variant"])[list(ESTIMATE)]
    at_ends = variants[variants["end"].notna()] if "end" in variants else variants.iloc[:0]
    curve_of = at_ends["outcome"].str.split("/").str[0]
    frames = []
    for outcome in dict.fromkeys(variants["outcome"]):
        for by in dict.fromkeys(subgroup.by for subgroup in declared):
            own = [subgroup for subgroup in declared if subgroup.by == by]
            rows = found.reindex([(outcome, subgroup.name) for subgroup in own]).reset_index()
            apart = rows["n"].sum() <= people
            test = heterogeneity(rows["estimate"], rows["se"] if apart else rows["se"] * np.nan)
            both = at_ends[(curve_of == outcome.rpartition("/")[0]) & at_ends["variant"].isin([s.name for s in own])]
            if apart and outcome in set(both["outcome"]):
                test = heterogeneity_of_ends(both)
            labels = [subgroup.label for subgroup in own]
            frames.append(rows.assign(by=by, label=labels, q=test.q, df=test.df, p_heterogeneity=test.p))
    if not frames:
        return pd.DataFrame(columns=["outcome", "variant", *ESTIMATE, "by", "label", "q", "df", "p_heterogeneity"])
    return pd.concat(frames, ignore_index=True)


def compare_sensitivity(
    variants: pd.DataFrame, main: pd.DataFrame, declared: Sequence[SensitivitySpec]
) -> pd.DataFrame:
    """Lay out the sensitivity analyses of every outcome beside the main estimate.

    Parameters
    ----------
    variants, main : DataFrame
        Rows of coding "linear" of one exposure: outcome (variant) estimate se ratio low high p n events.
    declared : sequence of mapping
        The sensitivity analyses of the analysis file: name, label.

    Returns
    -------
    DataFrame
        One row per outcome that has a main estimate and sensitivity analysis: outcome variant label, the estimates,
        main_ratio main_low main_high, change (the ratio of the two ratios), and moved (whether the estimate lies
        outside the main analysis's confidence interval).
    """
    found = variants.set_index(["outcome", "variant"])[list(ESTIMATE)]
    frames = []
    for r in main.itertuples():
        rows = found.reindex([(r.outcome, each.name) for each in declared]).reset_index()
        frames.append(
            rows.assign(
                label=[each.label for each in declared],
                main_ratio=r.ratio,
                main_low=r.low,
                main_high=r.high,
                change=rows["ratio"] / r.ratio,
                moved=(rows["ratio"] < r.low) | (rows["ratio"] > r.high),
            )
        )
    if not frames:
        main_columns = ("main_ratio", "main_low", "main_high")
        return pd.DataFrame(columns=["outcome", "variant", *ESTIMATE, "label", *main_columns, "change", "moved"])
    return pd.concat(frames, ignore_index=True)


def percent_change(change: float) -> str:
    """How far a ratio moved: +3%, −12%."""
    if not np.isfinite(change):
        return NOTHING
    text = f"{100 * (change - 1):+.0f}%"
    return "0%" if text in ("+0%", "-0%") else text.replace("-", MINUS)


def subgroups_table(
    compared: pd.DataFrame, outcomes: Mapping[str, str], caption: str, head: str, measure: Measure
) -> Table:
    """The linear ratio in every subgroup, as `compare_subgroups` laid them out."""
    columns = (
        Column("Subgroup", numeric=False),
        *(Column(text) for text in ("People", measure.events, head, "p", "Heterogeneity: p")),
    )
    rows = []
    for outcome, label in outcomes.items():
        of_outcome = compared[compared["outcome"] == outcome]
        for by, members in of_outcome.groupby("by", sort=False):
            rows.append(Row((f"{label}: {by}",), kind="heading"))
            for i, r in enumerate(members.itertuples()):
                tested = ""
                if i == 0:
                    test = f"{p_value(r.p_heterogeneity)}\nQ {r.q:.1f}, {r.df} df"
                    tested = test if np.isfinite(r.p_heterogeneity) else NOTHING
                rows.append(Row((r.label, *_estimate(r), tested), kind="indented"))
    note = (
        "Heterogeneity: Cochran's Q over the subgroups' estimates, which supposes that nobody is in two of them; it is "
        "not computed where they overlap or fewer than two were fitted. Of a bent curve both ends are tested at once."
    )
    return Table(caption, columns, tuple(rows), (note,))


def sensitivity_table(
    compared: pd.DataFrame,
    main: pd.DataFrame,
    outcomes: Mapping[str, str],
    caption: str,
    head: str,
    measure: Measure,
) -> Table:
    """The linear ratio in every sensitivity analysis under the main one, as `compare_sensitivity` laid them out."""
    columns = (
        Column("Analysis", numeric=False),
        *(Column(text) for text in ("People", measure.events, head, "p", "Change")),
        Column("In the main interval", numeric=False),
    )
    of_main = main.set_index("outcome")
    rows = []
    for outcome, label in outcomes.items():
        of_outcome = compared[compared["outcome"] == outcome]
        if of_outcome.empty:
            continue
        rows.append(Row((label,), kind="heading"))
        rows.append(Row(("Main analysis", *_estimate(of_main.loc[outcome]), "", ""), kind="indented", strong=True))
        for r in of_outcome.itertuples():
            inside = "no" if r.moved else "yes" if np.isfinite(r.ratio) else NOTHING
            rows.append(Row((r.label, *_estimate(r), percent_change(r.change), inside), kind="indented"))
    return Table(caption, columns, tuple(rows), ("Change: the ratio divided by that of the main analysis, less 1.",))


def _estimate(r: Any) -> tuple[str, str, str, str]:
    if not np.isfinite(r.ratio):
        return NOTHING, NOTHING, "not estimated", NOTHING
    return count(r.n), count(r.events), ratio_interval(r.ratio, r.low, r.high), p_value(r.p)
