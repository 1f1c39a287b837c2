"""Numbers of events that would give a withheld one away by subtraction across models.

Three kinds of sums reach from one model to another: an outcome and those that are part of it (all deaths, and deaths by
cause), everybody and the subgroups that differ in one thing, and both of these for each group of an exposure.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from riskkit.disclosure.policy import Policy
from riskkit.frames import MODEL
from riskkit.results import Results

KEY = [*MODEL, "variant"]
EXPOSED = ["exposure", "time_scale", "coding", "model"]


def telling(results: Results, sizes: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The models whose number of events is withheld for a sum's sake.

    Parameters
    ----------
    results : Results
    sizes : DataFrame
        KEY variant n events: of every model.
    policy : Policy

    Returns
    -------
    DataFrame
        KEY variant.
    """
    found = [*_by_cause(results.cells_of_outcomes, sizes, policy), *_by_subgroup(results, sizes, policy)]
    return pd.DataFrame(found, columns=KEY).drop_duplicates(ignore_index=True)


def _by_cause(parts: pd.DataFrame, sizes: pd.DataFrame, policy: Policy) -> Iterator[tuple[str, ...]]:
    for whole, own in parts[parts["part"] != ""].groupby("outcome", sort=False):
        names = list(own["part"])
        for key, models in sizes[sizes["variant"] == ""].groupby(EXPOSED, sort=False):
            events = models.set_index("outcome")["events"]
            shown = [name for name in names if name in events]
            if whole in events and shown:
                for name in _given_away(float(events[whole]), events[shown], policy):
                    yield (key[0], str(name), *key[1:], "")


def _by_subgroup(results: Results, sizes: pd.DataFrame, policy: Policy) -> Iterator[tuple[str, ...]]:
    analysis = results.manifest.analysis
    by: dict[str, list[str]] = {}
    for subgroup in analysis.subgroups:
        by.setdefault(subgroup.by, []).append(subgroup.name)
    for key, models in sizes.groupby(list(MODEL), sort=False):
        events = models.drop_duplicates("variant").set_index("variant")["events"]
        for names in by.values():
            shown = [name for name in names if name in events]
            if "" in events and shown and events[shown].sum() <= events[""]:  # otherwise they overlap
                for name in _given_away(float(events[""]), events[shown], policy):
                    yield (*key, str(name))


def _given_away(whole: float, parts: pd.Series, policy: Policy) -> list[str]:
    """Which parts of a sum must be withheld, so that neither another part nor the remainder follows."""
    rest = whole - parts.sum()
    values = np.append(parts.to_numpy(dtype=float), rest) if rest > 0 else parts.to_numpy(dtype=float)
    withheld = np.isnan(policy.counts(values, np.zeros(len(values))))[: len(parts)]
    return list(parts.index[withheld & ~policy.is_few(parts)])
