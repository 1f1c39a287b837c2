"""What stands in a CSV file is shown by a spreadsheet, not run."""

from __future__ import annotations

import csv
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from riskkit.tables.sheet import as_text, without_formulas
from riskkit.tables.table import Column, Row, Table

LIVE = (
    "=1+1",
    "+1+cmd|'/C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("x")',
    "  =1",
    "-x",
    "＝1+1",
)
PLAIN = ("", "-", "Women", "-0.12", "+3", "-0.12 (-0.30 to 0.06)", "−0.5", "1e-5", "-1.5e-07", "<0.001", "a=b", "1-2")


@pytest.mark.parametrize("cell", LIVE)
def test_what_would_run_is_text(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", PLAIN)
def test_what_would_not_stays(cell: str) -> None:
    assert as_text(cell) == cell


def test_a_table_has_no_live_cell() -> None:
    table = Table("c", (Column("=A"), Column("b", group="=g")), (Row(("=1+1", "-0.1")), Row(("@x\n=y", "2"))))
    cells = [cell for row in csv.reader(StringIO(table.to_csv())) for cell in row]
    assert cells == ["'=A", "'=g: b", "'=1+1", "-0.1", "'@x; =y", "2"]


def test_a_frame_has_no_live_cell_and_keeps_its_numbers() -> None:
    frame = pd.DataFrame(
        {
            "level": ["=1", None, "ok"],
            "estimate": [-0.5, np.nan, 1.0],
            "kind": pd.Categorical(["@a", "b", "@a"]),
            "flag": [True, False, True],
        }
    )
    safe = without_formulas(frame)
    assert safe["level"].tolist() == ["'=1", None, "ok"]
    assert safe["kind"].tolist() == ["'@a", "b", "'@a"]
    pd.testing.assert_frame_equal(safe[["estimate", "flag"]], frame[["estimate", "flag"]])
    assert frame["level"][0] == "=1"
