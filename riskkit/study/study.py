"""One study and its jobs: what every question is given, and what it gives to the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError, FitError, did_you_mean
from riskkit.spec.analysis import AnalysisSpec
from riskkit.spec.plan import Task, plan
from riskkit.study.coding import ExposureCoding, learn_coding
from riskkit.study.scores import with_scores

FAILED = (FitError, DataError)  # what a fit can raise; whatever else is raised is a fault of the file or of riskkit
Rows = dict[str, pd.DataFrame]  # rows for frames of the results, by the frame's name


@dataclass(frozen=True, eq=False)
class Study:
    """An analysis with its people.

    Attributes
    ----------
    spec : AnalysisSpec
    cohort : Cohort
        Those whom the analysis excludes left out.
    codings : dict of exposure to ExposureCoding
    age : str or None
        The cohort's variable of age at entry.
    """

    spec: AnalysisSpec
    cohort: Cohort
    codings: dict[str, ExposureCoding]
    age: str | None

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Every model of the analysis."""
        return plan(self.spec, self.age)


@dataclass(frozen=True)
class Job:
    """One piece of work of a question, done anywhere and kept until the run is complete.

    Attributes
    ----------
    function : callable
        Of a module; takes the study and `arguments`, and returns rows of frames. What it cannot estimate is a row of
        `failures`.
    arguments : tuple
        Small values whose text tells them apart.
    what : str
        What the progress says meanwhile.
    models : int
        How much work it is, as a number of models.
    """

    function: Callable[..., Rows]
    arguments: tuple[Any, ...]
    what: str
    models: int = 1

    def __call__(self, study: Study) -> Rows:
        """Do the work."""
        return self.function(study, *self.arguments)

    @property
    def key(self) -> str:
        """Text that tells this job from every other of the study."""
        return f"{self.function.__module__}.{self.function.__qualname__}{self.arguments!r}"


Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Running:
    """What a kind of question contributes to a run; each part may be left out.

    Attributes
    ----------
    first : callable
        Jobs that say what else is studied, from the study alone.
    widen : callable
        The study with what they found: takes it and the frames.
    jobs : callable
        Its jobs, from the study alone.
    after : callable
        Jobs that follow from what the first jobs found: takes the study and the frames.
    of_batch : callable
        What it adds to the models of a batch that was just fitted (`riskkit.study.batch.Batch`): rows of frames.
    finish : callable
        Frames of its own once all rows are there, such as p values corrected for their number: takes the study and the
        frames.
    of_samples : bool
        Whether it is right for a sample of a cohort; it is left out there otherwise.
    """

    first: Callable[[Study], Iterable[Job]] | None = None
    widen: Callable[[Study, Frames], Study] | None = None
    jobs: Callable[[Study], Iterable[Job]] | None = None
    after: Callable[[Study, Frames], Iterable[Job]] | None = None
    of_batch: Callable[..., Rows] | None = None
    finish: Callable[[Study, Frames], Rows] | None = None
    of_samples: bool = False


def make_study(spec: AnalysisSpec, cohort: Cohort, age: str | None) -> Study:
    """Leave out whom the analysis excludes, and learn its scores and how its exposures are coded.

    Raises
    ------
    DataError
        If nobody remains, an item of a panel was not measured, an exposure has too few distinct values for its knots,
        or reference ranges cannot be learnt.
    FitError
        If the curves of reference ranges cannot be fitted.
    """
    cohort = with_scores(cohort.without(spec.exclusions), spec.exposures)
    for name in spec.exposures:
        if name not in cohort.variables:
            raise DataError(
                f"exposures.{name}: cohort '{cohort.name}' has no variable '{name}'."
                f"{did_you_mean(name, cohort.variables)}"
            )
    among = cohort.data if cohort.sampled is None else cohort.data[cohort.sampled.compared(cohort.data)]
    codings = {name: learn_coding(name, coding, cohort, among) for name, coding in spec.exposures.items()}
    return Study(spec, cohort, codings, age)
