"""What limits the conclusions, in sentences written from what the run recorded."""

from __future__ import annotations

from collections.abc import Sequence

from riskkit import registry
from riskkit.manifest import Manifest
from riskkit.numbers import count
from riskkit.results import Results
from riskkit.spec.terms import columns_of
from riskkit.telling.associations import Association, is_corrected

CROSS_SECTIONAL = (
    "Exposure and outcome were measured at the same time: nothing here says which came first. Where an outcome is "
    "common, an odds ratio lies further from 1 than the ratio of prevalences."
)


def limitations(results: Results, found: Sequence[Association]) -> tuple[str, ...]:
    """What limits the conclusions: of every such analysis, of this one, and of the variables it used."""
    manifest = results.manifest
    tested = [a for a in found if a.fitted]
    uncorrected = "the p values are not"
    if is_corrected(results.tests):
        uncorrected = "only the p values marked Holm are"
    pairs = f"{count(len(tested))} pairs of exposure and outcome were examined"
    general = [
        "This is an observational study. The associations may be due in part or in whole to causes of both the "
        "exposure and the outcome that were not measured, or not measured well, and to illness that changed the "
        "exposure before it was measured.",
        "" if manifest.measure.timed else CROSS_SECTIONAL,
        _uncorrected(results),
        f"{pairs}, and {uncorrected} corrected for their number." if len(tested) > 1 else "",
        "People with a missing value in a model were excluded from it, which may bias the results if they differ.",
    ]
    if manifest.cohort.simulated:
        general.insert(0, "The data are simulated: no number in this report says anything about people.")
    variables = manifest.cohort.variables
    notes = [f"{variables[v].label}: {variables[v].note}" for v in used_variables(manifest) if variables[v].note]
    asked = [text for telling in registry.parts("tell").values() if telling.limits for text in telling.limits(results)]
    remarks = (*manifest.remarks, *asked, *manifest.analysis.notes, *notes)
    return tuple(text for text in (*general, *remarks) if text)


def _uncorrected(results: Results) -> str:
    as_measured = "used as it was measured: nothing was corrected for error of measurement or change over time."
    if results.corrected.empty:
        return f"The exposure was {as_measured}"
    lines = "straight lines only; curves and groups are"
    if len(results.usual):
        lines = "straight lines and in one figure of curves; other curves, lowest points, U tests and groups are"
    return (
        f"Regression dilution was corrected in {lines} by the level as it was measured. The correction supposes that "
        "errors of measurement are random and the same at every level, and says nothing of errors in the covariates."
    )


def used_variables(manifest: Manifest) -> list[str]:
    """The cohort's variables that the analysis used: exposures, covariates, strata."""
    analysis = manifest.analysis
    terms = columns_of(term for model in analysis.models for term in analysis.terms(model))
    named = [*manifest.exposures, *terms, *analysis.strata]
    return [name for name in dict.fromkeys(named) if name in manifest.cohort.variables]
