"""Results made safe to show, by a rule for each frame; reports take their results from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from riskkit.disclosure import checks, closer, models, people
from riskkit.disclosure.policy import Policy
from riskkit.disclosure.small import Small, find_small
from riskkit.errors import DataError
from riskkit.results import Results

Rule = Callable[[pd.DataFrame, Small], pd.DataFrame]
RULES: dict[str, Rule] = {
    "estimates": models.estimated,
    "corrected": models.counted,
    "variants": models.estimated,
    "curves": models.curves,
    "usual": models.curves,
    "splines": models.splines,
    "covariances": models.kept,
    "shapes": models.shapes,
    "variant_shapes": models.shapes,
    "tests": models.kept,
    "fits": models.fits,
    "coefficients": models.drawn_from,
    "weighted": models.weighted,
    "weighted_curves": models.curves,
    "weighted_tests": models.kept,
    "missing": models.counted,
    "imputed": models.estimated,
    "imputed_curves": models.curves,
    "imputed_shapes": models.shapes,
    "imputed_tests": models.kept,
    "imputations": people.imputations,
    "imputation_values": people.imputation_values,
    "imputation_trace": people.imputation_trace,
    "failures": models.failures,
    "histograms": people.histograms,
    "characteristics": people.characteristics,
    "by_age_and_sex": people.by_age_and_sex,
    "opinion": models.counted,
    "interactions": checks.interacting,
    "interaction_curves": checks.interacting,
    "additive": checks.interacting,
    "robustness": checks.robustness,
    "incidence": closer.incidence,
    "schoenfeld": closer.over_time,
    "two_lines": models.kept,
}


def read_released(folder: str | Path) -> Results:
    """Read results as they may be shown; whatever a reader sees is made from these.

    Raises
    ------
    DataError
        If a part is missing.
    """
    return protect(Results.read(folder))


def protect(results: Results) -> Results:
    """Apply the rule on small numbers that the cohort's file declares, if it does.

    Returns
    -------
    Results
        Those given where no rule is declared or it has been applied already. Otherwise every frame and the flow,
        without what rests on too few people: counts are NaN where they are withheld, and rounded elsewhere. The
        manifest says under ``disclosure`` which rule was applied.
    """
    declared = results.manifest["cohort"].get("disclosure")
    if declared is None or "disclosure" in results.manifest:
        return results
    policy = Policy(**declared)
    small = find_small(results, policy)
    frames = {name: RULES[name](frame, small).reset_index(drop=True) for name, frame in results.frames().items()}
    manifest = {**results.manifest, "cohort": _cohort(results.manifest["cohort"], policy), "disclosure": declared}
    return replace(results, manifest=manifest, **frames)


def applied(manifest: Mapping[str, Any]) -> Policy | None:
    """The rule that was applied to results; None where the cohort declares none.

    Raises
    ------
    DataError
        If one is declared and was not applied.
    """
    declared = manifest["cohort"].get("disclosure")
    if declared is not None and "disclosure" not in manifest:
        raise DataError(
            f"The cohort '{manifest['cohort']['name']}' has a rule on small numbers, which was not applied to these "
            "results. Report what riskkit.disclosure.protect makes of them."
        )
    return Policy(**declared) if declared is not None else None


def rounding(manifest: Mapping[str, Any]) -> int:
    """What the counts of results are rounded to; 1 where they are exact."""
    policy = applied(manifest)
    return policy.round_to if policy else 1


def _cohort(cohort: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """What is told of the cohort; remarks on its raw files are left out, since they count records."""

    def shown(count: float) -> float:
        return float(policy.counts(count))

    def steps(flow: list[dict[str, Any]]) -> list[dict[str, Any]]:
        removed = policy.counts([step["removed"] for step in flow], np.zeros(len(flow)))
        return [
            {**step, "removed": float(out), "remaining": shown(step["remaining"])}
            for step, out in zip(flow, removed, strict=True)
        ]

    variables = {
        name: {
            **variable,
            "missing": {reason: shown(n) for reason, n in variable["missing"].items()},
            **{name: shown(variable[name]) for name in ("top_coded", "bottom_coded") if name in variable},
        }
        for name, variable in cohort["variables"].items()
    }
    outcomes = {
        name: {**outcome, "flow": steps(outcome["flow"])} if "flow" in outcome else outcome
        for name, outcome in cohort["outcomes"].items()
    }
    design = cohort.get("design")
    return {
        **cohort,
        "n": shown(cohort["n"]),
        "flow": steps(cohort["flow"]),
        "variables": variables,
        "outcomes": outcomes,
        "design": {**design, "n": shown(design["n"])} if design else None,
        "remarks": [],
    }
