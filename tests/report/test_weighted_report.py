"""What a report says of a survey's population beside the people examined."""

from __future__ import annotations

import math
from html import escape

import pytest
from results_example import example_results, main_linear
from study_example import asking
from variants_example import with_weights

from riskkit.numbers import ratio, ratio_interval
from riskkit.questions.survey.tell import weighted_figure, weighted_told
from riskkit.report.check import check_report
from riskkit.report.limitations import limitations
from riskkit.report.methods import methods
from riskkit.report.page import page_html
from riskkit.report.strobe import checklist
from riskkit.results import Results
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

PLAIN = example_results(1, 3)
RESULTS = with_weights(PLAIN)
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")
UNWEIGHTED = main_linear(RESULTS).reset_index(drop=True)
WEIGHTED = RESULTS.weighted


def test_weighted_curves_stand_over_unweighted_ones_with_their_own_band() -> None:
    figure = weighted_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    ax = figure.wide.axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    curve = RESULTS.weighted_curves[RESULTS.weighted_curves["outcome"] == FOUND[0].outcome]
    assert drawn["Weighted: the population"].tolist() == pytest.approx(curve["ratio"].tolist())
    assert drawn["Unweighted: those examined"].max() == pytest.approx(curve["ratio"].max() / math.exp(0.01))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((curve["low"].min(), curve["high"].max()))
    assert "each person stands for as many people of the population" in figure.caption


def test_the_table_has_both_estimates_of_each_outcome_one_under_the_other() -> None:
    figure = weighted_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    rows = figure.table.rows
    assert [row.kind for row in rows] == ["heading", "indented", "indented"] * 3
    for i, (own, weighted) in enumerate(zip(UNWEIGHTED.itertuples(), WEIGHTED.itertuples(), strict=True)):
        assert rows[3 * i].cells == (FOUND[i].outcome_label,)
        assert rows[3 * i + 1].cells[2] == ratio_interval(own.ratio, own.low, own.high)
        assert rows[3 * i + 2].cells[2:5] == (
            ratio_interval(weighted.ratio, weighted.low, weighted.high),
            "0.77",
            "0.77",
        )
    assert figure.table.notes == ("Weighted intervals are of t and tests of F, with 2 degrees of freedom.",)


def test_the_sentence_gives_the_first_outcome_and_counts_those_that_moved() -> None:
    told = weighted_told(RESULTS, "igf1", FOUND)
    own, weighted = UNWEIGHTED.iloc[0], WEIGHTED.iloc[0]
    assert f"was {ratio(weighted['ratio'])} (95% CI {ratio(weighted['low'])} to {ratio(weighted['high'])})" in told
    assert f"unweighted, {ratio(own['ratio'])} (95% CI" in told
    named = f"{ratio(UNWEIGHTED['ratio'].iloc[2])} to {ratio(WEIGHTED['ratio'].iloc[2])}"
    moved = f"{FOUND[2].outcome_label[0].lower()}{FOUND[2].outcome_label[1:]} ({named})"
    assert f"Of 3 weighted estimates, 1 lay outside the unweighted 95% confidence interval: {moved}; weighted" in told
    assert "weighted intervals were 1.5 times as wide (median, log scale)." in told
    with_evidence = sum(a.overall < 0.05 for a in FOUND)
    assert 0 < with_evidence <= 3
    assert told.endswith(
        f"evidence of an association (p < 0.05) with {with_evidence} of 3 outcomes unweighted, and with none weighted."
    )
    still = RESULTS.replaced(weighted=WEIGHTED[WEIGHTED["outcome"] != FOUND[2].outcome])
    assert "Of 2 weighted estimates, none lay outside the unweighted" in weighted_told(still, "igf1", FOUND)


def test_methods_and_limitations_say_what_each_is_an_estimate_of() -> None:
    method = dict(methods(RESULTS))["Survey design"]
    assert "the adults of Sweden (the weights of the people used add up to 7,654,321 at most)" in method
    assert "between the 4 primary sampling units" in method
    assert "with 2 degrees of freedom" in method
    assert "among the people examined" in method
    (statistics,) = [item for item in checklist(RESULTS) if item.number == 12]
    assert "Methods: survey design" in [link.label for link in statistics.where]
    assert "Weights: Made for the report." in limitations(RESULTS, FOUND)


def test_a_survey_that_was_not_asked_for_is_a_limitation_and_other_cohorts_say_nothing() -> None:
    unasked = PLAIN.replaced(asking(RESULTS.manifest, survey=False))
    assert any(
        text.startswith("The people are the sample of a survey; nothing") for text in limitations(unasked, FOUND)
    )
    assert not any("survey" in text for text in limitations(PLAIN, FOUND))
    assert "Survey design" not in dict(methods(unasked))
    assert weighted_figure(unasked, "igf1", TEXT, FOUND) is None


def test_the_page_shows_it_and_the_check_finds_a_number_that_was_changed(tmp_path) -> None:
    page = page_html(RESULTS)
    assert escape(weighted_told(RESULTS, "igf1", FOUND)) in page
    (tmp_path / "data").mkdir()
    (tmp_path / "index.html").write_text(page.replace("add up to 7,654,321", "add up to 7,654,322"), encoding="utf-8")
    for name, frame in RESULTS.frames.items():
        frame.to_parquet(tmp_path / "data" / f"{name}.parquet", index=False)
    found = _prose(RESULTS, tmp_path)
    assert len(found) == 1
    assert "7,654,322" in found[0]


def _prose(results: Results, folder) -> list[str]:
    differences = check_report(results, folder).differences
    beside = ("data/", "tables/", "replicate.R")
    return [row.printed for row in differences.itertuples() if not row.where.startswith(beside)]
