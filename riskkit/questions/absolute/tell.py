"""What it means for a thousand people: absolute risks and scenarios in a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.manifest import Manifest
from riskkit.numbers import count, per_cent
from riskkit.questions.absolute.figure import Thousand, icons, risk_curves, scenario_forest
from riskkit.questions.absolute.spec import AbsoluteSpec, ScenarioSpec, scenarios
from riskkit.questions.absolute.table import NO_NUMBER, risk_table, scenario_table
from riskkit.questions.absolute.words import (
    age_text,
    competing_text,
    difference_interval,
    level_text,
    main_age,
    people_text,
    per_thousand,
    risk_interval,
    signed,
    within_text,
)
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.telling.associations import Association
from riskkit.telling.blocks import Block, Fold, Heading, Link, PageFigure, Paragraph
from riskkit.telling.exposure_text import ExposureText, exposure_text
from riskkit.telling.references import Work
from riskkit.telling.telling import Found, Telling, methods_link
from riskkit.telling.words import has_evidence, in_sentence, listed

PLACE, TITLE, METHODS = "thousand", "What it means for a thousand people", "Absolute risks"
IF_CAUSAL = (
    "These numbers are what the curve implies if the association were causal, if it held for levels changed by a drug, "
    "and if it carried over to these people. The study shows none of the three, and the intervals, which hold only the "
    "uncertainty of the curve{also}, know nothing of them."
)
WORKS = {
    "robins": Work(
        "Robins J. A new approach to causal inference in mortality studies with a sustained exposure period: "
        "application to control of the healthy worker survivor effect. Math Model 1986;7:1393-512.",
        "10.1016/0270-0255(86)90088-6",
    ),
    "ozenne": Work(
        "Ozenne BMH, Scheike TH, Stærk L, Gerds TA. On the estimation of average treatment effects with right-censored "
        "time to event outcome and competing risks. Biom J 2020;62:751-63.",
        "10.1002/bimj.201800298",
    ),
    "diaz": Work(
        "Díaz Muñoz I, van der Laan M. Population intervention causal effects based on stochastic interventions. "
        "Biometrics 2012;68:541-9.",
        "10.1111/j.1541-0420.2011.01685.x",
    ),
}


def sections(results: Results, found: Found) -> Iterator[Block]:
    """The section: the first exposure whole, of others the curves in a fold."""
    asked: AbsoluteSpec | None = results.manifest.analysis.asked("absolute")
    if asked is None or results.absolute_risks.empty:
        return
    yield Heading(TITLE, 2, PLACE, "A thousand people")
    for number, exposure in enumerate(results.manifest.exposures):
        own = [a for a in found if a.exposure == exposure]
        blocks = list(_exposure(results, exposure, own, asked, icon=number == 0))
        if not blocks:
            continue
        yield Heading(results.manifest.exposures[exposure].label)
        first = [block for block in blocks if isinstance(block, Paragraph)][:1] if number else blocks
        yield from first
        if number:
            yield Fold(f"{in_sentence(own[0].exposure_label)}: curves and numbers", tuple(blocks[len(first) :]))


def _exposure(results: Results, exposure: str, found: Found, asked: AbsoluteSpec, *, icon: bool) -> Iterator[Block]:
    risks, differences = (
        frame[frame["exposure"] == exposure] for frame in (results.absolute_risks, results.absolute_differences)
    )
    shown = [a for a in found if a.outcome in set(risks["outcome"])][:READABLE]
    if not shown:
        return
    text, age = exposure_text(results.manifest, exposure), main_age(asked)
    levels, apart = risks[risks["kind"] == "level"], differences[differences["kind"] == "level"]
    first = next((a for a in shown if len(_of(levels, a, age))), None)
    told = _told(results, first, levels, apart, age, text) if first else ""
    if told:
        yield Paragraph(told)
    if first and icon:
        yield _icons(results, first, _of(levels, first, age), text)
    yield _curves(results, shown, risks, apart, text, told)
    asks = scenarios(results.manifest.analysis, exposure)
    if asks:
        yield from _scenarios(results, shown, asks, differences[differences["kind"] == "scenario"], age, text)


def _of(rows: pd.DataFrame, a: Association, age: float) -> pd.DataFrame:
    own = rows[rows["outcome"] == a.outcome]
    return own[own["age"].isna()] if np.isnan(age) else own[own["age"] == age]


def _told(
    results: Results, a: Association, levels: pd.DataFrame, apart: pd.DataFrame, age: float, text: ExposureText
) -> str:
    """The risks of one outcome from one age, and by how many of a thousand people they differ."""
    risks, differences = _of(levels, a, age), _of(apart, a, age)
    horizon = risks["horizon"].iloc[0]
    each = listed(
        f"{per_thousand(row['estimate'])} ({text.level} CI {per_thousand(row['low'])} to {per_thousand(row['high'])})"
        f"{_at_level(row, text)}"
        for row in risks.to_dict("records")
    )
    told = (
        f"Of 1,000 {people_text(age)} like those studied, all with the same level of {text.name}, the model expects so "
        f"many with the outcome “{in_sentence(a.outcome_label)}” {within_text(horizon)}: {each}."
    )
    if len(differences):
        more = listed(
            f"{signed(row['estimate'])} ({signed(row['low'])} to {signed(row['high'])}){_at_level(row, text)}"
            for row in differences.to_dict("records")
        )
        told += f" Differences from {text.reference}: {more}."
    if not has_evidence(a):
        told += (
            f" There was no evidence of an association with {in_sentence(a.outcome_label)}, and so there is none of a "
            "difference between these risks."
        )
    return told


def _at_level(row: dict[str, float], text: ExposureText) -> str:
    level = level_text(str(row["level"]), row["x"], text.unit)
    return f" at {'the ' if '(' in level else ''}{level}"


def _average(results: Results, text: ExposureText) -> str:
    """How a risk was made, for a caption."""
    aged = results.absolute_risks["age"].notna().any()
    from_age = " The risk from an age is that of people alive and without the outcome at it." if aged else ""
    return (
        "Each is the average over the people studied, with their own covariates, had everyone this level of "
        f"{text.name}.{from_age}"
    )


def _icons(results: Results, a: Association, risks: pd.DataFrame, text: ExposureText) -> PageFigure:
    rows = risks.to_dict("records")
    horizon, age = risks["horizon"].iloc[0], risks["age"].iloc[0]
    name = f"{in_sentence(a.outcome_label)} {within_text(horizon)}"
    arrays = [
        Thousand(
            _capital(level_text(str(row["level"]), row["x"], text.unit)), f"{risk_interval(row)} of 1,000",
            row["estimate"], row["low"], row["high"],
        )
        for row in rows
    ]  # fmt: skip
    caption = (
        f"A thousand {people_text(age)} at each level of {text.name}: dark, those expected to have the outcome "
        f"“{in_sentence(a.outcome_label)}” {within_text(horizon)} by the lower limit of the {text.level} interval; "
        f"paler, those added up to the estimate; rings, those added up to the upper limit. {_average(results, text)}"
    )
    finding = f"Of 1,000 {people_text(age)}, {name}: " + listed(
        f"{risk_interval(row)}{_at_level(row, text)}" for row in rows
    )
    title = f"Risk of {name}, {people_text(age)}, at levels of {text.name}"
    table = risk_table(risks, risks.iloc[:0].assign(reference=np.nan), {a.outcome: a.outcome_label}, text.unit, title)
    return PageFigure("icons", partial(icons, arrays), caption, f"{finding}.", table, a.exposure)


def _curves(
    results: Results, shown: Found, risks: pd.DataFrame, apart: pd.DataFrame, text: ExposureText, told: str
) -> PageFigure:
    manifest = results.manifest
    outcomes = {a.outcome: a.outcome_label for a in shown}
    curves = risks[risks["outcome"].isin(outcomes)]
    horizon = risks["horizon"].iloc[0]
    panels = [Panel(name, label) for name, label in outcomes.items()]
    noun = "Risk" if manifest.measure.timed else "Prevalence"
    ages = [age for age in curves["age"].unique() if np.isfinite(age)]
    by = f" from age {listed(f'{age:g}' for age in ages)}" if ages else ""
    rivals = {competing_text(manifest, name) for name in outcomes} - {""}
    rival = (
        f" Where {listed(sorted(rivals))} comes first, the others cannot happen: risks allow for it." if rivals else ""
    )
    caption = (
        f"{noun} of each outcome {within_text(horizon)}{by}, over the level of {text.name}, of 1,000 people, with "
        f"{text.level} confidence bands; vertical axes differ. {_average(results, text)}{rival} The intervals hold the "
        f"uncertainty of the baseline too. {text.adjusted}"
    )
    title = f"{noun}s {within_text(horizon)} at levels of {text.name}, and their differences, with {text.level} CI"
    levels = risks[risks["kind"] == "level"]
    table = risk_table(levels, apart, outcomes, text.unit, title)
    drawn = partial(risk_curves, curves, panels, xlabel=text.axis)
    return PageFigure(
        "risks", drawn, caption, told or f"{noun}s over the level of {text.name}.", table, shown[0].exposure
    )


def _scenarios(
    results: Results, shown: Found, asks: Sequence[ScenarioSpec], differences: pd.DataFrame, age: float,
    text: ExposureText,
) -> Iterator[Block]:  # fmt: skip
    outcomes = {a.outcome: a.outcome_label for a in shown}
    title = f"Scenarios that move {text.name}: more or fewer people of 1,000 with each outcome, with {text.level} CI"
    table = scenario_table(differences, asks, outcomes, title)
    without = [each.label for each in asks if each.change is None]
    uncertain = any(each.low is not None for each in asks)
    causal = IF_CAUSAL.format(also=" and, where the source gives it, that of the change" if uncertain else "")
    silent = f" For {listed(f'“{label}”' for label in without)} there is {NO_NUMBER}." if without else ""
    a = next((a for a in shown if (differences["outcome"] == a.outcome).any()), None)
    yield Paragraph(f"What if something moved everyone's own {text.name}? {causal}{_no_evidence(shown)}{silent}")
    if a is None:
        yield table
        return
    own = differences[differences["outcome"] == a.outcome]
    horizon = own["horizon"].iloc[0]
    caption = (
        f"Scenarios for {in_sentence(a.outcome_label)} {within_text(horizon)}: how many more (right) or fewer (left) "
        f"of 1,000 people, had everyone's own {text.name} been moved, than as they are, with {text.level} confidence "
        "intervals. Nobody is moved beyond the 1st and 99th percentile, where the curve knows nothing: “held back” is "
        "the share of people who would have been. If causal, held for levels changed by a drug, and carried over."
    )
    here = _of(differences, a, age)
    finding = f"{_capital(in_sentence(a.outcome_label))}, {age_text(age).lower()}, of 1,000 people: " + listed(
        f"{row['level']} {difference_interval(row)}, {per_cent(100 * row['capped'])}% held back"
        for row in here.to_dict("records")
    )
    axis = f"More or fewer of 1,000 people {within_text(horizon)}"
    drawn = partial(scenario_forest, own, xlabel=axis)
    yield PageFigure("scenarios", drawn, caption, f"{finding}.", table, a.exposure)


def _no_evidence(shown: Found) -> str:
    """That a scenario gives no evidence where the curve gives none."""
    silent = [in_sentence(a.outcome_label) for a in shown if not has_evidence(a)]
    if not silent:
        return ""
    named = listed(silent) if len(silent) <= READABLE // 2 else f"{count(len(silent))} of the outcomes"
    return f" The curve gives no evidence of an association with {named}, and so neither does any scenario there."


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How risks were standardised."""
    asked: AbsoluteSpec | None = results.manifest.analysis.asked("absolute")
    if asked is None or results.absolute_risks.empty:
        return
    manifest = results.manifest
    if not manifest.measure.timed:
        yield (
            METHODS,
            "Prevalences are those of the main model, averaged over the people studied with everyone's exposure set to "
            "a level (the g-formula [@robins]), with intervals by influence functions, symmetric on the logit. "
            f"{_moved(manifest)}",
        )
        return
    start = (
        f"alive and without the outcome at {listed(f'{age:g}' for age in asked.ages)} years of age"
        if asked.ages
        else "from entry"
    )
    rival = next((text for text in (competing_text(manifest, name) for name in manifest.outcomes) if text), "")
    other = (
        f" A second Cox model with the same terms gave the hazard of what competes, {rival} without the outcome before "
        "it, and the two together the cumulative incidence; everyone was followed until the first of the two. "
        if rival
        else " Nothing competed with the outcome. "
    )
    yield (
        METHODS,
        f"Risks over {asked.horizon:g} years, of people {start}, are averages over the people of the main model, with "
        f"everyone's exposure set to a level and all covariates as they are (the g-formula [@robins]).{other}"
        "Standard errors, by influence functions, hold the coefficients and the baseline hazards, with delayed entry "
        "[@ozenne]; limits of risks are symmetric on the scale of log(−log(risk)), those of differences on their own. "
        f"Risks from an age are for the covariates of all people studied, not of those who live to "
        f"it. {_moved(manifest)}".strip(),
    )


def _moved(manifest: Manifest) -> str:
    asks = manifest.analysis.asked("scenarios") or ()
    if not asks:
        return ""
    sources = listed(dict.fromkeys(f"{each.label} ({each.source})" for each in asks))
    return (
        "In scenarios everyone's own level was moved by a published change, no further than the 1st or 99th percentile "
        "[@diaz]; where the source gives limits of the change, taken as normal, they are part of the interval. "
        f"Sources: {sources}."
    )


def limits(results: Results) -> Iterator[str]:
    """What risks cannot say."""
    if results.manifest.analysis.asked("absolute") is None or results.absolute_risks.empty:
        return
    yield (
        "Absolute risks are of people like those studied, at the time they were studied; they are averages, and no "
        "forecast for one person. That they differ between levels is an effect only if the association is causal."
    )
    if results.manifest.analysis.asked("survey"):
        yield "Absolute risks are of the unweighted model: of the sample, not of the population it was drawn from."
    if results.manifest.disclosed:
        yield "Absolute risks that rest on few events are not shown, and the others have two digits."


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that absolute risks meet."""
    if len(results.absolute_risks):
        yield 16, Link(PLACE, TITLE)
        yield 12, methods_link(METHODS)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


TELLING = Telling(sections=sections, methods=methods, limits=limits, strobe=strobe, works=WORKS)
