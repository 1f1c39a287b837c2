"""The table of standardised ratios."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import pandas as pd

from riskkit.numbers import NOTHING, count, p_value, ratio_interval
from riskkit.tables.table import Column, Row, Table

EVERYBODY = "Everybody"


def expected_text(value: float) -> str:
    """Expected events with a decimal, and two where they are few."""
    return NOTHING if not isfinite(value) else f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def smr_table(
    rows: pd.DataFrame, outcomes: Mapping[str, str], labels: Mapping[str, str], heads: tuple[str, str], caption: str
) -> Table:
    """Observed and expected events, ratios with both kinds of limits, and tests between the levels of each variable.

    Parameters
    ----------
    rows : DataFrame
        The frame smr.
    outcomes, labels : mapping of name to label
        Outcomes to show, in order; variables and exposures.
    heads : tuple of str
        Of the two columns of ratios: with exact limits, with mid-P limits.
    caption : str
    """
    columns = (
        Column("", numeric=False), Column("People"), Column("Person-years"), Column("Observed"), Column("Expected"),
        Column(heads[0]), Column(heads[1]), Column("p of a\nratio of 1"), Column("p of one ratio\nin all levels"),
        Column("p of\na trend"),
    )  # fmt: skip
    lines: list[Row] = []
    for outcome, label in outcomes.items():
        lines.append(Row((label,), "heading"))
        own = rows[rows["outcome"] == outcome]
        for by, part in own.groupby("by", sort=False):
            for r in part.sort_values("position").to_dict("records"):
                first = r["position"] == 0 and by != ""
                name = f"{labels[str(by)]}: {r['level']}" if by else EVERYBODY
                tests = (p_value(r["heterogeneity_p"]), p_value(r["trend_p"])) if first else ("", "")
                lines.append(Row((name, *_cells(r), *tests), "indented", strong=by == ""))
    missing = rows.loc[rows["by"] == "", "n_missing"]
    lacking = f"{count(missing.max())} at most" if missing.nunique() > 1 else count(missing.iloc[0])
    notes = (
        f"People at risk without a known age, year or variable of the rates: {lacking}; they are in no row. Levels "
        "leave out people of whom they are not known.",
    )
    return Table(caption, columns, tuple(lines), notes)


def _cells(r: Mapping[str, float]) -> tuple[str, ...]:
    counts = (count(r["n"]), count(r["person_years"]), count(r["events"]), expected_text(r["expected"]))
    exact = ratio_interval(r["ratio"], r["low"], r["high"]) if isfinite(r["ratio"]) else NOTHING
    mid = ratio_interval(r["ratio"], r["mid_low"], r["mid_high"]) if isfinite(r["ratio"]) else NOTHING
    return (*counts, exact, mid, p_value(r["p"]))
