"""What was missing, how it was imputed, and complete cases beside imputed people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.infer.verdict import ShapeVerdict
from riskkit.measure import Measure
from riskkit.numbers import NOTHING, count, measure, measures, p_value, per_cent, ratio_interval
from riskkit.tables.table import Column, Row, Table

METHODS = {
    "pmm": "predictive mean matching",
    "normal": "normal model between bounds",
    "logit": "logistic model",
    "cumulative logit": "cumulative logit",
    "multinomial logit": "multinomial logit",
}


@dataclass(frozen=True)
class Analysed:
    """One way to deal with what is missing: its rows of estimates, tests and shapes of one exposure."""

    estimates: pd.DataFrame
    tests: pd.DataFrame
    shapes: pd.DataFrame


def beside_table(
    complete: Analysed,
    imputed: Analysed,
    outcomes: Mapping[str, str],
    exposure: str,
    unit: str | None,
    ratio: str,
    measured: Measure,
    caption: str,
) -> Table:
    """Complete cases beside imputed people: straight line, groups, tests and the shape of each outcome."""
    ways = (("Complete cases", complete), ("Missing covariates imputed", imputed))
    columns = (
        Column("", numeric=False),
        *(Column(head, group) for group, _ in ways for head in ("People", measured.events, ratio, "p")),
        Column("Missing\ninformation, %"),
    )
    rows: list[Row] = []
    for outcome, label in outcomes.items():
        lines = [_lines(way, outcome, exposure, unit) for _, way in ways]
        names = dict.fromkeys(name for each in lines for name in each)
        if not lines[1]:
            continue
        rows.append(Row((label,), kind="heading"))
        empty = (NOTHING,) * 4
        information = _information(imputed.estimates, outcome)
        rows += [
            Row(
                (name, *(cell for each in lines for cell in each.get(name, empty)), information.get(name, "")),
                "indented",
            )
            for name in names
        ]
    notes = (
        "Missing information: the share of the information about an estimate that is lost because values are missing.",
        "Intervals and tests of imputed people are pooled over the imputed sets by Rubin's rules.",
    )
    return Table(caption, columns, tuple(rows), notes)


def _lines(way: Analysed, outcome: str, exposure: str, unit: str | None) -> dict[str, tuple[str, ...]]:
    """Cells of people, events, ratio and p by the name of the line."""
    own, tests, shapes = (f[f["outcome"] == outcome] if len(f) else f for f in (way.estimates, way.tests, way.shapes))
    lines: dict[str, tuple[str, ...]] = {}
    for r in own.sort_values("coding", ascending=False, kind="stable").itertuples() if len(own) else ():
        is_reference = r.coding == "groups" and r.se == 0
        shown = "reference" if is_reference else ratio_interval(r.ratio, r.low, r.high)
        lines[r.level] = (count(r.n), count(r.events), shown, "" if is_reference else p_value(r.p))
    for r in tests.itertuples() if len(tests) else ():
        if r.term == exposure and (r.coding, r.part) in PARTS:
            lines[PARTS[r.coding, r.part]] = ("", "", "", p_value(r.p))
    for row in shapes.to_dict("records") if len(shapes) else ():
        verdict = ShapeVerdict.from_row({str(name): value for name, value in row.items()})
        for name, end in (("Low", verdict.lower), ("High", verdict.upper)):
            shown = ratio_interval(*(math.exp(value) for value in (end.estimate, end.low, end.high)))
            shown += f"\nat {measure(end.x, unit)}"
            lines[f"{name} end against the lowest point"] = ("", "", shown, p_value(end.p))
        lines["Lowest at"] = ("", "", f"{measure(verdict.x, unit)}\n({verdict.bounds()})", "")
        lines["Shape, test of a U"] = ("", "", verdict.answer, p_value(verdict.p))
    return lines


PARTS = {
    ("spline", "overall"): "Spline: overall",
    ("spline", "nonlinear"): "Spline: non-linear",
    ("groups", "trend"): "Groups: trend",
}


def _information(estimates: pd.DataFrame, outcome: str) -> dict[str, str]:
    own = estimates[estimates["outcome"] == outcome]
    return {str(r.level): per_cent(100 * r.fmi) for r in own.itertuples() if np.isfinite(r.fmi)}


def imputations_table(imputations: pd.DataFrame, labels: Mapping[str, str], caption: str) -> Table:
    """How each variable was imputed, and whether its chains have settled.

    Parameters
    ----------
    imputations : DataFrame
        Of one exposure: variable method n n_missing rhat_mean rhat_sd problems.
    labels : mapping of str to str
    caption : str
    """
    columns = (
        Column("Variable", numeric=False),
        Column("Drawn by", numeric=False),
        Column("Known"),
        Column("Missing"),
        Column("R-hat\nof the mean"),
        Column("R-hat\nof the SD"),
        Column("Fallbacks", numeric=False),
    )
    rows = tuple(
        Row(
            (labels.get(r.variable, r.variable), METHODS[r.method], count(r.n), count(r.n_missing),
             _hat(r.rhat_mean), _hat(r.rhat_sd), r.problems)
        )
        for r in imputations.itertuples()
    )  # fmt: skip
    notes = (
        "R-hat compares the imputed sets with one another and with themselves over the second half of the iterations; "
        "near 1 (up to about 1.1 to 1.2, of so short chains) the draws have settled.",
    )
    return Table(caption, columns, rows, notes)


def values_table(values: pd.DataFrame, labels: Mapping[str, str], caption: str) -> Table:
    """Share of observed and of imputed values in each level, or between two values.

    Parameters
    ----------
    values : DataFrame
        variable level left right observed imputed.
    labels : mapping of str to str
    caption : str
    """
    rows: list[Row] = []
    for variable, own in values.groupby("variable", sort=False):
        rows.append(Row((labels.get(str(variable), str(variable)),), kind="heading"))
        for r in own.itertuples():
            name = r.level or " to ".join(measures((r.left, r.right)))
            rows.append(Row((name, per_cent(100 * r.observed), per_cent(100 * r.imputed)), kind="indented"))
    return Table(caption, (Column("Value", numeric=False), Column("Observed"), Column("Imputed")), tuple(rows))


def _hat(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else NOTHING
