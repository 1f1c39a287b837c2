"""The tables of reference ranges."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from riskkit.numbers import NOTHING, count, measure
from riskkit.runner.ranges.results import RangesResults
from riskkit.spec.ranges import SampleSpec
from riskkit.tables.table import Column, Row, Table


def centile_text(centile: float) -> str:
    """A centile by its ordinal: 2.5th, 50th, 3rd."""
    whole = float(centile).is_integer()
    last, teens = int(centile) % 10, 10 <= int(centile) % 100 <= 20
    ending = {1: "st", 2: "nd", 3: "rd"}.get(last, "th") if whole and not teens else "th"
    return f"{centile:g}{ending}"


def band_text(low: float, high: float) -> str:
    """A band of age: 31 to 42, 9.2 to 11.5."""
    return " to ".join(f"{age:.0f}" if float(age).is_integer() else f"{age:.1f}" for age in (low, high))


def centile_table(results: RangesResults, sample: SampleSpec, labels: Mapping[str, str], unit: str) -> Table:
    """Centiles at the ages asked for, those of the ends and the median with their limits."""
    rows, asked = results.of("centiles", sample.id), results.spec.centiles
    banded = {asked[0], 50.0, asked[-1]}
    columns = (Column(labels["age"], numeric=False), *(Column(centile_text(c)) for c in asked))
    lines: list[Row] = []
    for group, own in rows.groupby("group", sort=False):
        if group:
            lines.append(Row((str(group),), "heading"))
        for age, at in own.groupby("age"):
            by = at.set_index("centile")
            cells = [_cell(by.loc[c], c in banded) if c in by.index else NOTHING for c in asked]
            lines.append(Row((f"{age:g}", *cells), "indented" if group else "row"))
    return Table(
        f"Centiles of {labels['measurement']} ({unit}) by {labels['age'].lower()}: {sample.label}", columns,
        tuple(lines),
        (f"Under the outermost centiles and the median: {100 * results.spec.level:g}% confidence limits.",),
    )  # fmt: skip


def _cell(row: pd.Series, limits: bool) -> str:
    value = measure(row["value"])
    return f"{value}\n{measure(row['low'])} to {measure(row['high'])}" if limits else value


def lms_table(results: RangesResults, sample: SampleSpec, labels: Mapping[str, str]) -> Table:
    """L, M and S at the ages asked for, which every centile follows from."""
    rows = results.of("lms", sample.id)
    rows = rows[rows["age"].isin(sample.at)]
    columns = (Column(labels["age"], numeric=False), Column("L"), Column("M"), Column("S"))
    lines: list[Row] = []
    for group, own in rows.groupby("group", sort=False):
        if group:
            lines.append(Row((str(group),), "heading"))
        for r in own.to_dict("records"):
            cells = (f"{r['L']:.3f}".replace("-", "−"), measure(r["M"]), f"{r['S']:.3f}")
            lines.append(Row((f"{r['age']:g}", *cells), "indented" if group else "row"))
    return Table(
        f"L, M and S of {labels['measurement']} by {labels['age'].lower()}: {sample.label}", columns, tuple(lines),
        ("The score of a level y is ((y / M)^L - 1) / (L S), and the centile of score z is M (1 + L S z)^(1 / L).",),
    )  # fmt: skip


def fit_table(results: RangesResults, sample: SampleSpec, labels: Mapping[str, str]) -> Table:
    """The worm plots' numbers by age band."""
    columns = (
        Column(labels["age"], numeric=False), Column("People"), Column("Level"), Column("Slope"), Column("Curvature"),
        Column("Cubic"), Column("Outside the\nlimits of chance"),
    )  # fmt: skip
    lines: list[Row] = []
    for group, own in results.of("worms", sample.id).groupby("group", sort=False):
        if group:
            lines.append(Row((str(group),), "heading"))
        for r in own.to_dict("records"):
            numbers = (f"{r[name]:+.2f}" for name in ("level", "slope", "curvature", "cubic"))
            cells = (count(r["n"]), *numbers, f"{100 * r['outside']:.0f}%")
            lines.append(Row((band_text(r["age_low"], r["age_high"]), *cells), "indented" if group else "row"))
    return Table(
        f"The fit by age: {sample.label}", columns, tuple(lines),
        (
            "Of a cubic through the detrended scores. Van Buuren and Fredriks take a level beyond 0.1 for a median "
            "that is wrong there, a slope beyond 0.1 for a spread, a curvature beyond 0.05 for a skewness, a cubic "
            "beyond 0.03 for a kurtosis.",
        ),
    )  # fmt: skip


def share_table(results: RangesResults, sample: SampleSpec) -> Table:
    """The share of the people themselves below each centile."""
    asked = results.spec.centiles
    columns = (
        Column("Group", numeric=False),
        Column("People"),
        *(Column(f"Below the\n{centile_text(c)}") for c in asked),
    )
    lines = []
    for group, own in results.of("shares", sample.id).groupby("group", sort=False):
        by = own.set_index("centile")["share"]
        cells = (f"{100 * by[c]:.1f}%" if c in by.index else NOTHING for c in asked)
        lines.append(Row((str(group) or "Everybody", count(own["n"].iloc[0]), *cells)))
    weighted = " Weighted, as the ranges are." if sample.survey else ""
    return Table(
        f"How many of the people are below each centile of their age: {sample.label}", columns, tuple(lines),
        (f"Of curves that fit, as many per cent as the centile says.{weighted}",),
    )  # fmt: skip


def stage_table(results: RangesResults, sample: SampleSpec, labels: Mapping[str, str], unit: str) -> Table:
    """People of each stage: levels, and where these stand for their age."""
    columns = (
        Column(labels["stages"], numeric=False), Column("People"), Column("Mean age"), Column(f"Median\n{unit}"),
        Column(f"Mean SDS\n({100 * results.spec.level:g}% CI)"),
    )  # fmt: skip
    lines: list[Row] = []
    for group, own in results.of("stages", sample.id).groupby("group", sort=False):
        if group:
            lines.append(Row((str(group),), "heading"))
        for r in own.sort_values("position").to_dict("records"):
            known = r["sds"] == r["sds"]
            sds = f"{r['sds']:+.2f} ({r['low']:+.2f} to {r['high']:+.2f})".replace("-", "−") if known else NOTHING
            cells = (count(r["n"]), f"{r['age']:.1f}" if known else NOTHING, measure(r["median"]), sds)
            lines.append(Row((str(r["stage"]), *cells), "indented" if group else "row"))
    return Table(
        f"{labels['measurement']} by {labels['stages'][:1].lower()}{labels['stages'][1:]}: {sample.label}", columns,
        tuple(lines),
        (
            "SDS: the score among people of the same age and group. Stages of fewer than 10 people with a known "
            "level are left out.",
        ),
    )  # fmt: skip


def published_table(results: RangesResults, sample: SampleSpec, unit: str) -> Table:
    """Published means beside those here."""
    columns = (
        Column("Published by", numeric=False), Column("Whom", numeric=False), Column("Mean (SE)", "Published"),
        Column("People", "Here"), Column("Mean (SE)", "Here"), Column("Difference"),
        Column("What differs", numeric=False),
    )  # fmt: skip
    lines = []
    for r in results.of("published", sample.id).sort_values("position").to_dict("records"):
        declared = results.spec.published[int(r["position"])]
        theirs = measure(r["mean"]) + (f" ({r['mean_se']:.1f})" if r["mean_se"] == r["mean_se"] else "")
        known = r["own_mean"] == r["own_mean"]
        ours = f"{measure(r['own_mean'])} ({r['own_se']:.1f})" if known else NOTHING
        difference = f"{r['difference']:+.1f}".replace("-", "−") if known else NOTHING
        cells = (r["study"], r["population"], theirs, count(r["n"]), ours, difference, declared.differs)
        lines.append(Row(tuple(map(str, cells))))
    cited = dict.fromkeys(
        f"{each.study}: {each.citation}" for each in results.spec.published if each.sample == sample.id
    )
    return Table(f"Published means and those here ({unit})", columns, tuple(lines), tuple(cited))
