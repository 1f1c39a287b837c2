"""Every kind of question that an analysis can ask: one line each, and the one place where they are reached by name.

A question is a folder of `riskkit.questions`. Each floor takes from it the part that it understands: the analysis file
its tables (`spec.ASKING`), the runner its jobs (`run.RUNNING`), results and disclosure its frames (`frames.FRAMES`),
the report its words, figures and tables (`tell.TELLING`). Parts are imported when a floor first asks for them, so that
nobody waits for matplotlib to read an analysis file. A question without a part does not contribute there.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

QUESTIONS = (  # in the order of a report
    "associations",
    "screen",
    "people",
    "sampled",
    "calendar",
    "dilution",
    "incidence",
    "absolute",
    "smr",
    "survey",
    "variants",
    "interactions",
    "robustness",
    "repeats",
    "published",
    "imputation",
    "over_time",
    "two_lines",
    "cross_check",
    "cells",
)
PARTS = {"spec": "ASKING", "run": "RUNNING", "frames": "FRAMES", "tell": "TELLING"}


def parts(part: str) -> dict[str, Any]:
    """What each question contributes to one floor, in the order of the report.

    Parameters
    ----------
    part : {"spec", "run", "frames", "tell"}

    Returns
    -------
    dict of question to its `Asking`, `Running`, tuple of `Frame`, or `Telling`
    """
    homes = {name: f"riskkit.questions.{name}.{part}" for name in QUESTIONS}
    return {name: getattr(import_module(home), PARTS[part]) for name, home in homes.items() if find_spec(home)}
