from __future__ import annotations

import math

import numpy as np
import pytest
from results_example import example_results, main_linear
from scipy.stats import norm
from statsmodels.stats.meta_analysis import combine_effects
from variants_example import SENSITIVITY, with_variants

from riskkit.measure import HAZARD
from riskkit.questions.variants.table import (
    compare_sensitivity,
    compare_subgroups,
    heterogeneity,
    percent_change,
    sensitivity_table,
    subgroups_table,
)

RESULTS = with_variants(example_results(1, 2))
MAIN = main_linear(RESULTS)
ANALYSIS = RESULTS.manifest.analysis
OUTCOMES = {name: outcome.label for name, outcome in RESULTS.manifest.outcomes.items()}


def test_two_estimates_are_compared_as_their_difference_is() -> None:
    found = heterogeneity([0.3, -0.1], [0.1, 0.2])
    z = 0.4 / math.hypot(0.1, 0.2)
    assert (found.q, found.df) == (pytest.approx(z**2), 1)
    assert found.p == pytest.approx(2 * norm.sf(z))


def test_more_estimates_agree_with_statsmodels() -> None:
    b, se = np.array([0.1, 0.25, -0.05, 0.4]), np.array([0.1, 0.2, 0.15, 0.08])
    found = heterogeneity([*b, np.nan], [*se, 0.1])
    assert (found.q, found.df) == (pytest.approx(combine_effects(b, se**2).q), 3)


def test_one_estimate_has_no_heterogeneity() -> None:
    assert math.isnan(heterogeneity([0.1, np.nan], [0.1, 0.1]).p)


def test_subgroups_of_one_kind_are_tested_together() -> None:
    compared = compare_subgroups(RESULTS.variants, ANALYSIS.subgroups, RESULTS.manifest.cohort.n)
    assert compared["label"].tolist() == ["Women", "Men"] * 2
    # the two lie 0.2 apart, each with the main standard error times the root of 2
    q = 0.04 / (4 * MAIN["se"].to_numpy() ** 2)
    assert compared["q"].to_numpy() == pytest.approx(np.repeat(q, 2))
    table = subgroups_table(compared, OUTCOMES, "T", "HR", HAZARD)
    assert [row.cells[0] for row in table.rows if row.kind == "heading"] == [
        f"{name}: Sex" for name in OUTCOMES.values()
    ]
    assert table.rows[1].cells[-1].endswith(f"Q {q[0]:.1f}, 1 df")
    assert table.rows[2].cells[-1] == ""


def test_overlapping_subgroups_are_not_tested() -> None:
    compared = compare_subgroups(RESULTS.variants, ANALYSIS.subgroups, 1000)
    assert compared["p_heterogeneity"].isna().all()
    assert "–" in subgroups_table(compared, OUTCOMES, "T", "HR", HAZARD).rows[1].cells[-1]


def test_a_sensitivity_analysis_moves_an_estimate_when_it_leaves_the_main_interval() -> None:
    compared = compare_sensitivity(RESULTS.variants, MAIN, ANALYSIS.sensitivity)
    first = compared[compared["outcome"] == "all_causes"]
    assert first["change"].tolist() == pytest.approx([math.exp(shift) for *_, shift in SENSITIVITY])
    assert first["moved"].tolist() == [False, True]
    last = compared.iloc[-1]
    assert (last["variant"], last["moved"]) == ("healthy", False)
    table = sensitivity_table(compared, MAIN, OUTCOMES, "T", "HR", HAZARD)
    assert [row.cells[-2:] for row in table.rows if row.kind == "indented"] == [
        ("", ""), ("+1%", "yes"), ("+65%", "no"), ("", ""), ("+1%", "yes"), ("–", "–"),
    ]  # fmt: skip
    assert table.rows[-1].cells[3] == "not estimated"


@pytest.mark.parametrize(
    ("change", "text"), [(1.034, "+3%"), (0.88, "−12%"), (1.001, "0%"), (0.9999, "0%"), (np.nan, "–")]
)
def test_changes_are_printed_as_percentages(change: float, text: str) -> None:
    assert percent_change(change) == text
