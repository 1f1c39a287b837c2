"""What the report of reference ranges says: the headline, each sample with its chart and tables, and how it was "
"done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pandas as pd

from riskkit.figures.centiles import centile_chart, worm_plots
from riskkit.figures.panels import Panel
from riskkit.numbers import NOTHING, count, level, measure
from riskkit.report.content import Laid
from riskkit.report.document import Front
from riskkit.report.ranges.tables import (
    band_text,
    centile_table,
    centile_text,
    fit_table,
    lms_table,
    published_table,
    share_table,
    stage_table,
)
from riskkit.runner.ranges.results import RangesResults
from riskkit.spec.ranges import SampleSpec
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Fold, Heading, Item, Items, OnPage, PageFigure, Paragraph, numbered
from riskkit.telling.exposure_text import SIMULATED, UNREAL
from riskkit.telling.references import WORKS, Bibliography, Work
from riskkit.telling.words import in_sentence, listed, quantity

MISFIT = {"level": 0.1, "slope": 0.1, "curvature": 0.05, "cubic": 0.03}
WRONG = {"level": "median", "slope": "spread", "curvature": "skewness", "cubic": "tails"}
OURS = {
    "cole": WORKS["cole"],
    "wood": Work(
        "Wood SN, Fasiolo M. A generalized Fellner-Schall method for smoothing parameter optimization with "
        "application to Tweedie location, scale and shape models. Biometrics 2017;73:1071-81.",
        "10.1111/biom.12666",
    ),
    "buuren": Work(
        "van Buuren S, Fredriks M. Worm plot: a simple diagnostic device for modelling growth reference curves. "
        "Stat Med 2001;20:1259-77.",
        "10.1002/sim.746",
    ),
    "binder": Work(
        "Binder DA. On the variances of asymptotically normal estimators from complex surveys. Int Stat Rev "
        "1983;51:279-92.",
        "10.2307/1402588",
    ),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class RangesContent(Laid):
    """Everything that the report of reference ranges says; `front` is what stands above its blocks."""

    front: Front


def ranges_content(results: RangesResults) -> RangesContent:
    """Write the sentences and lay out the tables and figures of the report; nothing is drawn yet."""
    spec, made = results.spec, results.provenance
    cited = Bibliography(_works(results))
    warning = SIMULATED if results.simulated else ""
    front = Front(
        above="; ".join(facts.title for facts in results.cohorts.values()),
        title=spec.title,
        question=spec.question,
        warning=warning,
        unreal=UNREAL if warning else "",
        lines=tuple(filter(None, (*answer(results), _disclosed(results)))),
        riskkit=made.riskkit,
    )
    return RangesContent(
        blocks=numbered(_blocks(results, cited), warning),
        bibliography=cited,
        created=datetime.fromisoformat(made.created),
        front=front,
    )


def answer(results: RangesResults) -> tuple[str, ...]:
    """The headline: what is usual at one age of each sample."""
    return tuple(text for sample in results.spec.samples if (text := _headline(results, sample)))


def _headline(results: RangesResults, sample: SampleSpec) -> str:
    asked, (labels, unit) = results.spec.centiles, names(results, sample)
    rows = results.of("centiles", sample.id)
    rows = rows[rows["age"] == sample.lead]
    said = []
    for group, own in rows.groupby("group", sort=False):
        by = own.set_index("centile")["value"]
        who = f" in {called(sample, group)}" if group else ""
        ends = (
            f" (the middle {asked[-1] - asked[0]:g}%: {measure(by[asked[0]])} to {measure(by[asked[-1]])})"
            if {asked[0], asked[-1]} <= set(by.index)
            else ""
        )
        if 50.0 in by.index:
            said.append(f"{measure(by[50.0], unit)}{who}{ends}")
    if not said:
        return ""
    age = in_sentence(labels["age"])
    return f"{sample.label}: at {age} {sample.lead:g} the median {labels['measurement']} is {listed(said)}."


def called(sample: SampleSpec, group: object) -> str:
    """How a sentence calls a group."""
    return sample.called.get(str(group), in_sentence(str(group)))


def names(results: RangesResults, sample: SampleSpec) -> tuple[dict[str, str], str]:
    """What the variables of a sample are called, and the unit of the measurement."""
    variables = results.cohorts[sample.cohort].variables
    wanted = ("measurement", "age", "by", "stages")
    labels = {field: variables[name].label for field in wanted if (name := getattr(sample, field)) is not None}
    return labels, variables[sample.measurement].unit or ""


def _blocks(results: RangesResults, cited: Bibliography) -> Iterator[Block]:
    for sample in results.spec.samples:
        yield Heading(sample.label, 2, sample.id, sample.id.replace("-", " ").capitalize())
        yield from _sample(results, sample)
    yield Heading("How it was done", 2, "methods", "Methods")
    for heading, text in _methods(results):
        yield Heading(heading)
        yield Paragraph(text)
    yield Heading("Limitations", 2, "limitations")
    yield Items(tuple(map(Item, _limitations(results))))
    yield Heading("References", 2, "references")
    yield Items(tuple(Item(work.text, doi=work.doi) for work in cited.works.values()), numbered=True)
    yield Heading("Provenance", 2, "provenance")
    made = results.provenance
    created = datetime.fromisoformat(made.created)
    commit = made.commit or "unknown (not in a git repository)"
    changed = " with uncommitted changes" if made.dirty else ""
    yield Paragraph(
        f"Made on {created.day} {created:%B %Y} by riskkit {made.riskkit}, commit {commit}{changed}, from "
        f"{made.spec_path} (SHA-256 {made.spec_sha256})."
    )
    yield _sources(results)
    yield OnPage("evidence_data")


def _sample(results: RangesResults, sample: SampleSpec) -> Iterator[Block]:
    labels, unit = names(results, sample)
    yield Paragraph(_who(results, sample))
    figure = _chart(results, sample, labels, unit, lms_table(results, sample, labels))
    if figure is not None:
        yield figure
    yield centile_table(results, sample, labels, unit)
    yield Heading("Do the curves fit?")
    yield Paragraph(_fit_told(results, sample))
    inside: list[Block] = []
    worms = _worms(results, sample, fit_table(results, sample, labels))
    if worms is not None:
        inside.append(worms)
    inside.append(share_table(results, sample))
    yield Fold("Worm plots, and people below each centile", tuple(inside))
    if len(results.of("stages", sample.id)):
        yield Heading(f"By {in_sentence(labels['stages'])}")
        yield Paragraph(_stages_told(results, sample))
        yield stage_table(results, sample, labels, unit)
    if len(results.of("published", sample.id)):
        yield Heading("Beside what is published")
        yield Paragraph(_published_told(results, sample, unit))
        yield published_table(results, sample, unit)


def _who(results: RangesResults, sample: SampleSpec) -> str:
    facts, people = results.cohorts[sample.cohort], results.of("people", sample.id)
    labels, _ = names(results, sample)
    groups = listed(
        f"{count(r['n'])} {called(sample, r['group']) if r['group'] else 'people'} of {r['youngest']:.3g} to "
        f"{r['oldest']:.3g}"
        for r in people.to_dict("records")
    )
    lacking = people["n_missing"].iloc[0]
    used = [in_sentence(labels[name]) for name in ("measurement", "age", "by") if name in labels]
    weighted = (
        f" Ranges are weighted to represent {facts.design.population}; limits are design-based."
        if sample.survey and facts.design
        else " Nobody is weighted: the ranges are of these people, who are no random sample of any population."
    )
    without = f"{count(lacking)} lack" if lacking != 0 else "Nobody lacks"
    return (
        f"{' '.join(facts.description.split())} Ranges were learnt from {groups} years. {without} {listed(used)}"
        f"{', or one of them, and are left out' if lacking != 0 else ''}.{weighted}"
    )


def _chart(
    results: RangesResults, sample: SampleSpec, labels: dict[str, str], unit: str, table: Table
) -> PageFigure | None:
    curves, people = results.of("curves", sample.id), results.of("people", sample.id).set_index("group")["n"]
    curves = curves[curves["age"] <= sample.at[-1]]
    if curves.empty:
        return None
    groups = list(dict.fromkeys(curves["group"]))
    panels = [
        Panel(group, group or "Everybody", "" if pd.isna(people[group]) else f"{count(people[group])} people")
        for group in groups
    ]
    drawn = partial(
        centile_chart, curves, panels, xlabel=f"{labels['age']} (years)", ylabel=f"{labels['measurement']} ({unit})"
    )
    ends = listed(centile_text(c) for c in (results.spec.centiles[0], 50.0, results.spec.centiles[-1]))
    caption = (
        f"Centiles of {labels['measurement']} by {in_sentence(labels['age'])}: each line has so many per cent of "
        f"people of an age below it. Shaded: pointwise {level(results.spec.level)} confidence bands of the {ends}, "
        "where they are shown. Nobody is drawn; curves go from the lowest age measured to the highest of the table."
    )
    return PageFigure("centiles", drawn, caption, _headline(results, sample) or NOTHING, table, sample.id)


def _worms(results: RangesResults, sample: SampleSpec, table: Table) -> PageFigure | None:
    points = results.of("worm_points", sample.id)
    if points.empty:
        return None
    points = points.assign(key=points["group"] + " " + points["age_low"].map("{:.6g}".format))
    panels = [
        Panel(str(key), f"{own['group'].iloc[0]} {band_text(own['age_low'].iloc[0], own['age_high'].iloc[0])}".strip(),
              "" if pd.isna(own["n"].iloc[0]) else f"{count(own['n'].iloc[0])} people")
        for key, own in points.groupby("key", sort=False)
    ]  # fmt: skip
    caption = (
        "Worm plots: of the people of each age band, the score found at shares of 2 to 98% less the one expected "
        "there. Within the shade (95%) a deviation may be chance. A worm that lies high means a median too low, "
        "one that rises a spread too small, a curved one a skewness that is missed."
    )
    drawn = partial(worm_plots, points, panels)
    return PageFigure("worms", drawn, caption, _fit_told(results, sample), table, sample.id)


def _fit_told(results: RangesResults, sample: SampleSpec) -> str:
    """Where the worms say that something is wrong; and how far shares below the outermost centiles are from theirs."""
    worms = results.of("worms", sample.id)
    asked = results.spec.centiles
    wrong = []
    for r in worms.to_dict("records"):
        parts = [WRONG[name] for name, most in MISFIT.items() if abs(r[name]) > most]
        if parts:
            who = f"{called(sample, r['group'])} " if r["group"] else ""
            wrong.append(f"{who}of {band_text(r['age_low'], r['age_high'])} ({listed(parts)})")
    bands = quantity(len(worms), "band")
    said = (
        f"By van Buuren and Fredriks's limits, {len(wrong)} of {bands} of age and group fit less well: "
        f"{'; '.join(wrong)}."
        if wrong
        else f"By van Buuren and Fredriks's limits, all {bands} of age and group fit."
    )
    shares = results.of("shares", sample.id)
    ends = []
    for centile in (asked[0], asked[-1]):
        own = 100 * shares.loc[shares["centile"] == centile, "share"]
        if len(own):
            low, high = f"{own.min():.1f}", f"{own.max():.1f}"
            ends.append(f"{low}%" if low == high else f"{low} to {high}%")
    told = (
        f" Below the {centile_text(asked[0])} and the {centile_text(asked[-1])} centile lie {listed(ends)} of people."
    )
    return f"{said}{told if len(ends) == 2 else ''}"


def _stages_told(results: RangesResults, sample: SampleSpec) -> str:
    rows = results.of("stages", sample.id)
    labels, unit = names(results, sample)
    said = []
    for group, own in rows.groupby("group", sort=False):
        top = own.dropna(subset="median").sort_values("median")
        if len(top) < 2:
            continue
        low, high = top.iloc[0], top.iloc[-1]
        who = f"In {called(sample, group)}, " if group else ""
        said.append(
            f"{who}{labels['measurement']} is lowest in stage {low['stage']} (median "
            f"{measure(low['median'], unit)}) and highest in stage {high['stage']} "
            f"({measure(high['median'], unit)})."
        )
    away = [
        f"{called(sample, r['group'])} of stage {r['stage']} ({r['sds']:+.2f})".replace("-", "−")
        for r in rows.to_dict("records")
        if r["low"] > 0 or r["high"] < 0
    ]
    score = (
        " For their age, levels differ from the median (the interval of the mean score leaves out 0) in "
        f"{listed(away)}."
        if away
        else " For their age, no stage gives evidence of levels that differ from the median."
    )
    caution = " A stage goes with age, so that a score for age leaves out most of what a stage says."
    return f"{' '.join(said)}{score}{caution}"


def _published_told(results: RangesResults, sample: SampleSpec, unit: str) -> str:
    rows = results.of("published", sample.id).dropna(subset="difference")
    if rows.empty:
        return "Nothing here may be shown beside what is published."
    most = rows.loc[rows["difference"].abs().idxmax()]
    studies = listed(dict.fromkeys(rows["study"]))
    within = int((rows["difference"].abs() <= rows["own_se"]).sum())
    same = " The people are the same survey's, so that agreement checks the reading of the data, not the finding."
    ours = " ".join(results.cohorts[sample.cohort].title.split())
    known = any(word in ours for each in results.spec.published for word in each.study.split()[:1]) or sample.survey
    return (
        f"{quantity(len(rows), 'mean')} of {studies}: the largest difference is "
        f"{measure(abs(most['difference']), unit)} ({most['population']}), and {within} of {len(rows)} lie within one "
        f"standard error.{same if known else ''}"
    )


def _methods(results: RangesResults) -> Iterator[tuple[str, str]]:
    yield (
        "Reference ranges",
        "Given age, ((y / M)^L - 1) / (L S) of a level y is taken as standard normal (LMS [@cole]); L, log M and "
        "log S are penalised cubic splines of age, whose knots lie where the people do and whose smoothing is "
        "learnt from the data by an approximate restricted likelihood [@wood]. Every centile, and every score, "
        "follows from the three curves.",
    )
    weighted = [sample for sample in results.spec.samples if sample.survey]
    if weighted:
        design = listed(results.cohorts[sample.cohort].title for sample in weighted)
        yield (
            "Survey",
            f"Curves of {design} are weighted by the survey's weights (scaled, so that they are smoothed by as many "
            "people as the weights are worth), and limits and standard errors are linearised between primary "
            "sampling units within strata [@binder]. How much is smoothed is taken as known.",
        )
    yield (
        "Limits",
        f"Limits of centiles are pointwise and at {level(results.spec.level)}: Bayesian ones of the penalised "
        f"likelihood{', design-based where the survey weighs' if weighted else ''}. In simulations they hold 92 to "
        "95%.",
    )
    yield (
        "Fit",
        "The scores of the people the curves were learnt from are set against a normal distribution within bands "
        "of age [@buuren], and counted below each centile.",
    )


def _limitations(results: RangesResults) -> Iterator[str]:
    yield (
        "A range says what is usual among these people, not what is healthy, and nothing of what follows a high or low "
        "level."
    )
    yield "A level is comparable with these ranges only if it was measured by the same assay, calibrated alike."
    yield "People were measured once: the curves compare people of different ages, and do not follow anybody."
    for sample in results.spec.samples:
        facts = results.cohorts[sample.cohort]
        left = [step for step in facts.flow if step.removed]
        if left:
            steps = "; ".join(f"{in_sentence(step.label)} ({count(step.removed)})" for step in left)
            yield f"Left out of {facts.title} before anything else: {steps}."
        if sample.survey and facts.design and facts.design.note:
            yield f"Weights of {facts.title}: {' '.join(facts.design.note.split())}"
        coded = facts.variables[sample.age]
        if coded.top_coded and coded.note:
            yield f"{coded.label} in {facts.title}: {coded.note}"
    yield from (" ".join(note.split()) for note in results.spec.notes)


def _disclosed(results: RangesResults) -> str:
    rules = results.disclosed
    if not rules:
        return ""
    told = listed(
        f"of {results.cohorts[name].title}, counts below {rule.min_count} are withheld ({NOTHING}), others rounded "
        f"to the nearest {rule.round_to}, and centiles that fewer than {rule.min_count} people lie beyond left out"
        for name, rule in rules.items()
    )
    return f"To protect the people studied: {told}."


def _sources(results: RangesResults) -> Table:
    columns = (
        Column("File", numeric=False),
        Column("Cohort", numeric=False),
        Column("Bytes"),
        Column("SHA-256", numeric=False),
    )
    rows = [
        Row((source.file, facts.title, count(source.bytes), source.sha256))
        for facts in results.cohorts.values()
        for source in facts.sources
    ]
    return Table("Raw data files.", columns, tuple(rows))


def _works(results: RangesResults) -> dict[str, Work]:
    """Those the methods cite, in their order, then the cohorts' own."""
    weighted = any(sample.survey for sample in results.spec.samples)
    keys = ("cole", "wood", *(("binder",) if weighted else ()), "buuren")
    own = {f"cohort-{name}": Work(" ".join(f.citation.split())) for name, f in results.cohorts.items() if f.citation}
    published = {
        f"published-{i}": Work(text)
        for i, text in enumerate(dict.fromkeys(each.citation for each in results.spec.published))
    }
    return {key: OURS[key] for key in keys} | own | published
