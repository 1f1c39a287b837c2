"""Effect modification and robustness on the page: figures hold the numbers they are given, sentences say them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from modified_example import SLOPES, with_interactions, with_robustness
from results_example import example_results

from riskkit.questions.interactions.tell import interaction_figure, interaction_figures, interactions_told, modifiers
from riskkit.questions.robustness.tell import robustness_figure, robustness_told
from riskkit.report.methods import methods
from riskkit.telling.associations import associations
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import exposure_text

PLAIN = example_results(1, 2)
RESULTS = with_robustness(with_interactions(PLAIN))
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def cells(figure: PageFigure) -> list[list[str]]:
    return [[plain(cell) for cell in row.cells] for row in figure.table.rows]


@pytest.fixture(scope="module")
def by_sex() -> PageFigure:
    figure = interaction_figure(modifiers(RESULTS)[0], RESULTS, "igf1", TEXT, FOUND)
    assert figure
    return figure


@pytest.fixture(scope="module")
def robust() -> PageFigure:
    figure = robustness_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    return figure


def test_both_groups_curves_stand_on_one_picture(by_sex):
    figure = by_sex.wide
    assert len(figure.axes) == 2
    lines = {line.get_label(): line for line in figure.axes[0].get_lines() if line.get_label() in SLOPES}
    for level, slope in SLOPES.items():
        z = (lines[level].get_xdata() - 150) / 60
        np.testing.assert_allclose(lines[level].get_ydata(), np.exp(slope * z))
    assert lines["Men"].get_xdata().max() == 210  # men have no higher levels
    bands = [each for each in figure.axes[0].collections if isinstance(each, PolyCollection)]
    assert len(bands) == 2
    headings = [plain(text.get_text()) for text in figure.axes[0].texts]
    assert "interaction p = 0.01\nevents: 450 (Women), 450 (Men)" in headings


def test_the_table_reads_each_group_where_it_has_people(by_sex):
    rows = cells(by_sex)
    assert rows[0] == ["Death from any cause"]
    # At 1.5 standard deviations below: exp(-0.15), and exp(-0.15 -+ 1.96 x 0.15).
    assert ["Women, at 60 ng/mL", "450 / 3,000", "0.86 (0.64–1.15)", ""] in rows
    assert ["Men, at 252 ng/mL", "450 / 3,000", "outside its range", ""] in rows
    assert ["Interaction: likelihood ratio test", "900 / 5,859", "χ² 11.3, 3 df", "0.01"] in rows
    assert ["Men and 90 ng/mL against Women and 150 ng/mL", "900 / 5,859", "6.00 (5.50–6.50)", ""] in rows
    assert ["Relative excess risk due to interaction (MOVER)", "900 / 5,859", "2.00 (0.50 to 3.50)", "–"] in rows
    assert ["Synergy index (delta)", "900 / 5,859", "not defined", "–"] in rows
    assert by_sex.table.notes[-1].startswith("The synergy index is not defined")


def test_what_is_told_of_interaction():
    assert plain(interactions_told(RESULTS, "igf1", FOUND)) == (
        "Whether the curve of serum IGF-I differed by sex was tested 2 times on the multiplicative scale: there was "
        "evidence that it did for death from any cause by sex (p = 0.01), at p < 0.05, where 0.1 would be expected by "
        "chance. On the additive scale, the interval of RERI left 0 out for death from any cause by sex, of 2."
    )
    assert plain(interactions_told(RESULTS, "igf1", FOUND[1:])) == (
        "Whether the curve of serum IGF-I differed by sex was tested 1 time on the multiplicative scale: there was no "
        "evidence that it did (smallest p = 0.60). On the additive scale, the interval of RERI held 0 in the one pair "
        "measured."
    )


def test_the_panel_of_robustness_shows_what_moved(robust):
    texts = [plain(text.get_text()) for text in robust.wide.axes[1].texts]
    for shown in ("Main analysis", "Without North", "Without South", "Bootstrap of 1,000 samples", "Death from a fall"):
        assert shown in texts
    boxes = [line for line in robust.wide.axes[0].get_lines() if line.get_label() == "box"]
    moved = [box for box in boxes if box.get_markerfacecolor() == "#D55E00"]
    assert [box.get_xdata()[0] for box in moved] == [2.0]


def test_the_caption_says_what_groups_are(robust):
    assert "Groups are left out by sex. Negative controls are outcomes with no known reason" in robust.caption


def test_the_table_of_robustness_lists_every_check(robust):
    rows = {row[0]: row[1:] for row in cells(robust) if len(row) > 1}
    assert rows["Main analysis"][0] == "2,400 / 5,859\n41 missing"
    assert rows["E-value (hazard ratio of a rare outcome)"][-1] == "1.21; 1.00"
    assert rows["Tipping point: Frailty, 10.0% and 15.0%"][-1] == "none suffices; 1.50"
    assert rows["Without South"] == ["– / 2,900", "not estimated", "–", ""]
    assert "The others do not differ in what is compared." in rows
    assert rows["Person in row 17"] == ["", "0.99", "", "−0.19 SE"]
    assert rows["Negative control"][1] == "1.20 (0.90–1.60)"
    assert [note.split(" ")[0] for note in robust.table.notes] == [
        "E-value:", "Tipping", "Jackknife:", "Bootstrap:", "People",
    ]  # fmt: skip


def test_what_is_told_of_robustness():
    told = plain(robustness_told(RESULTS, "igf1", FOUND))
    assert told.startswith("The interval of every linear ratio of serum IGF-I holds 1 (E-value of the limit 1.00)")
    assert "needed" not in told  # a bent curve may be significant where its line is not
    assert (
        "2 estimates without a group of people or the most influential ones: 1 lay outside the main analysis's "
        "confidence interval, as for death from any cause, without North (2.00)."
    ) in told
    assert told.endswith(
        "Linear ratio of serum IGF-I with the negative control: death from a fall, 1.20 (0.90 to 1.60; p = 0.20, with "
        "70 of 5,859 people). A ratio that leaves 1 there would point to confounding or bias."
    )


def test_an_analysis_without_them_says_nothing():
    assert interaction_figures(PLAIN, "igf1", TEXT, FOUND) == ()
    assert robustness_figure(PLAIN, "igf1", TEXT, associations(PLAIN)) is None
    others = RESULTS.robustness[RESULTS.robustness["check"] != "E-value"]
    figure = robustness_figure(RESULTS.replaced(robustness=others), "igf1", TEXT, FOUND)
    assert figure
    assert "E-value" not in figure.caption
    assert interactions_told(PLAIN, "igf1", FOUND) == robustness_told(PLAIN, "igf1", FOUND) == ""
    assert {"Effect modification", "Robustness"}.isdisjoint(dict(methods(PLAIN)))
    told = dict(methods(RESULTS))
    assert "negative controls (death from a fall)" in told["Robustness"]
    assert told["Effect modification"].startswith("Effect modification by sex is named in the analysis file.")


def test_an_outcome_that_could_not_be_fitted_is_left_out_of_the_picture():
    rows = RESULTS.interactions
    fewer = RESULTS.replaced(interactions=rows[rows["outcome"] == "all_causes"])
    figure = interaction_figure(modifiers(fewer)[0], fewer, "igf1", TEXT, FOUND)
    assert figure
    assert len(figure.wide.axes) == 1
