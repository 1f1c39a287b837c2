"""Cox models of nested case-control samples: the partial likelihood of sampled risk sets."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, build
from riskkit.design.sampling import NestedCaseControl, survival_formula
from riskkit.design.surv import TIE, Surv, indicator
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.kernel import Ints


def nested_case_control(
    formula: str,
    data: pd.DataFrame,
    sampling: NestedCaseControl,
    *,
    penalty: str | None = None,
    max_iterations: int = 30,
) -> Fit:
    """Fit Cox's model to sampled risk sets; `riskkit.cox(..., sampling=NestedCaseControl(...))` calls this.

    The partial likelihood of sampled risk sets is that of a Cox model with the sets as strata.

    Raises
    ------
    SpecError, DataError, FitError
        As `riskkit.cox`, and for sets that are none: without a case or with two, without a control, with a control who
        was not at risk at the time of the case.
    """
    from riskkit.fit.cox import fit_design  # cox imports this module's functions

    parsed = survival_formula(formula)
    if parsed.strata:
        raise SpecError("the sets of a nested case-control sample are its strata; leave out strata(...).")
    named = [sampling.set, sampling.case, *([sampling.weights] if sampling.weights else [])]
    check_columns(data, named, "a nested case-control sample")
    for name in named:
        if data[name].isna().any():
            raise DataError(f"'{name}' is missing in {int(data[name].isna().sum())} rows; leave them out.")
    rows = data.reset_index(drop=True)
    case = indicator(rows[sampling.case], "case column")
    codes, names = pd.factorize(rows[sampling.set], sort=True)
    time = _times_of_sets(rows, parsed.response, codes, np.asarray(names, dtype=object), case)
    design = build(parsed, rows)
    if design.cluster is not None:
        raise SpecError("sampled risk sets have a model-based covariance; leave out cluster.")
    used = design.index.to_numpy()
    kept, sets = np.unique(codes[used], return_inverse=True)
    offset = None if sampling.weights is None else _log_weights(rows[sampling.weights])[used]
    if design.offset is not None:
        offset = design.offset if offset is None else offset + design.offset
    design = replace(
        design,
        response=Surv(None, time[codes[used]], case[used]),
        strata=sets,
        strata_labels=tuple(f"{sampling.set}={names[code]}" for code in kept),
        offset=offset,
        index=data.index[used],
        sampling="nested case-control",
    )
    return _matched(
        design, len(names), partial(fit_design, ties="breslow", penalty=penalty, max_iterations=max_iterations)
    )


def _matched(design: Design, n_sets: int, fit_design: partial[Fit]) -> Fit:
    """Fit sampled risk sets; to other columns of the same sets, too."""
    fit = fit_design(design)
    assert isinstance(design.response, Surv)
    assert design.strata is not None
    size = np.bincount(design.strata)
    cases = np.bincount(design.strata, design.response.event, size.size)
    idle = n_sets - int(((cases > 0) & (cases < size)).sum())
    notes = [f"nested case-control sample of {n_sets:,} sets; whoever stands in several counts in each."]
    if idle:
        notes.append(f"{idle:,} of them have lost their case or all controls to missing values and tell nothing.")
    return replace(
        fit,
        method="partial likelihood of sampled risk sets"
        + (", Firth's penalty" if fit.method.startswith("Firth") else ""),
        person_years=float("nan"),
        notes=(*notes, *(note for note in fit.notes if "strata have no events" not in note)),
        refit=partial(_matched, n_sets=n_sets, fit_design=fit_design),
    )


def _log_weights(values: pd.Series) -> Array:
    weights = values.to_numpy(dtype=float)
    if not (weights > 0).all():
        raise DataError(
            f"weights '{values.name}' must be positive: {int((weights <= 0).sum())} rows have zero or less."
        )
    return np.asarray(np.log(weights))


def _times_of_sets(
    rows: pd.DataFrame, response: tuple[str, ...], codes: Ints, names: NDArray[np.object_], case: NDArray[np.bool_]
) -> Array:
    """Time of the case of each set, shape (S,), refusing sets that are no sampled risk sets."""
    check_columns(rows, response, "a nested case-control sample")
    size, cases = np.bincount(codes), np.bincount(codes, case)
    for wrong, what in (
        (cases == 0, "have no case; leave them out"),
        (cases > 1, "have more than one case; give each case a set of its own (or fit riskkit.clogit)"),
        (size < 2, "have no control; leave them out"),
    ):
        if wrong.any():
            raise DataError(f"{int(wrong.sum())} of {size.size} sets {what}, first set {names[wrong][0]}.")
    *entry, exit_, event = response
    if (rows.loc[case, event] != 1).any():
        raise DataError(f"'{event}' is not 1 for some cases; Surv(...) takes each person's own follow-up and event.")
    if rows.loc[case, exit_].isna().any():
        raise DataError(
            f"'{exit_}' is missing for some cases, so the time of their sets is not known; leave those out."
        )
    time = np.empty(size.size)
    time[codes[case]] = rows.loc[case, exit_].to_numpy(dtype=float)
    at, slack = time[codes], TIE * np.abs(time[codes])
    late = np.zeros(len(rows), dtype=bool) if not entry else (rows[entry[0]] >= at - slack).to_numpy()
    stray = (rows[exit_] < at - slack).to_numpy() | late
    if stray.any():
        first = int(np.flatnonzero(stray)[0])
        raise DataError(
            f"{int(stray.sum())} controls were not at risk at the time of their case (entry < t <= exit), first in set "
            f"{names[codes[first]]}: t = {at[first]:g}, the control's '{exit_}' is {rows[exit_].iloc[first]:g}. They "
            "are from outside the risk set; leave them out."
        )
    return time
