"""Whether what was made before is still of the files as they are now."""

from __future__ import annotations

from pathlib import Path

from riskkit.cohort.codelists import spec_sha256
from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError
from riskkit.manifest import Manifest
from riskkit.provenance import sha256
from riskkit.spec.cohort import CohortSpec, load_cohort_spec


def check_cohort(cohort: Cohort, spec: CohortSpec, table: Path, raw: Path) -> None:
    """Refuse a built cohort that its file, its code lists or its raw files have left behind.

    Parameters
    ----------
    cohort : Cohort
        As it was read from `table`.
    spec : CohortSpec
        The cohort's file as it is now.
    table : path
    raw : path
        Folder of the raw files, where the mark `.complete` lists them; nothing is compared where there is none.

    Raises
    ------
    DataError
        With what to run.
    """
    again = f"Build it anew: riskkit cohort {spec.path} (or make)."
    if cohort.spec_sha256 != spec_sha256(spec):
        raise DataError(f"{table}: was built from another {spec.path}, or other code lists. {again}")
    mark = raw / ".complete"
    if mark.is_file():
        there = set(mark.read_text(encoding="utf-8").split()[::2])
        changed = [source.file for source in cohort.sources if source.sha256 not in there]
        if changed:
            raise DataError(f"{table}: was built from another {changed[0]}. {again}")


def check_results(manifest: Manifest, analyses: Path, cohorts: Path, where: Path) -> None:
    """Refuse results that the analysis file, or the cohort's file with its code lists, has left behind.

    Parameters
    ----------
    manifest : Manifest
        Of the results in `where`.
    analyses, cohorts : path
        Folders of the files as they are now; one that is gone is not compared.

    Raises
    ------
    DataError
        With what to run.
    """
    analysis, cohort = analyses / f"{manifest.analysis.name}.toml", cohorts / f"{manifest.cohort.name}.toml"
    again = f"riskkit run {analysis} (or make)."
    if analysis.is_file() and sha256(analysis) != manifest.provenance.spec_sha256:
        raise DataError(f"{where}: these are the results of another {analysis}. Run it again: {again}")
    if cohort.is_file() and manifest.cohort.spec_sha256 not in ("", spec_sha256(load_cohort_spec(cohort))):
        raise DataError(
            f"{where}: these are the results of another {cohort}, or of other code lists. Build the cohort and run "
            f"the analysis again: riskkit cohort {cohort}, then {again}"
        )
