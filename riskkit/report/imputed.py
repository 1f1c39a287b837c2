"""Missing data on the page: how much there is, complete cases beside imputed people, and can one trust the latter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from riskkit.figures.imputation import chains, observed_and_imputed
from riskkit.figures.panels import Panel
from riskkit.figures.spline import comparison
from riskkit.numbers import count, per_cent, ratio
from riskkit.report.associations import Association, main_rows
from riskkit.report.curves import histogram, reference
from riskkit.report.figure import ExposureText, PageFigure
from riskkit.report.words import in_sentence, listed
from riskkit.results import Results
from riskkit.tables.imputed import Analysed, beside_table, imputations_table, missing_table, values_table
from riskkit.tables.table import Table

COMPLETE, IMPUTED = "complete cases", "imputed"


def how_much_missing(results: Results) -> Table:
    """How many people lack each variable of the main model, and of how many an outcome is not known."""
    exposures = {name: about["label"] for name, about in results.manifest["exposures"].items()}
    return missing_table(
        results.missing,
        exposures,
        _labels(results.manifest),
        _outcomes(results.manifest),
        "What is missing of the variables of the main model",
    )


def missing_told(results: Results) -> str:
    """What is missing for the first exposure, and what was done about it."""
    exposure, about = next(iter(results.manifest["exposures"].items()))
    own = results.missing[results.missing["exposure"] == exposure]
    any_of_them = own[own["variable"] == ""].iloc[0]
    others = ["", exposure, *_outcomes(results.manifest)]
    covariates = own[~own["variable"].isin(others) & (own["n_missing"] != 0)]
    of = f"Of the {count(any_of_them['n'])} people with {in_sentence(about['label'])}"
    if covariates.empty:
        return f"{of}, none lacked a covariate of the main model."
    if covariates["n_missing"].isna().all():
        return f"{of}, few lacked a covariate of the main model."
    most = covariates.loc[covariates["n_missing"].idxmax()]
    labels = _labels(results.manifest)
    share = per_cent(100 * any_of_them["n_missing"] / any_of_them["n"])
    return (
        f"{of}, {count(any_of_them['n_missing'])} ({share}%) lacked a covariate of the main model, most often "
        f"{in_sentence(labels[most['variable']])} ({count(most['n_missing'])})."
    )


def imputed_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The curve of complete cases and that of imputed people over each other; None where nothing was imputed."""
    curves = _imputed_rows(results.imputed_curves, results, exposure)
    if curves.empty:
        return None
    main = main_rows(results.curves, results.manifest, exposure, "spline")
    both = pd.concat([main.assign(series=COMPLETE), curves.assign(series=IMPUTED)], ignore_index=True)
    shown = [a for a in found if a.outcome in set(curves["outcome"]) and a.ends]
    if not shown:
        return None
    m = results.manifest["analysis"]["imputation"]["m"]
    series = {COMPLETE: "Complete cases (main analysis)", IMPUTED: f"Missing covariates imputed, {m} sets"}
    drawn = partial(
        comparison,
        both,
        histogram(results, exposure),
        [Panel(a.outcome, a.outcome_label) for a in shown],
        series,
        COMPLETE,
        xlabel=text.axis,
        ylabel=text.ratio_axis.replace(f" ({text.level} CI)", ""),
        reference=reference(text),
    )
    caption = (
        f"Do people with missing covariates change the curve? {text.ratios} by {text.name} relative to "
        f"{text.reference}, in complete cases and with missing covariates imputed. The band is the {text.level} "
        f"confidence band of complete cases. {text.adjusted}"
    )
    told = imputed_told(results, exposure, shown)
    return PageFigure("imputed", drawn, caption, told, _beside(results, exposure, text, shown))


def imputed_told(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """How far the linear ratios move when missing covariates are imputed; empty where they were not."""
    imputed = _imputed_rows(results.imputed, results, exposure)
    imputed = imputed[imputed["coding"] == "linear"] if len(imputed) else imputed
    if imputed.empty:
        return ""
    main = main_rows(results.estimates, results.manifest, exposure, "linear").set_index("outcome")
    labels = {a.outcome: in_sentence(a.outcome_label) for a in found}
    both = imputed[imputed["outcome"].isin(labels)].set_index("outcome").join(main[["ratio", "n"]], rsuffix="_main")
    both = both[both["ratio_main"].notna()]
    if both.empty:
        return ""
    largest = both.loc[np.log(both["ratio"] / both["ratio_main"]).abs().idxmax()]
    first = both.iloc[0]
    return (
        f"Missing covariates were imputed {count(imputed['m'].max())} times, so that {count(first['n'])} people in the "
        f"place of {count(first['n_main'])} took part in the analysis of {labels[both.index[0]]}: of "
        f"{count(len(both))} {found[0].measure.ratio}s of {in_sentence(found[0].exposure_label)}, the one that moved "
        f"most went from {ratio(largest['ratio_main'])} to {ratio(largest['ratio'])} ({labels[largest.name]})."
    )


def imputation_checks(results: Results) -> tuple[Table | None, tuple[PageFigure, ...]]:
    """How what is missing was imputed for the first exposure, with diagnostics; None and nothing where it was not."""
    if results.imputations.empty:
        return None, ()
    exposure = results.imputations["exposure"].iloc[0]
    name = in_sentence(results.manifest["exposures"][exposure]["label"])
    about, values, trace = (
        frame[frame["exposure"] == exposure]
        for frame in (results.imputations, results.imputation_values, results.imputation_trace)
    )
    labels = _labels(results.manifest)
    table = imputations_table(about, labels, f"How missing values were imputed among those with {name}")
    panels = [
        Panel(r.variable, _with_unit(r.variable, results.manifest), f"{count(r.n_missing)} missing")
        for r in about.itertuples()
        if r.variable in set(values["variable"])
    ]
    if not panels:
        return table, ()
    of_values = PageFigure(
        "imputed-values",
        partial(observed_and_imputed, values, panels),
        "Observed values (grey) and imputed ones (line). They may differ where those who lack a value differ in what "
        "is known of them; a difference to be explained is no fault by itself.",
        f"Imputed beside observed values of {listed(in_sentence(labels[v]) for v in about['variable'])}.",
        values_table(values, labels, "Observed and imputed values, per cent of each"),
    )
    of_chains = PageFigure(
        "imputation-chains",
        partial(chains, trace, panels),
        "Mean of the imputed values (of indicators, of the first level) at each iteration, one line for each imputed "
        "set. Lines that mix and go nowhere have settled.",
        "The chains in which missing values were drawn.",
        table,
    )
    return table, (of_values, of_chains)


def imputation_method(results: Results) -> str:
    """How it was imputed, in the words of a methods section; empty where nothing was."""
    wanted = results.manifest["analysis"]["imputation"]
    if not wanted:
        return ""
    if results.imputations.empty:
        return "Imputation was asked for, and no covariate of the main model was missing."
    timed = results.manifest["analysis"]["measure"] == "hazard ratio"
    outcomes = (
        "the event and the cumulative hazard lived through (Nelson and Aalen) of every outcome [@white]"
        if timed
        else "every outcome"
    )
    return (
        f"Beside complete cases, missing covariates of the main model were imputed {wanted['m']} times by chained "
        f"equations ({wanted['iterations']} iterations, seed {wanted['seed']}), once for each exposure among those who "
        f"have it: numbers by predictive mean matching, categories by logit models, each from all other covariates, "
        f"the exposure as a spline, and {outcomes}. The estimates were pooled by Rubin's rules with Barnard and "
        "Rubin's degrees of freedom [@rubin; @barnard], tests of several coefficients by the method of Li, Raghunathan "
        "and Rubin with Reiter's degrees of freedom [@li; @reiter]. This supposes that whether a value is missing "
        "depends only on what is known of a person."
    )


def _imputed_rows(frame: pd.DataFrame, results: Results, exposure: str) -> pd.DataFrame:
    return main_rows(frame, results.manifest, exposure) if len(frame) else frame


def _beside(results: Results, exposure: str, text: ExposureText, shown: Sequence[Association]) -> Table:
    complete = Analysed(
        *(main_rows(f, results.manifest, exposure) for f in (results.estimates, results.tests, results.shapes))
    )
    imputed = Analysed(
        *(_imputed_rows(f, results, exposure) for f in (results.imputed, results.imputed_tests, results.imputed_shapes))
    )
    return beside_table(
        complete,
        imputed,
        {a.outcome: a.outcome_label for a in shown},
        exposure,
        text.unit,
        text.short,
        text.measure,
        f"Complete cases beside imputed people: {text.name} with every outcome. {text.adjusted}",
    )


def _labels(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {name: about["label"] for name, about in manifest["cohort"]["variables"].items()}


def _outcomes(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {name: about["label"] for name, about in manifest["outcomes"].items()}


def _with_unit(variable: str, manifest: Mapping[str, Any]) -> str:
    about = manifest["cohort"]["variables"][variable]
    return f"{about['label']} ({about['unit']})" if about["unit"] else about["label"]
