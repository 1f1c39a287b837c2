"""Published estimates beside the analysis's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from results_example import Z, example_results
from study_example import asking
from variants_example import with_variants

from riskkit.questions.published.spec import PublishedSpec
from riskkit.questions.published.tell import _information, own_estimate, published_figure
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

LINE: dict[str, Any] = {
    "study": "Doe 2001", "exposure": "igf1", "outcome": "all_causes", "contrast": "per SD higher", "estimate": 1.5,
    "low": 1.2, "high": 1.9, "group": None, "against": None, "variant": None, "population": "700 <Danes>",
    "method": "Cohort", "citation": "Doe J. J Ex 2001;1:1.", "differs": "Older people",
}  # fmt: skip
GROUPS = {**LINE, "contrast": "lowest against middle fifth", "group": 1, "against": 3, "low": None, "high": None}


def results(*published: dict[str, Any]) -> Results:
    made = with_variants(example_results(1, 2))
    groups = made.estimates["coding"] == "groups"
    floating = made.estimates.assign(float_se=np.where(groups, 0.05, np.nan), float_low=0.9, float_high=1.1)
    return made.replaced(asking(made.manifest, published=list(published)), estimates=floating)


def test_a_published_line_stands_beside_ours() -> None:
    made = results(LINE)
    row = made.estimates.query(
        "outcome == 'all_causes' and coding == 'linear' and model == 'lifestyle' and time_scale == 'age'"
    ).iloc[0]
    own = own_estimate(made, PublishedSpec(**LINE))
    assert (own.ratio, own.low, own.n) == (row["ratio"], row["low"], row["n"])
    women = own_estimate(made, PublishedSpec(**LINE | {"variant": "women"}))
    assert women.ratio == pytest.approx(row["ratio"] * math.exp(-0.1))


def test_two_groups_are_compared_by_their_floating_variances() -> None:
    made = results(GROUPS)
    rows = made.estimates.query(
        "outcome == 'all_causes' and coding == 'groups' and model == 'lifestyle' and time_scale == 'age'"
    ).set_index("level")
    own = own_estimate(made, PublishedSpec(**GROUPS))
    assert own.ratio == pytest.approx(rows["ratio"]["Q1"] / rows["ratio"]["Q3"])
    assert math.log(own.high / own.ratio) == pytest.approx(Z * math.hypot(0.05, 0.05))
    assert own.events == rows["events"]["Q1"] + rows["events"]["Q3"]


def test_an_estimate_of_our_own_that_was_not_fitted_is_said_so() -> None:
    made = results(LINE).replaced(estimates=example_results(1, 2).estimates.iloc[:0])
    assert math.isnan(own_estimate(made, PublishedSpec(**LINE)).ratio)


def test_the_table_says_who_how_and_what_differs() -> None:
    made = results(LINE, GROUPS)
    text = exposure_text(made.manifest, "igf1")
    figure = published_figure(made, "igf1", text, associations(made))
    assert figure is not None
    assert [row.kind for row in figure.table.rows] == ["heading", "indented", "indented"] * 2
    assert figure.table.rows[1].cells == ("Doe 2001", "700 <Danes>", "Cohort", "1.50 (1.20–1.90)", "Older people")
    assert figure.table.rows[2].cells[0] == "This analysis"
    assert figure.table.rows[4].cells[3] == "1.50 (no interval)"
    assert figure.table.notes == ("Doe 2001: Doe J. J Ex 2001;1:1.",)
    shown = [artist.get_text() for ax in figure.wide.axes for artist in ax.texts]
    assert "1.50 (no interval)" in shown
    assert "700 &lt;Danes&gt;" in page_html(made)


def test_there_is_no_figure_without_a_published_estimate() -> None:
    made = results({**LINE, "outcome": "cancer"})
    assert published_figure(made, "igf1", exposure_text(made.manifest, "igf1"), associations(made)) is None


@pytest.mark.parametrize(("level", "z"), [(0.90, 1.6448536), (0.95, 1.9599640), (0.99, 2.5758293)])
def test_the_information_of_an_estimate_is_read_at_its_own_level(level: float, z: float) -> None:
    assert _information(math.exp(-0.2 * z), math.exp(0.2 * z), level) == pytest.approx(25)
