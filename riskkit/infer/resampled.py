"""A whole question asked again of bootstrap samples, all fits of it resampled together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.linearise import refuse_survey
from riskkit.infer.bootstrap import Sampler, sampled
from riskkit.infer.refit import affordable, refitted

TOLERATED = 0.05  # share of samples in which a model may fail before the bootstrap means nothing


def replicated(
    fits: Mapping[str, Fit],
    ask: Callable[[Mapping[str, Fit]], Array],
    replicates: int,
    seed: int,
    workers: int | None,
    progress: bool,
) -> Array:
    """Answers, shape (replicates, m), of fits to samples of the same rows (or clusters), drawn with replacement.

    Raises
    ------
    SpecError
        If there are fewer than 2 replicates, or the fits used different rows.
    FitError
        If the fits are of a survey, or fail in more than 5% of the samples.
    """
    designs = {name: cast(Design, fit.design) for name, fit in fits.items()}
    first = next(iter(designs.values()))
    refuse_survey(first, "this bootstrap", "its design-based standard errors stand in the answer")
    if replicates < 2:
        raise SpecError(f"bootstrap: ask for at least 2 replicates, 200 or more for intervals; got {replicates}.")
    affordable("bootstrap", replicates, first)
    if not all(design.index.equals(first.index) for design in designs.values()):
        raise SpecError("bootstrap: the fits used different rows; leave out rows with a missing value before fitting.")
    sampler = Sampler.of(first.cluster, len(first.x))

    def once(stream: np.random.SeedSequence) -> Array | None:
        rows, draws = sampler.draw(np.random.default_rng(stream))
        try:
            return ask(
                {name: refitted(fit, _renamed(sampled(designs[name], rows, draws))) for name, fit in fits.items()}
            )
        except (DataError, FitError):
            return None

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), disable=not progress
    )
    with bar, ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        streams = np.random.SeedSequence(seed).spawn(replicates)
        found = list(bar.track(pool.map(once, streams), total=replicates, description="Bootstrap"))
    kept = [values for values in found if values is not None]
    if replicates - len(kept) > TOLERATED * replicates:
        raise FitError(
            f"bootstrap: there is no answer in {replicates - len(kept)} of {replicates} samples; ask for a shorter "
            "time, or simplify the models."
        )
    return np.array(kept)


def _renamed(design: Design) -> Design:
    """The design of a sample with rows numbered anew, since a row may stand in it twice."""
    return replace(design, index=pd.RangeIndex(len(design.x)))
