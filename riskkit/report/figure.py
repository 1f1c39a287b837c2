"""A figure of a page with what stands beside it, and the texts that figures of one exposure share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from riskkit.numbers import level, measure
from riskkit.report.words import TIME_SCALES, in_sentence
from riskkit.tables.measure import MEASURES, Measure
from riskkit.tables.table import Table

SIMULATED = "SIMULATED DATA"
UNREAL = "Nothing here is about real people."


def warning(manifest: Mapping[str, Any]) -> str:
    """What every page and figure of simulated data says; empty where the data are real."""
    return SIMULATED if manifest["cohort"]["simulated"] else ""


@dataclass(frozen=True)
class PageFigure:
    """A figure of a page.

    Attributes
    ----------
    name : str
        Of its files and ids.
    draw : callable
        Draws it when called with narrow=False (for a page) or narrow=True (for a telephone); the same numbers. It can
        be pickled, so that another process may do it.
    caption : str
        What is shown and how to read it.
    finding : str
        What there is to see, for those who cannot see it.
    table : Table
        The numbers behind it.
    """

    name: str
    draw: Callable[..., Figure]
    caption: str
    finding: str
    table: Table

    @property
    def wide(self) -> Figure:
        """For a page."""
        return self.draw(narrow=False)

    @property
    def narrow(self) -> Figure:
        """For a telephone."""
        return self.draw(narrow=True)


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
    reference_x : float
    level : str
        "95%".
    adjusted : str
        A sentence on the model and its time scale.
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
    level: str
    adjusted: str


def model_label(analysis: Mapping[str, Any], name: str = "") -> str:
    """A model in full, the main one unless named: a label that starts with + goes on from the label before it."""
    label = ""
    for model in analysis["models"]:
        own = model["label"]
        label = f"{label} {own}" if own.startswith("+") and label else own
        if model["name"] == (name or analysis["main_model"]):
            break
    return in_sentence(label)


def exposure_text(manifest: Mapping[str, Any], exposure: str) -> ExposureText:
    """The texts of one exposure, from what the run recorded."""
    described, analysis = manifest["exposures"][exposure], manifest["analysis"]
    interval = f"({level(analysis['level'])} CI)"
    at = measure(described["reference"], described["unit"])
    measured = MEASURES[analysis["measure"]]
    scale = f"; time scale: {TIME_SCALES[analysis['time_scales'][0]]}" if measured.timed else ""
    named = described["reference_label"] in ("median", "mean")
    return ExposureText(
        label=described["label"],
        name=in_sentence(described["label"]),
        unit=described["unit"],
        axis=f"{described['label']} ({described['unit']})" if described["unit"] else described["label"],
        measure=measured,
        ratio=f"{measured.title} {interval}",
        short=f"{measured.short} {interval}",
        ratio_axis=f"{measured.title} {interval}, log scale",
        ratios=f"{measured.title}s",
        per=f"{measured.title} per {described['per_label']} higher",
        increment=described["per_label"],
        reference=f"the {described['reference_label']}, {at}" if named else at,
        reference_x=described["reference"],
        level=level(analysis["level"]),
        adjusted=f"Model: {model_label(analysis)}{scale}.",
    )
