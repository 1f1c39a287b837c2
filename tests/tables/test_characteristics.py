from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from riskkit.describe.characteristics import DIFFERENCE, characteristics, standardised_difference
from riskkit.errors import DataError
from riskkit.tables.characteristics import baseline_table


@dataclass(frozen=True)
class Variable:
    label: str
    kind: str = "number"
    unit: str | None = None
    levels: tuple[str, ...] = ()


DATA = pd.DataFrame(
    {
        "age": [30.0, 40.0, 50.0, np.nan, 60.0, 70.0, 80.0, 99.0],
        "smoking": pd.Categorical(
            ["Never", "Never", "Current", "Never", "Current", "Former", None, "Never"],
            categories=["Never", "Former", "Current"],
        ),
        "diabetes": [0, 0, 1, 0, 1, 1, 0, 1],
    }
)
GROUP = pd.Series(["Q1", "Q1", "Q1", "Q1", "Q2", "Q2", "Q2", None])
VARIABLES = {
    "age": Variable("Age", unit="years"),
    "smoking": Variable("Smoking", kind="category", levels=("Never", "Former", "Current")),
    "diabetes": Variable("Diabetes", kind="flag"),
}


def tidy() -> dict[tuple[str, str, str, str], float]:
    frame = characteristics(DATA, VARIABLES, GROUP, pd.Series(np.arange(8.0)))
    return {(r.variable, r.level, r.group, r.statistic): r.value for r in frame.itertuples()}


def test_people_without_a_group_count_only_among_all() -> None:
    found = tidy()
    assert [found["", "", group, "n"] for group in ("All", "Q1", "Q2")] == [8, 4, 3]
    assert [found["", "", group, "person_years"] for group in ("All", "Q1", "Q2")] == [28, 6, 15]


def test_numbers() -> None:
    found = tidy()
    assert {s: found["age", "", "Q1", s] for s in ("n", "missing", "mean", "sd", "median", "q1", "q3")} == {
        "n": 3, "missing": 1, "mean": 40, "sd": 10, "median": 40, "q1": 35, "q3": 45,
    }  # fmt: skip


def test_categories_in_their_declared_order_per_cent_of_the_known() -> None:
    found = tidy()
    assert [level for variable, level, group, s in found if (variable, group, s) == ("smoking", "Q2", "count")] == [
        "Never", "Former", "Current",
    ]  # fmt: skip
    assert found["smoking", "", "Q2", "missing"] == 1
    assert found["smoking", "Current", "Q2", "percent"] == 50
    assert found["diabetes", "Yes", "Q2", "count"] == 2


def test_standardised_difference_of_numbers_is_that_of_means_over_the_root_mean_variance() -> None:
    # means 70 and 40, both of variance 100
    assert tidy()["age", "", "Q2", DIFFERENCE] == pytest.approx(3)


def test_standardised_difference_of_a_binary_variable_has_a_closed_form() -> None:
    p, q = 2 / 3, 1 / 4
    expected = abs(p - q) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert tidy()["diabetes", "", "Q2", DIFFERENCE] == pytest.approx(expected)


def test_standardised_difference_of_categories_does_not_depend_on_their_order() -> None:
    a, b = pd.Series(list("aabbbc")), pd.Series(list("abbccc"))
    first = standardised_difference(a, b, ["a", "b", "c"])
    assert first == pytest.approx(standardised_difference(a, b, ["c", "a", "b"]))
    # by hand, for the levels b and c: p = (1/2, 1/6), q = (1/3, 1/2), covariance the mean of diag(p) - pp'
    p, q = np.array([1 / 2, 1 / 6]), np.array([1 / 3, 1 / 2])
    s = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    assert first == pytest.approx(math.sqrt((p - q) @ np.linalg.inv(s) @ (p - q)))


def test_nothing_to_compare_is_not_a_number() -> None:
    assert math.isnan(standardised_difference(pd.Series([1.0, 1.0]), pd.Series([1.0, 1.0])))
    assert math.isnan(standardised_difference(pd.Series([], dtype=float), pd.Series([1.0])))


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(DataError, match=r"no column 'smokin'.*'smoking'"):
        characteristics(DATA, {"smokin": Variable("Smoking")}, GROUP)


def test_no_group_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="exposure is missing in everyone"):
        characteristics(DATA, VARIABLES, pd.Series([None] * 8))


def test_the_table_for_a_reader() -> None:
    frame = characteristics(DATA, VARIABLES, GROUP, pd.Series(np.arange(8.0)))
    table = baseline_table(frame, "Table", "IGF-I", {"Q1": "Q1\n<100"})
    assert [column.label for column in table.columns] == ["", "All", "Q1\n<100", "Q2", "Q2 against Q1\nin SD"]
    assert table.groups == (("", 2), ("IGF-I", 2), ("", 1))
    rows = {row.cells[0]: row.cells[1:] for row in table.rows}
    assert rows["People, n"] == ("8", "4", "3", "")
    assert rows["Age, years"] == (
        "61.3 (23.8)\n60.0 (45.0–75.0)",
        "40.0 (10.0)\n40.0 (35.0–45.0)",
        "70.0 (10.0)\n70.0 (65.0–75.0)",
        "3.00",
    )
    assert rows["Missing"] == ("1", "0", "1", "")  # of the last variable that misses any
    assert rows["Current"] == ("2 (28.6)", "1 (25.0)", "1 (50.0)", "")
    assert "No" not in rows  # a flag is told by its Yes
