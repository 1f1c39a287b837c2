"""Standardised ratios in a report."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isfinite, log

from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.manifest import Manifest
from riskkit.numbers import count, level, p_phrase, ratio
from riskkit.questions.smr.spec import SmrSpec
from riskkit.questions.smr.table import EVERYBODY, expected_text, smr_table
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.tables.table import Table
from riskkit.telling.blocks import Block, Heading, Item, Items, Link, PageFigure
from riskkit.telling.references import Work
from riskkit.telling.telling import Found, Telling, methods_link
from riskkit.telling.words import in_sentence, listed

PLACE, METHODS = "reference-rates", "Reference rates"
NAMES = {"incidence": ("standardised incidence ratio", "SIR"), "mortality": ("standardised mortality ratio", "SMR")}
LIMITS = {"exact": ("low", "high"), "mid-p": ("mid_low", "mid_high")}
FEW = 3  # outcomes, up to which the figure has their levels too
WORKS = {
    "breslow": Work(
        "Breslow NE, Day NE. Statistical methods in cancer research. Volume II: the design and analysis of cohort "
        "studies. IARC Sci Publ 1987;82:1-406."
    ),
}


def sections(results: Results, found: Found) -> Iterator[Block]:
    """The section: what was observed and expected, the figure, and the table."""
    asked: SmrSpec | None = results.manifest.analysis.asked("smr")
    rates = results.manifest.cohort.rates
    if asked is None or rates is None or results.smr.empty:
        return
    outcomes = _outcomes(results)
    rows, labels = results.smr, _labels(results.manifest)
    short = NAMES[asked.of][1]
    ci = f"{level(results.manifest.analysis.level)} CI"
    table = smr_table(
        rows, outcomes, labels, (f"{short}\n(exact {ci})", f"{short}\n(mid-P {ci})"),
        f"Events observed, and expected at the rates of {rates.population}",
    )  # fmt: skip
    yield Heading(f"Against the rates of {rates.population}", 2, PLACE, "Reference rates")
    figure = _figure(results, asked, outcomes, labels, table)
    at: Table | PageFigure = figure or table
    said = [_said(results, asked, outcome, label) for outcome, label in list(outcomes.items())[:READABLE]]
    yield Items(tuple(Item(text, at, "figure" if figure else "table") for text in said))
    yield at


def _figure(
    results: Results, asked: SmrSpec, outcomes: dict[str, str], labels: dict[str, str], table: Table
) -> PageFigure | None:
    rates = results.manifest.cohort.rates
    assert rates is not None
    rows = list(_forest_rows(results, asked, outcomes, labels))
    if not rows:
        return None
    name, short = NAMES[asked.of]
    ci = f"{level(results.manifest.analysis.level)} CI"
    kind = "exact" if asked.limits == "exact" else "mid-P"
    heads = ForestHeads(
        "Outcome and people", "Observed / expected", f"{short} ({ci})", "", f"{name.capitalize()} ({ci}), log scale"
    )
    caption = (
        f"{name.capitalize()}s: events observed over those expected, had these people at each age"
        f"{', year' if rates.periods else ''}{''.join(f' and {in_sentence(labels[by])}' for by in rates.by)} the rates "
        f"of {rates.population}; with {kind} {level(results.manifest.analysis.level)} confidence intervals. Levels "
        "without an event are in the table only."
    )
    told = " ".join(_said(results, asked, outcome, label) for outcome, label in list(outcomes.items())[:READABLE])
    return PageFigure("reference-rates", partial(forest, rows, heads), caption, told, table)


def _forest_rows(
    results: Results, asked: SmrSpec, outcomes: dict[str, str], labels: dict[str, str]
) -> Iterator[ForestRow]:
    few = len(outcomes) <= FEW
    low, high = LIMITS[asked.limits]
    for outcome, label in outcomes.items():
        heading = label if few else ""
        own = results.smr[results.smr["outcome"] == outcome]
        for r in own.to_dict("records"):
            if (r["by"] and not few) or not r["ratio"] > 0:
                continue
            who = f"{labels[r['by']]}: {r['level']}" if r["by"] else EVERYBODY if few else label
            information = (2 / log(r[high] / r[low])) ** 2 if r[low] > 0 else float("nan")
            yield ForestRow(
                who, r["ratio"], r[low], r[high], information, f"{count(r['events'])} / {expected_text(r['expected'])}",
                heading=heading, strong=r["by"] == "", indented=few and r["by"] != "",
            )  # fmt: skip
            heading = ""


def _said(results: Results, asked: SmrSpec, outcome: str, label: str) -> str:
    """What was observed and expected of one outcome, and whether levels differ."""
    rates, confidence = results.manifest.cohort.rates, results.manifest.analysis.level
    assert rates is not None
    own = results.smr[results.smr["outcome"] == outcome]
    r = own[own["by"] == ""].iloc[0]
    if not isfinite(r["ratio"]):
        return f"{label}: too few events to be shown beside those expected at the rates of {rates.population}."
    low, high = LIMITS[asked.limits]
    short = NAMES[asked.of][1]
    verdict = "no evidence of a difference from the rates"
    if not r[low] <= 1 <= r[high]:
        verdict = f"{'more' if r['ratio'] > 1 else 'fewer'} than expected"
    said = (
        f"{label}: {count(r['events'])} observed among {count(r['n'])} people, {expected_text(r['expected'])} expected "
        f"({short} {ratio(r['ratio'])}, {level(confidence)} CI {ratio(r[low])} to {ratio(r[high])}): {verdict}."
    )
    labels = _labels(results.manifest)
    differs = [
        f"by {in_sentence(labels[str(by)])} ({p_phrase(part['heterogeneity_p'].iloc[0])})"
        for by, part in own[own["by"] != ""].groupby("by", sort=False)
        if part["heterogeneity_p"].iloc[0] < 1 - confidence
    ]
    return f"{said} The ratio differs {listed(differs)}." if differs else said


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How expected events were counted."""
    asked: SmrSpec | None = results.manifest.analysis.asked("smr")
    rates = results.manifest.cohort.rates
    if asked is None or rates is None or results.smr.empty:
        return
    labels = _labels(results.manifest)
    bands = ["age", *(["calendar period"] if rates.periods else []), *(in_sentence(labels[by]) for by in rates.by)]
    yield (
        METHODS,
        f"Follow-up was cut into the bands of the reference rates ({listed(bands)}), and person-time in each band "
        f"multiplied by its rate: the events expected, had these people the rates of {rates.population} "
        f"({rates.source.rstrip('.')}). A {NAMES[asked.of][0]} is what was observed divided by that. Intervals are "
        "those of a Poisson count, exact and mid-P; p values of a ratio of 1 are exact, and whether levels differ is "
        "the score test of a Poisson model [@breslow]. Expected events are taken as known. Nothing was adjusted for "
        "what the rates do not differ by.",
    )


def limits(results: Results) -> Iterator[str]:
    """Why a ratio is not the effect of being in the cohort."""
    rates = results.manifest.cohort.rates
    if results.smr.empty or rates is None:
        return
    yield (
        f"People of a cohort differ from {rates.population} in more than what was studied: those who take part in "
        "studies are healthier than others, and outcomes may be counted otherwise. Ratios of levels with different "
        "ages are not directly comparable with each other."
    )


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that the comparison meets."""
    if len(results.smr):
        yield 17, methods_link(METHODS)


def _outcomes(results: Results) -> dict[str, str]:
    there = set(results.smr["outcome"])
    return {name: about.label for name, about in results.manifest.outcomes.items() if name in there}


def _labels(manifest: Manifest) -> dict[str, str]:
    labels = {name: variable.label for name, variable in manifest.cohort.variables.items()}
    return labels | {name: coding.label for name, coding in manifest.exposures.items()}


TELLING = Telling(sections=sections, methods=methods, limits=limits, strobe=strobe, works=WORKS)
