"""How the figures and tables of one exposure name things."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from riskkit.figures.spline import Reference
from riskkit.manifest import Manifest
from riskkit.measure import Measure
from riskkit.numbers import level, measure, measures
from riskkit.spec.analysis import AnalysisSpec
from riskkit.telling.words import TIME_SCALES, in_sentence

SIMULATED = "SIMULATED DATA"
UNREAL = "Nothing here is about real people."


def warning(manifest: Manifest) -> str:
    """What every page and figure of simulated data says; empty where the data are real."""
    return SIMULATED if manifest.cohort.simulated else ""


@dataclass(frozen=True)
class ExposureText:
    """How the figures and tables of one exposure name things.

    Attributes
    ----------
    label, name, unit
        "Serum IGF-I", "serum IGF-I" (in a sentence), "ng/mL".
    axis : str
        "Serum IGF-I (ng/mL)".
    measure : Measure
        What the ratios are.
    ratio, short, ratio_axis : str
        "Hazard ratio (95% CI)", "HR (95% CI)" and the label of a ratio axis.
    ratios, per : str
        "Hazard ratios" and "Hazard ratio per SD (81.3 ng/mL) higher".
    increment : str
        "SD (81.3 ng/mL)".
    reference : str
        "the median, 148 ng/mL".
    reference_x, low, high : float
        The reference, and the low and high level of the report.
    level : str
        "95%".
    adjusted : str
        A sentence on the model and its time scale.
    groups : dict of str to str
        What each group is called: Q1 of quantile groups, its range of those whose cut points are given.
    """

    label: str
    name: str
    unit: str | None
    axis: str
    measure: Measure
    ratio: str
    short: str
    ratio_axis: str
    ratios: str
    per: str
    increment: str
    reference: str
    reference_x: float
    low: float
    high: float
    level: str
    adjusted: str
    groups: dict[str, str]


def model_label(analysis: AnalysisSpec, name: str = "") -> str:
    """A model in full, the main one unless named: a label that starts with + goes on from the label before it."""
    label = ""
    for model in analysis.models:
        own = model.label
        label = f"{label} {own}" if own.startswith("+") and label else own
        if model.name == (name or analysis.main.name):
            break
    return in_sentence(label)


def exposure_text(manifest: Manifest, exposure: str, time_scale: str | None = None) -> ExposureText:
    """The texts of one exposure, from what the run recorded; of its models on the first time scale unless named."""
    described, analysis = manifest.exposures[exposure], manifest.analysis
    interval = f"({level(analysis.level)} CI)"
    at = measure(described.reference, described.unit)
    measured = manifest.measure
    scale = f"; time scale: {TIME_SCALES[time_scale or analysis.time_scales[0]]}" if measured.timed else ""
    named = described.reference_label in ("median", "mean")
    return ExposureText(
        label=described.label,
        name=in_sentence(described.label),
        unit=described.unit,
        axis=f"{described.label} ({described.unit})" if described.unit else described.label,
        measure=measured,
        ratio=f"{measured.title} {interval}",
        short=f"{measured.short} {interval}",
        ratio_axis=f"{measured.title} {interval}, log scale",
        ratios=f"{measured.title}s",
        per=f"{measured.title} per {described.per_label} higher",
        increment=described.per_label,
        reference=f"the {described.reference_label}, {at}" if named else at,
        reference_x=described.reference,
        low=described.low,
        high=described.high,
        level=level(analysis.level),
        adjusted=f"Model: {model_label(analysis)}{scale}.",
        groups=group_labels(manifest, exposure),
    )


def group_labels(manifest: Manifest, exposure: str) -> dict[str, str]:
    """What each group of an exposure is called: Q1 of quantile groups, its range where cut points are given."""
    ranges = group_ranges(manifest, exposure)
    given = isinstance(manifest.analysis.exposures[exposure].groups, tuple)
    return ranges if given else {name: name for name in ranges}


def group_ranges(manifest: Manifest, exposure: str) -> dict[str, str]:
    """Between which levels each group lies: ≤20, >20 to 22.5, >35."""
    edges = measures(manifest.exposures[exposure].cuts)
    if not edges:
        return {}
    between = (f">{low} to {high}" for low, high in pairwise(edges))
    return {f"Q{i}": text for i, text in enumerate((f"≤{edges[0]}", *between, f">{edges[-1]}"), start=1)}


def with_groups(frame: pd.DataFrame, text: ExposureText) -> pd.DataFrame:
    """Rows of groups, the groups by what they are called."""
    return frame.assign(level=frame["level"].map(text.groups).fillna(frame["level"]))


def reference(text: ExposureText) -> Reference:
    """Where the ratio is 1, and how a figure says so."""
    return Reference(text.reference_x, f"Reference:\n{text.reference.removeprefix('the ')}")
