from __future__ import annotations

import math

import pytest
from results_example import example_results, main_linear
from study_example import of_cohort
from variants_example import with_repeats, with_variant_shapes, with_variants

from riskkit.figures.theme import SERIES
from riskkit.questions.associations.estimates import linear_figure
from riskkit.questions.dilution.tell import correction
from riskkit.questions.variants.tell import (
    sensitivity_figure,
    sensitivity_told,
    subgroups_figure,
    subgroups_told,
    variant_shapes,
)
from riskkit.report.limitations import limitations
from riskkit.report.methods import methods
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.telling.associations import associations
from riskkit.telling.blocks import PageFigure
from riskkit.telling.exposure_text import exposure_text

RESULTS = with_variants(example_results(1, 2))
REPEATED = with_repeats(example_results(1, 2))
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


def texts(figure: PageFigure) -> list[str]:
    return [text.get_text().replace("\u00a0", " ") for text in figure.wide.axes[1].texts]


def lines(figure: PageFigure, label: str) -> list[float]:
    return [line.get_xdata()[0] for line in figure.wide.axes[0].get_lines() if line.get_label() == label]


def test_subgroups_stand_under_everyone_with_their_test() -> None:
    figure = subgroups_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    shown = texts(figure)
    assert shown[:2] == ["Death from any cause", ""]
    assert (
        shown.index("Everyone") < shown.index("Death from any cause by sex") < shown.index("Women") < shown.index("Men")
    )
    assert "p < 0.001" in shown  # (0.2 / 2 se)^2 with se = 0.0196 is 26
    main = main_linear(RESULTS)["estimate"].iloc[0]
    assert lines(figure, "box")[:3] == pytest.approx([math.exp(main + shift) for shift in (0, -0.1, 0.1)])


def test_the_estimate_that_moved_stands_out_from_the_main_interval() -> None:
    figure = sensitivity_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    ax = figure.wide.axes[0]
    moved = [line for line in ax.get_lines() if line.get_label() == "box" and line.get_markerfacecolor() == SERIES[0]]
    main = main_linear(RESULTS).iloc[0]
    assert [line.get_xdata()[0] for line in moved] == pytest.approx([math.exp(main["estimate"] + 0.5)])
    bands = [found.get_paths()[0].get_extents() for found in ax.collections if found.get_label() == "band"]
    assert len(bands) == 6
    assert (bands[0].x0, bands[0].x1) == pytest.approx((main["low"], main["high"]))
    assert {"+65%", "+1%", "not estimated"} <= set(texts(figure))


def test_what_is_told_of_them() -> None:
    assert subgroups_told(RESULTS, "igf1", FOUND).replace("\u00a0", " ") == (
        "Whether the hazard ratio of serum IGF-I differed between subgroups was tested 2 times: there was evidence "
        "that it did for death from any cause by sex (p < 0.001) and death from cardiovascular disease by sex "
        "(p = 0.002), at p < 0.05, where 0.1 would be expected by chance."
    )
    assert sensitivity_told(RESULTS, "igf1", FOUND) == (
        "3 estimates of sensitivity analyses of serum IGF-I were compared with the main analysis: 1 lay outside the "
        "main analysis's confidence interval: death from any cause, healthy at entry (0.97 to 1.60)."
    )
    assert sensitivity_told(RESULTS, "igf1", FOUND[1:]) == (
        "1 estimate of sensitivity analyses of serum IGF-I was compared with the main analysis: each lay inside the "
        "main analysis's confidence interval. The largest shift was from 1.02 to 1.03 for death from cardiovascular "
        "disease (without the first 5 years)."
    )


def test_an_analysis_without_them_says_nothing() -> None:
    plain = example_results(1, 2)
    assert subgroups_figure(plain, "igf1", TEXT, FOUND) is sensitivity_figure(plain, "igf1", TEXT, FOUND) is None
    assert subgroups_told(plain, "igf1", FOUND) == sensitivity_told(plain, "igf1", FOUND) == ""
    assert "Subgroups and sensitivity analyses" not in dict(methods(plain))


def test_methods_say_what_was_changed() -> None:
    text = dict(methods(RESULTS))["Subgroups and sensitivity analyses"]
    assert "Subgroups by sex were compared by Cochran's Q" in text
    assert (
        "Sensitivity analyses: without the first 5 years (the first 5 years of follow-up excluded); healthy at entry "
        "(people with ill == 0, the exposure within its percentiles 1 to 99)." in text
    )


def corrected(results: Results) -> PageFigure:
    figure = linear_figure(results, "igf1", TEXT, associations(results))
    assert figure
    return figure


def test_corrected_estimates_stand_under_the_uncorrected() -> None:
    figure = corrected(REPEATED)
    b = main_linear(REPEATED)["estimate"].tolist()
    assert lines(figure, "box") == pytest.approx([math.exp(x) for v in b for x in (v, v / 0.8)])
    assert texts(figure).count("corrected for dilution") == 2
    assert "the dilution ratio is 0.80 (95% CI 0.80 to 0.80; 1,700 people measured twice)" in figure.caption
    assert [column.label for column in figure.table.columns[-3:]] == ["Rosner", "MacMahon and Peto", "SIMEX"]
    for row, shrunk in ((0, (0.8, 0.85, 0.82)), (1, (0.8, 0.85))):
        for cell, ratio in zip(figure.table.rows[row].cells[-3:], shrunk, strict=False):
            assert cell.startswith(f"{math.exp(b[row] / ratio):.2f} (")
    assert figure.table.rows[0].cells[-1].endswith("\nλ 0.80 (0.80–0.80)")
    assert figure.table.rows[1].cells[-1] == "–"  # SIMEX was asked of the first outcome only
    assert "dilution" not in corrected(RESULTS).caption
    assert figure.table.columns[:-3] == corrected(RESULTS).table.columns


def test_words_know_whether_anything_was_corrected() -> None:
    told = dict(methods(REPEATED))["Measurement error"]
    ratio = "(95% CI 0.80 to 0.80; 1,700 people measured twice) for serum IGF-I"
    assert f"In the main model this ratio was 0.80 {ratio}." in told
    assert f"(MacMahon and Peto [@macmahon]): 0.85 {ratio.replace('0.80', '0.85')}." in told
    assert "the main model's lines for death from any cause were corrected by simulation" in told
    assert "error of 0.5, 1, 1.5 and 2 times its variance was added, in 10 replicates each" in told
    assert f"the ratio of everybody within sex, 0.80 {ratio}." in told
    variables = {k: v for k, v in REPEATED.manifest.cohort.variables.items() if k != "sex"}
    one_sex = of_cohort(REPEATED.manifest, variables=variables)
    assert "within sex" not in correction(REPEATED.replaced(one_sex))
    assert any("corrected in straight lines and in one figure of curves" in t for t in limitations(REPEATED, FOUND))
    lines_only = REPEATED.replaced(usual=REPEATED.usual.iloc[:0])
    assert any("corrected in straight lines only" in text for text in limitations(lines_only, FOUND))
    assert "curves" not in dict(methods(lines_only))["Measurement error"]
    assert any("nothing was corrected for error of measurement" in text for text in limitations(RESULTS, FOUND))
    usual = associations(REPEATED)[0].usual
    assert usual
    assert usual.value == pytest.approx(math.exp(main_linear(REPEATED)["estimate"].iloc[0] / 0.8))


def test_the_shapes_of_subgroups_stand_in_a_table_of_their_own() -> None:
    assert variant_shapes(RESULTS, "igf1", TEXT, FOUND) is None
    made = with_variant_shapes(RESULTS)
    table = variant_shapes(made, "igf1", TEXT, FOUND)
    assert table is not None
    assert [row.cells[0] for row in table.rows[:2]] == ["Death from any cause: women", "Death from any cause: men"]
    assert table.rows[0].cells[1] == "U-shaped"
    assert table.rows[1].cells[1] == "not estimated"
    assert "in subgroups and sensitivity analyses" in page_html(made)
