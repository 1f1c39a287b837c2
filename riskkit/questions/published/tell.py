"""Published estimates beside those of the analysis: a forest, and a table that says what differs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import special

from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.numbers import NOTHING, count, ratio, ratio_interval
from riskkit.questions.published.spec import PublishedSpec
from riskkit.results import Results
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.associations import Association, main_rows
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import ExposureText, model_label
from riskkit.telling.telling import Exhibit, Telling
from riskkit.telling.words import in_sentence

OURS = "This analysis"
PUBLISHED = 0.95  # confidence level of published intervals


@dataclass(frozen=True)
class Estimate:
    """A ratio of this analysis with its confidence limits, the people and events behind it; NaN where there is none."""

    ratio: float
    low: float
    high: float
    n: float
    events: float


def published_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The published estimates of one exposure, each with this analysis's below it; None where none is declared."""
    outcomes = {a.outcome: a.outcome_label for a in found}
    declared = [
        each
        for each in results.manifest.analysis.asked("published")
        if each.exposure == exposure and each.outcome in outcomes
    ]
    if not declared:
        return None
    pairs = [(each, own_estimate(results, each)) for each in declared]
    level = results.manifest.analysis.level
    rows = [row for each, own in pairs for row in _forest_rows(each, own, outcomes[each.outcome], level)]
    heads = ForestHeads("", text.measure.events, text.short, "", f"{text.measure.title}, log scale")
    caption = (
        f"Published estimates of {text.name} (outlined) and this analysis's own (filled). They were not made in the "
        "same way: the table says in what they differ. Groups are compared by their floating variances, whatever the "
        f"reference. {text.adjusted}"
    )
    table = _table(pairs, outcomes, results, text)
    return PageFigure("published", partial(forest, rows, heads), caption, _told(pairs, outcomes), table)


def own_estimate(results: Results, published: PublishedSpec) -> Estimate:
    """This analysis's estimate that stands beside a published one: its straight line, or one group against another.

    The variance of the difference of two groups is the sum of their floating variances (Easton, Peto and Babiker).
    """
    frame, coding = results.estimates, "linear" if published.group is None else "groups"
    if published.variant is not None:
        frame = results.variants[results.variants["variant"] == published.variant]
    rows = main_rows(frame, results.manifest, published.exposure, coding)
    rows = rows[rows["outcome"] == published.outcome]
    if rows.empty:
        return Estimate(*[float("nan")] * 5)
    if coding == "linear":
        r = rows.iloc[0]
        return Estimate(r["ratio"], r["low"], r["high"], r["n"], r["events"])
    one, other = (rows[rows["level"] == f"Q{getattr(published, name)}"].iloc[0] for name in ("group", "against"))
    critical = special.ndtri((1 + results.manifest.analysis.level) / 2)
    half = critical * math.hypot(one["float_se"], other["float_se"])
    middle = one["estimate"] - other["estimate"]
    low, centre, high = np.exp([middle - half, middle, middle + half])
    return Estimate(centre, low, high, one["n"] + other["n"], one["events"] + other["events"])


def _forest_rows(published: PublishedSpec, own: Estimate, outcome: str, level: float) -> Iterator[ForestRow]:
    low, high = _limits(published)
    yield ForestRow(
        published.study, published.estimate, low, high, _information(low, high, PUBLISHED), strong=False,
        indented=True, heading=f"{outcome}: {published.contrast}",
    )  # fmt: skip
    events = count(own.events) if np.isfinite(own.events) else ""
    yield ForestRow(OURS, own.ratio, own.low, own.high, _information(own.low, own.high, level), events, indented=True)


def _table(
    pairs: Sequence[tuple[PublishedSpec, Estimate]],
    outcomes: Mapping[str, str],
    results: Results,
    text: ExposureText,
) -> Table:
    analysis = results.manifest.analysis
    variants = {each.name: each.label for each in (*analysis.subgroups, *analysis.sensitivity)}
    columns = (
        Column("Study", numeric=False), Column("Who", numeric=False), Column("Method", numeric=False),
        Column(text.ratio), Column("What differs", numeric=False),
    )  # fmt: skip
    rows = []
    for each, own in pairs:
        rows.append(Row((f"{outcomes[each.outcome]}: {each.contrast}",), kind="heading"))
        shown = ratio_interval(each.estimate, *_limits(each))
        rows.append(Row((each.study, each.population, each.method, shown, each.differs), kind="indented"))
        estimated = np.isfinite(own.ratio)
        shown = ratio_interval(own.ratio, own.low, own.high) if estimated else "not estimated"
        who = f"{count(own.n)} people, {count(own.events)} {text.measure.event}s" if estimated else NOTHING
        who = f"{variants[each.variant]}: {who}" if each.variant else who
        rows.append(Row((OURS, who, f"Adjusted for {model_label(analysis)}", shown, ""), kind="indented", strong=True))
    cited = {each.study: f"{each.study}: {each.citation}" for each, _ in pairs}
    return Table(
        f"Published estimates of {text.name} beside this analysis's", columns, tuple(rows), tuple(cited.values())
    )


def _told(pairs: Sequence[tuple[PublishedSpec, Estimate]], outcomes: Mapping[str, str]) -> str:
    told = (
        f"{in_sentence(outcomes[each.outcome])}, {each.contrast}: {each.study} {ratio(each.estimate)}, "
        f"here {ratio(own.ratio) if np.isfinite(own.ratio) else 'not estimated'}"
        for each, own in pairs
    )
    return f"{'; '.join(told)}."


def _limits(published: PublishedSpec) -> tuple[float, float]:
    """The published confidence limits, NaN where there are none."""
    low, high = (
        float("nan") if getattr(published, name) is None else float(getattr(published, name))
        for name in ("low", "high")
    )
    return low, high


def _information(low: float, high: float, confidence: float) -> float:
    """Of an estimate with limits of this confidence level: 1 / se^2."""
    critical = special.ndtri((1 + confidence) / 2)
    return float((2 * critical / np.log(high / low)) ** 2) if high > low else float("nan")


TELLING = Telling(exhibits=(Exhibit(published_figure, "comparing"),))
