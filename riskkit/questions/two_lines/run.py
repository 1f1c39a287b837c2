"""The two-lines test of the leading splines, which takes the people again."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from riskkit.frames import MODEL
from riskkit.infer.twolines import two_lines
from riskkit.spec.plan import NO_TIME
from riskkit.study.leading import refits
from riskkit.study.sample import not_answered, refitted
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study


def after(study: Study, frames: Frames) -> Iterator[Job]:
    """A job for each leading spline that has follow-up."""
    if study.spec.time_scales[0] != NO_TIME:
        for key, formula in refits(study, frames, "spline"):
            yield Job(test, (key, formula), f"{key[0]}, {key[1]}, two lines")


def test(study: Study, key: tuple[str, ...], formula: str) -> Rows:
    """Test two lines in the place of one spline: a row of two_lines, or of failures."""
    about = dict(zip(MODEL, key, strict=True))
    try:
        found = two_lines(refitted(study, about["outcome"], formula), about["exposure"], level=study.spec.level)
    except FAILED as error:
        return {"failures": not_answered(about, "Two-lines test", error)}
    row = {**about, "breakpoint": found.breakpoint, "p": found.p}
    for name, line in (("below", found.lower), ("above", found.upper)):
        row |= {f"{name}_slope": line.estimate, f"{name}_low": line.low, f"{name}_high": line.high, f"{name}_p": line.p}
    return {"two_lines": pd.DataFrame([row])}


RUNNING = Running(after=after)
