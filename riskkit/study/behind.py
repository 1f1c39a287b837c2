"""How many people and events are behind an estimate, where an exposure has few values: what the rule on small numbers
needs to know. Kept only where the cohort has such a rule, and never shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from riskkit.spec.plan import Task
from riskkit.study.answers import KEY

LEVELS = {True: ("lower", "higher"), False: ("commonest", "other")}  # of an exposure with two values, and with more


def cells(task: Task, values: pd.Series, event: pd.Series, variant: str | None = None) -> pd.DataFrame:
    """People and events by value of a task's exposure: of its two values, or of the commonest and all others.

    Parameters
    ----------
    task : Task
    values, event : Series, shape (n,)
        The exposure and the outcome (1, 0) of the people of one model.
    variant : str, optional
        What stands in the place of the task's own.

    Returns
    -------
    DataFrame
        MODEL variant level n events values gap: two rows, "lower" and "higher", or "commonest" and "other".
    """
    exposure, happened = values.to_numpy(dtype=float), event.to_numpy(dtype=float) == 1
    distinct, times = np.unique(exposure, return_counts=True)
    two = len(distinct) == 2
    rest = exposure > distinct[0] if two else exposure != distinct[times.argmax()]
    about: dict[str, Any] = {name: getattr(task, name) for name in KEY}
    about |= {"variant": task.variant if variant is None else variant, "values": len(distinct)}
    about["gap"] = float(distinct[-1] - distinct[0])
    rows = [
        {**about, "level": level, "n": int(own.sum()), "events": int((own & happened).sum())}
        for level, own in ((LEVELS[two][0], ~rest), (LEVELS[two][1], rest))
    ]
    return pd.DataFrame(rows)
