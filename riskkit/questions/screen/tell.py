"""A screen in a report: what stands out among all pairs, and that it was chosen for standing out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from riskkit.figures.volcano import Point, Threshold, volcano
from riskkit.numbers import count, level, measure, p_phrase, ratio, ratio_interval
from riskkit.questions.screen.figure import heatmap
from riskkit.questions.screen.spec import fits
from riskkit.questions.screen.table import MOST, family_of, label_of, matrix_table, pairs_table, reasons_table
from riskkit.results import Results
from riskkit.tables.table import Table
from riskkit.telling.blocks import Block, Heading, Link, PageFigure, Paragraph
from riskkit.telling.exposure_text import ExposureText, model_label
from riskkit.telling.telling import Exhibit, Found, Telling, methods_link
from riskkit.telling.words import TIME_SCALES, headline, in_sentence, listed, quantity

METHODS = "Screen"
SECTION = "screen"
NAMED = 6  # pairs named in the volcano plot
MAPPED = (60, 30)  # exposures and outcomes in the heat map, at most
FEWEST = 4  # cells of a heat map worth drawing


def ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs with an estimate, in the order of their p values."""
    return pairs[pairs["rank"].notna()].sort_values("rank", kind="stable")


def answer(results: Results, found: Found) -> tuple[str, ...]:
    """How many pairs stand out, and the clearest; after the first exposure's answer where one was named."""
    pairs = results.screen
    if pairs.empty:
        return ()
    named = _named_exposures(results)
    before = headline([a for a in found if a.exposure in named]) if named else ()
    return (*before, _counted(results), *_clearest(results))


def _named_exposures(results: Results) -> list[str]:
    """Exposures that the analysis names besides those that the screen chose."""
    chosen = set(_top(results)["exposure"])
    return [name for name in results.manifest.exposures if name not in chosen]


def _top(results: Results) -> pd.DataFrame:
    """The pairs whose exposures are looked at in full."""
    return ranked(results.screen).head(results.manifest.analysis.asked("screen").top)


def _counted(results: Results) -> str:
    pairs, manifest = results.screen, results.manifest
    alpha = 1 - manifest.analysis.level
    fitted = pairs[pairs["p"].notna()]
    without = len(pairs) - len(fitted)
    holm, fdr = int((fitted["p_holm"] < alpha).sum()), int((fitted["p_fdr"] < alpha).sum())
    left = f" ({quantity(without, 'pair')} could not be fitted or shown)" if without else ""
    return (
        f"Of {quantity(len(pairs), 'pair')} of {quantity(pairs['exposure'].nunique(), 'exposure')} with "
        f"{quantity(pairs['outcome'].nunique(), 'outcome')}{left}, there was evidence of an association in "
        f"{count(holm) if holm else 'none'} (Holm-corrected p < {alpha:.2g}, {family_of(manifest)}), and in "
        f"{count(fdr) if fdr else 'none'} at a false discovery rate of {level(alpha)}."
    )


def _clearest(results: Results) -> Iterator[str]:
    top = ranked(results.screen)
    if len(top):
        yield f"The clearest: {_told(results, top.iloc[0])}."


def _told(results: Results, pair: pd.Series) -> str:
    manifest = results.manifest
    at = f"{level(manifest.analysis.level)} CI {ratio(pair['low'])} to {ratio(pair['high'])}"
    return (
        f"{in_sentence(label_of(manifest, pair['exposure']))} with "
        f"{in_sentence(manifest.outcomes[pair['outcome']].label)}, {manifest.measure.ratio} "
        f"{ratio(pair['ratio'])} per {_unit(results, pair)} higher ({at}; {p_phrase(pair['p'])}; "
        f"{p_phrase(pair['p_holm'], 'Holm p')})"
    )


def _unit(results: Results, pair: pd.Series) -> str:
    unit = measure(pair["unit"], results.manifest.cohort.variables[pair["exposure"]].unit)
    return f"SD ({unit})" if _per(results, str(pair["exposure"])) == "sd" else unit


def _per(results: Results, exposure: str) -> object:
    declared = results.manifest.analysis.screened
    return next((each.per for pattern, each in declared.items() if fits(exposure, pattern)), "sd")


def section(results: Results, found: Found) -> Iterator[Block]:
    """All pairs: the picture of them, those that stand out, and why some have no estimate."""
    pairs, manifest = results.screen, results.manifest
    if pairs.empty:
        return
    yield Heading("The screen", 2, SECTION, "Screen")
    yield Paragraph(_counted(results))
    top = ranked(pairs)
    chosen = [name for name in manifest.exposures if name in set(_top(results)["exposure"])]
    if chosen:
        labels = listed(in_sentence(label_of(manifest, name)) for name in chosen)
        yield Paragraph(
            f"The {quantity(len(_top(results)), 'pair')} with the smallest p values are of {labels}, which "
            f"{'has a section' if len(chosen) == 1 else 'have sections'} of "
            f"{'its' if len(chosen) == 1 else 'their'} own above. {SELECTED}"
        )
    if len(top):
        yield _volcano(results, top)
        if mapped := _heatmap(results, top):
            yield mapped
        shown = "all" if len(top) <= MOST else f"the {MOST} with the smallest p values of"
        caption = f"Pairs of the screen: {shown} {count(len(top))} with an estimate. All are in data/screen.csv"
        yield pairs_table(top.head(MOST), manifest, caption)
    if reasons := reasons_table(pairs, manifest):
        yield reasons


SELECTED = (
    "They were chosen for their p values in the same people in whom they are then described: their ratios are likely "
    "to lie farther from 1 than in other people, and p values in their sections are corrected over the outcomes only, "
    "not over the screen. Look for them again in other data."
)


def _volcano(results: Results, top: pd.DataFrame) -> PageFigure:
    manifest = results.manifest
    alpha = 1 - manifest.analysis.level
    clear = top[top["p_fdr"] < alpha]
    named = set(clear.head(NAMED).index)
    points = [
        Point(
            f"{label_of(manifest, r.exposure)}, {in_sentence(manifest.outcomes[r.outcome].label)}",
            r.ratio, r.p, r.Index in named, bool(r.p_holm < alpha),
        )
        for r in top.itertuples()
    ]  # fmt: skip
    lines = [Threshold(alpha, f"p = {alpha:.2g}, uncorrected")]
    if manifest.analysis.asked("screen").family == "all":
        m, holm = len(top), int((top["p_holm"] < alpha).sum())
        lines += [
            Threshold(alpha * max(len(clear), 1) / m, f"false discovery rate {level(alpha)}"),
            Threshold(alpha / max(m - holm, 1), f"Holm, {count(m)} pairs"),
        ]
    per = _per_told(results)
    xlabel = f"{manifest.measure.title} per {per} higher, log scale"
    caption = (
        f"{manifest.measure.title} per {per} higher and p value of the straight line for each of "
        f"{quantity(len(top), 'pair')} of an exposure with an outcome; evidence is clearer higher up. Filled: below "
        f"Holm's threshold. {_model(results)}"
    )
    told = (
        f"{count(len(clear))} of {count(len(top))} pairs lie below the threshold of the false discovery rate"
        f"{', the clearest ' + _told(results, top.iloc[0]) if len(clear) else ''}."
    )
    table = pairs_table(top.head(NAMED), manifest, "The pairs with the smallest p values")
    return PageFigure("screen-volcano", partial(volcano, points, lines, xlabel=xlabel), caption, told, table)


def _heatmap(results: Results, top: pd.DataFrame) -> PageFigure | None:
    manifest = results.manifest
    alpha = 1 - manifest.analysis.level
    exposures = list(dict.fromkeys(top["exposure"]))[: MAPPED[0]]
    own = top[top["exposure"].isin(exposures)]
    outcomes = list(dict.fromkeys(own["outcome"]))[: MAPPED[1]]
    own = own[own["outcome"].isin(outcomes)]
    if min(len(exposures), len(outcomes)) < 2 or len(own) < FEWEST:
        return None
    rows = {name: label_of(manifest, name) for name in exposures}
    columns = {name: manifest.outcomes[name].label for name in outcomes}
    ratios = own.pivot(index="exposure", columns="outcome", values="estimate").loc[exposures, outcomes]
    clear = own.assign(clear=own["p_fdr"] < alpha).pivot(index="exposure", columns="outcome", values="clear")
    clear = clear.loc[exposures, outcomes].fillna(False).astype(bool)
    labelled = ratios.rename(index=rows, columns=columns)
    text = {(rows[r.exposure], columns[r.outcome]): ratio_interval(r.ratio, r.low, r.high) for r in own.itertuples()}
    per = _per_told(results)
    which = (
        f"the {count(len(exposures))} exposures with the smallest p values"
        if len(exposures) < top["exposure"].nunique()
        else "all exposures with an estimate"
    )
    caption = (
        f"{manifest.measure.title}s per {per} higher of {which} (rows) with {quantity(len(outcomes), 'outcome')} "
        "(columns), each put beside those most like it (hierarchical clustering by average distance of log ratios). "
        f"Dots: below the false discovery rate of {level(alpha)}. Columns of few events differ by chance more than "
        f"others. {_model(results)}"
    )
    told = f"{count(int(clear.to_numpy().sum()))} of {count(len(own))} cells lie below the false discovery rate."
    table = matrix_table(labelled, f"{manifest.measure.title}s (CI) of the heat map, per {per} higher", text)
    label = f"{manifest.measure.title} per {per} higher"
    return PageFigure("screen-heatmap", partial(heatmap, labelled, clear, label=label), caption, told, table)


def _per_told(results: Results) -> str:
    """What lines are per, where exposures differ in it."""
    pers = {_per(results, str(name)) for name in results.screen["exposure"].unique()}
    return "SD" if pers == {"sd"} else "increment"


def _model(results: Results) -> str:
    analysis = results.manifest.analysis
    return f"Model: {model_label(analysis)}; time scale: {TIME_SCALES[analysis.time_scales[0]]}."


def standing(results: Results, exposure: str, text: ExposureText, found: Found) -> Table | None:
    """An exposure's pairs in the screen; None of one that was not screened."""
    pairs = ranked(results.screen[results.screen["exposure"] == exposure])
    if pairs.empty:
        return None
    caption = f"{text.label} in the screen: its pairs by p value, among {count(len(ranked(results.screen)))}"
    return pairs_table(pairs.head(MOST), results.manifest, caption, outcomes_only=True)


def standing_told(results: Results, exposure: str, found: Found) -> str:
    """That an exposure was chosen by the screen, and for which pair."""
    if exposure not in set(_top(results)["exposure"]):
        return ""
    pair = ranked(results.screen[results.screen["exposure"] == exposure]).iloc[0]
    outcome = in_sentence(results.manifest.outcomes[pair["outcome"]].label)
    return (
        f"Chosen by the screen: its pair with {outcome} has rank {count(pair['rank'])} of "
        f"{count(len(ranked(results.screen)))} ({p_phrase(pair['p_holm'], 'Holm p')} {family_of(results.manifest)}). "
        "Ratios of what was chosen so are likely to lie too far from 1."
    )


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How the screen was done."""
    pairs, manifest = results.screen, results.manifest
    if pairs.empty:
        return
    analysis = manifest.analysis
    patterns = listed(f"“{pattern}”" for pattern in analysis.screened)
    bends = any(each.spline for each in analysis.screened.values())
    bent = " and that a restricted cubic spline bends" if bends else ""
    exposures, outcomes = (quantity(pairs[name].nunique(), name) for name in ("exposure", "outcome"))
    yield (
        METHODS,
        f"Every variable of {patterns} ({exposures}) was added, one at a time, to the main model of each of "
        f"{outcomes}, as a straight line, in the people who have it; each pair is the maximum of its partial "
        f"likelihood, with its likelihood-ratio test, and score tests that hazards are proportional{bent}. Pairs with "
        f"fewer than {count(analysis.min_events)} events were not fitted. P values were corrected "
        f"{family_of(manifest)} by Holm's method [@holm] and by Benjamini and Hochberg's [@benjamini]. The exposures "
        f"of the {quantity(analysis.asked('screen').top, 'pair')} with the smallest p values were then studied in all "
        "models, as any exposure is.",
    )


def limits(results: Results) -> Iterator[str]:
    """What choosing does to what is chosen."""
    if len(results.screen) and len(_top(results)):
        yield f"The screen's clearest pairs. {SELECTED}"


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that a screen meets."""
    if len(results.screen):
        yield 12, methods_link(METHODS)
        yield 16, Link(SECTION, "Screen")


TELLING = Telling(
    exhibits=(Exhibit(standing, "leading", many="shown", said=standing_told),),
    answer=answer,
    sections=section,
    methods=methods,
    limits=limits,
    strobe=strobe,
)
