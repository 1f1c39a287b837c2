"""The main model's curves by one measurement and by the usual level."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from results_example import example_results, with_correction
from variants_example import with_repeats

from riskkit.figures.theme import BAND, MAIN, SERIES
from riskkit.questions.associations.tables import main_table
from riskkit.questions.dilution.tell import USUAL, usual_figure
from riskkit.results import Results
from riskkit.telling.associations import associations
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import exposure_text

RESULTS = with_repeats(with_correction(example_results(1, 2)))
TEXT = exposure_text(RESULTS.manifest, "igf1")


def shown(results: Results) -> PageFigure | None:
    return usual_figure(results, "igf1", exposure_text(results.manifest, "igf1"), associations(results))


def test_both_curves_stand_in_each_panel_with_their_bands() -> None:
    figure = shown(RESULTS)
    assert figure
    panel = figure.wide.axes[0]
    drawn = {line.get_label(): line for line in panel.get_lines() if line.get_label() in USUAL.values()}
    measured, usual = (drawn[label] for label in USUAL.values())
    assert (measured.get_color(), usual.get_color()) == (SERIES[0], MAIN)
    centre = RESULTS.manifest.exposures["igf1"].reference
    np.testing.assert_allclose(usual.get_xdata(), centre + 0.8 * (measured.get_xdata() - centre))
    np.testing.assert_allclose(usual.get_ydata(), measured.get_ydata())
    bands = {to_hex(band.get_facecolor()[0]) for band in panel.collections}
    assert bands == {BAND, to_hex(SERIES[0])}


def test_the_caption_has_the_ratio_and_the_table_both_readings() -> None:
    figure = shown(RESULTS)
    assert figure
    assert "by the dilution ratio of 0.80 (95% CI 0.80 to 0.80; 1,700 people measured twice)" in figure.caption
    rows = [row for row in figure.table.rows if row.kind != "heading"]
    assert [row.cells[0] for row in rows] == 2 * list(USUAL.values())
    # The first outcome is -0.03 z + 0.08 z^2 (lifestyle), of which the usual level's z is 0.8 that of one measurement.
    for column, z in ((1, -1.5 * 0.8), (2, 1.7 * 0.8)):
        measured, usual = (float(row.cells[column].split()[0]) for row in rows[:2])
        assert measured == pytest.approx(np.exp(-0.03 * z + 0.08 * z**2), abs=0.015)
        assert usual == pytest.approx(np.exp(-0.03 * z / 0.8 + 0.08 * (z / 0.8) ** 2), abs=0.015)
    assert "as measured and" in figure.finding


def test_there_is_no_figure_where_the_exposure_was_measured_once() -> None:
    assert shown(with_correction(example_results(1, 2))) is None


def test_of_many_outcomes_those_that_stand_out_are_shown_or_else_those_that_simex_checks() -> None:
    many = with_repeats(with_correction(example_results(1, 15, scales=1, models=1)))
    found = associations(many)
    certain = [a.outcome_label for a in found if a.holm < 0.05]
    assert 12 < len(certain) < 15
    figure = shown(many)
    assert figure
    headings = [row.cells[0] for row in figure.table.rows if row.kind == "heading"]
    assert len(headings) == 12
    assert set(headings) <= set(certain)
    assert "those with Holm-corrected p < 0.05" in figure.caption
    silent = shown(many.replaced(tests=many.tests.assign(p_holm=1.0)))
    assert silent
    assert [row.cells[0] for row in silent.table.rows if row.kind == "heading"] == ["Death from any cause"]
    assert "Holm" not in silent.caption


def test_people_in_silent_categories_are_shown_with_the_reason() -> None:
    found = associations(RESULTS)
    plain = main_table(RESULTS, "igf1", TEXT, found)
    assert plain
    assert not any("silent" in text for text in plain.notes)
    fits = RESULTS.fits.assign(n_without_events=np.where(RESULTS.fits["outcome"] == "cardiovascular", 35, 0))
    table = main_table(RESULTS.replaced(fits=fits), "igf1", TEXT, found)
    assert table
    assert table.rows[1].cells[1].endswith("missing\n35 in categories without events")
    assert "silent" not in table.rows[0].cells[1]
    assert any(
        "people in covariate categories without events, who do not inform the estimate" in text for text in table.notes
    )
