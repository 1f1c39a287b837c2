"""Cumulative incidence by group of an exposure on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.numbers import count
from riskkit.questions.incidence.figure import incidence
from riskkit.questions.incidence.table import incidence_table, percent
from riskkit.results import Results
from riskkit.telling.associations import Association
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import ExposureText, with_groups
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Telling
from riskkit.telling.words import in_sentence

STEPS = ((60, 20), (25, 10), (0, 5))  # years that the curves span, and years between the times at which they are read


def incidence_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The cumulative incidence of the outcomes by group of one exposure; None where the run made none."""
    if results.incidence.empty:
        return None
    curves = results.incidence[results.incidence["exposure"] == exposure]
    shown = [a for a in found if a.outcome in set(curves["outcome"])]
    if not shown:
        return None
    curves = with_groups(curves[curves["outcome"].isin([a.outcome for a in shown])], text)
    on_age = results.manifest.analysis.time_scales[0] == "age"
    counts = curves.drop_duplicates(["outcome", "level"]).groupby("outcome")[["n", "events"]].sum()
    panels = [
        Panel(a.outcome, a.outcome_label, f"{count(counts.at[a.outcome, 'events'])} events in "
              f"{count(counts.at[a.outcome, 'n'])} people")
        for a in shown
    ]  # fmt: skip
    at = reading_times(curves["time"])
    start = f"at age {curves['time'].min():.0f}" if on_age else f"{curves['time'].min():.0f} years after entry"
    entered = "from the age at which they were examined" if on_age else "from entry"
    lowest = " (Q1)" if text.groups.get("Q1") == "Q1" else ""
    caption = (
        f"Share of people who have had each outcome, by group of {text.name}, not adjusted for covariates: the lowest"
        f"{lowest}, the middle and the highest. People are at risk {entered}; curves start {start} among those who had "
        f"not had it, and stay where every group has 10 people at risk. {_competing(results, shown)} "
        f"Shaded: {text.level} confidence intervals of the lowest and the highest group. Vertical axes differ."
    )
    outcomes = {a.outcome: a.outcome_label for a in shown}
    title = f"Cumulative incidence by group of {text.name} ({text.level} CI)"
    table = incidence_table(curves, outcomes, at, "Age" if on_age else "Year", title)
    drawn = partial(incidence, curves, panels, xlabel="Age (years)" if on_age else "Years of follow-up")
    return PageFigure("incidence", drawn, caption, _told(curves, shown, at, on_age), table)


def reading_times(times: pd.Series) -> list[float]:
    """Round times at which curves are read: multiples of 20, 10 or 5 years, or their end where there is none."""
    start, end = float(times.min()), float(times.max())
    step = next(years for span, years in STEPS if end - start >= span)
    found = np.arange(np.floor(start / step) * step + step, end + 1e-9, step)
    return found.tolist() or [end]


def _competing(results: Results, shown: Sequence[Association]) -> str:
    """What is done with people who leave by something else."""
    name = results.manifest.analysis.competing
    if name is None:
        return (
            "This is one minus Kaplan and Meier's estimate: people who left by something else, as by another death, "
            "are taken to stay at risk unseen, so that the share is overstated."
        )
    label = in_sentence(results.manifest.cohort.outcomes[name].label)
    if all(a.outcome == name for a in shown):
        return "This is one minus Kaplan and Meier's estimate; nothing competes."
    return f"Other events of “{label}” compete (Aalen and Johansen's estimator)."


def _told(curves: pd.DataFrame, shown: Sequence[Association], at: Sequence[float], on_age: bool) -> str:
    """Each outcome in the lowest and the highest group, at the last time of reading that its own curves reach."""
    told: dict[float, list[str]] = {}
    for a in shown:
        own = curves[curves["outcome"] == a.outcome]
        last = own.loc[own["time"].isin(at), "time"].max()
        read = own[own["time"] == (own["time"].max() if np.isnan(last) else last)]
        low, high = (percent(r["estimate"], r["low"], r["high"]) for r in (read.iloc[0], read.iloc[-1]))
        text = f"{in_sentence(a.outcome_label)}: {low} in the lowest group and {high} in the highest"
        told.setdefault(float(read["time"].iloc[0]), []).append(text)
    when = "By age" if on_age else "By year"
    return " ".join(f"{when} {time:g}, {'; '.join(texts)}." for time, texts in told.items())


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How it was estimated."""
    if len(results.incidence):
        competing = results.manifest.analysis.competing
        alone = set(results.incidence["outcome"]) <= {competing} or competing is None
        by = "as one minus Kaplan and Meier's estimate" if alone else "by Aalen and Johansen's method [@aalen]"
        itself = ""
        if not alone and competing in set(results.incidence["outcome"]):
            label = in_sentence(results.manifest.outcomes[str(competing)].label)
            itself = f" (that of “{label}” itself, with which nothing competes, as one minus Kaplan and Meier's)"
        yield (
            "Tests and intervals",
            f"Cumulative incidence by group was estimated {by}{itself} with delayed entry, "
            "with infinitesimal-jackknife standard errors and intervals symmetric for log(-log).",
        )


WORKS = {
    "aalen": Work(
        "Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored "
        "observations. Scand J Stat 1978;5:141-50."
    ),
}

TELLING = Telling(
    exhibits=(Exhibit(incidence_figure, "describing", many="shown"),),
    methods=methods,
    works=WORKS,
)
