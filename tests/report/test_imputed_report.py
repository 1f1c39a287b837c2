"""What a report says of missing data, of complete cases beside imputed people, and of the imputation."""

from __future__ import annotations

import pytest
from imputed_example import M, with_imputation
from results_example import example_results

from riskkit.figures.panels import Panel
from riskkit.questions.imputation.figure import chains, observed_and_imputed
from riskkit.questions.imputation.tell import imputation_checks, imputed_figure, imputed_told
from riskkit.questions.people.tell import missing_told
from riskkit.report.check import check_report
from riskkit.report.page import page_html, write_report
from riskkit.results import Results
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

PLAIN = example_results(exposures=2)
IMPUTED = with_imputation(PLAIN)


def test_every_report_says_how_much_was_missing() -> None:
    assert missing_told(PLAIN) == (
        "Of the 5,900 people with serum IGF-I, 41 (0.7%) lacked a covariate of the main model, most often BMI (33)."
    )
    none = PLAIN.missing.assign(n_missing=0)
    assert "none lacked a covariate" in missing_told(PLAIN.replaced(missing=none))
    page = page_html(PLAIN)
    assert "What was missing" in page
    assert "33 (0.6)" in page
    assert "161 (2.7)" in page
    assert "imputed" not in page.lower().replace("id=", "").split("results as data")[0]


def test_complete_cases_stand_beside_imputed_people() -> None:
    text = exposure_text(IMPUTED.manifest, "igf1")
    figure = imputed_figure(IMPUTED, "igf1", text, [a for a in associations(IMPUTED) if a.exposure == "igf1"])
    assert figure is not None
    table = figure.table
    line = next(row for row in table.rows if row.cells[0].startswith("per SD"))
    # exp(-0.03) and exp(-0.01): the example's straight line, and the same moved by 0.02
    assert line.cells[3].startswith("0.97")
    assert line.cells[7].startswith("0.99")
    assert line.cells[-1] == "10.0"
    names = [row.cells[0] for row in table.rows]
    for name in ("Q1", "Q5", "Spline: overall", "Spline: non-linear", "Lowest at", "Shape, test of a U"):
        assert name in names
    reference = table.rows[names.index("Q1")]
    assert reference.cells[3] == reference.cells[7] == "reference"
    labels = [line.get_label() for line in figure.wide.axes[0].get_lines()]
    assert f"Missing covariates imputed, {M} sets" in labels


def test_the_largest_move_is_told() -> None:
    told = imputed_told(IMPUTED, "igf1", [a for a in associations(IMPUTED) if a.exposure == "igf1"])
    assert "imputed 20 times, so that 5,900 people in the place of 5,859 took part" in told
    assert "of 2 hazard ratios of serum IGF-I, the one that moved most went from 0.97 to 0.99" in told
    assert imputed_told(PLAIN, "igf1", associations(PLAIN)) == ""


def test_diagnostics_are_drawn_and_fallbacks_are_told() -> None:
    table, figures = imputation_checks(IMPUTED)
    assert [row.cells[0] for row in table.rows] == ["Smoking", "BMI"]
    assert table.rows[0].cells[-1] == "predicted perfectly"
    assert table.rows[1].cells[4] == "–"  # no R-hat: said, not left out
    values, traces = (figure.wide for figure in figures)
    assert len(values.axes) == len(traces.axes) == 2
    assert imputation_checks(PLAIN) == (None, ())


def test_the_distributions_have_the_heights_of_their_shares() -> None:
    panels = [Panel("bmi", "BMI"), Panel("smoking", "Smoking")]
    own = IMPUTED.imputation_values[IMPUTED.imputation_values["exposure"] == "igf1"]
    numbers, categories = observed_and_imputed(own, panels).axes
    imputed = numbers.patches[1].get_data()
    assert imputed.values == pytest.approx([5.0] * 20)
    assert [tick.get_text() for tick in categories.get_xticklabels()] == ["Never", "Current"]
    trace = IMPUTED.imputation_trace[IMPUTED.imputation_trace["exposure"] == "igf1"]
    lines = chains(trace, panels, narrow=True).axes[0].get_lines()
    assert len(lines) == M + 1


def test_every_number_is_made_again(tmp_path) -> None:
    written = with_imputation(example_results())  # one exposure: half the figures to draw
    write_report(written, tmp_path / "report")
    checked = check_report(written, tmp_path / "report")
    assert checked.differences.empty
    for name in ("imputed-values", "imputation-chains", "igf1-imputed"):
        assert list((tmp_path / "report" / "figures").glob(f"figure-*-{name}.svg")), name
    other = written.replaced(imputed=written.imputed.assign(ratio=written.imputed["ratio"] * 1.1))
    assert not check_report(other, tmp_path / "report").differences.empty


def test_imputed_results_are_written_and_read(tmp_path) -> None:
    IMPUTED.write(tmp_path / "results")
    again = Results.read(tmp_path / "results")
    assert page_html(again) == page_html(IMPUTED)
