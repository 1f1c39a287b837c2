"""What counts as not as undisturbed after make was killed: another byte, a file too few, anything left over."""

from __future__ import annotations

from pathlib import Path

from benchmarks import kills
from riskkit.spec.analysis import load_analysis


def test_every_difference_is_seen(tmp_path: Path) -> None:
    kills.project(tmp_path)
    results = tmp_path / "build/results/marker"
    results.mkdir(parents=True)
    page = tmp_path / "reports/index.html"
    (results / "results.json").write_text('{\n"n": 5,\n"seconds": 3.1\n}')
    page.write_text("<p>HR 1.2. The models took 3.1 s.</p>")
    want = kills.built(tmp_path)

    (results / "results.json").write_text('{\n"n": 5,\n"seconds": 9.9\n}')
    page.write_text("<p>HR 1.2. The models took 9.9 s.</p>")
    assert kills.differences(tmp_path, want) == []

    page.write_text("<p>HR 1.3. The models took 9.9 s.</p>")
    (tmp_path / "reports/.marker.partial").mkdir()
    (results / "results.json").unlink()
    assert kills.differences(tmp_path, want) == [
        "build/results/marker/results.json", "reports/.marker.partial/", "reports/index.html",
    ]  # fmt: skip


def test_the_project_is_one_that_runs(tmp_path: Path) -> None:
    kills.project(tmp_path)
    for name in ("bmi", "marker"):
        analysis, cohort = load_analysis(tmp_path / f"analyses/{name}.toml")
        assert (list(analysis.exposures), cohort.name) == ([name], "made")
