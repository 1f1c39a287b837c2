"""Interaction on the page: for each modifier the curves of its groups on one picture, with tests and measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.figures.spline import Reference, comparison
from riskkit.numbers import HARD, count, p_phrase
from riskkit.questions.interactions.spec import levels_of
from riskkit.questions.interactions.table import Named, interactions_table
from riskkit.results import Results
from riskkit.telling.associations import Association, histogram
from riskkit.telling.blocks import Link, PageFigure
from riskkit.telling.exposure_text import ExposureText, exposure_text
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Telling, methods_link
from riskkit.telling.words import TIME_SCALES, in_sentence, listed, quantity, threshold

MOST_NAMED = 4  # interactions that a sentence names


def interaction_figures(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> tuple[PageFigure, ...]:
    """The figure of each declared modifier of which a model could be fitted."""
    drawn = (interaction_figure(modifier, results, exposure, text, found) for modifier in modifiers(results))
    return tuple(figure for figure in drawn if figure)


def interaction_figure(
    modifier: Modifier, results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The curves of each group of a modifier with every outcome; None where no model with it could be fitted."""
    tests, curves, additive = (
        _of(frame, results, exposure, modifier.name)
        for frame in (results.interactions, results.interaction_curves, results.additive)
    )
    shown = [a for a in found if a.outcome in set(tests["outcome"])]
    if not shown:
        return None
    tested = tests[tests["test"] == "likelihood ratio"].set_index("outcome")["p"]
    levels = [level for level in modifier.levels if level in set(curves["level"])]
    panels = [Panel(a.outcome, a.outcome_label, _line(curves, a, tested[a.outcome], levels)) for a in shown]
    drawn = partial(
        comparison,
        curves.assign(series=curves["level"]),
        histogram(results, exposure),
        panels,
        {level: level for level in levels},
        levels[0],
        xlabel=text.axis,
        ylabel=text.ratio_axis,
        reference=Reference(text.reference_x, text.reference),
        banded=levels[1:],
    )
    by = in_sentence(modifier.label)
    caption = (
        f"Does the association of {text.name} differ by {by}? {text.ratios} in each group, over the range that its own "
        f"people have (1st to 99th percentile), relative to {text.reference} in the same group (diamond): from one "
        f"model with the product of the curve and {by}, with pointwise bands (cut where they leave the axes). The p "
        "value is the likelihood-ratio test that the curves are the same: interaction on the multiplicative scale. "
        f"{exposure_text(results.manifest, exposure, modifier.time_scale).adjusted}"
    )
    ends = tuple(end.x for end in next((a.ends for a in shown if a.ends), ()))
    table = interactions_table(
        tests,
        curves,
        additive,
        {a.outcome: a.outcome_label for a in shown},
        Named(text.name, modifier.label, text.unit, ends),
        f"{text.label} with every outcome by {by}: {text.measure.ratio} in each group, and interaction",
        text.short,
        text.measure,
    )
    name = f"interaction-{modifier.name}"
    return PageFigure(name, drawn, caption, _told(tests, shown, text, by), table)


def interactions_told(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """Whether the association differs between the groups of any modifier; empty where none was tested."""
    label = {a.outcome: in_sentence(a.outcome_label) for a in found}
    called = {each.name: in_sentence(each.label) for each in modifiers(results)}
    tests, additive = (
        frame[frame["outcome"].isin(label)]
        for frame in (_of(results.interactions, results, exposure), _of(results.additive, results, exposure))
    )
    if tests.empty:
        return ""
    tests = tests[tests["test"] == "likelihood ratio"]
    alpha = 1 - found[0].level
    differ = tests[tests["p"] < alpha].sort_values("p")
    named = [f"{label[r.outcome]} by {called[r.modifier]} ({p_phrase(r.p)})" for r in differ.itertuples()]
    asked = (
        f"Whether the curve of {in_sentence(found[0].exposure_label)} differed by "
        f"{listed(dict.fromkeys(called[name] for name in tests['modifier']))} was tested "
        f"{quantity(len(tests), 'time')} on the multiplicative scale"
    )
    said = (
        f"there was no evidence that it did (smallest {p_phrase(tests['p'].min())})"
        if not named
        else f"there was evidence that it did for {listed(named)}"
        if len(named) <= MOST_NAMED
        else f"there was evidence that it did in {count(len(named))}, most clearly for {listed(named[:MOST_NAMED])}"
    )
    chance = f", at {threshold(found[0])}, where {alpha * len(tests):.2g} would be expected by chance" if named else ""
    return f"{asked}: {said}{chance}.{_additive_told(additive, label, called)}"


def interactions_method(results: Results) -> str:
    """How effect modification was examined; empty where it was not."""
    declared = results.manifest.analysis.asked("interactions")
    if not declared:
        return ""
    named = listed(in_sentence(each.label) for each in modifiers(results))
    text = (
        f"Effect modification by {named} is named in the analysis file. The main model was fitted with the product of "
        "the exposure's curve and the modifier; that the curves of its groups are the same (no interaction on the "
        "multiplicative scale) was tested by likelihood-ratio and Wald tests."
    )
    main = results.manifest.analysis.time_scales[0]
    other = [each for each in modifiers(results) if each.time_scale != main]
    if other:
        named = listed(in_sentence(each.label) for each in other)
        text = f"{text} The model with {named} has {TIME_SCALES[other[0].time_scale]} as its time scale."
    if not any(each.additive for each in declared):
        return text
    return (
        f"{text} Interaction on the additive scale was measured for declared contrasts by the relative excess risk due "
        "to interaction (RERI), the attributable proportion and the synergy index, with delta-method intervals "
        "[@hosmer] and, of RERI, MOVER's, recovered from those of its ratios [@zou]. The reference should be the "
        "combination with the lowest risk [@knol]."
    )


def _additive_told(additive: pd.DataFrame, label: Mapping[str, str], called: Mapping[str, str]) -> str:
    """For which pairs the interval of RERI leaves 0 out."""
    measured = additive[(additive["measure"] == "RERI") & (additive["interval"] == "MOVER")]
    if measured.empty:
        return ""
    apart = measured[(measured["low"] > 0) | (measured["high"] < 0)]
    if apart.empty:
        return f" On the additive scale, the interval of RERI held 0 in {_each(len(measured))}."
    named = listed(f"{label[r.outcome]} by {called[r.modifier]}" for r in apart[:MOST_NAMED].itertuples())
    rest = f" and {count(len(apart) - MOST_NAMED)} more" if len(apart) > MOST_NAMED else ""
    return f" On the additive scale, the interval of RERI left 0 out for {named}{rest}, of {count(len(measured))}."


def _each(number: int) -> str:
    return "the one pair measured" if number == 1 else f"each of {count(number)}"


@dataclass(frozen=True)
class Modifier:
    """A declared modifier: its name in the cohort, its label, its levels in order, and its model's time scale."""

    name: str
    label: str
    levels: tuple[str, ...]
    time_scale: str


def modifiers(results: Results) -> tuple[Modifier, ...]:
    """The modifiers that the analysis declares."""
    variables, analysis = results.manifest.cohort.variables, results.manifest.analysis
    return tuple(
        Modifier(
            each.modifier,
            each.label or variables[each.modifier].label,
            levels_of(variables[each.modifier].kind, variables[each.modifier].levels),
            each.time_scale or analysis.time_scales[0],
        )
        for each in analysis.asked("interactions") or ()
    )


def _of(frame: pd.DataFrame, results: Results, exposure: str, modifier: str | None = None) -> pd.DataFrame:
    """Rows of one exposure in the main model, and of one modifier, each on the time scale of its own model."""
    scale = {each.name: each.time_scale for each in modifiers(results) if modifier in (None, each.name)}
    rows = frame[(frame["exposure"] == exposure) & (frame["model"] == results.manifest.analysis.main.name)]
    return rows[rows["time_scale"] == rows["modifier"].map(scale)]


def _line(curves: pd.DataFrame, a: Association, p: float, levels: Sequence[str]) -> str:
    """The numbers under a panel's title: events in each group, and the test."""
    own = curves[curves["outcome"] == a.outcome].drop_duplicates("level").set_index("level")["events"]
    events = ", ".join(f"{count(own[level])} ({level.replace(' ', HARD)})" for level in levels if level in own)
    return f"{p_phrase(p, 'interaction p')}\n{a.measure.event}s: {events}"


def _told(tests: pd.DataFrame, shown: Sequence[Association], text: ExposureText, by: str) -> str:
    tested = tests[tests["test"] == "likelihood ratio"].set_index("outcome")["p"]
    told = listed(f"{in_sentence(a.outcome_label)} {p_phrase(tested[a.outcome])}" for a in shown)
    return f"Test that the curves of {text.name} are the same by {by}: {told}."


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How effect modification was examined."""
    if told := interactions_method(results):
        yield METHODS, told


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that interactions meet."""
    if results.manifest.analysis.asked("interactions"):
        yield from ((item, methods_link(METHODS)) for item in (12, 17))


METHODS = "Effect modification"
WORKS = {
    "hosmer": Work(
        "Hosmer DW, Lemeshow S. Confidence interval estimation of interaction. Epidemiology 1992;3:452-6.",
        "10.1097/00001648-199209000-00012",
    ),
    "knol": Work(
        "Knol MJ, VanderWeele TJ, Groenwold RHH, Klungel OH, Rovers MM, Grobbee DE. Estimating measures of interaction "
        "on an additive scale for preventive exposures. Eur J Epidemiol 2011;26:433-8.",
        "10.1007/s10654-011-9554-9",
    ),
    "zou": Work(
        "Zou GY. On the estimation of additive interaction by use of the four-by-two table and beyond. Am J Epidemiol "
        "2008;168:212-24.",
        "10.1093/aje/kwn104",
    ),
}

TELLING = Telling(
    exhibits=(Exhibit(interaction_figures, "comparing", said=interactions_told),),
    methods=methods,
    strobe=strobe,
    works=WORKS,
)
