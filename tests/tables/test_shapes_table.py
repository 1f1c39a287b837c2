"""The table of shapes shows the verdict's numbers, and evidence beside them."""

from __future__ import annotations

import pandas as pd
from made_verdict import made_verdict

from riskkit.tables.shapes import shapes_table

SLOPES = {
    "lower_slope": -0.00412, "lower_slope_low": -0.006, "lower_slope_high": -0.002, "upper_slope": 0.001,
    "upper_slope_low": -0.0005, "upper_slope_high": 0.0025, "slopes_p": 0.1,
}  # fmt: skip
VERDICT = made_verdict((109.0, 0.4), (442.0, 0.1), 209.09)
SHAPES = pd.DataFrame([{"outcome": "death", **VERDICT.row(), **SLOPES}])
LINES = pd.DataFrame([{"outcome": "death", "breakpoint": 151.52, "p": 0.0301}])


def test_every_curve_has_its_three_parts_and_its_answer() -> None:
    outcomes = {"death": "Death", "stroke": "Stroke"}
    anchors = {"death": "e1-o1-shape"}
    table = shapes_table(SHAPES, outcomes, "ng/mL", "90%", "HR (90% CI)", "T", anchors, LINES, {"death": 0.002})
    assert [column.label for column in table.columns[2:5]] == [
        "Low end:\nHR (90% CI)", "High end:\nHR (90% CI)", "Lowest at (ng/mL)\n(90% CI)",
    ]  # fmt: skip
    first, second = table.rows
    assert first.cells == (
        "Death", "falls then levels off", "1.49 (1.23–1.81)\nat 109", "1.11 (1.00–1.34)\nat 442",
        "209\n(189 or above)", "0.32", "0.002",
        "−0.00412 (−0.00600 to −0.00200)\n0.00100 (−0.00050 to 0.00250)\n0.10", "0.03\n152",
    )  # fmt: skip
    assert first.anchor == "e1-o1-shape"
    assert second.cells[:3] == ("Stroke", "not estimated", "–")
    assert {len(row.cells) for row in table.rows} == {len(table.columns)}


def test_an_end_that_is_the_lowest_point_says_so_and_columns_without_numbers_are_left_out() -> None:
    falling = pd.DataFrame([{"outcome": "death", **made_verdict((109, 0.4), (442, 0.0), 442.0).row(), **SLOPES}])
    table = shapes_table(falling, {"death": "Death"}, None, "95%", "HR", "T", {})
    assert len(table.columns) == 7
    assert table.rows[0].cells[3] == "lowest itself\nat 442"
