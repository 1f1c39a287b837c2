"""Corrections for regression dilution in a report: how they were made, and the curves at the usual level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.figures.spline import comparison
from riskkit.infer.simex import ADDED
from riskkit.numbers import count, measure, ratio
from riskkit.questions.dilution.run import REPLICATES
from riskkit.results import Results
from riskkit.study.leading import READABLE
from riskkit.tables.estimates import comparison_table, nearest
from riskkit.telling.associations import Association, corrected_by, histogram, is_outcome_wide, main_rows
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import ExposureText, reference
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Telling
from riskkit.telling.words import alpha, dilution_ratio, in_sentence, listed, threshold

USUAL = {"measured": "By one measurement", "usual": "By usual level (corrected for regression dilution)"}


def usual_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The main model's curves by one measurement and by the usual level; None where the exposure was measured once.

    Of many outcomes those are shown that stand out after Holm's correction, or if none does those checked by SIMEX.
    """
    usual = main_rows(results.usual, results.manifest, exposure, "spline")
    shown = [a for a in found if a.ends and a.outcome in set(usual["outcome"])]
    chosen = ""
    if is_outcome_wide(found):
        clear = sorted((a for a in shown if a.holm < alpha(a)), key=lambda a: a.holm)
        named = [a for a in shown if a.outcome in results.manifest.exposures[exposure].simex]
        shown = (clear or named)[:READABLE]
        chosen = f"Of the outcomes, those with Holm-corrected {threshold(found[0])}. " if clear else ""
    if not shown:
        return None
    measured = main_rows(results.curves, results.manifest, exposure, "spline")
    curves = pd.concat([measured.assign(series="measured"), usual.assign(series="usual")], ignore_index=True)
    drawn = partial(
        comparison,
        curves,
        histogram(results, exposure),
        [Panel(a.outcome, a.outcome_label, f"{count(a.events)} {a.measure.event}s") for a in shown],
        USUAL,
        "usual",
        xlabel=text.axis,
        ylabel=text.ratio_axis,
        reference=reference(text),
        banded=("measured",),
    )
    level = shown[0].level
    caption = (
        f"{text.ratios} relative to {text.reference} (diamond), by one measurement of {text.name} (dashed) and by its "
        "usual level, the long-term mean in one person (solid). The usual level expected of people lies nearer to the "
        f"mean than what was measured, by the dilution ratio of {dilution_ratio(usual.iloc[0], level)}, whose "
        f"uncertainty the band of the solid curve carries. Pointwise {text.level} confidence bands, cut where they "
        f"leave the axes; the distribution of one measurement (grey). {chosen}{text.adjusted}"
    )
    first = usual[usual["outcome"] == shown[0].outcome]
    ends = tuple(float(first["x"].iloc[np.argmin(np.abs(first["x_measured"] - end.x))]) for end in shown[0].ends)
    outcomes = {a.outcome: a.outcome_label for a in shown}
    title = f"{text.ratio} at two levels of {text.name}, by one measurement and by the usual level"
    table = comparison_table(curves, outcomes, USUAL, ends, text.unit, title)
    return PageFigure("usual", drawn, caption, _moved(curves, shown, ends, text), table)


def _moved(curves: pd.DataFrame, shown: Sequence[Association], ends: Sequence[float], text: ExposureText) -> str:
    """The ratios of each outcome at two levels, by one measurement and by the usual level."""
    told = []
    for a in shown:
        rows = curves[curves["outcome"] == a.outcome]
        measured, usual = (rows[rows["series"] == name] for name in USUAL)
        read = listed(
            f"{ratio(nearest(measured, x)['ratio'])} as measured and {ratio(nearest(usual, x)['ratio'])} by usual "
            f"level at {measure(x, text.unit)}"
            for x in ends
        )
        told.append(f"{a.outcome_label}: {text.measure.ratio} {read}.")
    return " ".join(told)


def correction(results: Results) -> str:
    """The methods by which lines and curves were corrected, and their dilution ratios in the main model."""
    manifest = results.manifest
    analysis, exposures = manifest.analysis, manifest.exposures
    measured = manifest.measure

    def ratios(rows_of: Mapping[str, pd.DataFrame]) -> str:
        told = [
            f"{dilution_ratio(rows.iloc[0], analysis.level)} for {in_sentence(exposures[name].label)}"
            for name, rows in rows_of.items()
            if len(rows)
        ]
        return listed(told)

    rosner, fifths, simex = (
        {name: corrected_by(results, method, name) for name in exposures}
        for method in ("rosner", "macmahon-peto", "simex")
    )
    by_sex = "sex" in manifest.cohort.variables
    sentences = [
        "Straight lines were corrected for regression dilution with the help of those measured twice: the log "
        f"{measured.ratio} was divided by the dilution ratio, given the model's covariates (Rosner, Willett and "
        "Spiegelman [@rosner])."
    ]
    if ratios(rosner):
        sentences.append(f"In the main model this ratio was {ratios(rosner)}.")
    if ratios(fifths):
        sentences.append(
            "The main model's lines were also divided by the ratio of the ranges of the means of fifths at both "
            f"measurements{', within sex' if by_sex else ''} (MacMahon and Peto [@macmahon]): {ratios(fifths)}. "
            "It is not given covariates, and corrects less where they predict the level."
        )
    if ratios(simex):
        checked = pd.concat(simex.values())["outcome"].unique()
        labels = listed([in_sentence(manifest.outcomes[name].label) for name in checked])
        added = listed([f"{share:g}" for share in ADDED])
        sentences.append(
            f"As a check, the main model's lines for {labels} were corrected by simulation and extrapolation (SIMEX "
            f"[@cook]): error of {added} times its variance was added, in {REPLICATES} "
            "replicates each, and a parabola extrapolated to none. It is expected to reach a little less far than "
            "Rosner's correction."
        )
    sentences.append(
        "Intervals carry the uncertainty of the dilution ratio; p values are those of the uncorrected line."
    )
    curves = {name: main_rows(results.usual, manifest, name, "spline") for name in exposures}
    if ratios(curves):
        sentences.append(
            "The main model's curves were moved to the usual level: people measured at a level are expected at the "
            "mean plus the dilution ratio times their distance from it, here the ratio of everybody"
            f"{' within sex' if by_sex else ''}, {ratios(curves)}."
        )
    return " ".join(sentences)


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How it was corrected."""
    if len(results.corrected):
        yield "Measurement error", correction(results)


WORKS = {
    "cook": Work(
        "Cook JR, Stefanski LA. Simulation-extrapolation estimation in parametric measurement error models. J Am Stat "
        "Assoc 1994;89:1314-28.",
        "10.1080/01621459.1994.10476871",
    ),
    "macmahon": Work(
        "MacMahon S, Peto R, Cutler J, and others. Blood pressure, stroke, and coronary heart disease. Part 1, "
        "prolonged differences in blood pressure: prospective observational studies corrected for the regression "
        "dilution bias. Lancet 1990;335:765-74.",
        "10.1016/0140-6736(90)90878-9",
    ),
    "rosner": Work(
        "Rosner B, Willett WC, Spiegelman D. Correction of logistic regression relative risk estimates and confidence "
        "intervals for systematic within-person measurement error. Stat Med 1989;8:1051-69.",
        "10.1002/sim.4780080905",
    ),
}

TELLING = Telling(
    exhibits=(Exhibit(usual_figure, "leading", many="shown"),),
    methods=methods,
    works=WORKS,
)
