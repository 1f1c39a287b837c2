"""The one queue of a run: jobs of every question, kept when done, the same to the last bit however they are run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

import riskkit
from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError, SpecError
from riskkit.folders import check_sums
from riskkit.results import read_frames, write_frames
from riskkit.study.progress import listening
from riskkit.study.study import Job, Rows, Study

Progress = Callable[[int, int, str], None]  # models done, models in all, what is next


@dataclass(frozen=True)
class Cache:
    """Where finished jobs are kept until the run is complete, so that an interrupted run goes on where it was.

    A job is kept under a fingerprint of all that its numbers depend on (the analysis file, the cohort with its data,
    the code), so that what was kept for something else is never taken; and what is not whole is done again.
    """

    folder: Path
    fingerprint: str

    def rows(self, job: Job) -> Rows | None:
        """What was kept of a job; None where nothing was, or not as it was written."""
        path = self._path(job)
        if not path.is_dir():
            return None
        try:
            check_sums(path)
        except DataError:
            return None
        return read_frames(path)

    def keep(self, job: Job, rows: Rows) -> Rows:
        """Keep what a job found; it appears whole or not at all."""
        write_frames(self._path(job), rows)
        return rows

    def clear(self) -> None:
        """Forget all jobs."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, job: Job) -> Path:
        return self.folder / hashlib.sha256(f"{self.fingerprint}{job.key}".encode()).hexdigest()[:24]


def fingerprint(cohort: Cohort, *inputs: bytes) -> str:
    """Hash a cohort's people and all that is said of them, and further inputs, together with riskkit's own code."""
    digest = hashlib.sha256()
    for path in sorted(Path(str(riskkit.__file__)).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    for name in cohort.data:
        values = pd.util.hash_pandas_object(cohort.data[name], index=False, categorize=True)
        digest.update(f"{name}".encode() + np.ascontiguousarray(values).tobytes())
    for each in (json.dumps(cohort.describe()).encode(), *inputs):
        digest.update(hashlib.sha256(each).digest())
    return digest.hexdigest()


@dataclass
class Queue:
    """Does jobs of one study.

    Parameters
    ----------
    study : Study
    on_progress : callable, optional
        Called after each job, and during those that say how far they are.
    cache : Cache, optional
        Keeps finished jobs; those it has already are not done again.
    scheduler : str, optional
        Address of a dask scheduler whose workers do the jobs; by default they are done here, one after the other, each
        on all processors.
    """

    study: Study
    on_progress: Progress | None = None
    cache: Cache | None = None
    scheduler: str | None = None
    done: int = 0
    total: int = 0

    def do(self, jobs: Sequence[Job], later: int = 0) -> list[Rows]:
        """Do jobs, and return the rows of each in their order; `later` is how much work is expected to follow.

        Raises
        ------
        SpecError
            If a scheduler is asked for and dask is not installed.
        """
        self.total = self.done + sum(job.models for job in jobs) + later
        found: list[Rows] = []
        with _backend(self.scheduler, self.study):
            delayed = (joblib.delayed(_do)(self.study, job, self.cache, self._within(job)) for job in jobs)
            rows_of: Iterator[Rows] = joblib.Parallel(n_jobs=-1 if self.scheduler else 1, return_as="generator")(
                delayed
            )
            for job, rows in zip(jobs, rows_of, strict=True):
                found.append(rows)
                self.done += job.models
                self._tell(self.done, job)
        return found

    def _within(self, job: Job) -> Callable[[int, int], None] | None:
        """How a job that is done here tells how far it is."""
        if self.scheduler is not None or self.on_progress is None:
            return None
        return lambda done, of: self._tell(self.done + job.models * done // max(of, 1), job)

    def _tell(self, done: int, job: Job) -> None:
        if self.on_progress:
            self.on_progress(done, self.total, job.what)


def _do(study: Study, job: Job, cache: Cache | None, within: Callable[[int, int], None] | None) -> Rows:
    kept = cache.rows(job) if cache else None
    if kept is not None:
        return kept
    with listening(within):
        rows = job(study)
    return cache.keep(job, rows) if cache else rows


def _backend(scheduler: str | None, study: Study) -> AbstractContextManager[object]:
    """Send joblib's work to a dask cluster, where there is one; its workers are sent the people once, not a job."""
    if scheduler is None:
        return nullcontext()
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise SpecError("a scheduler needs dask: pip install 'riskkit[cluster]'.") from error
    return _Cluster(Client(scheduler), study)


class _Cluster(AbstractContextManager[object]):
    """A client of a cluster, with joblib's work sent to it, for as long as the block lasts."""

    def __init__(self, client: object, study: Study) -> None:
        self._client, self._study = client, study

    def __enter__(self) -> object:
        self._config = joblib.parallel_config(backend="dask", client=self._client, scatter=[self._study])
        self._config.__enter__()
        return self._client

    def __exit__(self, *error: object) -> None:
        self._config.__exit__(*error)
        self._client.close()  # type: ignore[attr-defined]
