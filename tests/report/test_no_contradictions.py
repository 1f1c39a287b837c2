"""No two statements of a report on one curve contradict: verdict, ends, lowest point, sentences, table and figure."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import pyplot
from results_example import example_results, with_correction

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.measure import HAZARD
from riskkit.numbers import count, measure
from riskkit.questions.associations.curves import curves_figure
from riskkit.questions.associations.tables import curve_shapes
from riskkit.report.content import report_content
from riskkit.results import Results
from riskkit.runner.run import run
from riskkit.simulate import simulate_ukb
from riskkit.telling.associations import Association, associations, is_outcome_wide, main_rows
from riskkit.telling.blocks import Figure, Fold, Items, walk
from riskkit.telling.exposure_text import exposure_text
from riskkit.telling.words import (
    SILENT,
    STRAIGHT,
    finding,
    headline,
    in_sentence,
    lowest_point,
    shape_answer,
    shapes_counted,
)

ROOT = Path(__file__).parent.parent.parent
RISES = {"rising", "level then rises", "U-shaped"}  # answers that say of the high end that it lies above


@pytest.fixture(scope="module")
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """An analysis of the project as it is."""
    name, cohort, raw = request.param
    mirror: Path = request.getfixturevalue("mirror")
    root = tmp_path_factory.mktemp("project")
    for folder in ("cohorts", "analyses"):
        shutil.copytree(ROOT / folder, root / folder)
    people = load_cohort(root / "cohorts" / f"{cohort}.toml", mirror / raw)
    return run(root / "analyses" / f"{name}.toml", people)


def one_curve(a: Association, results: Results) -> None:
    """What the verdict of one curve, its sentence, its few words in the figure and its points say of each other."""
    assert a.shape is not None
    verdict, alpha = a.shape.verdict, 1 - a.level
    coding = results.manifest.exposures[a.exposure]
    assert verdict.level == a.level
    assert (verdict.lower.x, verdict.upper.x) == (coding.low, coding.high) == tuple(end.x for end in a.ends)
    assert (verdict.p < alpha) == (verdict.answer == "U-shaped") == (verdict.lower.clear and verdict.upper.clear)
    assert verdict.open_ends == (not verdict.lower.clear, not verdict.upper.clear)
    assert verdict.lower.x <= verdict.low <= verdict.x <= verdict.high <= verdict.upper.x
    assert (verdict.answer in RISES) <= (verdict.upper.low > 0)
    points_agree(a, main_rows(results.curves, results.manifest, a.exposure, "spline"))
    said, answer = finding(a).replace("\u00a0", " "), shape_answer(a)
    assert ("no evidence of an association" in said) == (a.p >= alpha)
    assert (answer == SILENT) <= (a.p >= alpha)
    if " rises over the range" in said:
        assert min(verdict.upper.low, verdict.first_half.low) > 0
    if " falls over the range" in said:
        assert verdict.lower.low > 0 > verdict.second_half.high
    if "along a straight line" in answer:
        assert a.linear is not None
        assert a.linear.low > 1 if answer.startswith("rising") else a.linear.high < 1
        assert not (verdict.lower if answer.startswith("rising") else verdict.upper).clear
    straight = "no evidence against a straight line" in said
    assert straight <= (a.nonlinear >= alpha and answer in (*STRAIGHT, "undecided"))
    assert ("and not along a straight line" in said) <= (answer == verdict.answer)
    assert ("plateau" in said) == ("level" in answer), (said, answer)
    assert ("higher at both ends" in said) == (answer == "U-shaped")
    assert ("lower at both ends" in said) == (answer == "inverse U-shaped")
    for level in re.findall(r"at ([\d.,]+)[^;.]*? (?:ratio against the lowest point|it) is", said):
        assert level in (measure(coding.low), measure(coding.high))
    few = lowest_point(a)
    if few:
        for number in re.findall(r"[\d.,]*\d", few.split("(")[1]):
            assert number in said, (few, said)


def points_agree(a: Association, curves: pd.DataFrame) -> None:
    """The curve of the figure is as high above its lowest point, and lowest where, as the verdict says."""
    assert a.shape is not None
    verdict = a.shape.verdict
    own = curves[(curves["outcome"] == a.outcome) & curves["x"].between(verdict.lower.x, verdict.upper.x)]
    bottom, step = own["estimate"].min(), own["x"].diff().max()
    for end, height in zip(a.ends, (verdict.lower, verdict.upper), strict=True):
        above = math.log(end.value) - bottom
        assert above == pytest.approx(height.estimate, abs=0.01)
    lowest = own.loc[own["estimate"] <= bottom + 1e-4, "x"]
    assert (lowest - verdict.x).abs().min() <= 2 * step


def whole_report(results: Results) -> int:
    """All curves of a report, its sentences, its tables and the circles of its figure; how many curves there are."""
    found = associations(results)
    curves = [a for a in found if a.shape]
    for a in curves:
        one_curve(a, results)
    for a in found:
        one_finding(a)
    for exposure in results.manifest.exposures:
        text, own = exposure_text(results.manifest, exposure), [a for a in found if a.exposure == exposure]
        table = curve_shapes(results, exposure, text, own)
        assert table is not None
        for a, row in zip(own, table.rows, strict=True):
            if a.shape is None:
                assert row.cells[1] == "not estimated"
                continue
            assert row.cells[1] == shape_answer(a)
            assert a.shape.verdict.bounds() in row.cells[4]
        with_lines = {not math.isnan(a.shape.lines) for a in own if a.shape}
        assert with_lines <= {any(column.label.startswith("Two lines") for column in table.columns)}
        counted(own)
        if not is_outcome_wide(own):
            circles(results, exposure, own)
    headlined(found)
    told(results, found)
    return len(curves)


def one_finding(a: Association) -> None:
    """A finding says whether its p value survives correction and weighting, and nothing of what was not fitted."""
    said, alpha = finding(a).replace("\u00a0", " "), 1 - a.level
    assert ("no model could be fitted" in said) == (not a.fitted)
    if not a.fitted:
        return
    clear = a.p < alpha
    assert ("was associated with" in said) == clear
    assert ("at face value only" in said) == (clear and a.holm >= alpha and a.family > 1)
    assert (f"corrected for {count(a.family)} tests" in said) == (clear and a.family > 1)
    assert ("but not clearly in the population" in said) == (clear and a.weighted >= alpha)
    if a.linear and not clear and not a.linear.low <= 1 <= a.linear.high:  # a clear interval beside no evidence
        assert "which is not the primary test" in said


def counted(own: list[Association]) -> None:
    """In the count of shapes each curve stands under what is said of it."""
    text = shapes_counted(own)
    curves = [a for a in own if a.shape]
    for answer in {shape_answer(a) for a in curves} - {SILENT}:
        named = re.search(f"“{answer}” for (.*?)(?:;|\\.)", text)
        assert named, (answer, text)
        first = next(a for a in curves if shape_answer(a) == answer)
        assert named[1].startswith(in_sentence(first.outcome_label))
    assert set(re.findall("“(.*?)” for", text)) == {shape_answer(a) for a in curves} - {SILENT}


def headlined(found: Sequence[Association]) -> None:
    """The answer names no outcome whose evidence does not survive without saying so in the same sentence."""
    alpha = 1 - found[0].level
    for text in headline(found):
        for sentence in re.split(r"(?<=[a-z)])\. ", text):
            if "evidence" not in sentence and "associated" not in sentence:
                continue
            for a in found:
                named = in_sentence(a.outcome_label) in sentence and a.exposure == found[0].exposure and a.fitted
                if named and a.p < alpha and a.holm >= alpha and a.family > 1:
                    assert "at face value only" in sentence, sentence


def told(results: Results, found: Sequence[Association]) -> None:
    """On the page every finding stands where its test puts it, and no text tells a straight line as a plateau."""
    blocks = report_content(results).blocks
    place = {finding(a): a for a in found}
    for block in walk(blocks):
        if isinstance(block, Fold):
            inside = {item.text for each in block.blocks if isinstance(each, Items) for item in each.items}
            for a in (place[text] for text in inside if text in place):
                assert "Without evidence" not in block.summary or (a.fitted and a.p >= 1 - a.level)
                assert block.summary.startswith("Not fitted") == (not a.fitted)
        if isinstance(block, Figure) and block.name == "curves":
            assert all(finding(a) in block.finding for a in found if a.exposure == block.figure.about and a.ends) or (
                is_outcome_wide(found)
            )


def circles(results: Results, exposure: str, own: list[Association]) -> None:
    """The circle of each panel stands at the verdict's lowest point, and its interval is the verdict's."""
    figure = curves_figure(results, exposure, exposure_text(results.manifest, exposure), own)
    assert figure is not None
    drawn = figure.wide
    for a, ax in zip([a for a in own if a.ends], drawn.axes, strict=False):
        marks = [line.get_xdata()[0] for line in ax.get_lines() if line.get_label() == "lowest"]
        assert bool(marks) == bool(lowest_point(a))
        if marks:
            assert a.shape is not None
            verdict = a.shape.verdict
            assert marks == [verdict.x]
            ends = next(line.get_xdata() for line in ax.get_lines() if line.get_label() == "interval of lowest")
            for at, bound, is_open in zip(ends, (verdict.low, verdict.high), verdict.open_ends, strict=True):
                assert is_open or at == bound
    pyplot.close(drawn)


@pytest.mark.parametrize("outcomes", [1, 4])
def test_made_results_do_not_contradict_themselves(outcomes: int) -> None:
    assert whole_report(example_results(2, outcomes)) == 2 * outcomes
    assert whole_report(with_correction(example_results(2, outcomes))) == 2 * outcomes


@pytest.mark.parametrize(
    "shipped",
    [
        ("igf1-mortality", "nhanes3", "nhanes3"),
        ("igf1-metabolic", "nhanes3", "nhanes3"),
        ("bmi-mortality", "nhanes0306", "nhanes_continuous"),
    ],
    indirect=True,
    ids=lambda each: each[0],
)
def test_shipped_reports_do_not_contradict_themselves(shipped: Results) -> None:
    assert whole_report(shipped) > 0
    if shipped.manifest.measure == HAZARD:
        assert len(shipped.two_lines) in (0, len(shipped.shapes))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Twelve thousand people of the simulated UK Biobank, with few events of most cancers."""
    folder = simulate_ukb(tmp_path_factory.mktemp("raw") / "ukb", n=12_000, seed=5)
    return load_cohort(ROOT / "cohorts" / "ukb.toml", folder)


@pytest.mark.parametrize("name", ["igf1-cancer", "igf1-cardiovascular"])
def test_reports_of_the_simulated_twin_do_not_contradict_themselves(
    name: str, twin: Cohort, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("project")
    for folder in ("cohorts", "analyses"):
        shutil.copytree(ROOT / folder, root / folder)
    path = root / "analyses" / f"{name}.toml"
    path.write_text(re.sub("(?m)^simex = .*$", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    results = run(path, twin)
    assert whole_report(results) > 0
    assert len(results.failures) > 0
