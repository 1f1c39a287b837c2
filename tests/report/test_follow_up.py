from __future__ import annotations

import math

import pandas as pd
import pytest
from results_example import example_results
from study_example import asking

from riskkit.numbers import NOTHING
from riskkit.questions.incidence.tell import incidence_figure, reading_times
from riskkit.questions.over_time.tell import over_time_figure
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

RESULTS = example_results(1, 2)
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


def test_incidence_is_told_at_round_ages() -> None:
    figure = incidence_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    # at 80 the lowest fifth has 1 - exp(-5 x 50 / 2000) = 11.75%, the highest 1 - exp(-50 / 2000) = 2.47%
    assert figure.finding.startswith(
        "By age 80, death from any cause: 11.8% (10.6 to 12.9) in the lowest group and 2.5% (2.2 to 2.7) in the highest"
    )
    heads = [column.label for column in figure.table.columns]
    assert heads == ["Group", "People", "Events", "Age 40", "Age 60", "Age 80"]
    assert figure.table.rows[1].cells == (
        "Q1", "1,200", "250", "2.5% (2.2 to 2.7)", "7.2% (6.5 to 7.9)", "11.8% (10.6 to 12.9)",
    )  # fmt: skip
    assert "curves start at age 30" in figure.caption


def test_curves_that_start_and_end_apart_are_read_each_at_its_own_last_time() -> None:
    rows = RESULTS.incidence
    second = FOUND[1].outcome
    shorter = rows[(rows["outcome"] != second) | rows["time"].between(50, 70)]
    figure = incidence_figure(RESULTS.replaced(incidence=shorter), "igf1", TEXT, FOUND)
    assert figure
    assert figure.finding.startswith("By age 80, death from any cause: 11.8% (10.6 to 12.9)")
    assert ". By age 60, death from cardiovascular disease: " in figure.finding
    shares = [row.cells[3:] for row in figure.table.rows if row.cells[0] == "Q1"]
    assert [share == NOTHING for share in shares[0]] == [False] * 3
    assert [share == NOTHING for share in shares[1]] == [True, False, True]


def test_what_competes_is_said() -> None:
    def caption(competing: str | None, found: int = 2) -> str:
        results = RESULTS.replaced(asking(RESULTS.manifest, competing=competing))
        figure = incidence_figure(results, "igf1", TEXT, FOUND[:found])
        assert figure
        return figure.caption

    assert "one minus Kaplan and Meier's estimate: people who left by something else" in caption(None)
    assert "Other events of “death from any cause” compete (Aalen and Johansen's estimator)." in caption("all_causes")
    assert "Kaplan and Meier's estimate; nothing competes." in caption("all_causes", 1)


@pytest.mark.parametrize(
    ("start", "end", "read"),
    [(23, 93, [40, 60, 80]), (0, 30, [10, 20, 30]), (0, 8, [5]), (1, 3, [3]), (20, 90, [40, 60, 80])],
)
def test_curves_are_read_at_round_times_after_their_start(start: float, end: float, read: list[float]) -> None:
    assert reading_times(pd.Series([start, end])) == read


def test_a_ratio_over_time_is_read_at_its_ends_and_between() -> None:
    figure = over_time_figure(RESULTS, "igf1", FOUND)
    assert figure
    first, last = (f"{math.exp(b):.2f}" for b in (0.1, -0.1))
    assert figure.finding.startswith(f"By years of age: death from any cause from {first} at 30 to {last} at 90;")
    assert len(figure.table.rows) == 2 * (1 + 5)
    assert figure.table.rows[1].cells == ("30.0", first, f"{math.exp(-0.1):.2f} to {math.exp(0.3):.2f}")


def test_what_was_not_made_is_not_shown() -> None:
    none = RESULTS.replaced(incidence=RESULTS.incidence.iloc[:0], schoenfeld=RESULTS.schoenfeld.iloc[:0])
    assert incidence_figure(none, "igf1", TEXT, FOUND) is over_time_figure(none, "igf1", FOUND) is None
