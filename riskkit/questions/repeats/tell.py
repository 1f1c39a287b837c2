"""Levels that change over visits, in a report."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from riskkit.design.visits import lag_of
from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.numbers import count, p_value
from riskkit.questions.repeats.spec import BASELINE, RepeatedSpec
from riskkit.questions.repeats.table import levels_table, words
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.telling.associations import Ratio
from riskkit.telling.blocks import Block, Heading, Link, PageFigure, Paragraph
from riskkit.telling.exposure_text import exposure_text
from riskkit.telling.references import Work
from riskkit.telling.telling import Found, Telling, methods_link
from riskkit.telling.words import in_sentence, interval, listed

PLACE, TITLE, METHODS = "visits", "Levels that change", "Levels over visits"
WORKS = {
    "rothman": Work(
        "Rothman KJ. Induction and latent periods. Am J Epidemiol 1981;114:253-9.",
        "10.1093/oxfordjournals.aje.a113189",
    ),
    "hu": Work(
        "Hu FB, Stampfer MJ, Rimm E, et al. Dietary fat and coronary heart disease: a comparison of approaches for "
        "adjusting for total energy intake and modeling repeated dietary measurements. Am J Epidemiol "
        "1999;149:531-40.",
        "10.1093/oxfordjournals.aje.a009849",
    ),
}


def sections(results: Results, found: Found) -> Iterator[Block]:
    """The section: for each exposure with levels, what they say, a forest and its table."""
    if results.repeats.empty:
        return
    yield Heading(TITLE, 2, PLACE)
    for exposure in results.manifest.exposures:
        rows = results.repeats[results.repeats["exposure"] == exposure]
        shown = {
            a.outcome: a.outcome_label for a in found if a.exposure == exposure and a.outcome in set(rows["outcome"])
        }
        shown = dict(list(shown.items())[:READABLE])
        if not shown:
            continue
        if results.repeats["exposure"].nunique() > 1:
            yield Heading(results.manifest.exposures[exposure].label)
        figure = _figure(results, exposure, rows, shown)
        yield Paragraph(figure.finding)
        yield figure


def _figure(results: Results, exposure: str, rows: pd.DataFrame, shown: dict[str, str]) -> PageFigure:
    manifest, text = results.manifest, exposure_text(results.manifest, exposure)
    drawn = []
    for outcome, label in shown.items():
        for i, row in enumerate(rows[rows["outcome"] == outcome].to_dict("records")):
            start = row["level"] == BASELINE
            name = words(row["level"])
            drawn.append(
                ForestRow(
                    name[:1].upper() + name[1:], row["ratio"], row["low"], row["high"], 1 / row["se"] ** 2,
                    count(row["events"]), p_value(row["p"]), heading="" if i else label, strong=start, indented=True,
                )
            )  # fmt: skip
    heads = ForestHeads("", text.measure.events, text.short, "p", f"{text.per}, log scale")
    caption = (
        f"{text.ratios} per {text.increment} higher {text.name}, by its level at the start of follow-up (filled) and "
        "as later visits tell it (outlined), whatever was known at each moment and nothing later. "
        f"{_area(rows)}Each rests on the time at risk in which its level was known, and so on fewer events the longer "
        f"the lag. {text.adjusted}"
    )
    note = (
        "People are those of the main model with time at risk while the level was known; levels before the first visit "
        "are not known."
    )
    title = f"{text.ratio} by levels of {text.name} over visits"
    table = levels_table(rows, shown, manifest.measure, text.short, title, note)
    told = " ".join(_told(results, rows[rows["outcome"] == name], text.name, label) for name, label in shown.items())
    return PageFigure("levels", partial(forest, drawn, heads), caption, told, table, exposure)


def _area(rows: pd.DataFrame) -> str:
    area = rows.loc[rows["level"] == "area", "per"]
    return f"The area's ratio is per {area.iloc[0]}. " if len(area) else ""


def _told(results: Results, rows: pd.DataFrame, name: str, outcome: str) -> str:
    """The ratios of one outcome, and whether the last value says something else than an earlier one."""
    confidence = results.manifest.analysis.level
    ratios = {row["level"]: Ratio(row["ratio"], row["low"], row["high"]) for row in rows.to_dict("records")}
    named = listed(f"{interval(one, confidence)} by the {_by(key)}" for key, one in ratios.items())
    per = rows.loc[rows["level"] == BASELINE, "per"]
    increment = f"per {per.iloc[0]} higher {name}" if len(per) else f"of {name}"
    told = f"{outcome}: the {results.manifest.measure.ratio} {increment} was {named}."
    lags = sorted((key for key in ratios if lag_of(key)), key=lambda key: lag_of(key) or 0.0)
    if "current" not in ratios or not lags:
        return told
    last, early, lag = ratios["current"], ratios[lags[0]], f"{lag_of(lags[0]):g}"
    years = f"{lag} year{'' if lag == '1' else 's'}"
    if last.high < early.low or early.high < last.low:
        return (
            f"{told} The intervals of the last value and of that at least {years} before do not meet: what was "
            "measured shortly before the outcome says something else than what was measured earlier. So it is where a "
            "disease changes the level before it is found (reverse causation), which a value from before that time "
            "cannot know."
        )
    return (
        f"{told} The intervals of the last value and of that at least {years} before meet: these data do not show that "
        "the level changed shortly before the outcome in those who had it, nor that it did not."
    )


def _by(key: str) -> str:
    return f"level {words(key)}" if key == BASELINE else words(key)


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How levels over visits were made."""
    asked: RepeatedSpec | None = results.manifest.analysis.asked("repeats")
    if asked is None or results.repeats.empty:
        return
    seen = listed(
        f"{in_sentence(results.manifest.exposures[name].label)} ({count(about.values)} values besides those at the "
        f"start, in {count(about.n)} people)"
        for name, about in results.manifest.cohort.repeats.items()
        if name in set(results.repeats["exposure"])
    )
    levels = set(results.repeats["level"])
    means = " The mean of the values so far [@hu] gives each visit the same weight." if "mean" in levels else ""
    lags = (
        " A lag takes the last value that was measured so long before, since a disease may be there, and change the "
        "level, before it is found [@rothman]."
        if any(map(lag_of, levels))
        else ""
    )
    yield (
        METHODS,
        f"Measured again during follow-up: {seen}. The follow-up of the main model's people was cut where a level "
        "changed, and the main model, with covariates as they were at the start, fitted to the pieces with the level "
        f"that was known when each began. Visits after an outcome were not used for it.{lags}{means}",
    )


def limits(results: Results) -> Iterator[str]:
    """What levels over visits cannot say."""
    if len(results.repeats):
        yield (
            "Who comes to later visits is not chosen by chance, and covariates are those at the start: what changed a "
            "level during follow-up, such as treatment, may also change the risk."
        )


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that levels over visits meet."""
    if len(results.repeats):
        yield 8, methods_link(METHODS)
        yield 17, Link(PLACE, TITLE)


TELLING = Telling(sections=sections, methods=methods, limits=limits, strobe=strobe, works=WORKS)
