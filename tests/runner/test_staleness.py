"""What was made from other files than those of now is refused, with what to run."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.errors import DataError
from riskkit.manifest import Manifest
from riskkit.runner import run
from riskkit.runner.staleness import check_cohort, check_results
from riskkit.spec.cohort import load_cohort_spec

COHORT = made_cohort("sex", "cause", outcomes='death = { label = "Death", event = "cause != \'no\'" }\n')
ANALYSIS = made_analysis("""
outcomes = ["death"]
[exposures.marker]
spline = false
groups = false
[[models]]
name = "main"
label = "Main"
covariates = ["sex"]
""")


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    return made_project(tmp_path, made_people(), COHORT, ANALYSIS)


@pytest.fixture
def manifest(analysis: Path) -> Manifest:
    return Manifest.from_json(run(analysis, cohort_of(analysis)).manifest.to_json())


def checked(manifest: Manifest, analysis: Path) -> None:
    check_results(manifest, analysis.parent, analysis.parent.parent / "cohorts", Path("build/results/marker"))


def test_results_of_the_files_as_they_are_pass(manifest: Manifest, analysis: Path) -> None:
    checked(manifest, analysis)


def test_results_of_another_analysis_file_are_refused(manifest: Manifest, analysis: Path) -> None:
    analysis.write_text(analysis.read_text().replace("Main", "Mein"))
    with pytest.raises(DataError, match=r"results of another .*marker.toml. Run it again: riskkit run .*marker.toml"):
        checked(manifest, analysis)


def test_results_from_before_a_rule_on_small_numbers_are_refused(manifest: Manifest, analysis: Path) -> None:
    (cohort,) = (analysis.parent.parent / "cohorts").glob("*.toml")
    cohort.write_text(cohort.read_text() + "\n[disclosure]\nmin_count = 10\n")
    with pytest.raises(DataError, match=r"results of another .*\.toml.*riskkit cohort .*, then riskkit run"):
        checked(manifest, analysis)


def test_a_cohort_of_another_file_or_other_raw_files_is_refused(analysis: Path, tmp_path: Path) -> None:
    (path,) = (analysis.parent.parent / "cohorts").glob("*.toml")
    cohort, spec = cohort_of(analysis), load_cohort_spec(path)
    raw = tmp_path / "raw"
    check_cohort(cohort, spec, Path("build/x.parquet"), raw)
    raw.mkdir()
    sums = "".join(f"{source.sha256}  {source.file}\n" for source in cohort.sources)
    (raw / ".complete").write_text(sums)
    check_cohort(cohort, spec, Path("build/x.parquet"), raw)
    (raw / ".complete").write_text(sums.replace(sums[:8], "0" * 8))
    with pytest.raises(DataError, match=r"was built from another .*Build it anew: riskkit cohort"):
        check_cohort(cohort, spec, Path("build/x.parquet"), raw)
    path.write_text(path.read_text() + "# more\n")
    with pytest.raises(DataError, match="or other code lists"):
        check_cohort(cohort, spec, Path("build/x.parquet"), raw)
