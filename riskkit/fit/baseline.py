"""The baseline hazard, and the survival a Cox model predicts from it."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, offset_of, stratum_label
from riskkit.design.sampling import refuse_sampling
from riskkit.errors import DataError, did_you_mean
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints
from riskkit.fit.linearise import refuse_survey
from riskkit.fit.residuals import at_fit
from riskkit.fit.tie_steps import steps


def baseline(fit: Fit, newdata: pd.DataFrame | None = None, level: float = 0.95) -> pd.DataFrame:
    """Estimate the cumulative hazard and the survival of people with given covariates.

    Parameters
    ----------
    fit : Fit
        A Cox model that has kept its design.
    newdata : DataFrame, shape (m, ...), optional
        One row per person; without it, one person whose every column of the design matrix (not every variable) is at
        its mean. With the columns of `strata(...)` each person gets the curve of their own stratum; without them,
        the curves of all strata. The offset is theirs; without `newdata`, its mean.
    level : float
        Confidence level of the limits, which are symmetric about the cumulative hazard.

    Returns
    -------
    DataFrame
        A row per person, stratum and event time: [row] stratum time n_risk n_event hazard cumhaz se surv low high.
        `row` is the label of the person in `newdata`, `se` that of `cumhaz`, and surv = exp(-cumhaz); `n_risk` and
        `n_event` are sums of weights. With ties, the hazard is Efron's or Breslow's as in the fit.

    Raises
    ------
    SpecError
        If a column of the model, or its offset, is not in `newdata`, or `level` is not between 0 and 1.
    DataError
        If `newdata` has a missing value, a level or a stratum that the fit has not seen.
    FitError
        If the fit is not a Cox model, has let go of its design, or is of a survey.

    References
    ----------
    Breslow N (1972) JRSS B 34:216; Tsiatis AA (1981) Ann Stat 9:93. R: survfit(coxph(...), newdata), conf.type = "log".
    """
    refuse_survey(fit.design, "the baseline hazard's standard error", "fit with weights=... for the curve alone")
    if fit.design is not None:
        refuse_sampling(
            fit.design.sampling, "the baseline hazard", "fit with weights= and robust=True (rk.ncc_weights)"
        )
    likelihood, at = at_fit(fit)
    critical = fit.critical(level)
    sets, these = likelihood.sets, steps(likelihood, at)
    variance = sets.cumulative(these.by_key(these.weight / these.s0**2))[:-1]
    cumulative = sets.cumulative(at.hazard)[:-1]
    drift = sets.cumulative(these.by_key((these.weight / these.s0)[:, None] * these.mean))[:-1]
    design = cast(Design, fit.design)  # at_fit has refused a fit without
    labels = np.array(design.strata_labels or ("",), dtype=object)
    keys = pd.DataFrame(
        {
            "stratum": labels[sets.strata],
            "time": sets.times,
            "n_risk": sets.at_risk(likelihood.case_weights),
            "n_event": these.by_key(these.weight),
        }
    )
    if newdata is None:
        people, strata = design.x.mean(axis=0)[None], None
        offset = np.zeros(1) if design.offset is None else design.offset.mean(keepdims=True)
    else:
        people, strata = complete_people(fit, newdata), strata_of(design, newdata)
        offset = offset_of(fit.recipe.formula, newdata)
        offset = np.zeros(len(people)) if offset is None else offset
    curves = []
    for person, x in enumerate(people - likelihood.centre):
        chosen = slice(None) if strata is None else slice(*sets.bounds[strata[person] : strata[person] + 2])
        relative = np.exp(x @ fit.coef + offset[person] - at.shift)
        cumhaz = relative * cumulative[chosen]
        away = relative * (cumulative[chosen, None] * x - drift[chosen])
        se = np.sqrt(relative**2 * variance[chosen] + np.einsum("kj,jl,kl->k", away, fit.vcov, away))
        curve = keys[chosen].assign(
            hazard=relative * at.hazard[chosen],
            cumhaz=cumhaz,
            se=se,
            surv=np.exp(-cumhaz),
            low=np.exp(-cumhaz - critical * se),
            high=np.exp(np.minimum(-cumhaz + critical * se, 0.0)),
        )
        if newdata is not None:
            curve.insert(0, "row", [newdata.index[person]] * len(curve))
        curves.append(curve)
    return pd.concat(curves, ignore_index=True)


def complete_people(fit: Fit, newdata: pd.DataFrame, where: str = "newdata") -> Array:
    """Code people of whom all is known, shape (m, p).

    Raises
    ------
    SpecError, DataError
        If there are none, or a column is not there or has a missing value.
    """
    formula = fit.recipe.formula
    needed = [*fit.recipe.inputs, *([formula.offset] if formula.offset else [])]
    check_columns(newdata, needed, where)
    if not len(newdata):
        raise DataError(f"{where} has no rows; give a row for each person.")
    for name in needed:
        if newdata[name].isna().any():
            raise DataError(f"{where}: '{name}' is missing in {int(newdata[name].isna().sum())} rows; leave them out.")
    return fit.recipe.matrix(newdata)


def strata_of(design: Design, newdata: pd.DataFrame, where: str = "newdata") -> Ints | None:
    """Stratum of each person; None when the design has no strata or `newdata` has not their columns.

    Raises
    ------
    DataError
        If a stratum is not of the fit.
    """
    names = design.recipe.formula.strata
    if not names or not set(names) <= set(newdata.columns):
        return None
    check_columns(newdata, names, where)
    people = zip(*(newdata[name] for name in names), strict=True)
    wanted = [", ".join(map(stratum_label, names, person)) for person in people]
    known = {label: stratum for stratum, label in enumerate(design.strata_labels)}
    unseen = [label for label in wanted if label not in known]
    if unseen:
        raise DataError(
            f"{where} has the stratum '{unseen[0]}', which the fit has not." + did_you_mean(unseen[0], known)
        )
    return np.array([known[label] for label in wanted])
