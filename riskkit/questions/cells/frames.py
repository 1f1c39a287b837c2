"""Frames that only the rule on small numbers reads: a run keeps them where there is such a rule, no report has them."""

from __future__ import annotations

import pandas as pd

from riskkit.disclosure.small_cells import Small
from riskkit.frames import Frame, frame


def nothing(frame: pd.DataFrame, small: Small) -> pd.DataFrame:
    """None of it is shown."""
    return frame.iloc[:0]


FRAMES: tuple[Frame, ...] = (
    frame(
        "cells",
        "The people of one line, or of one level of a modifier of it, with some values of the exposure.",
        "MODEL variant level n events values gap",
        "MODEL variant level",
        nothing,
        {
            "level": ("text", 'of two values "lower" or "higher", of more "commonest" or "other"'),
            "values": ("whole", "distinct values of the exposure among the people of the model"),
            "gap": ("number", "from its lowest value to its highest"),
        },
        internal=True,
    ),
    frame(
        "cells_of_outcomes",
        "One outcome that is part of another, none of its people in another part; or what is left of the whole.",
        "outcome part events",
        "outcome part",
        nothing,
        {"part": ("text", "name of the outcome that is part of it; empty for the remainder")},
        internal=True,
    ),
    frame(
        "cells_of_values",
        "One number of the characteristics in one group of the first exposure.",
        "variable group n n_other values commonest other",
        "variable group",
        nothing,
        {
            "variable": ("text", "name of the variable"),
            "group": ("text", '"All", or a group of the exposure'),
            "n": ("whole", "people who have it"),
            "n_other": ("whole", "people of these who have another than its commonest value"),
            "values": ("whole", "distinct values in the cohort"),
            "commonest": ("number", "the commonest value in the cohort"),
            "other": ("number", "of two values, the other one"),
        },
        internal=True,
    ),
)
