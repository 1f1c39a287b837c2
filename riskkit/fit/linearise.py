"""Design-based covariance of a model fitted to a survey, by Taylor linearisation."""

from __future__ import annotations

import numpy as np

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.survey import Sample
from riskkit.errors import FitError
from riskkit.fit.few_clusters import cluster_notes, count, residual_df


def linearised(sample: Sample, totals: Array) -> Array:
    """Covariance between PSUs within strata, as if PSUs were drawn with replacement.

    Parameters
    ----------
    sample : Sample
    totals : array, shape (G, p)
        Sum over the rows of each PSU of their weighted influence on the estimates; zero for a PSU without rows.

    Returns
    -------
    array, shape (p, p)

    Raises
    ------
    FitError
        If the PSUs used are no more than the strata, or a stratum has one PSU and `lonely_psu` is "fail".

    References
    ----------
    Binder DA (1983) Int Stat Rev 51:279-292. R: survey::svyrecvar with options(survey.lonely.psu), and the default
    survey.adjust.domain.lonely = FALSE: a stratum of several PSUs of which one has rows is not lonely.
    """
    if sample.df < 1:
        raise FitError(
            f"the rows used are in {sample.n_psu} PSUs of {sample.n_strata} strata, which leaves no degrees of freedom "
            "for a variance between PSUs."
        )
    size = np.bincount(sample.stratum)
    used = np.unique(sample.stratum[sample.psu])
    lonely = used[size[used] == 1]
    if lonely.size and sample.lonely_psu == "fail":
        raise FitError(
            f"{lonely.size} of {used.size} strata have one PSU, whose variance cannot be estimated. Merge them with "
            'others, or say what to do: lonely_psu="adjust", "average" or "remove".'
        )
    by_stratum = np.zeros((size.size, totals.shape[1]))
    np.add.at(by_stratum, sample.stratum, totals)
    centre = by_stratum / size[:, None]
    scale = size / np.maximum(size - 1, 1)
    if sample.lonely_psu == "adjust":
        centre[size == 1] = 0.0  # the influences of the whole population add up to zero
    away = (totals - centre[sample.stratum]) * np.sqrt(scale)[sample.stratum, None]
    covariance = np.asarray(away.T @ away)
    return covariance * used.size / (used.size - lonely.size) if sample.lonely_psu == "average" else covariance


def covariance_name(design: Design, robust: bool) -> str:
    """What the covariance of a fit to a design is called."""
    if design.sample is not None:
        return "design-based"
    return "cluster-robust" if design.cluster is not None else "robust" if robust else "model-based"


def degrees_of_freedom(design: Design) -> float:
    """Degrees of freedom of the covariance: PSUs less strata, few clusters less one, else infinite."""
    if design.sample is not None:
        return float(design.sample.df)
    return residual_df(count(design))


def design_notes(design: Design) -> tuple[str, ...]:
    """Say what is unusual about the columns, and which sample a fit rests on and what of it was used."""
    sample = design.sample
    if sample is None:
        return (*design.notes, *cluster_notes(count(design), len(design.recipe.names)))
    return (
        *design.notes,
        f"survey design: {sample.n_sampled:,} rows, {sample.n_subpopulation:,} in the subpopulation, "
        f"{len(design.x):,} used; {sample.df:,} df (PSUs {sample.n_psu:,}, strata {sample.n_strata:,}).",
    )


def refuse_survey(design: Design | None, what: str, instead: str) -> None:
    """Refuse what rests on people drawn one by one.

    Raises
    ------
    FitError
        If the design is of a survey.
    """
    if design is not None and design.sample is not None:
        raise FitError(f"{what} is not for a survey design, whose people were not drawn one by one; {instead}.")
