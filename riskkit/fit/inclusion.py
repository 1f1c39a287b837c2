"""Weights that make a nested case-control sample stand for its cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.columns import check_columns
from riskkit.design.draws import AtRisk, at_risk
from riskkit.design.sampling import survival_formula
from riskkit.design.surv import indicator
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import check_choice
from riskkit.fit.logistic import logistic

METHODS = ("samuelsen", "glm")


def ncc_weights(
    cohort: pd.DataFrame,
    sampled: str,
    *,
    follow_up: str = "Surv(entry, exit, event)",
    controls: int = 1,
    match: Sequence[str] = (),
    within: Mapping[str, float] | None = None,
    method: str = "samuelsen",
) -> pd.Series:
    """Inverse probabilities of being in a nested case-control sample: 1 for cases, more for controls.

    With them a sample is a weighted cohort, free of its sets: `rk.cox(..., weights="w", robust=True)` on the people
    sampled, each once, for any outcome and with absolute risks.

    Parameters
    ----------
    cohort : DataFrame, shape (n, ...)
        Everybody, one row a person, with follow-up and what controls were matched on; other columns may be missing
        outside the sample.
    sampled : str
        Column, 0/1 or boolean: whether a person is in the sample, as a case or as a control.
    follow_up : str
        "Surv(entry, exit, event)" or "Surv(time, event)" of the outcome whose cases controls were drawn for.
    controls : int
        Controls drawn a case.
    match, within
        What they were matched on, as in `rk.sample_controls`.
    method : {"samuelsen", "glm"}
        Samuelsen's probability (also called the Kaplan-Meier one): 1 - prod(1 - m / (n - 1)) over the risk sets, of n
        people, that a person was in. "glm": a logistic model, among people without the event, of having been sampled
        on entry, exit and what was matched on, for when the number of controls is not known.

    Returns
    -------
    Series, shape (n,)
        NaN for people outside the sample.

    Raises
    ------
    SpecError
        If an argument is not one of its choices.
    DataError
        If somebody sampled could not have been: a control from outside every risk set.

    References
    ----------
    Samuelsen SO (1997) Biometrika 84:379; Stoer NC, Samuelsen SO (2012) Lifetime Data Anal 18:261. The robust
    covariance is somewhat too large, for it takes the probabilities as given. R: multipleNCC::wpl.
    """
    check_choice("method", method, METHODS)
    check_columns(cohort, [sampled], "ncc_weights")
    people = at_risk(cohort, follow_up, controls, match, within, "ncc_weights")
    if cohort[sampled].isna().any():
        raise DataError(
            f"'{sampled}' is missing in {int(cohort[sampled].isna().sum())} rows; it is 0 or 1 of everybody."
        )
    inside, case = indicator(cohort[sampled], "column of people sampled"), people.follow.event
    if (case & ~inside).any():
        raise DataError(
            f"{int((case & ~inside).sum())} people with the event are not in '{sampled}'; a nested case-control sample "
            "has all cases. Mark as events those only that controls were drawn for."
        )
    by_design = _probability(people, controls)
    stray = inside & ~case & (by_design <= 0)
    if stray.any():
        raise DataError(
            f"{int(stray.sum())} controls were in no case's risk set, first {cohort.index[stray][0]}: they are from "
            "outside the sets they could have been drawn from. Correct follow-up or matching, or leave them out."
        )
    if method == "glm":
        match = [match] if isinstance(match, str) else list(match)
        by_design = _modelled(cohort, sampled, follow_up, [*match], list(within or {}), ~case)
    weights = np.full(len(cohort), np.nan)
    weights[inside] = np.where(case, 1.0, 1 / np.where(by_design > 0, by_design, np.nan))[inside]
    return pd.Series(weights, index=cohort.index, name="weight")


def _probability(people: AtRisk, controls: int) -> Array:
    never = np.zeros(people.follow.exit.size)  # log probability of never having been drawn
    with np.errstate(divide="ignore"):
        for _, others in people.risk_sets():
            if others.size:
                never[others] += np.log1p(-min(1.0, controls / others.size))
    return -np.expm1(never)


def _modelled(
    cohort: pd.DataFrame, sampled: str, follow_up: str, match: list[str], near: list[str], free: np.ndarray
) -> Array:
    *entry, exit_, _ = survival_formula(f"{follow_up} ~ 1").response
    terms = [*entry, exit_, *(f"C({name})" for name in match), *near]
    others = cohort.loc[free, [sampled, *entry, exit_, *match, *near]]
    fit = logistic(f"{sampled} ~ {' + '.join(dict.fromkeys(terms))}", others)
    if fit.n_missing:
        raise SpecError(f"ncc_weights: {fit.n_missing} rows have a missing value in {', '.join(terms)}; fill them.")
    out = np.zeros(len(cohort))
    out[free] = 1 / (1 + np.exp(-fit.predict(others)["estimate"].to_numpy()))
    return out
