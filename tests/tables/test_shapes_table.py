from __future__ import annotations

import pandas as pd

from riskkit.tables.shapes import shapes_table

SHAPES = pd.DataFrame(
    [
        {
            "outcome": "death", "nadir": 209.09, "nadir_low": 197.04, "nadir_high": 538.6, "interior": 0.9203,
            "u_p": 0.43, "verdict": "No evidence for a U shape.",
        }
    ]
)  # fmt: skip
LINES = pd.DataFrame([{"outcome": "death", "breakpoint": 151.52, "p": 0.0301}])


def test_every_curve_has_its_lowest_point_and_verdict() -> None:
    outcomes = {"death": "Death", "stroke": "Stroke"}
    table = shapes_table(SHAPES, outcomes, "ng/mL", "90%", "T", {"death": "e1-o1-shape"}, LINES)
    assert [column.label for column in table.columns[1:3]] == ["Lowest at (ng/mL)", "90% CI"]
    first, second = table.rows
    assert first.cells == ("Death", "209", "197 to 539", "0.92", "0.43", "0.03\n152", "No evidence for a U shape.")
    assert first.anchor == "e1-o1-shape"
    assert second.cells[-1] == "not estimated"
    without = shapes_table(SHAPES, outcomes, None, "95%", "T", {})
    assert without.columns[1].label == "Lowest at"
    assert without.rows[0].cells[-2] == "–"
