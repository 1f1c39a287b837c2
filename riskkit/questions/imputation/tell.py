"""Complete cases beside imputed people in a report, and whether one can trust the latter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.figures.spline import comparison
from riskkit.manifest import Manifest
from riskkit.numbers import count, ratio
from riskkit.questions.imputation.figure import chains, observed_and_imputed
from riskkit.questions.imputation.spec import ImputationSpec
from riskkit.questions.imputation.table import Analysed, beside_table, imputations_table, values_table
from riskkit.results import Results
from riskkit.tables.table import Table
from riskkit.telling.associations import Association, histogram, main_rows
from riskkit.telling.blocks import Block, Heading, PageFigure
from riskkit.telling.exposure_text import ExposureText, reference
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Found, Telling
from riskkit.telling.words import in_sentence, listed

COMPLETE, IMPUTED = "complete cases", "imputed"


def imputed_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The curve of complete cases and that of imputed people over each other; None where nothing was imputed."""
    curves = main_rows(results.imputed_curves, results.manifest, exposure)
    if curves.empty:
        return None
    main = main_rows(results.curves, results.manifest, exposure, "spline")
    both = pd.concat([main.assign(series=COMPLETE), curves.assign(series=IMPUTED)], ignore_index=True)
    shown = [a for a in found if a.outcome in set(curves["outcome"]) and a.ends]
    if not shown:
        return None
    m = results.manifest.analysis.asked("imputation").m
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
    imputed = main_rows(results.imputed, results.manifest, exposure)
    imputed = imputed[imputed["coding"] == "linear"]
    if imputed.empty:
        return ""
    main = main_rows(results.estimates, results.manifest, exposure, "linear").set_index("outcome")
    labels = {a.outcome: in_sentence(a.outcome_label) for a in found}
    both = imputed[imputed["outcome"].isin(labels)].set_index("outcome").join(main[["ratio", "n"]], rsuffix="_main")
    both = both[both["ratio_main"].notna()]
    if both.empty:
        return ""
    largest = both.loc[(both["ratio"] / both["ratio_main"]).apply(np.log).abs().idxmax()]
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
    name = in_sentence(results.manifest.exposures[exposure].label)
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
    wanted: ImputationSpec | None = results.manifest.analysis.asked("imputation")
    if not wanted:
        return ""
    if results.imputations.empty:
        return "Imputation was asked for, and no covariate of the main model was missing."
    timed = results.manifest.measure.timed
    outcomes = (
        "the event and the cumulative hazard lived through (Nelson and Aalen) of every outcome [@white]"
        if timed
        else "every outcome"
    )
    return (
        f"Beside complete cases, missing covariates of the main model were imputed {wanted.m} times by chained "
        f"equations ({wanted.iterations} iterations, seed {wanted.seed}), once for each exposure among those who "
        f"have it: numbers by predictive mean matching, categories by logit models, each from all other covariates, "
        f"the exposure as a spline, and {outcomes}. The estimates were pooled by Rubin's rules with Barnard and "
        "Rubin's degrees of freedom [@rubin; @barnard], tests of several coefficients by the method of Li, Raghunathan "
        "and Rubin with Reiter's degrees of freedom [@li; @reiter]. This supposes that whether a value is missing "
        "depends only on what is known of a person."
    )


def _beside(results: Results, exposure: str, text: ExposureText, shown: Sequence[Association]) -> Table:
    complete = Analysed(
        *(main_rows(f, results.manifest, exposure) for f in (results.estimates, results.tests, results.shapes))
    )
    imputed = Analysed(
        *(
            main_rows(f, results.manifest, exposure)
            for f in (results.imputed, results.imputed_tests, results.imputed_shapes)
        )
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


def _labels(manifest: Manifest) -> dict[str, str]:
    return {name: about.label for name, about in manifest.cohort.variables.items()}


def _with_unit(variable: str, manifest: Manifest) -> str:
    about = manifest.cohort.variables[variable]
    return f"{about.label} ({about.unit})" if about.unit else about.label


def checks(results: Results, found: Found) -> Iterator[Block]:
    """How it was imputed, with diagnostics."""
    table, diagnostics = imputation_checks(results)
    if table:
        yield Heading("Imputation")
        yield table
        yield from diagnostics


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How it was imputed."""
    if told := imputation_method(results):
        yield "Missing data", told


def limits(results: Results) -> Iterator[str]:
    """What imputation supposes."""
    if len(results.imputed):
        yield ASSUMED


ASSUMED = (
    "Imputation supposes that, given what is known of a person, values are not missing because of what they are; the "
    "data cannot show whether that holds."
)
WORKS = {
    "barnard": Work(
        "Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika 1999;86:948-55.",
        "10.1093/biomet/86.4.948",
    ),
    "li": Work(
        "Li KH, Raghunathan TE, Rubin DB. Large-sample significance levels from multiply imputed data using "
        "moment-based statistics and an F reference distribution. J Am Stat Assoc 1991;86:1065-73.",
        "10.1080/01621459.1991.10475152",
    ),
    "reiter": Work(
        "Reiter JP. Small-sample degrees of freedom for multi-component significance tests with multiple imputation "
        "for missing data. Biometrika 2007;94:502-8.",
        "10.1093/biomet/asm028",
    ),
    "rubin": Work(
        "Rubin DB. Multiple imputation for nonresponse in surveys. New York: Wiley, 1987.", "10.1002/9780470316696"
    ),
    "white": Work(
        "White IR, Royston P. Imputing missing covariate values for the Cox model. Stat Med 2009;28:1982-98.",
        "10.1002/sim.3618",
    ),
}

TELLING = Telling(
    exhibits=(Exhibit(imputed_figure, "comparing", said=imputed_told),),
    checks=checks,
    methods=methods,
    limits=limits,
    works=WORKS,
)
