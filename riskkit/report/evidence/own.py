"""What one's own analyses say of claims: estimates from their results, each with what it compares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from riskkit.errors import did_you_mean
from riskkit.evidence.covariance import StudyDesign
from riskkit.evidence.ledger import OwnEstimate
from riskkit.evidence.verdicts import End
from riskkit.numbers import measure
from riskkit.report.evidence.curves import OwnLevels
from riskkit.results import Results
from riskkit.spec.evidence import ClaimSpec, EvidenceSpec, OwnSpec
from riskkit.spec.load import Fault, read_toml
from riskkit.telling.associations import Association, Ratio, associations, main_rows

LEVELS: dict[str, StudyDesign] = {
    "hazard ratio": "incidence-rate",
    "rate ratio": "incidence-rate",
    "odds ratio": "case-control",
    "risk ratio": "cumulative-incidence",
    "prevalence ratio": "cumulative-incidence",
}  # what counts beside a ratio are


@dataclass(frozen=True)
class OwnFinding:
    """An estimate with its words.

    Attributes
    ----------
    estimate : OwnEstimate
    cohort, outcome : str
        As the cohort calls them.
    contrast : str
        What is compared: "per SD (5.7 nmol/L) higher".
    level : float
        Confidence level.
    anchor : str
        Where on the page of its analysis the numbers stand.
    """

    estimate: OwnEstimate
    cohort: str
    outcome: str
    contrast: str
    level: float
    anchor: str = ""


def own_faults(spec: EvidenceSpec, folder: Path) -> Iterator[Fault]:
    """Analyses, outcomes and exposures that claims name and the files in the folder do not have."""
    files = sorted(path.stem for path in folder.glob("*.toml"))
    for i, claim in enumerate(spec.claims):
        for j, own in enumerate(claim.own):
            place = ("claims", i, "own", j)
            if own.analysis not in files:
                hint = did_you_mean(own.analysis, files)
                yield Fault((*place, "analysis"), f"there is no analysis '{own.analysis}'.{hint}")
                continue
            analysis = read_toml(folder / f"{own.analysis}.toml")
            for field, word, known in (
                ("outcome", own.outcome, analysis.get("outcomes", ())),
                ("exposure", own.exposure, analysis.get("exposures", ())),
            ):
                if word is not None and word not in known:
                    hint = did_you_mean(word, list(known))
                    yield Fault((*place, field), f"{own.analysis} has no {field} '{word}'.{hint}")


def named_analyses(spec: EvidenceSpec) -> tuple[str, ...]:
    """The analyses that claims name, each once, in their order."""
    return tuple(dict.fromkeys(own.analysis for claim in spec.claims for own in claim.own))


def own_findings(spec: EvidenceSpec, results: Mapping[str, Results]) -> tuple[OwnFinding, ...]:
    """Every estimate that the claims ask for and the results have."""
    found = {name: associations(each) for name, each in results.items()}
    return tuple(
        finding
        for claim in spec.claims
        for own in claim.own
        if own.analysis in results
        for finding in _findings(claim, own, results[own.analysis], found[own.analysis])
    )


def own_levels(spec: EvidenceSpec, results: Mapping[str, Results]) -> tuple[OwnLevels, ...]:
    """The groups of the analyses that claims with a curve name, as studies: of the main model, with their counts.

    An analysis without groups, with a ratio that no design has, or with counts that are withheld gives none.
    """
    found = []
    for claim in spec.claims:
        for own in claim.own if claim.dose_response is not None else ():
            if own.analysis not in results:
                continue
            manifest = results[own.analysis].manifest
            exposure = own.exposure or next(iter(manifest.exposures))
            rows = main_rows(results[own.analysis].estimates, manifest, exposure, "groups")
            rows = rows[rows["outcome"] == own.outcome].sort_values("x")
            design = LEVELS.get(manifest.measure.ratio)
            if design is None or len(rows) < 2 or rows["reference"].sum() != 1:
                continue
            first = rows["reference"].to_numpy(dtype=bool)
            table = pd.DataFrame(
                {
                    "level": np.arange(1, len(rows) + 1),
                    "x": rows["x"].to_numpy(dtype=float),
                    "cases": rows["events"].to_numpy(dtype=float),
                    "n": rows["person_years" if design == "incidence-rate" else "n"].to_numpy(dtype=float),
                    "estimate": np.where(first, 0.0, rows["estimate"].to_numpy(dtype=float)),
                    "se": np.where(first, np.nan, rows["se"].to_numpy(dtype=float)),
                }
            )
            if table.drop(columns="se").notna().all(axis=None) and table.loc[~first, "se"].gt(0).all():
                unit = manifest.exposures[exposure].unit
                cohort = manifest.cohort
                found.append(OwnLevels(claim.id, own.analysis, cohort.title, table, design, unit, cohort.simulated))
    return tuple(found)


def _findings(claim: ClaimSpec, own: OwnSpec, results: Results, found: tuple[Association, ...]) -> Iterator[OwnFinding]:
    manifest = results.manifest
    exposure = own.exposure or next(iter(manifest.exposures))
    for a in found:
        if a.exposure != exposure or a.outcome != own.outcome:
            continue
        for end, ratio, contrast in _ratios(claim, own, results, a):
            line = end == "line" and own.coding == "linear"
            estimate = OwnEstimate(
                claim.id,
                end,
                own.analysis,
                ratio.value,
                ratio.low,
                ratio.high,
                manifest.cohort.simulated,
                manifest.cohort.title,
                manifest.exposures[exposure].per if line else math.nan,
                a.unit or "",
            )
            yield OwnFinding(estimate, manifest.cohort.title, a.outcome_label, contrast, a.level, a.anchor)


def _ratios(claim: ClaimSpec, own: OwnSpec, results: Results, a: Association) -> Iterator[tuple[End, Ratio, str]]:
    if claim.expects == "U":
        ends: tuple[End, End] = ("low", "high")
        if len(a.ends) == 2:
            middle = f"the {a.reference_label} of " if a.reference_label in ("median", "mean") else ""
            for end, ratio in zip(ends, a.ends, strict=True):
                yield end, ratio, f"{measure(ratio.x, a.unit)} against {middle}{measure(a.reference, a.unit)}"
    elif own.coding == "linear" and a.linear is not None:
        yield "line", a.linear, f"per {a.per_label} higher"
    elif own.coding == "groups":
        yield from _groups(own, results, a)


def _groups(own: OwnSpec, results: Results, a: Association) -> Iterator[tuple[End, Ratio, str]]:
    """The lowest or highest group against the reference group, or against the other end where it is that itself."""
    rows = main_rows(results.estimates, results.manifest, a.exposure, "groups")
    rows = rows[(rows["outcome"] == a.outcome) & rows["ratio"].notna()].sort_values("x")
    if len(rows) < 2 or not rows["reference"].any():
        return
    one, other = (rows.iloc[0], rows.iloc[-1]) if own.group == "lowest" else (rows.iloc[-1], rows.iloc[0])
    against = "lowest" if own.group == "highest" else "highest"
    if bool(one["reference"]):
        values = (1 / other["ratio"], 1 / other["high"], 1 / other["low"])
        name = against
    else:
        values = (one["ratio"], one["low"], one["high"])
        name = against if bool(other["reference"]) else "reference"
    if all(map(math.isfinite, values)):
        yield "line", Ratio(*map(float, values)), f"{own.group} of {len(rows)} groups against the {name}"
