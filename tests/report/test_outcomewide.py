from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from results_example import example_results, with_correction

from riskkit.figures.theme import MAIN
from riskkit.infer.multiplicity import adjust
from riskkit.questions.associations.estimates import linear_figure
from riskkit.questions.associations.outcome_wide import by_estimate, parts, thresholds, volcano_figure
from riskkit.report.content import report_content
from riskkit.report.index import index_entry
from riskkit.report.page import page_html
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

RESULTS = with_correction(example_results(1, 14, scales=1, models=1))
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


@pytest.mark.parametrize("seed", range(20))
def test_thresholds_part_what_the_corrections_part(seed: int) -> None:
    p = np.random.default_rng(seed).beta(0.3, 1.5, size=25)
    tests = adjust(pd.DataFrame({"p": [*p, np.nan]})).iloc[:25]
    nominal, discovery, holm = (line.p for line in thresholds(tests, 0.95))
    assert nominal == pytest.approx(0.05)
    assert (p < discovery).tolist() == (tests["p_fdr"] < 0.05).tolist()
    assert (p < holm).tolist() == (tests["p_holm"] < 0.05).tolist()


def test_without_correction_there_is_one_threshold() -> None:
    assert [line.label for line in thresholds(pd.DataFrame({"p": [0.2], "p_holm": [np.nan]}), 0.9)] == ["p = 0.1"]


def test_the_forest_is_ordered_and_marks_what_survives_correction() -> None:
    figure = linear_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    labels = [row.cells[0] for row in figure.table.rows]
    assert labels == [a.outcome_label for a in by_estimate(FOUND)]
    boxes = [line for line in figure.wide.axes[0].get_lines() if line.get_label() == "box"]
    drawn = [line.get_xdata()[0] for line in boxes]
    assert drawn == sorted(drawn, reverse=True)
    linear = RESULTS.estimates.query("coding == 'linear'").sort_values("ratio", ascending=False, kind="stable")
    assert [line.get_markerfacecolor() == MAIN for line in boxes] == (linear["p_holm"] < 0.05).tolist()
    assert 0 < (linear["p_holm"] < 0.05).sum() < 14


def test_the_volcano_names_what_survives() -> None:
    figure = volcano_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    named = {text.get_text().replace("\n", " ") for text in figure.wide.axes[0].texts}
    linear = RESULTS.estimates.query("coding == 'linear'")
    survived = linear.loc[linear["p_fdr"] < 0.05, "outcome"]
    assert {RESULTS.manifest.outcomes[name].label for name in survived} <= named
    assert "Cancer of site 6" not in named
    assert figure.finding.startswith(f"{len(survived)} of 14 outcomes lie below the threshold: ")
    p = [row.cells[7] for row in figure.table.rows]
    assert p[0] == "<0.001"


def test_outcomes_are_shown_a_readable_number_at_a_time() -> None:
    assert [len(part) for part in parts(FOUND)] == [12, 2]


def test_the_page_shows_all_outcomes_at_once_and_folds_the_rest() -> None:
    html = page_html(RESULTS)
    figures = re.findall(r'<figure id="([^"]+)"', html)
    assert figures == [
        "figure-1-flow", "figure-2-igf1-linear", "figure-3-igf1-volcano", "figure-4-igf1-incidence",
        "figure-5-igf1-curves", "figure-6-igf1-groups", "figure-7-igf1-curves", "figure-8-igf1-groups",
        "figure-9-igf1-over-time",
    ]  # fmt: skip
    assert [figure.folded for figure in report_content(RESULTS).figures] == [False] * 4 + [True] * 4 + [False]
    assert "4 more figures" in html
    assert (
        "Without evidence of an association by the primary test, even before correction for 14 tests: 1<"
        in html.replace("\u00a0", " ")
    )
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert "Benjamini and Hochberg" in html


def test_the_index_shows_the_volcano() -> None:
    entry = index_entry(RESULTS)
    assert entry.answer.startswith("Of 14 outcomes, serum IGF-I was associated with 13, the clearest of them")
    assert "false discovery rate" in entry.thumbnail
