"""The cells behind estimates: people with and without the event at each level of what was compared.

The odds ratio of two groups and its standard error are functions of four numbers of people, the hazard ratio's standard
error nearly of two numbers of events, and adjusting changes them little: who has both and some of the numbers has the
others. So what rests on a small cell is withheld, and the others are moved to where they would be if the numbers behind
them were the rounded ones, as the table beside them has it. What is left to be learnt from them is what the table says.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.disclosure.policy import Policy
from riskkit.frames import MODEL
from riskkit.results import Results
from riskkit.spec.plan import NO_TIME

KEY = [*MODEL, "variant"]
IMPUTED = "imputed"  # the variant that stands for the main model with missing covariates imputed
LOST = (
    2  # share of the information of the cells, as one in so many, below which an estimate rests on other, fewer people
)
COLUMNS = [*KEY, "level", "shift", "spread", "own", "fewest", "few"]


def behind(results: Results, policy: Policy) -> pd.DataFrame:
    """What is behind each estimate of a group, and of a line of an exposure with two values.

    Returns
    -------
    DataFrame
        KEY variant level (empty for lines), shift (of the estimate, to that of the rounded cells), spread (factor of
        its variance), own (that of the floating variance), fewest (the smallest cell, rounded), few (whether a cell is
        too small, or the estimate has less than half of the information that its cells would give: then it rests on
        fewer people).
    """
    frames: tuple[tuple[str, dict[str, str]], ...] = (
        ("estimates", {"variant": ""}),
        ("variants", {}),
        ("imputed", {"variant": IMPUTED}),
    )
    groups = [
        _groups(rows[rows["coding"] == "groups"].assign(**about), policy)
        for rows, about in ((results.frames[name], about) for name, about in frames)
    ]
    found = [each for each in (*groups, _lines(results, policy)) if len(each)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def few_lines(cells: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """KEY variant of the lines that rest on few people with another value than all others have, or on few events."""
    events, others = cells["events"], cells["n"] - cells["events"]
    small = (events < policy.min_count) | (others < policy.min_count)
    return cells.loc[small & (cells["level"] != "commonest"), KEY].drop_duplicates()


def _groups(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The groups of models, each against the reference group of its own."""
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS)
    n, events = rows["n"].to_numpy(dtype=float), rows["events"].to_numpy(dtype=float)
    own = pd.DataFrame(_cells(n, events, (rows["time_scale"] != NO_TIME).to_numpy(), policy), index=rows.index)
    reference = own[rows["reference"].astype(bool)].set_index(
        pd.MultiIndex.from_frame(rows.loc[rows["reference"], KEY])
    )
    other = reference.reindex(pd.MultiIndex.from_frame(rows[KEY])).set_axis(rows.index)
    return _compared(rows[[*KEY, "level"]], own, other, rows["se"], policy)


def _lines(results: Results, policy: Policy) -> pd.DataFrame:
    """The lines of exposures with two values."""
    cells = results.cells[results.cells["level"].isin(("lower", "higher"))]
    if cells.empty:
        return pd.DataFrame(columns=COLUMNS)
    lower, higher = (cells[cells["level"] == level].reset_index(drop=True) for level in ("lower", "higher"))
    own, other = (
        pd.DataFrame(
            _cells(each["n"].to_numpy(float), each["events"].to_numpy(float),
                   (each["time_scale"] != NO_TIME).to_numpy(), policy)
        )
        for each in (higher, lower)
    )  # fmt: skip
    estimates = pd.concat(
        [results.estimates.assign(variant=""), results.variants, results.imputed.assign(variant=IMPUTED)]
    )
    se = higher[KEY].merge(estimates[[*KEY, "se"]].drop_duplicates(KEY), on=KEY, how="left")["se"]
    per = higher["exposure"].map({name: each.per for name, each in results.manifest.exposures.items()}) / higher["gap"]
    found = _compared(higher[KEY].assign(level=""), own, other, se / per, policy)
    return found.assign(shift=found["shift"] * per)


def _cells(n: np.ndarray, events: np.ndarray, timed: np.ndarray, policy: Policy) -> dict[str, np.ndarray]:
    """Of groups of people: by how much their log hazard or odds moves when rounded, its variance before and after."""
    others = n - events
    fewest = np.minimum(events, others)
    with np.errstate(divide="ignore", invalid="ignore"):
        shown_events, shown_others = (np.where(x >= policy.min_count, policy.counts(x), x) for x in (events, others))
        shift = np.log(shown_events / events) - np.where(timed, 0.0, np.log(shown_others / others))
        before = 1 / events + np.where(timed, 0.0, 1 / others)
        after = 1 / shown_events + np.where(timed, 0.0, 1 / shown_others)
    return {"shift": shift, "before": before, "after": after, "fewest": fewest}


def _compared(
    keys: pd.DataFrame, own: pd.DataFrame, other: pd.DataFrame, se: pd.Series, policy: Policy
) -> pd.DataFrame:
    fewest = np.minimum(own["fewest"], other["fewest"])
    before, after = own["before"] + other["before"], own["after"] + other["after"]
    thin = se**2 > LOST * before
    return keys.assign(
        shift=own["shift"] - other["shift"],
        spread=after / before,
        own=own["after"] / own["before"],
        fewest=policy.counts(fewest),
        few=(fewest < policy.min_count) | thin,
    )
