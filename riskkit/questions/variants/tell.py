"""Subgroups and sensitivity analyses on the page: does the estimate differ between people, does it move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from riskkit.disclosure import rounding
from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.infer.ends import ENDS
from riskkit.manifest import Manifest
from riskkit.numbers import count, measure, p_phrase, ratio
from riskkit.questions.variants.table import (
    compare_sensitivity,
    compare_subgroups,
    percent_change,
    sensitivity_table,
    subgroups_table,
)
from riskkit.results import Results
from riskkit.spec.analysis import SensitivitySpec, VariantSpec
from riskkit.tables.shapes import shapes_table
from riskkit.tables.table import Table
from riskkit.telling.associations import Association, main_rows
from riskkit.telling.blocks import Link, PageFigure
from riskkit.telling.exposure_text import ExposureText, exposure_text
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Telling, methods_link
from riskkit.telling.words import alpha, in_sentence, listed, quantity, threshold

MOST_NAMED = 4  # differences or shifts that a sentence names


@dataclass(frozen=True, eq=False)
class Line:
    """An estimate to compare: the straight line's, or of a bent curve one end of the range against the reference.

    Attributes
    ----------
    key : str
        What it is of: the outcome, or "outcome/low" and "outcome/high".
    a : Association
    label : str
        The outcome, and the end.
    main : Series
        The estimate of everyone: estimate se ratio low high p n events.
    """

    key: str
    a: Association
    label: str
    main: pd.Series


def compared_lines(results: Results, exposure: str, found: Sequence[Association]) -> tuple[Line, ...]:
    """What of each outcome is compared: where the curve departs from a straight line, its ends instead of the slope."""
    text = exposure_text(results.manifest, exposure)
    linear = main_rows(results.estimates, results.manifest, exposure, "linear").set_index("outcome")
    curves = main_rows(results.curves, results.manifest, exposure, "spline")
    has_ends = set(main_rows(results.variant_ends, results.manifest, exposure)["outcome"])
    lines: list[Line] = []
    for a in found:
        if a.nonlinear < alpha(a) and a.outcome in has_ends and len(a.ends) == 2:
            own = curves[curves["outcome"] == a.outcome]
            for end, at in zip(ENDS, a.ends, strict=True):
                main = own[own["x"] == at.x].iloc[0]
                label = f"{a.outcome_label}, {measure(at.x)} against {measure(a.reference, text.unit)}"
                counted = pd.Series({"n": a.people, "events": a.events, "p": np.nan})
                lines.append(Line(f"{a.outcome}/{end}", a, label, pd.concat([main.drop("reference"), counted])))
        elif a.outcome in linear.index:
            lines.append(Line(a.outcome, a, a.outcome_label, linear.loc[a.outcome]))
    return tuple(lines)


def variants_of(results: Results, exposure: str, lines: Sequence[Line]) -> pd.DataFrame:
    """The estimates of subgroups and sensitivity analyses that belong to these, `outcome` being the line's key."""
    linear = main_rows(results.variants, results.manifest, exposure, "linear")
    ends = main_rows(results.variant_ends, results.manifest, exposure)
    ends = ends.assign(outcome=ends["outcome"] + "/" + ends["end"])
    rows = pd.concat([linear, ends], ignore_index=True) if len(ends) else linear
    order = {line.key: i for i, line in enumerate(lines)}
    return rows[rows["outcome"].isin(order)].sort_values("outcome", key=lambda keys: keys.map(order), kind="stable")


def subgroups_of(results: Results, exposure: str, lines: Sequence[Line]) -> pd.DataFrame:
    """The estimates of one exposure in every subgroup, as `compare_subgroups` lays them out."""
    manifest = results.manifest
    declared = _compared(manifest.analysis.subgroups)
    slack = (rounding(manifest) - 1) * len(declared)
    names = [each.name for each in declared]
    variants = variants_of(results, exposure, lines)
    return compare_subgroups(variants[variants["variant"].isin(names)], declared, manifest.cohort.n + slack)


def sensitivity_of(results: Results, exposure: str, lines: Sequence[Line]) -> pd.DataFrame:
    """The estimates of one exposure in every sensitivity analysis, as `compare_sensitivity` lays them out."""
    main = pd.DataFrame([line.main for line in lines]).assign(outcome=[line.key for line in lines])
    declared = _compared(results.manifest.analysis.sensitivity)
    return compare_sensitivity(variants_of(results, exposure, lines), main, declared) if lines else pd.DataFrame()


def subgroups_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The forest of subgroups of one exposure with every outcome, under everyone's; None where there are none."""
    lines = compared_lines(results, exposure, found)
    compared = subgroups_of(results, exposure, lines)
    shown = [line for line in lines if line.key in set(compared["outcome"])]
    if not shown:
        return None
    rows: list[ForestRow] = []
    for line in shown:
        rows.append(_main_row(line.main, "Everyone", line.label))
        for by, members in compared[compared["outcome"] == line.key].groupby("by", sort=False):
            tested = members["p_heterogeneity"].iloc[0]
            for i, r in enumerate(members.itertuples()):
                heading = f"{line.label} by {in_sentence(by)}" if i == 0 else ""
                remark = p_phrase(tested) if i == 0 and np.isfinite(tested) else ""
                information = 1 / r.se**2
                rows.append(
                    ForestRow(
                        r.label, r.ratio, r.low, r.high, information, _events(r.events), heading=heading,
                        heading_remark=remark, strong=False, indented=True,
                    )
                )  # fmt: skip
    heads = ForestHeads("", text.measure.events, text.short, "Heterogeneity", _axis(text, shown))
    caption = (
        f"{_what(text, shown)} in subgroups (outlined), under that of everyone "
        "(filled). Heterogeneity is tested by Cochran's Q over the subgroups' estimates. The area of each box is "
        f"proportional to the information behind it. {text.adjusted}"
    )
    title = f"{text.ratio}{_per_increment(text, shown)}, by subgroup"
    table = subgroups_table(compared, {line.key: line.label for line in shown}, title, text.short, text.measure)
    told = subgroups_told(results, exposure, [line.a for line in shown])
    return PageFigure("subgroups", partial(forest, rows, heads), caption, told, table)


def _what(text: ExposureText, shown: Sequence[Line]) -> str:
    """What the ratios of a figure are: per increment, and of bent curves at both ends of the range."""
    per = f"{text.ratios} per {text.increment} higher {text.name}"
    if not any("/" in line.key for line in shown):
        return per
    ends = f"at {measure(text.low)} and {measure(text.high, text.unit)} of {text.name} against {text.reference}"
    if all("/" in line.key for line in shown):
        return f"{text.ratios} {ends}, since the curves are bent,"
    return f"{per} or, where the curve is bent, {ends},"


def _per_increment(text: ExposureText, shown: Sequence[Line]) -> str:
    bent = [line for line in shown if "/" in line.key]
    if len(bent) == len(shown):
        return " at both ends of the curve"
    return f" per {text.increment} higher{', or at both ends of a bent curve' if bent else ''}"


def _axis(text: ExposureText, shown: Sequence[Line]) -> str:
    return f"{text.measure.title}{_per_increment(text, shown)}, log scale"


def sensitivity_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The panel of sensitivity analyses of one exposure with every outcome; None where there are none."""
    lines = compared_lines(results, exposure, found)
    compared = sensitivity_of(results, exposure, lines)
    shown = [line for line in lines if len(compared) and line.key in set(compared["outcome"])]
    if not shown:
        return None
    rows: list[ForestRow] = []
    for line in shown:
        own = line.main
        band = (float(own["low"]), float(own["high"]))
        rows.append(_main_row(own, "Main analysis", line.label, band))
        for r in compared[compared["outcome"] == line.key].itertuples():
            rows.append(
                ForestRow(
                    r.label, r.ratio, r.low, r.high, 1 / r.se**2, _events(r.events), percent_change(r.change),
                    strong=False, indented=True, band=band, moved=bool(r.moved),
                )
            )  # fmt: skip
    heads = ForestHeads("", text.measure.events, text.short, "Change", _axis(text, shown))
    caption = (
        f"Does the estimate depend on choices of the analysis? {_what(text, shown)} "
        f"in each sensitivity analysis, over the main analysis's {text.level} confidence interval (shaded). An "
        "estimate that moved out of it is orange. Change: by how much the ratio differs from that of the main "
        f"analysis. {text.adjusted}"
    )
    main = pd.DataFrame([line.main for line in shown]).assign(outcome=[line.key for line in shown])
    outcomes = {line.key: line.label for line in shown}
    title = f"{text.ratio}{_per_increment(text, shown)}, by sensitivity analysis"
    table = sensitivity_table(compared, main, outcomes, title, text.short, text.measure)
    told = sensitivity_told(results, exposure, [line.a for line in shown])
    return PageFigure("sensitivity", partial(forest, rows, heads), caption, told, table)


def subgroups_told(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """Whether the linear estimates differ between subgroups, and for which; empty where nothing could be compared."""
    compared = subgroups_of(results, exposure, compared_lines(results, exposure, found))
    label = {a.outcome: in_sentence(a.outcome_label) for a in found}
    tests = compared.assign(outcome=compared["outcome"].str.split("/").str[0]).drop_duplicates(["outcome", "by"])
    tests = tests[tests["p_heterogeneity"].notna()]
    if tests.empty:
        return ""
    below = alpha(found[0])
    differ = tests[tests["p_heterogeneity"] < below].sort_values("p_heterogeneity")
    named = [f"{label[r.outcome]} by {in_sentence(r.by)} ({p_phrase(r.p_heterogeneity)})" for r in differ.itertuples()]
    asked = (
        f"Whether the {found[0].measure.ratio} of {in_sentence(found[0].exposure_label)} differed between subgroups "
        f"was tested {quantity(len(tests), 'time')}"
    )
    if not named:
        return f"{asked}: there was no evidence that it did (smallest {p_phrase(tests['p_heterogeneity'].min())})."
    more = "" if len(named) <= MOST_NAMED else f", most clearly for {listed(named[:MOST_NAMED])}"
    said = f"for {listed(named)}" if not more else f"in {count(len(named))} of them{more}"
    return (
        f"{asked}: there was evidence that it did {said}, at {threshold(found[0])}, where {below * len(tests):.2g} "
        "would be expected by chance."
    )


def sensitivity_told(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """Which estimates moved out of the main analysis's interval; empty where there are no sensitivity analyses."""
    lines = compared_lines(results, exposure, found)
    compared = sensitivity_of(results, exposure, lines)
    label = {line.key: in_sentence(line.label) for line in lines}
    compared = compared[compared["ratio"].notna()] if len(compared) else compared
    if compared.empty:
        return ""
    moved = compared[compared["moved"]]
    largest = compared.loc[np.log(compared["change"]).abs().idxmax()]
    asked = (
        f"{quantity(len(compared), 'estimate')} of sensitivity analyses of {in_sentence(found[0].exposure_label)} "
        f"{'was' if len(compared) == 1 else 'were'} compared with the main analysis"
    )
    furthest = f"{ratio(largest['main_ratio'])} to {ratio(largest['ratio'])} for {label[largest['outcome']]}"
    if moved.empty:
        return (
            f"{asked}: each lay inside the main analysis's confidence interval. The largest shift was from {furthest} "
            f"({in_sentence(largest['label'])})."
        )
    named = [f"{label[r.outcome]}, {in_sentence(r.label)} ({ratio(r.main_ratio)} to {ratio(r.ratio)})"
             for r in moved.itertuples()]  # fmt: skip
    said = "; ".join(named[:MOST_NAMED])
    rest = f"; and {count(len(named) - MOST_NAMED)} more" if len(named) > MOST_NAMED else ""
    return f"{asked}: {count(len(moved))} lay outside the main analysis's confidence interval: {said}{rest}."


def _compared(declared: Sequence[VariantSpec]) -> list[VariantSpec]:
    """The subgroups or sensitivity analyses of which a line or a curve was asked for."""
    return [each for each in declared if {"linear", "spline"} & {*each.codings}]


def _main_row(r: pd.Series, label: str, outcome: str, band: tuple[float, float] | None = None) -> ForestRow:
    return ForestRow(
        label, r["ratio"], r["low"], r["high"], 1 / r["se"] ** 2, count(r["events"]), heading=outcome, indented=True,
        band=band,
    )  # fmt: skip


def _events(events: float) -> str:
    return count(events) if np.isfinite(events) else ""


def variant_shapes(results: Results, exposure: str, text: ExposureText, found: Sequence[Association]) -> Table | None:
    """The same in every subgroup and sensitivity analysis that asks for a spline; None where none does."""
    shapes = main_rows(results.variant_shapes, results.manifest, exposure)
    if shapes.empty:
        return None
    analysis = results.manifest.analysis
    variants = [each for each in (*analysis.subgroups, *analysis.sensitivity) if "spline" in each.codings]
    return shapes_table(
        shapes.assign(outcome=shapes["outcome"] + "/" + shapes["variant"]),
        {f"{a.outcome}/{v.name}": f"{a.outcome_label}: {in_sentence(v.label)}" for a in found for v in variants},
        text.unit,
        text.level,
        text.short,
        f"The shape of the curve of {text.name} in subgroups and sensitivity analyses. {text.adjusted}",
        {},
    )


def variants_method(manifest: Manifest) -> str:
    """Which subgroups and sensitivity analyses there are, and how they are judged."""
    analysis = manifest.analysis
    sentences = [
        "These are named in the analysis file; each is the main model, fitted to other people"
        f"{' or follow-up' if manifest.measure.timed else ''}."
    ]
    if analysis.subgroups:
        kinds = listed(dict.fromkeys(in_sentence(subgroup.by) for subgroup in analysis.subgroups))
        sentences.append(
            f"Subgroups by {kinds} were compared by Cochran's Q [@cochran], the squared distances of their log "
            f"{manifest.measure.ratio}s from the mean weighted by information, on one degree of freedom fewer than "
            "there are subgroups; where the main curve departs from a straight line, so were both ends of the range "
            "against the reference, at once, instead of the slope. Subgroups that overlap were not tested."
        )
    changes = [_change(change) for change in analysis.sensitivity]
    if changes:
        sentences.append(
            f"Sensitivity analyses: {'; '.join(changes)}. An estimate is said to have moved when it lies outside the "
            "main analysis's confidence interval."
        )
    return " ".join(sentences)


def _change(change: SensitivitySpec) -> str:
    """A sensitivity analysis: its label, and in brackets what it changes."""
    parts = []
    if change.when:
        parts.append(f"people with {change.when}")
    if change.lag:
        years = "1 year" if change.lag == 1 else f"{change.lag:g} years"
        parts.append(f"the first {years} of follow-up excluded")
    if change.trim:
        low, high = change.trim
        parts.append(f"the exposure within its percentiles {low:g} to {high:g}")
    if change.without:
        parts.append(f"without {listed(change.without)}")
    return f"{in_sentence(change.label)} ({', '.join(parts)})"


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """Which there are, and how they are judged."""
    if results.manifest.analysis.variants:
        yield METHODS, variants_method(results.manifest)


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that subgroups and sensitivity analyses meet."""
    if results.manifest.analysis.variants:
        yield from ((item, methods_link(METHODS)) for item in (9, 12, 17))


METHODS = "Subgroups and sensitivity analyses"
WORKS = {
    "cochran": Work(
        "Cochran WG. The combination of estimates from different experiments. Biometrics 1954;10:101-29.",
        "10.2307/3001666",
    ),
}

TELLING = Telling(
    exhibits=(
        Exhibit(variant_shapes, "tables", many="shown"),
        Exhibit(subgroups_figure, "comparing", said=subgroups_told),
        Exhibit(sensitivity_figure, "comparing", said=sensitivity_told),
    ),
    methods=methods,
    strobe=strobe,
    works=WORKS,
)
