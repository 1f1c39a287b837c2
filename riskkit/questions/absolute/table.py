"""Tables of absolute risks and of scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from riskkit.numbers import NOTHING, count, measure, per_cent
from riskkit.questions.absolute.spec import ScenarioSpec
from riskkit.questions.absolute.words import age_text, difference_interval, level_text, risk_interval
from riskkit.tables.table import Column, Row, Table

NO_NUMBER = "no number published here"


def risk_table(
    risks: pd.DataFrame, differences: pd.DataFrame, outcomes: Mapping[str, str], unit: str | None, caption: str
) -> Table:
    """Risks at the levels of one exposure, and what they differ by from the reference, per 1,000 people.

    Parameters
    ----------
    risks, differences : DataFrame
        Rows of kind "level" of one exposure.
    outcomes : mapping of str to str
        The outcomes to show, in order, with their labels.
    unit : str or None
        Of the exposure.
    caption : str
    """
    levels = list(dict.fromkeys(zip(risks["level"], risks["x"], strict=True)))
    apart = list(dict.fromkeys(zip(differences["level"], differences["x"], strict=True)))
    reference = differences["reference"].iloc[0] if len(differences) else np.nan
    against = f"Difference from {measure(reference, unit)}"
    columns = [Column("Risk", numeric=False), Column("Events")]
    columns += [Column(level_text(*each, unit), "Of 1,000 people, with the outcome") for each in levels]
    columns += [Column(level_text(*each, unit), against) for each in apart]
    rows: list[Row] = []
    for outcome, label in outcomes.items():
        own = risks[risks["outcome"] == outcome]
        rows += [Row((label,), kind="heading")] if len(own) else []
        for age, here in own.groupby("age", sort=False, dropna=False):
            there = differences[(differences["outcome"] == outcome) & _same(differences["age"], age)]
            cells = [risk_interval(_at(here, x)) for _, x in levels] + [
                difference_interval(_at(there, x)) if (there["x"] == x).any() else NOTHING for _, x in apart
            ]
            rows.append(Row((age_text(age), count(here["events"].iloc[0]), *cells), kind="indented"))
    return Table(caption, tuple(columns), tuple(rows))


def scenario_table(
    differences: pd.DataFrame, scenarios: Sequence[ScenarioSpec], outcomes: Mapping[str, str], caption: str
) -> Table:
    """What each scenario would change, for every outcome and age, with its source; those without a number too.

    Parameters
    ----------
    differences : DataFrame
        Rows of kind "scenario" of one exposure.
    scenarios : sequence of ScenarioSpec
    outcomes : mapping of str to str
    caption : str
    """
    heads = ("Change and its source", "More or fewer of 1,000", "Held back")
    columns = (Column("Scenario", numeric=False), Column(heads[0], numeric=False), Column(heads[1]), Column(heads[2]))
    rows: list[Row] = []
    for scenario in scenarios:
        own = differences[differences["level"] == scenario.label]
        told = [change_text(scenario), f"In {scenario.people}" if scenario.people else "", scenario.source]
        held = f"{per_cent(100 * own['capped'].iloc[0])}%" if len(own) else ""
        rows.append(Row((scenario.label, "\n".join(text for text in told if text), "", held), strong=True))
        for outcome, label in outcomes.items():
            for row in own[own["outcome"] == outcome].to_dict("records"):
                about = f"{label}, {age_text(row['age']).lower()}" if np.isfinite(row["age"]) else label
                rows.append(Row((about, "", difference_interval(row), ""), kind="indented"))
    return Table(caption, columns, tuple(rows))


def change_text(scenario: ScenarioSpec) -> str:
    """The change of a scenario with its limits, as it was published; that there is none."""
    if scenario.change is None:
        return NO_NUMBER[:1].upper() + NO_NUMBER[1:]
    change = scenario.change.replace("-", "−")
    if scenario.low is None:
        return f"{change} (no limits published here)"
    return f"{change} ({scenario.low} to {scenario.high})".replace("-", "−")


def _same(ages: pd.Series, age: float) -> pd.Series:
    return ages.isna() if np.isnan(age) else ages == age


def _at(rows: pd.DataFrame, x: float) -> dict[str, float]:
    found = rows[rows["x"] == x]
    return dict(found.iloc[0]) if len(found) else dict.fromkeys(("estimate", "low", "high"), np.nan)
