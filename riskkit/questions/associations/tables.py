"""The tables of a page that stand by themselves, from the results."""

from __future__ import annotations

from collections.abc import Sequence

from riskkit.results import Results
from riskkit.tables.estimates import models_table
from riskkit.tables.shapes import shapes_table
from riskkit.tables.table import Table
from riskkit.tables.tests import table_of_tests
from riskkit.telling.associations import Association, lines_beside, main_rows
from riskkit.telling.exposure_text import ExposureText
from riskkit.telling.words import TIME_SCALES, shape_answer


def main_table(results: Results, exposure: str, text: ExposureText, found: Sequence[Association]) -> Table:
    """The main numbers of one exposure with every outcome, to whose rows the sentences point."""
    manifest = results.manifest
    return table_of_tests(
        main_rows(results.tests, manifest, exposure),
        main_rows(results.estimates, manifest, exposure, "linear"),
        main_rows(results.fits, manifest, exposure),
        {a.outcome: a.outcome_label for a in found},
        exposure,
        f"Main results: {text.name} with every outcome. {text.short} is per {text.increment} higher. {text.adjusted}",
        text.short,
        text.measure,
        {a.outcome: a.anchor for a in found},
    )


def curve_shapes(results: Results, exposure: str, text: ExposureText, found: Sequence[Association]) -> Table | None:
    """The verdict on each curve of one exposure; None where there are no curves."""
    shapes = main_rows(results.shapes, results.manifest, exposure)
    if shapes.empty:
        return None
    return shapes_table(
        shapes,
        {a.outcome: a.outcome_label for a in found},
        text.unit,
        text.level,
        text.short,
        f"The shape of the curve of {text.name} with every outcome. {text.adjusted}",
        {a.outcome: f"{a.anchor}-shape" for a in found},
        main_rows(lines_beside(results), results.manifest, exposure),
        {a.outcome: a.overall for a in found},
        {a.outcome: shape_answer(a) for a in found},
    )


def side_by_side(results: Results, exposure: str, text: ExposureText, found: Sequence[Association]) -> Table | None:
    """The linear ratio in every model and on every time scale; None where there is one of each or no linear ratio."""
    analysis = results.manifest.analysis
    linear = results.estimates[(results.estimates["exposure"] == exposure) & (results.estimates["coding"] == "linear")]
    if linear.empty or len(analysis.models) * len(analysis.time_scales) < 2:
        return None
    compared = "Models and time scales" if text.measure.timed else "Models"
    return models_table(
        linear,
        {a.outcome: a.outcome_label for a in found},
        {model.name: model.label for model in analysis.models},
        {scale: TIME_SCALES[scale].capitalize() for scale in analysis.time_scales},
        analysis.main.name,
        text.measure,
        f"{compared} side by side. {text.ratio} per {text.increment} higher {text.name}",
    )
