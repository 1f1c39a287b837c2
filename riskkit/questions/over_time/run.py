"""The linear coefficient over time: smoothed scaled Schoenfeld residuals of the leading models."""

from __future__ import annotations

from collections.abc import Iterator

from riskkit.frames import MODEL
from riskkit.infer.schoenfeld import schoenfeld_smooth
from riskkit.spec.plan import NO_TIME
from riskkit.spec.tables import PER_YEAR
from riskkit.study.leading import refits
from riskkit.study.sample import not_answered, refitted
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study


def after(study: Study, frames: Frames) -> Iterator[Job]:
    """A job for each leading line that has follow-up."""
    if study.spec.time_scales[0] != NO_TIME:
        for key, formula in refits(study, frames, "linear"):
            yield Job(smooth, (key, formula), f"{key[0]}, {key[1]}, over time")


def smooth(study: Study, key: tuple[str, ...], formula: str) -> Rows:
    """Smooth the residuals of one line: rows of schoenfeld, with time in years, or one of failures."""
    about = dict(zip(MODEL, key, strict=True))
    try:
        fit = refitted(study, about["outcome"], formula)
        found = schoenfeld_smooth(fit, fit.recipe.names[0], level=study.spec.level)
    except FAILED as error:
        return {"failures": not_answered(about, "Linear coefficient over time", error)}
    years = found["time"] / PER_YEAR[str(study.cohort.time_unit)]
    return {"schoenfeld": found.assign(**about, time=years)}


RUNNING = Running(after=after)
