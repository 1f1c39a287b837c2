"""The table of what is missing of the variables of the main model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from riskkit.numbers import NOTHING, count, share
from riskkit.tables.table import Column, Row, Table


def missing_table(
    missing: pd.DataFrame,
    exposures: Mapping[str, str],
    labels: Mapping[str, str],
    outcomes: Mapping[str, str],
    caption: str,
) -> Table:
    """How many people lack each variable of the main model, by exposure, and of how many an outcome is not known.

    Parameters
    ----------
    missing : DataFrame
        exposure variable n n_missing.
    exposures, labels, outcomes : mapping of str to str
        Labels of the exposures, of all variables, and of the outcomes.
    caption : str
    """
    cells = {(r.exposure, r.variable): r for r in missing.itertuples()}
    shown = [name for name in exposures if (name, "") in cells]
    heads = [f"{exposures[name]}\n{count(cells[name, ''].n)} have it" for name in shown]
    named = [v for v in dict.fromkeys(missing["variable"]) if v and v not in shown]
    covariates, unknown = ([v for v in named if (v in outcomes) == of] for of in (False, True))
    rows = [
        Row(("The exposure itself, of all people", *(_lacking(cells.get((name, name))) for name in shown))),
        *(
            Row((labels.get(v, v), *(_lacking(cells.get((name, v))) for name in shown)), kind="indented")
            for v in covariates
        ),
        Row(("Any covariate of the main model", *(_lacking(cells[name, ""]) for name in shown)), strong=True),
        *(Row((f"Outcome: {outcomes[v]}", *(_lacking(cells.get((name, v))) for name in shown))) for v in unknown),
    ]
    columns = (Column("Missing", numeric=False), *map(Column, heads))
    among = "covariates and outcomes" if unknown else "covariates"
    notes = (
        f"People (per cent) who lack it; of {among}, among those who have the exposure. They are those who remain "
        "after the flow’s exclusions, which may have left out people without an exposure already.",
    )
    return Table(caption, columns, tuple(rows), notes)


def _lacking(row: Any) -> str:
    return NOTHING if row is None else share(row.n_missing, 100 * row.n_missing / row.n)
