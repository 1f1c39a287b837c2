from __future__ import annotations

import csv
from io import StringIO

import pandas as pd
from results_example import example_results

from riskkit.measure import HAZARD
from riskkit.report.failures import failures_table
from riskkit.tables.estimates import curve_table, groups_table, linear_table, models_table
from riskkit.tables.table import Column, Row, Table
from riskkit.tables.tests import table_of_tests
from riskkit.telling.associations import main_rows

RESULTS = example_results(1, 2)
OUTCOMES = {"all_causes": "Death from any cause", "cardiovascular": "Cardiovascular death"}


def main(frame: pd.DataFrame, coding: str | None = None) -> pd.DataFrame:
    return main_rows(frame, RESULTS.manifest, "igf1", coding)


def test_groups_have_counts_a_crude_rate_and_a_reference() -> None:
    table = groups_table(
        main(RESULTS.estimates, "groups"), OUTCOMES, {"lifestyle": "M"}, "lifestyle", "ng/mL", "T", "HR", HAZARD
    )
    heading, first, second = table.rows[:3]
    assert (heading.kind, heading.cells) == ("heading", ("Death from any cause",))
    assert first.cells == ("Q1", "18 to 102", "72", "1,171", "744", "18,000", "41.3", "1 (reference)", "")
    assert second.cells[4:7] == ("528", "17,800", f"{1000 * 528 / 17800:.1f}")
    assert len(table.rows) == 12


def test_the_models_of_groups_stand_side_by_side_over_the_main_model_s_people() -> None:
    estimates = RESULTS.estimates.query("coding == 'groups' and time_scale == 'age'")
    models = {"age-sex": "Age and sex", "lifestyle": "+ smoking"}
    failed = (estimates["model"] == "age-sex") & (estimates["outcome"] == "cardiovascular")
    table = groups_table(estimates[~failed], OUTCOMES, models, "lifestyle", None, "T", "HR", HAZARD)
    assert [(column.group, column.label) for column in table.columns[7:]] == [
        ("HR", "Age and sex"), ("HR", "+ smoking (main)"), ("", "p"),
    ]  # fmt: skip
    second = estimates.query("outcome == 'all_causes' and level == 'Q2'").set_index("model")
    shown = [f"{r.ratio:.2f} ({r.low:.2f}–{r.high:.2f})" for r in (second.loc[name] for name in models)]
    assert shown[0] != shown[1]
    assert list(table.rows[2].cells[7:9]) == shown
    assert table.rows[2].cells[3] == "1,171"  # as in the main model; the other has 1,178
    assert table.rows[7].cells[7:9] == ("not estimated", "1 (reference)")


def test_linear_estimates_show_those_that_could_not_be_made() -> None:
    estimates = main(RESULTS.estimates, "linear")
    table = linear_table(
        estimates[estimates["outcome"] == "all_causes"], estimates.iloc[:0], OUTCOMES, "T", "HR", HAZARD
    )
    rate = f"{1000 * 2400 / 88000:.1f}"
    assert table.rows[0].cells[:6] == ("Death from any cause", "5,859", "2,400", "88,000", rate, "41")
    assert table.rows[1].cells == ("Cardiovascular death", "–", "–", "–", "–", "–", "not estimated", "–")


def test_a_curve_is_read_at_its_nearest_point() -> None:
    curves = main(RESULTS.curves, "spline")
    table = curve_table(curves, OUTCOMES, [30.0, 150.0], "ng/mL", "T", "IGF-I")
    assert table.columns[0].label == "IGF-I (ng/mL)"
    assert table.rows[1].cells == ("150", "1 (reference)", "1 (reference)")
    lowest = curves[curves["outcome"] == "all_causes"].iloc[0]
    assert table.rows[0].cells[1] == f"{lowest['ratio']:.2f} ({lowest['low']:.2f}–{lowest['high']:.2f})"


def test_models_stand_side_by_side_and_time_scales_under_each_other() -> None:
    linear = RESULTS.estimates.query("coding == 'linear'")
    models = {"age-sex": "Age and sex", "lifestyle": "+ smoking"}
    table = models_table(linear, OUTCOMES, models, {"age": "Age", "follow_up": "Time"}, "lifestyle", HAZARD, "T")
    assert [column.label for column in table.columns] == ["Outcome and time scale", "Age and sex", "+ smoking (main)"]
    assert [row.cells[0] for row in table.rows[:3]] == ["Death from any cause", "Age", "Time"]
    assert table.rows[1].cells[2].endswith("\n2,400 / 5,859")


def test_tests_leave_out_what_was_not_done_and_point_to_their_row() -> None:
    tests = main(RESULTS.tests).query("part != 'nonlinear'")
    table = table_of_tests(
        tests,
        main(RESULTS.estimates, "linear"),
        main(RESULTS.fits),
        OUTCOMES,
        "igf1",
        "T",
        "HR",
        HAZARD,
        {"all_causes": "e1-o1"},
    )
    labels = [column.label for column in table.columns]
    assert "Non-linearity" not in labels
    assert labels[-2:] == ["Proportional hazards", "Any difference"]
    row = table.rows[0]
    assert row.anchor == "e1-o1"
    assert row.cells[1] == "2,400 / 5,859\n41 missing"
    assert row.cells[labels.index("Proportional hazards")] == "0.57\nχ² 2.0, 3 df"


def test_p_values_corrected_for_the_number_of_outcomes_stand_under_the_others() -> None:
    tests = main(RESULTS.tests).assign(p_holm=0.02)
    table = table_of_tests(
        tests, main(RESULTS.estimates, "linear"), main(RESULTS.fits), OUTCOMES, "igf1", "T", "HR", HAZARD, {}
    )
    cells = dict(zip((column.label for column in table.columns), table.rows[0].cells, strict=True))
    assert cells["Non-linearity"] == "<0.001\nχ² 4.0, 2 df\nHolm 0.02"
    assert "Holm" not in cells["Proportional hazards"]
    assert "Holm's method" in table.notes[1]


def test_failures_are_told_in_labels() -> None:
    labels = {"exposure": {"igf1": "IGF-I"}, "outcome": OUTCOMES, "time_scale": {"age": "attained age"}}
    table = failures_table(RESULTS.failures, labels | {"coding": {}, "model": {}}, "T")
    reason = "12 events, fewer than the 20 that the analysis asks for."
    assert table.rows[0].cells == ("IGF-I", "Cardiovascular death", "attained age", "groups", "metabolic", reason)


def test_common_heads_span_their_neighbours() -> None:
    columns = (Column("a"), Column("b", group="g"), Column("c", group="g"), Column("d", group="h"))
    assert Table("T", columns, ()).groups == (("", 1), ("g", 2), ("h", 1))
    assert Table("T", columns[:1], ()).groups == ()


def test_a_table_as_csv_has_one_line_of_heads_and_one_of_each_row() -> None:
    columns = (Column("a", numeric=False), Column("Events,\nall", group="g"), Column("p", group="g"))
    rows = (Row(("Death",), kind="heading"), Row(('Say "x", y', "12\n3 missing", "<0.001")))
    assert list(csv.reader(StringIO(Table("T", columns, rows).to_csv()))) == [
        ["a", "g: Events, all", "g: p"], ["Death"], ['Say "x", y', "12; 3 missing", "<0.001"],
    ]  # fmt: skip
