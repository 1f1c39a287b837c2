"""The two-lines test of every spline of the main model, on the people it was fitted to; of many outcomes, of none."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from riskkit.frames import MODEL
from riskkit.infer.twolines import two_lines
from riskkit.spec.plan import NO_TIME, Task, is_main
from riskkit.study.leading import READABLE
from riskkit.study.sample import failure, sample
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study


def after(study: Study, frames: Frames) -> Iterator[Job]:
    """A job for each spline whose shape is told and that has follow-up; none where the report tells shapes in a table.

    It is asked of every one of them or of none, so that no reader takes a test that was not made for one that failed.
    """
    if study.spec.time_scales[0] == NO_TIME or len(study.spec.outcomes) > READABLE:
        return
    fitted = set(frames["shapes"][["exposure", "outcome"]].itertuples(index=False, name=None))
    for task in study.tasks:
        if task.coding == "spline" and is_main(task, study.spec) and (task.exposure, task.outcome) in fitted:
            yield Job(test, (task,), f"{task.exposure}, {task.outcome}, two lines")


def test(study: Study, task: Task) -> Rows:
    """Test two lines in the place of one spline: a row of two_lines, or of failures."""
    try:
        fit = sample(task, study).fit([study.codings[task.exposure].term(task)])
        found = two_lines(fit, task.exposure, level=study.spec.level)
    except FAILED as error:
        return {"failures": failure(task, "Two-lines test", str(error))}
    row = {name: getattr(task, name) for name in MODEL} | {"breakpoint": found.breakpoint, "p": found.p}
    for name, line in (("below", found.lower), ("above", found.upper)):
        row |= {f"{name}_slope": line.estimate, f"{name}_low": line.low, f"{name}_high": line.high, f"{name}_p": line.p}
    return {"two_lines": pd.DataFrame([row])}


RUNNING = Running(after=after)
