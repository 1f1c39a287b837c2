"""How regression dilution was corrected, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from riskkit.numbers import count, level, ratio
from riskkit.report.associations import corrected_by, main_rows
from riskkit.report.words import in_sentence, listed
from riskkit.results import Results
from riskkit.tables.measure import MEASURES


def dilution_ratio(row: Mapping[Any, Any], confidence: float) -> str:
    """A dilution ratio: 0.75 (95% CI 0.72 to 0.78; 1,719 people measured twice)."""
    interval = f"{level(confidence)} CI {ratio(row['dilution_low'])} to {ratio(row['dilution_high'])}"
    return f"{ratio(row['dilution_ratio'])} ({interval}; {count(row['dilution_n'])} people measured twice)"


def outlined(corrected: pd.DataFrame, confidence: float) -> str:
    """What the outlined boxes of a forest are, where the estimates were corrected."""
    if corrected.empty:
        return ""
    return (
        "Outlined: per the same increment of the usual level, corrected for regression dilution by Rosner's method; "
        f"the dilution ratio is {dilution_ratio(corrected.iloc[0], confidence)}, whose uncertainty intervals carry. "
    )


def correction(results: Results) -> str:
    """The methods by which lines and curves were corrected, and their dilution ratios in the main model."""
    manifest = results.manifest
    analysis, exposures = manifest["analysis"], manifest["exposures"]
    measure = MEASURES[analysis["measure"]]

    def ratios(rows_of: Mapping[str, pd.DataFrame]) -> str:
        told = [
            f"{dilution_ratio(rows.iloc[0], analysis['level'])} for {in_sentence(exposures[name]['label'])}"
            for name, rows in rows_of.items()
            if len(rows)
        ]
        return listed(told)

    rosner, fifths, simex = (
        {name: corrected_by(results, method, name) for name in exposures}
        for method in ("rosner", "macmahon-peto", "simex")
    )
    by_sex = "sex" in manifest["cohort"]["variables"]
    sentences = [
        "Straight lines were corrected for regression dilution with the help of those measured twice: the log "
        f"{measure.ratio} was divided by the dilution ratio, given the model's covariates (Rosner, Willett and "
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
        labels = listed([in_sentence(manifest["outcomes"][name]["label"]) for name in checked])
        added = listed([f"{share:g}" for share in analysis["simex"]["added_error"]])
        sentences.append(
            f"As a check, the main model's lines for {labels} were corrected by simulation and extrapolation (SIMEX "
            f"[@cook]): error of {added} times its variance was added, in {analysis['simex']['replicates']} "
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
