"""One set of covariates, many outcomes: Cox models that share everything but the follow-up."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

from riskkit import formula as language
from riskkit.design.columns import check_columns
from riskkit.design.design import Design, build
from riskkit.design.surv import Surv, surv
from riskkit.design.weights import WeightKind
from riskkit.errors import DataError, FitError, RiskkitError, SpecError
from riskkit.fit.cox import fit_design
from riskkit.fit.fit import Fit
from riskkit.fit.riskset import in_parts
from riskkit.formula import Formula


def cox_many(
    terms: str,
    data: pd.DataFrame,
    outcomes: Mapping[str, str],
    *,
    ties: str = "efron",
    weights: str | None = None,
    weight_kind: WeightKind = None,
    cluster: str | None = None,
    robust: bool = False,
    time_unit: str = "years",
    max_iterations: int = 30,
) -> dict[str, Fit | RiskkitError]:
    """Fit the same Cox model to many outcomes, coding the covariates once and fitting side by side.

    Knots, levels and cut points are learnt once, from the rows complete in the covariates. A row whose follow-up for an
    outcome is missing (prevalent disease, another sex) is never at risk of that outcome and counts in its `n_missing`.
    The fits are light: for residuals and other diagnostics of an outcome, fit it with `cox`.

    Parameters
    ----------
    terms : str
        The right-hand side of the formula: `rcs(igf1, 5) + bmi + strata(sex)`.
    data : DataFrame
        One row per person, or per period of follow-up.
    outcomes : mapping of str to str
        What to call an outcome, and its follow-up: `{"mi": "Surv(age_in, mi_age, mi)", "stroke": ...}`.
    ties, weights, weight_kind, cluster, robust, time_unit, max_iterations
        As `cox` takes them.

    Returns
    -------
    dict of outcome to Fit, or to the error that says why it has none
        In the order of `outcomes`.

    Raises
    ------
    SpecError
        If the terms or an argument cannot be understood, whatever the outcome.
    DataError
        If a covariate cannot be what the terms make of it.
    """
    if not isinstance(outcomes, Mapping) or not outcomes:
        raise SpecError('outcomes is empty or no mapping; name at least one, as in {"mi": "Surv(age_in, mi_age, mi)"}.')
    formulas = {
        name: language.parse(f"{response} ~ {terms.strip().removeprefix('~')}") for name, response in outcomes.items()
    }
    for name, formula in formulas.items():
        if not formula.survival:
            raise SpecError(f"outcome '{name}' must be Surv(time, event) or Surv(entry, exit, event).")
        check_columns(data, formula.response, f"outcome '{name}'")
    first = next(iter(formulas.values()))
    if any(("cuts", "noncases") in factor.options for term in first.terms for factor in term):
        raise SpecError('cuts="noncases" differ between outcomes; give the cut points, or fit one outcome at a time.')
    positions = data.copy(deep=False)
    positions.index = pd.RangeIndex(len(data))
    unsorted = build(replace(first, response=()), positions, weights=weights, weight_kind=weight_kind, cluster=cluster)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shared = in_order(unsorted, first, data, pool)
        del unsorted  # its matrix
        rows = shared.index.to_numpy()
        labels = data.index.take(rows)

        def take(column: str) -> pd.Series:
            return pd.Series(data[column].array.take(rows), index=labels, name=column, copy=False)

        entries = lru_cache(maxsize=1)(take)  # most often, all outcomes have the same

        def fit(name: str) -> Fit | RiskkitError:
            try:
                design, n = with_follow_up(shared, formulas[name], take, entries)
                fitted = fit_design(
                    design, ties=ties, robust=robust, time_unit=time_unit, max_iterations=max_iterations, threads=1
                )
            except (DataError, FitError) as error:  # a SpecError is about the arguments, wrong for every outcome
                return error
            return replace(fitted.light(summaries.result()), n=n, n_missing=len(data) - n)

        summaries = pool.submit(lambda: shared.summaries)
        return dict(zip(formulas, pool.map(fit, formulas), strict=True))


def in_order(design: Design, formula: Formula, data: pd.DataFrame, pool: ThreadPoolExecutor) -> Design:
    """The same design in order of stratum and exit, so that sums over risk sets walk through memory in order."""
    exit_ = data[formula.response[-2]].array.take(design.index)
    order = exit_.argsort() if pd.api.types.is_numeric_dtype(exit_) else np.arange(len(exit_))
    if design.strata is not None:
        short = np.min_scalar_type(design.strata.max())  # integers of 16 bits are sorted in linear time
        order = order[np.argsort(design.strata[order].astype(short), kind="stable")]
    x = np.empty_like(design.x)

    def gather(rows: slice) -> None:
        np.take(design.x, order[rows], axis=0, out=x[rows], mode="clip")  # any other mode makes a copy first

    in_parts(gather, len(x), pool)
    taken = {
        name: values[order]
        for name in ("index", "strata", "offset", "weights", "cluster")
        if (values := getattr(design, name)) is not None
    }
    return replace(design, x=x, source=None, rows=None, **taken)


def with_follow_up(
    shared: Design, formula: Formula, take: Callable[[str], pd.Series], entries: Callable[[str], pd.Series]
) -> tuple[Design, int]:
    """The shared design with an outcome's follow-up, and the number of rows that have it.

    `take` gives a column of the data in the order of the shared design's rows; `entries` does, and keeps the latest.
    """
    *entry, exit_, event = formula.response
    columns = [*map(entries, entry), take(exit_), take(event)]
    present = np.logical_and.reduce([column.notna() for column in columns])
    if not present.any():
        raise DataError(f"of {present.size} rows complete in the covariates none has {', '.join(formula.response)}.")
    complete = present.all()
    *starts, ends, events = columns if complete else [column[present] for column in columns]
    known = surv(starts[0] if starts else None, ends, events)
    response = known if complete else _among_all(known, present)
    recipe = replace(shared.recipe, formula=formula)
    return replace(shared, recipe=recipe, response=response, index=ends.index), int(present.sum())


def _among_all(known: Surv, present: np.ndarray) -> Surv:
    """Follow-up of all rows, those without any leaving before time zero, so that they are never at risk."""
    n = present.size
    before_all_events = np.nextafter(0.0, -1.0)
    exit_, event = np.full(n, before_all_events), np.zeros(n, dtype=bool)
    exit_[present], event[present] = known.exit, known.event
    if known.entry is None:
        return Surv(None, exit_, event)
    entry = np.full(n, before_all_events)
    entry[present] = known.entry
    return Surv(entry, exit_, event)
