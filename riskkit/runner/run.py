"""Run an analysis file."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from riskkit import registry
from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.manifest import Manifest
from riskkit.provenance import provenance
from riskkit.questions.imputation.spec import with_imputations
from riskkit.results import Results, schemas
from riskkit.runner.queue import Cache, Progress, Queue, fingerprint
from riskkit.spec.analysis import load_analysis
from riskkit.spec.remarks import remarks
from riskkit.study.study import Rows, make_study


def run(
    analysis: str | Path,
    cohort: Cohort | None = None,
    on_progress: Progress | None = None,
    *,
    keep: str | Path | None = None,
    scheduler: str | None = None,
    imputations: int | None = None,
) -> Results:
    """Run an analysis file.

    Parameters
    ----------
    analysis : path
        A TOML file in analyses/; the cohort it names is the file of that name in cohorts/ beside that folder.
    cohort : Cohort, optional
        The cohort already built; otherwise it is built from its raw files.
    on_progress : callable, optional
        Called as the work goes on with the number of models done, the number in all, and what they are.
    keep : path, optional
        A folder in which finished jobs are kept while the run goes on, so that the same call takes up an interrupted
        run where it was; it is removed at the end.
    scheduler : str, optional
        Address of a dask scheduler whose workers do the jobs.
    imputations : int, optional
        How many times what the main model's covariates lack is imputed, in the place of what the file says.

    Returns
    -------
    Results
        What could not be fitted is in `failures`, each with its reason.

    Raises
    ------
    SpecError
        With every fault of the file at once.
    DataError
        If the cohort's data are not what its file says.
    """
    analysis = Path(analysis)
    started = time.perf_counter()
    spec, cohort_spec = load_analysis(analysis)
    if imputations is not None:
        spec = with_imputations(spec, imputations)
    built = cohort if cohort is not None else load_cohort(cohort_spec.path)
    study = make_study(spec, built, cohort_spec.follow_up.age if cohort_spec.follow_up else None)
    cache = None
    if keep is not None:
        cache = Cache(Path(keep), fingerprint(study.cohort, analysis.read_bytes(), repr(spec).encode()))
    queue = Queue(study, on_progress, cache, scheduler)
    running = [each for each in registry.parts("run").values() if each.of_samples or built.sampled is None]
    rows: dict[str, list[pd.DataFrame]] = defaultdict(list)
    _collect(rows, queue.do([job for each in running if each.first for job in each.first(study)]))
    for each in running:
        study = each.widen(study, _frames(rows)) if each.widen else study
    queue.study = study
    _collect(rows, queue.do([job for each in running if each.jobs for job in each.jobs(study)]))
    found = _frames(rows)
    _collect(rows, queue.do([job for each in running if each.after for job in each.after(study, found)]))
    frames = _frames(rows)
    for each in running:
        if each.finish:
            frames |= {name: schemas()[name].of([frame]) for name, frame in each.finish(study, frames).items()}
    about = Manifest(
        study.spec, study.codings, study.cohort.facts, provenance(analysis), remarks=remarks(study.spec, cohort_spec)
    )
    about = about.replaced(provenance=replace(about.provenance, seconds=round(time.perf_counter() - started, 1)))
    if cache is not None:
        cache.clear()
    return Results(about, frames)


def _collect(rows: dict[str, list[pd.DataFrame]], found: Iterable[Rows]) -> None:
    for each in found:
        for name, frame in each.items():
            rows[name].append(frame)


def _frames(rows: dict[str, list[pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    return {name: frame.of(rows.get(name, ())) for name, frame in schemas().items()}
