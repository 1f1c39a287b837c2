"""A cohort of one's own as a study among others: levels of a grouped exposure, with their covariance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.errors import SpecError
from riskkit.fit.fit import Fit


def own_levels(fit: Fit, variable: str, doses: Mapping[str, float], *, study: str) -> tuple[pd.DataFrame, Array]:
    """Take the groups of a fit as a study's levels, for `rk.dose_response` beside published ones.

    One estimate, such as `rk.contrast` of a linear fit, needs no such function: with a column `study` it is a row for
    `rk.meta`.

    Parameters
    ----------
    fit : Fit
        Of any model with ratios, in which the variable is in groups, as `fifths(igf1)`; a light one will do.
    variable : str
    doses : mapping of level to float
        The mean exposure of each group.
    study : str
        What the study is called.

    Returns
    -------
    table : DataFrame
        study dose estimate se, the reference first with the estimate 0 and no standard error.
    covariance : array, shape (k - 1, k - 1)
        Of the others, in their order: `rk.dose_response(table, ..., covariances={study: covariance})`.

    Raises
    ------
    SpecError
        If the variable is not in groups or interacts, or a level has no dose.
    """
    terms = fit.recipe.terms_with(variable)
    found = fit.summaries.get(variable)
    if found is None or not found.levels:
        raise SpecError(f"own_levels: '{variable}' is not in groups; code it as in fifths({variable}).")
    if len(terms) > 1:
        raise SpecError(f"own_levels: '{variable}' interacts with another variable, so a group has no one ratio.")
    levels = [str(level) for level in found.levels]
    lacking = [level for level in levels if level not in doses]
    if lacking or len(doses) > len(levels):
        strange = sorted(set(doses) - set(levels))
        told = f"'{lacking[0]}' has no dose" if lacking else f"there is no level '{strange[0]}'"
        raise SpecError(f"own_levels: {told}; the levels of '{variable}' are {', '.join(levels)}.")
    names = terms[0].names
    references = [level for level in levels if f"{variable}={level}" not in names]
    if len(references) != 1:
        raise SpecError(f"own_levels: '{variable}' has no one reference level in this model; give it an intercept.")
    order = [references[0], *(name.removeprefix(f"{variable}=") for name in names)]
    columns = terms[0].columns
    vcov = fit.vcov[columns, columns]
    table = pd.DataFrame(
        {
            "study": study,
            "dose": [float(doses[level]) for level in order],
            "estimate": np.concatenate([[0.0], fit.coef[columns]]),
            "se": np.concatenate([[np.nan], np.sqrt(np.diag(vcov))]),
        }
    )
    return table, np.asarray(vcov)
