"""The whole grid, batch by batch: shared, resumable, and the same to the last bit however it is run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd

import riskkit
from riskkit.cohort.cohort import Cohort
from riskkit.errors import SpecError
from riskkit.results import read_frames, write_frames
from riskkit.runner import weighted
from riskkit.runner.fits import KEY, Rows, fit_batch
from riskkit.runner.scale import Scale
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import Task, batches

FRAMES = (
    "estimates", "corrected", "curves", "usual", "splines", "covariances", "shapes", "tests", "fits", "coefficients",
    "failures", *weighted.FRAMES,
)  # fmt: skip
RATIO = ("estimate", "se", "ratio", "low", "high")
NUMBERS = {  # columns that a frame has even where no coding fills it
    "estimates": ("x", "n", "events", "person_years", "n_missing", *RATIO, "p"),
    "curves": ("x", *RATIO),
}
Progress = Callable[[int, int, str], None]  # models done, models in all, what is next


@dataclass(frozen=True)
class Bench:
    """Where finished batches are kept until the run is complete, so that an interrupted run goes on where it was.

    A batch is kept under a fingerprint of all that its numbers depend on (the analysis file, the cohort, the code), so
    that what was kept for something else is never taken.
    """

    folder: Path
    fingerprint: str

    def path(self, batch: tuple[Task, ...]) -> Path:
        """Folder of a batch."""
        return self.folder / hashlib.sha256(f"{self.fingerprint}{batch!r}".encode()).hexdigest()[:24]

    def clear(self) -> None:
        """Forget all batches."""
        shutil.rmtree(self.folder, ignore_errors=True)


def fingerprint(*inputs: bytes) -> str:
    """Hash inputs together with riskkit's own code."""
    digest = hashlib.sha256()
    for path in sorted(Path(str(riskkit.__file__)).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    for each in inputs:
        digest.update(hashlib.sha256(each).digest())
    return digest.hexdigest()


def fit_grid(
    tasks: tuple[Task, ...],
    scales: dict[str, Scale],
    spec: AnalysisSpec,
    cohort: Cohort,
    on_progress: Progress | None = None,
    bench: Bench | None = None,
    scheduler: str | None = None,
) -> Rows:
    """Fit every task.

    Parameters
    ----------
    tasks : tuple of Task
    scales : dict of exposure to Scale
    spec, cohort
    on_progress : callable, optional
        Called after each batch.
    bench : Bench, optional
        Keeps finished batches; those it has already are not fitted again.
    scheduler : str, optional
        Address of a dask scheduler whose workers fit the batches; by default they are fitted here, one after the
        other, each on all processors.

    Returns
    -------
    dict of frame name to DataFrame, rows in the order of the plan
    """
    work = list(batches(tasks))
    done = 0
    collected: list[Rows] = []
    with _backend(scheduler):
        jobs = (joblib.delayed(_batch)(batch, scales[batch[0].exposure], spec, cohort, bench) for batch in work)
        fitted: Iterator[Rows] = joblib.Parallel(n_jobs=-1 if scheduler else 1, return_as="generator")(jobs)
        for batch, rows in zip(work, fitted, strict=True):
            collected.append(rows)
            done += len(batch)
            if on_progress:
                on_progress(done, len(tasks), _describe(batch[0]))
    return {name: _together([rows[name] for rows in collected if name in rows], name) for name in FRAMES}


def _batch(batch: tuple[Task, ...], scale: Scale, spec: AnalysisSpec, cohort: Cohort, bench: Bench | None) -> Rows:
    if bench is None:
        return fit_batch(batch, scale, spec, cohort)
    path = bench.path(batch)
    if not path.is_dir():
        write_frames(path, fit_batch(batch, scale, spec, cohort))
    return read_frames(path)


@contextmanager
def _backend(scheduler: str | None) -> Iterator[None]:
    """Send joblib's work to a dask cluster, where there is one."""
    if scheduler is None:
        yield
        return
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise SpecError("a scheduler needs dask: pip install 'riskkit[cluster]'.") from error
    with Client(scheduler), joblib.parallel_config(backend="dask"):
        yield


def _describe(task: Task) -> str:
    return f"{task.exposure}, {task.coding}, {task.variant or task.model}"


def _together(frames: list[pd.DataFrame], name: str) -> pd.DataFrame:
    if frames:
        return pd.concat(frames, ignore_index=True)
    words = (*KEY, "reason" if name == "failures" else "term")
    numbers = NUMBERS.get(name, ())
    return pd.DataFrame({column: pd.Series(dtype=float if column in numbers else str) for column in (*words, *numbers)})
