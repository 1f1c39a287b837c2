"""No two statements of a report on one curve contradict: verdict, ends, lowest point, sentences, table and figure."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import pytest
from matplotlib import pyplot
from results_example import example_results

from riskkit.cohort.build import load_cohort
from riskkit.measure import HAZARD
from riskkit.questions.associations.curves import curves_figure
from riskkit.questions.associations.tables import curve_shapes
from riskkit.results import Results
from riskkit.runner.run import run
from riskkit.telling.associations import Association, associations, is_outcome_wide
from riskkit.telling.exposure_text import exposure_text
from riskkit.telling.words import finding, lowest_point, shape_told

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


def one_curve(a: Association) -> None:
    """What the verdict of one curve, its sentence and its few words in the figure say of each other."""
    assert a.shape is not None
    verdict, alpha = a.shape.verdict, 1 - a.level
    assert verdict.level == a.level
    assert (verdict.p < alpha) == (verdict.answer == "U-shaped") == (verdict.lower.clear and verdict.upper.clear)
    assert verdict.open_ends == (not verdict.lower.clear, not verdict.upper.clear)
    assert verdict.lower.x <= verdict.low <= verdict.x <= verdict.high <= verdict.upper.x
    assert (verdict.answer in RISES) <= (verdict.upper.low > 0)
    said = (shape_told(a) or (finding(a) if a.nonlinear < alpha else "")).replace("\u00a0", " ") if a.p < alpha else ""
    assert bool(said) == (a.p < alpha)
    if " rises over the range" in said:
        assert min(verdict.upper.low, verdict.first_half.low) > 0
    if " falls over the range" in said:
        assert verdict.lower.low > 0 > verdict.second_half.high
    assert ("higher at both ends" in said) == (bool(said) and verdict.answer == "U-shaped")
    few = lowest_point(a)
    if few:
        assert said
        for number in re.findall(r"[\d.,]*\d", few.split("(")[1]):
            assert number in said, (few, said)


def whole_report(results: Results) -> int:
    """All curves of a report, its table of shapes and the circles of its figure; how many curves there are."""
    found = associations(results)
    curves = [a for a in found if a.shape]
    for a in curves:
        one_curve(a)
    for exposure in results.manifest.exposures:
        text, own = exposure_text(results.manifest, exposure), [a for a in found if a.exposure == exposure]
        table = curve_shapes(results, exposure, text, own)
        assert table is not None
        for a, row in zip(own, table.rows, strict=True):
            if a.shape is None:
                assert row.cells[1] == "not estimated"
                continue
            assert row.cells[1] == a.shape.verdict.answer
            assert a.shape.verdict.bounds() in row.cells[4]
        with_lines = {not math.isnan(a.shape.lines) for a in own if a.shape}
        assert with_lines <= {any(column.label.startswith("Two lines") for column in table.columns)}
        if not is_outcome_wide(own):
            circles(results, exposure, own)
    return len(curves)


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
